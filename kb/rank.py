"""From the rows that a search found to chunks, each with the probability that it answers.

Entries are judged by what the knowledge base's own questions say (`kb.kernel`), once `kb.train`
has been through with it; passages, and entries of a base that is too large or not trained yet, by
the evidence of the found rows alone: nearness, characters and the question's words. The weights of
the latter ship with the project (`kb/data/default_rank.json`).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np
import numpy.typing as npt

from core.types import Chunk, ChunkKind, Hit, Vector
from kb.calibrate import Doubles, Linear, expit, log_odds
from kb.features import (
    BagCache,
    Floats,
    Ints,
    Rarity,
    best_and_mean,
    char_bags,
    margin,
    word_bags,
)
from kb.judge import EntryJudge
from kb.kernel import Models
from kb.passages import (
    NO_OPINION,
    SORTS,
    Opinion,
    Sort,
    passage_sureness,
    reordered,
    sort_of,
    spread,
)
from kb.text import words
from kb.unheard import Openness, doubted, names_in, spelled_in

DEFAULTS = Path(__file__).parent / "data" / "default_rank.json"

FEATURES = ("best", "mean", "lift", "margin", "char", "char_margin", "cover", "cover_margin")
"""Evidence of found rows for a candidate, in the order of the weights; see `row_evidence`."""

_KEPT_TEXTS = 1_000
"""Rows whose n-grams are kept, of characters and of words; at most 20 MB."""

_CROWD = slice(10, 50)
"""Ranks of the candidates that stand for "near, yet not the answer"."""


class FoundRow(Protocol):
    """What ranking reads of a row that a search returned (`kb.index.RowHit`)."""

    @property
    def chunk(self) -> Chunk:
        """The row's chunk."""
        ...

    @property
    def text(self) -> str:
        """The text that matched."""
        ...

    @property
    def score(self) -> float:
        """Cosine similarity, or the score of full-text search."""
        ...


@dataclass(frozen=True, slots=True)
class Defaults:
    """The weights that ship with the project."""

    rows: Mapping[ChunkKind, Linear]
    """Judges a candidate by `row_evidence`; passages are only ordered by it."""
    passages: Mapping[Sort, Linear]
    """How sure the best passage is, by `kb.passages.passage_sureness`."""
    several: Models
    """For entries with variants; also what training starts from."""
    single: Models
    """For entries with one question each."""

    @classmethod
    def load(cls) -> Self:
        """Read the file that ships with the project."""
        values: dict[str, Any] = json.loads(DEFAULTS.read_text("utf-8"))
        return cls(
            {kind: Linear.from_json(values["rows"][kind]) for kind in ("faq", "passage")},
            {sort: Linear.from_json(values["passages"][sort]) for sort in SORTS},
            Models.from_json(values["several"]),
            Models.from_json(values["single"]),
        )


@dataclass(frozen=True, slots=True)
class Pool:
    """The rows found for one question, by candidate."""

    chunks: tuple[Chunk, ...]
    """The nearest first."""
    owner: Ints
    """For each row, the number of its chunk in `chunks`."""
    dense: Floats
    """Cosine similarity of each row; of a row that only full-text search found, the lowest."""
    texts: tuple[str, ...]

    @classmethod
    def of(cls, dense: Sequence[FoundRow], text: Sequence[FoundRow]) -> Self:
        """Put the rows of both searches together; a row that both found is there once."""
        floor = min((hit.score for hit in dense), default=0.0)
        rows: dict[tuple[str, str], tuple[Chunk, float]] = {}
        for hit in dense:
            rows.setdefault((hit.chunk.chunk_id, hit.text), (hit.chunk, hit.score))
        for hit in text:
            rows.setdefault((hit.chunk.chunk_id, hit.text), (hit.chunk, floor))
        numbers: dict[str, int] = {}
        owner = [numbers.setdefault(chunk_id, len(numbers)) for chunk_id, _ in rows]
        chunks = {chunk.chunk_id: chunk for chunk, _ in rows.values()}
        return cls(
            tuple(chunks[chunk_id] for chunk_id in numbers),
            np.asarray(owner, np.int64),
            np.asarray([score for _, score in rows.values()], np.float32),
            tuple(text for _, text in rows),
        )

    def rivals(self) -> Ints | None:
        """Number the candidates; those of one number do not compete. ``None``: all do.

        Entries all compete. Of passages, what stands beside the best one in its document speaks
        for it, not against it; records of a table, and passages of a base of one document, compete.
        """
        if self.chunks[0].kind == "faq":
            return None
        keys = [(chunk.doc_id, chunk.entry_id) for chunk in self.chunks]
        numbers = {key: number for number, key in enumerate(dict.fromkeys(keys))}
        if len(numbers) < 2:
            return None
        return np.asarray([numbers[key] for key in keys], np.int64)


