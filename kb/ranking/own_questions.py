"""What a base's own questions say about a new one, where entries have several wordings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from core.types import Chunk, Vector
from kb.ranking.calibration import Doubles
from kb.ranking.features import Floats, Ints
from kb.ranking.kernel import CONFIDENCE, Kernel, Models, confidence_features, entry_evidence
from kb.ranking.pair import Pair, between, paired

MOST_CANDIDATES = 40
"""Entries that the kernel judges: those of the nearest rows."""
_ENOUGH = 12
"""Further wordings of an entry, on average, from which they decide alone."""


@dataclass(frozen=True, slots=True)
class OwnQuestions:
    """A trained kernel with the entries that it knows."""

    kernel: Kernel
    models: Models
    numbers: Mapping[str, int]
    """Number of each entry, by chunk id; entries with the same text and answer share one."""
    pair: Pair | None = None
    """The same of two embedders, where the second one helps: it ranks, and both say how sure."""

    @property
    def weight(self) -> float:
        """How much this counts beside the texts themselves, 0 to 1: more with more wordings."""
        further = len(self.kernel.owners) / (int(self.kernel.owners.max()) + 1) - 1
        return min(1.0, (further / _ENOUGH) ** 2)

    def score(
        self,
        question: str,
        vector: Vector,
        chunks: Sequence[Chunk],
        second: Vector | None = None,
        *,
        across: bool = False,
    ) -> Floats | None:
        """Return the probability of each entry; ``None`` if one of them is unknown.

        They come the nearest first; those beyond `MOST_CANDIDATES` have probability 0. `second` is
        the question's vector by the second embedder; ``None``: the first one judges. `across`: they
        are in another language than the question.
        """
        numbers = np.asarray([self.numbers.get(chunk.chunk_id, -1) for chunk in chunks])
        if numbers.min() < 0:
            return None
        candidates = np.sort(np.asarray(list(dict.fromkeys(numbers.tolist()))[:MOST_CANDIDATES]))
        scores, sure = _judge(self, question, vector, candidates, across=across)
        if second is not None and self.pair is not None:
            both = paired(vector, second, self.pair.share)
            scores, by_both = _judge(self.pair, question, both, candidates, across=across)
            sure = float(between(sure, by_both))
        judged = _spread(scores, sure)
        by_number = np.zeros(int(self.kernel.owners.max()) + 1, np.float32)
        by_number[candidates] = judged
        return np.asarray(by_number[numbers])


def _judge(
    by: OwnQuestions | Pair, question: str, vector: Vector, candidates: Ints, *, across: bool
) -> tuple[Doubles, float]:
    """Return the scores of the candidates, and how sure the best one is."""
    votes = by.kernel.ask(question, vector, candidates)
    if across:
        # Another language's words say nothing about what an entry lacks.
        usual = float(by.models.sure.mean[CONFIDENCE.index("lacks")])
        votes = replace(votes, lacks=np.full(len(candidates), usual, np.float32))
    alive = np.ones(len(by.kernel.owners), bool)
    evidence = entry_evidence(votes, by.kernel.owners, candidates, alive)
    scores = by.models.rank.score(evidence)
    features = confidence_features(votes, evidence, scores.astype(np.float32))
    return scores, float(by.models.sure.probability(features[None])[0])


def _spread(scores: Doubles, sure: float) -> Floats:
    """Return probabilities of all candidates: of the best `sure`, of the others what their odds
    against it allow."""
    odds = np.exp(scores - scores.max())
    judged = np.minimum(odds / odds.sum(), odds * sure)
    judged[np.argmax(scores)] = sure
    return np.asarray(judged, np.float32)
