"""A release as a change would make it, for asking questions before anything is written."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from core.types import Matrix, Vector
from kb.features import Rarity, word_bags
from kb.index_table import RowHit
from kb.index_view import Sample, View
from kb.rows import Row, chunk_of_rows

_MOST_EXTRA = 1_000
"""Rows that a search asks for on top, in the place of those that would be gone."""


class Overlay:
    """What is live, without some rows and with others. Nothing is written and no lock is held.

    Dense search is exact. Full-text search orders the new rows among themselves by the words they
    share with the question, and puts them before those that stay: which rows are found counts,
    not their scores.
    """

    def __init__(
        self, live: View, rows: Sequence[Row], vectors: Matrix, *, without: Iterable[str]
    ) -> None:
        """Put `rows` with their `vectors` in the place of the live rows with the ids `without`."""
        self.release = live.release + 1
        self._live = live
        self._rows = rows
        self._vectors = vectors
        self._without = frozenset(without)
        self._found = [place for place, row in enumerate(rows) if row.role != "negative"]
        self._bags = word_bags([rows[place].text for place in self._found])
        self._rarity = Rarity.of(self._bags)

    async def search_dense(self, vector: Vector, k: int, *, today: str = "") -> list[RowHit]:
        """Return the `k` rows nearest to a vector, nearest first; see `View.search_dense`."""
        extra = min(len(self._without), _MOST_EXTRA)
        hits = self._staying(await self._live.search_dense(vector, k + extra, today=today))
        if self._found:
            scores = self._vectors[self._found] @ vector
            hits += self._hits(zip(self._found, scores.tolist(), strict=True), k, today)
        return sorted(hits, key=lambda hit: -hit.score)[:k]

    async def search_text(self, text: str, k: int, *, today: str = "") -> list[RowHit]:
        """Return `k` rows that share words with `text`."""
        extra = min(len(self._without), _MOST_EXTRA)
        stay = self._staying(await self._live.search_text(text, k + extra, today=today))
        new: list[RowHit] = []
        if self._found:
            shares = self._rarity.coverage(word_bags([text]), self._bags)[0]
            scores = zip(self._found, shares.tolist(), strict=True)
            new = self._hits((found for found in scores if found[1] > 0), k // 2, today)
        return [*new, *stay][:k]

    async def objections(self, vector: Vector) -> Mapping[str, float]:
        """Return how near a question is to what entries do not answer; see `View.objections`."""
        found = dict(await self._live.objections(vector))
        for place, row in enumerate(self._rows):
            if row.role == "negative":
                score = float(self._vectors[place] @ vector)
                found[row.chunk_id] = max(found.get(row.chunk_id, -1.0), score)
        return found

    async def count(self) -> int:
        """Return the number of rows."""
        return await self._live.count() - len(self._without) + len(self._rows)

    async def sample(self, near: Matrix, *, most: int) -> Sample:
        """Return what training reads; see `View.sample`."""
        sample = await self._live.sample(near, most=most)
        kept = [p for p, row in enumerate(sample.rows) if row.row_id not in self._without]
        parts = [part for part in (sample.vectors[kept], self._vectors) if len(part)]
        return Sample(
            [*(sample.rows[place] for place in kept), *self._rows],
            np.concatenate(parts) if parts else self._vectors,
            sample.whole_entries,
        )

    def _staying(self, hits: Iterable[RowHit]) -> list[RowHit]:
        return [hit for hit in hits if hit.row_id not in self._without]

    def _hits(self, scores: Iterable[tuple[int, float]], k: int, today: str) -> list[RowHit]:
        """Return the best `k` of the new rows, each given by its place and score."""
        found: list[RowHit] = []
        for place, score in sorted(scores, key=lambda pair: -pair[1]):
            if len(found) == k:
                break
            row = self._rows[place]
            ended = row.valid_until and row.valid_until < today
            if today and (ended or row.valid_from > today):
                continue
            chunk = replace(chunk_of_rows([row]), variants=(), negatives=())
            found.append(RowHit(chunk, row.text, row.role, score, row.row_id))
        return found
