"""From the rows that a search found to chunks, each with the probability that it answers.

The evidence for a candidate is its nearest texts by meaning, their characters and the question's
words, each also compared with the next candidate. A logistic model weighs it. Its weights are
learned from the knowledge base itself (`kb.train`); where that has too few examples, and until it
is done, the weights that ship with the project are used (`kb/data/default_rank.json`).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np

from core.types import Chunk, ChunkKind, Hit
from kb.features import Bags, Floats, Ints, Rarity, char_bags, word_bags

_DEFAULT = Path(__file__).parent / "data" / "default_rank.json"

FEATURES = ("best", "mean", "lift", "margin", "char", "char_margin", "cover", "cover_margin")
"""Evidence for a candidate, in the order of the weights; see `evidence`."""

_CROWD = slice(10, 50)
"""Ranks of the rows that stand for "near, yet not the answer"."""


class FoundRow(Protocol):
    """What ranking reads of a row that a search returned."""

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
class Weights:
    """A logistic model of one kind of chunk."""

    mean: Floats
    scale: Floats
    coefficients: Floats
    intercept: float

    @classmethod
    def parse(cls, values: Mapping[str, Any]) -> Self:
        """Read the weights from JSON."""
        return cls(
            np.asarray(values["mean"], np.float32),
            np.asarray(values["scale"], np.float32),
            np.asarray(values["coefficients"], np.float32),
            float(values["intercept"]),
        )

    def probability(self, features: Floats) -> Floats:
        """Return the probability of each row of `features`, shape (n,)."""
        z = ((features - self.mean) / self.scale) @ self.coefficients + self.intercept
        return np.asarray(1 / (1 + np.exp(-np.clip(z, -30, 30))), np.float32)


@dataclass(frozen=True, slots=True)
class Pool:
    """The rows found for one question, by candidate."""

    chunks: tuple[Chunk, ...]
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


def evidence(owner: Ints, dense: Floats, char: Floats, cover: Floats, n: int) -> Floats:
    """Return the features of `n` candidates from those of their rows, shape (n, features).

    Args:
        owner: candidate of each row; every candidate has at least one.
        dense: cosine similarity of each row.
        char: tf-idf cosine of character n-grams of each row.
        cover: share of the question's words that stand in each row.
        n: number of candidates.
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
        margin(best),
        char_best,
        margin(char_best),
        cover_best,
        margin(cover_best),
    ]
    return np.stack(columns, axis=1).astype(np.float32)


def best_and_mean(owner: Ints, values: Floats, n: int) -> tuple[Floats, Floats]:
    """Return each candidate's highest value, and the mean of its highest three (or fewer)."""
    order = np.lexsort((-values, owner))
    owners, ranked = owner[order], values[order]
    starts = np.searchsorted(owners, np.arange(n))
    rank = np.arange(len(order)) - starts[owners]
    few = rank < 3
    total = np.bincount(owners[few], ranked[few], minlength=n)
    count = np.bincount(owners[few], minlength=n)
    return ranked[starts].astype(np.float32), (total / count).astype(np.float32)


def margin(values: Floats) -> Floats:
    """Return how far each value is above the best of the others (negative: below)."""
    if len(values) < 2:
        return np.zeros_like(values)
    second, first = np.sort(values)[-2:]
    top = int(np.argmax(values))
    out = np.asarray(values - first, np.float32)
    out[top] = first - second
    return out


class Ranker:
    """Turns the rows found for a question into ranked chunks. Pure; holds only parameters."""

    def __init__(
        self,
        weights: Mapping[ChunkKind, Weights],
        *,
        char_rarity: Rarity | None = None,
        word_rarity: Rarity | None = None,
    ) -> None:
        self._weights = dict(weights)
        self._chars = char_rarity or Rarity.flat()
        self._words = word_rarity or Rarity.flat()

    @classmethod
    def default(cls) -> "Ranker":
        """Return the ranker with the weights that ship with the project."""
        values = json.loads(_DEFAULT.read_text("utf-8"))
        return cls({kind: Weights.parse(values[kind]) for kind in ("faq", "passage")})

    def rank(
        self, question: str, *, dense: Sequence[FoundRow], text: Sequence[FoundRow]
    ) -> list[Hit]:
        """Return the candidates, the most probable first.

        Entries and passages are judged apart: a passage that also answers takes nothing from an
        entry's probability.
        """
        query = char_bags([question]), word_bags([question])
        hits: list[Hit] = []
        for kind, weights in self._weights.items():
            pool = Pool.of(
                [hit for hit in dense if hit.chunk.kind == kind],
                [hit for hit in text if hit.chunk.kind == kind],
            )
            if pool.chunks:
                hits += self._judge(query, pool, weights)
        return sorted(hits, key=lambda hit: (-hit.probability, -hit.score, hit.chunk.chunk_id))

    def _judge(self, query: tuple[Bags, Bags], pool: Pool, weights: Weights) -> list[Hit]:
        chars, terms = query
        read = [_read(pool.chunks[o], t) for o, t in zip(pool.owner, pool.texts, strict=True)]
        char = self._chars.cosine(chars, char_bags(pool.texts))[0]
        cover = self._words.coverage(terms, word_bags(read))[0]
        n = len(pool.chunks)
        probability = weights.probability(evidence(pool.owner, pool.dense, char, cover, n))
        best, _ = best_and_mean(pool.owner, pool.dense, n)
        return [
            Hit(chunk, float(score), float(p))
            for chunk, score, p in zip(pool.chunks, best, probability, strict=True)
        ]


def _read(chunk: Chunk, text: str) -> str:
    """Return the words in which a question's own may stand: of an entry, also its answer."""
    return (
        f"{chunk.title}\n{text}\n{chunk.answer}"
        if chunk.kind == "faq"
        else f"{chunk.title}\n{text}"
    )
