"""Order candidates and say how probable it is that the best one answers.

Three things speak, each on the scale of log-odds: the evidence of the search
(`kb.ranking.evidence`), the reader, which reads the best few together with the question, and the
knowledge base's own questions where entries have several wordings (`kb.ranking.own_questions`). The
weights of the first two ship with the project (`kb/ranking/data/weights.json`, made by
`training/fit_ranking.py`).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field, replace
from pathlib import Path
from typing import Any, Self

import numpy as np

from core.types import Chunk, Hit, Vector
from kb.index.table import RowHit
from kb.ranking.calibration import Doubles, Linear, log_odds
from kb.ranking.candidates import Candidate, Reading, gather
from kb.ranking.evidence import FEATURES, Evidence, certainty
from kb.ranking.features import Floats
from kb.ranking.own_questions import OwnQuestions
from kb.text.language import detect_language
from kb.text.layout import is_cut
from kb.text.spelling import corrected
from kb.text.stems import content_words

SENTENCES_OF = 8
"""Candidates of which the reader reads each sentence: the best by what it says of the whole."""
_SURE_OF_OWN = 0.9
"""Probability by the base's own questions above which the reader is not asked."""
_ALONE = 0.9
"""Weight of the base's own questions above which it is not asked either."""
_BESIDE = 0.2
"""What their log-odds count beside those of the texts."""
_MOST_ODDS = 5.0
_FILE = Path(__file__).parent / "data" / "weights.json"


@dataclass(frozen=True, slots=True)
class Weights:
    """The weights that ship with the project."""

    order: Linear
    """Log-odds of a candidate by its evidence."""
    certain: Linear
    """Log-odds that the best one answers, by `kb.ranking.evidence.certainty`."""
    read_order: Linear
    """Log-odds of a candidate by its evidence and what the reader says of it."""
    read_certain: Linear

    @classmethod
    def load(cls) -> Self:
        """Read the file that ships with the project."""
        values: dict[str, Any] = json.loads(_FILE.read_text("utf-8"))
        names = ("order", "certain", "read_order", "read_certain")
        return cls(*(Linear.from_json(values[name]) for name in names))


@dataclass(frozen=True, slots=True)
class Ranked:
    """The candidates of one question, best first."""

    question: str
    candidates: tuple[Candidate, ...]
    scores: Doubles
    """Log-odds of each."""
    probability: float
    """That the best one answers."""
    features: Floats
    own: Doubles
    """Log-odds of each by the base's own questions; NaN where these say nothing."""
    settled: bool
    """Whether the reader could not change anything."""

    def hits(self) -> list[Hit]:
        """Return the candidates with their probabilities, the most probable first."""
        if not self.candidates:
            return []
        odds = np.exp(self.scores - self.scores[0])
        shares = np.minimum(odds / max(odds.sum(), 1e-9), odds * self.probability)
        return [
            Hit(c.chunk, c.score, self.probability if place == 0 else float(share))
            for place, (c, share) in enumerate(zip(self.candidates, shares, strict=True))
        ]