def row_evidence(
    owner: Ints,
    dense: Floats,
    char: Floats,
    cover: Floats,
    n: int,
    groups: Ints | None = None,
) -> Floats:
    """Return the features of `n` candidates from those of their rows, shape (n, features).

    Args:
        owner: candidate of each row; every candidate has at least one.
        dense: cosine similarity of each row.
        char: tf-idf cosine of character n-grams of each row.
        cover: share of the question's words that stand in each row.
        n: number of candidates.
        groups: a number for each candidate, 0 and up; candidates of one group do not compete.
    """
    best, mean = best_and_mean(owner, dense, n)
    char_best, _ = best_and_mean(owner, char, n)
    cover_best, _ = best_and_mean(owner, cover, n)
    crowd = np.sort(best)[::-1][_CROWD]
    level = float(crowd.mean()) if len(crowd) >= 5 else float(best.min())
    columns = [
        best,
        mean,
        best - level,
        margin(best, groups),
        char_best,
        margin(char_best, groups),
        cover_best,
        margin(cover_best, groups),
    ]
    return np.stack(columns, axis=1).astype(np.float32)


class Ranker:
    """Turns the rows found for a question into ranked chunks. Pure; holds only parameters."""

    def __init__(
        self,
        defaults: Defaults,
        *,
        entries: EntryJudge | None = None,
        char_rarity: Rarity | None = None,
        word_rarity: Rarity | None = None,
        passage_shift: float = 0.0,
    ) -> None:
        """Take the parameters.

        `passage_shift` is taken off the log-odds of passages: what off-topic messages reach in
        this very base (`kb.null`).
        """
        self._defaults = defaults
        self._rows = defaults.rows
        self._passages = defaults.passages
        self._shift = passage_shift
        self._entries = entries
        self._chars = char_rarity or Rarity.flat()
        self._words = word_rarity or Rarity.flat()
        self._char_bags = BagCache(char_bags, size=_KEPT_TEXTS)
        self._word_bags = BagCache(word_bags, size=_KEPT_TEXTS)

    def untrained(self) -> "Ranker":
        """Return the same without what was learned of the entries: any rows may be asked."""
        return Ranker(
            self._defaults,
            char_rarity=self._chars,
            word_rarity=self._words,
            passage_shift=self._shift,
        )

    def asks_second(self, question: str) -> bool:
        """Tell whether a second model's vector of a question helps to judge entries."""
        pair = self._entries.pair if self._entries else None
        return pair is not None and pair.reads(question)

    def rank(
        self,
        question: str,
        vector: Vector,
        *,
        dense: Sequence[FoundRow],
        text: Sequence[FoundRow],
        opinion: Opinion = NO_OPINION,
        second: Vector | None = None,
    ) -> list[Hit]:
        """Return the candidates, the most probable first.

        Entries and passages are judged apart: a passage that also answers takes nothing from an
        entry's probability.

        Args:
            question: as it was embedded.
            vector: its vector.
            dense: rows found by vector, nearest first.
            text: rows found by full-text search.
            opinion: on passages, of a model that has read them.
            second: the question's vector by a second model, where `asks_second` wants it.
        """
        hits: list[Hit] = []
        for kind, weights in self._rows.items():
            pool = Pool.of(
                [hit for hit in dense if hit.chunk.kind == kind],
                [hit for hit in text if hit.chunk.kind == kind],
            )
            if not pool.chunks:
                continue
            if kind == "passage":
                hits += _hits(pool, self._judge_passages(question, pool, weights, opinion))
                continue
            judge = self._entries
            known = judge.judge(question, vector, pool.chunks, second) if judge else None
            if known is None:
                known = weights.probability(self.evidence(question, pool)).astype(np.float32)
            hits += _hits(pool, known)
        if self._names_the_unheard(question, [*dense, *text]):
            openness = self._entries.openness if self._entries else Openness()
            hits = doubted(question, hits, openness)
        return sorted(hits, key=lambda hit: (-hit.probability, -hit.score, hit.chunk.chunk_id))

    def _names_the_unheard(self, question: str, found: Sequence[FoundRow]) -> bool:
        """Tell whether a question gives a name that the base has not, however it is spelled.

        Another spelling is looked for in what was found: the name itself brings it there.
        """
        unheard = [
            part
            for name in names_in(question)
            for part in words(name)
            if self._words.of_terms([part])[0] >= self._words.most
        ]
        read = [_read(row.chunk, row.text) for row in found] if unheard else []
        return any(not spelled_in(part, read) for part in unheard)

    def evidence(self, question: str, pool: Pool) -> Floats:
        """Return what the found rows say of each candidate, shape (candidates, len(FEATURES))."""
        chars, terms = char_bags([question]), word_bags([question])
        read = [_read(pool.chunks[o], t) for o, t in zip(pool.owner, pool.texts, strict=True)]
        char = self._chars.cosine(chars, self._char_bags.bags(pool.texts))[0]
        cover = self._words.coverage(terms, self._word_bags.bags(read))[0]
        return row_evidence(pool.owner, pool.dense, char, cover, len(pool.chunks), pool.rivals())

    def _judge_passages(
        self, question: str, pool: Pool, weights: Linear, opinion: Opinion
    ) -> Floats:
        """Order the passages, then read the best of them for how sure it is."""
        read = self._read_passages(question, pool, weights, opinion)
        sure = float(self._passages[read.sort].probability(read.features[None])[0])
        sure = float(_shifted(np.asarray([sure]), opinion.surer.get(read.best.chunk_id, 0.0))[0])
        return _shifted(spread(read.scores, sure), -self._shift)

    def read_passages(
        self, question: str, *, dense: Sequence[FoundRow], text: Sequence[FoundRow]
    ) -> "ReadPassages | None":
        """Return what the best passage is judged by, to learn from; ``None`` if none was found.

        Args:
            question: as it was embedded.
            dense: rows found by vector, nearest first.
            text: rows found by full-text search.
        """
        pool = Pool.of(
            [hit for hit in dense if hit.chunk.kind == "passage"],
            [hit for hit in text if hit.chunk.kind == "passage"],
        )
        if not pool.chunks:
            return None
        return self._read_passages(question, pool, self._rows["passage"])

    def _read_passages(
        self,
        question: str,
        pool: Pool,
        weights: Linear,
        opinion: Opinion = NO_OPINION,
    ) -> "ReadPassages":
        evidence = self.evidence(question, pool)
        likes = opinion.likes
        places = {n: likes[c.chunk_id] for n, c in enumerate(pool.chunks) if c.chunk_id in likes}
        scores = reordered(weights.score(evidence), places)
        best = pool.chunks[int(scores.argmax())]
        features = passage_sureness(
            question,
            pool.chunks,
            evidence=evidence,
            scores=scores,
            groups=pool.rivals(),
            chars=self._chars,
            words=self._words,
        )
        return ReadPassages(best, sort_of(question, best), features, scores)


def _shifted(probabilities: npt.NDArray[np.floating], by: float) -> Floats:
    """Return probabilities with something added to their log-odds."""
    return np.asarray(expit(log_odds(probabilities) + by), np.float32)


@dataclass(frozen=True, slots=True)
class ReadPassages:
    """The passages found for a question, and what tells how sure the best of them is."""

    best: Chunk
    sort: Sort
    features: Floats
    """In the order of `kb.passages.FEATURES`."""
    scores: Doubles
    """Of all, by which they are ordered."""


def _hits(pool: Pool, probabilities: Floats) -> list[Hit]:
    best, _ = best_and_mean(pool.owner, pool.dense, len(pool.chunks))
    return [
        Hit(chunk, float(score), float(p))
        for chunk, score, p in zip(pool.chunks, best, probabilities, strict=True)
    ]


def _read(chunk: Chunk, text: str) -> str:
    """Return the words in which a question's own may stand: of an entry, also its answer."""
    return (
        f"{chunk.title}\n{text}\n{chunk.answer}"
        if chunk.kind == "faq"
        else f"{chunk.title}\n{text}"
    )