@dataclass(frozen=True, eq=False)
class Ranker:
    """Judges what was found for a question. Pure; holds only parameters."""

    weights: Weights
    _: KW_ONLY
    own: OwnQuestions | None = None
    evidence: Evidence = field(default_factory=Evidence)
    vocabulary: Mapping[str, int] | None = None
    """Words of the knowledge base with how often they stand in it; ``None`` corrects no errors."""

    def untrained(self) -> "Ranker":
        """Return the same without what was learned of the entries: any rows may be asked."""
        return replace(self, own=None)

    def corrected(self, question: str) -> str:
        """Return a question without typing errors, as far as words alone tell them."""
        if self.vocabulary is None:
            return question
        return corrected(question, detect_language(question), self.vocabulary)

    def asks_second(self, question: str) -> bool:
        """Tell whether a second model's vector of a question helps to judge entries."""
        pair = self.own.pair if self.own else None
        return pair is not None and pair.reads(question)

    def rank(
        self,
        question: str,
        vector: Vector,
        *,
        own: Sequence[RowHit],
        stated: Sequence[RowHit],
        text: Sequence[RowHit],
        second: Vector | None = None,
    ) -> Ranked:
        """Return the candidates, judged by the search and the base's own questions.

        `own`, `stated` and `text` are what three searches found, see `gather`; `second` is the
        question's vector by a second model, where `asks_second` wants it.
        """
        candidates = gather(own, stated, text)
        if not candidates:
            nothing = np.zeros(0)
            features = np.zeros((0, 0), np.float32)
            return Ranked(question, (), nothing, 0.0, features, nothing, True)
        features = self.evidence.of(question, candidates)
        scores = self.weights.order.score(features)
        by_own = self._by_own(question, vector, candidates, features, second)
        sure = self.own is not None and bool(
            self.own.weight > _ALONE
            or np.nanmax(np.append(by_own, -np.inf)) > log_odds(_SURE_OF_OWN)
        )
        found = Ranked(question, tuple(candidates), scores, 0.0, features, by_own, sure)
        return self._judged(found, self.weights.certain)

    def read(self, ranked: Ranked, readings: Sequence[Reading]) -> Ranked:
        """Return the best candidates judged anew with what the reader says of them, in order."""
        few = len(readings)
        said = np.asarray([reading.features() for reading in readings], np.float32)
        features, own = ranked.features[:few], ranked.own[:few]
        scores = self.weights.read_order.score(np.concatenate([features, said], axis=1))
        best = ranked.candidates[:few]
        found = Ranked(ranked.question, best, scores, 0.0, features, own, True)
        return self._judged(found, self.weights.read_certain)

    def _by_own(
        self,
        question: str,
        vector: Vector,
        candidates: Sequence[Candidate],
        features: Floats,
        second: Vector | None,
    ) -> Doubles:
        """Return what the base's own questions say of each candidate."""
        said = np.full(len(candidates), np.nan)
        places = [place for place, one in enumerate(candidates) if one.chunk.kind == "faq"]
        if self.own is not None and places:
            entries = [candidates[place].chunk for place in places]
            across = bool(features[places[0], FEATURES.index("foreign")])
            judged = self.own.score(question, vector, entries, second, across=across)
            if judged is not None:
                said[places] = np.clip(log_odds(judged), -_MOST_ODDS, _MOST_ODDS)
        return said

    def _judged(self, found: Ranked, certain: Linear) -> Ranked:
        """Put the order and the certainty together, and sort."""
        weight = self.own.weight if self.own is not None else 0.0
        texts = 1 - weight
        wordings = weight + _BESIDE * texts if weight else 0.0
        own, known = found.own, np.isfinite(found.own)
        told = texts * found.scores + wordings * np.where(known, own, 0)
        blended = np.where(known, told, found.scores)
        order = np.argsort(-blended, kind="stable")
        best = int(order[0])
        words = len(content_words(found.question))
        # Neither the same text in another language nor the rest of one section that was cut, a
        # long table or procedure that likely answers, takes anything away from how sure this is.
        chunks = [c.chunk for c in found.candidates]
        likely = blended[best] > 0
        rivals = np.asarray(
            [
                chunk.language == chunks[best].language
                and not (likely and _goes_on(chunk, chunks[best]))
                for chunk in chunks
            ]
        )
        judged = certainty(found.features[rivals], blended[rivals].astype(np.float32), words)
        odds = float(certain.score(judged[None])[0])
        if known[best]:
            odds = texts * odds + wordings * float(own[best])
        return replace(
            found,
            candidates=tuple(found.candidates[place] for place in order),
            scores=blended[order],
            probability=float(1 / (1 + np.exp(-odds))),
            features=found.features[order],
            own=own[order],
        )


def _goes_on(chunk: Chunk, best: Chunk) -> bool:
    """Tell whether another passage has the rest of the best one's table or procedure."""
    section = (best.kind, best.doc_id, best.title)
    same = (chunk.kind, chunk.doc_id, chunk.title) == section and best.kind == "passage"
    return chunk is not best and same and is_cut(best.text, best.language)
