"""A release with a change applied in memory, to ask questions before anything is written."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from core.types import Matrix, Vector
from kb.index.rows import Row, is_statement
from kb.index.table import ROLES, RowHit, RowSet, hit
from kb.index.view import Sample, View
from kb.ranking.features import Rarity, stem_bags

_MOST_EXTRA = 1_000
"""Extra rows of a search, in place of those that the change removes."""


class Overlay(View):
    """The live release without some rows and with others. Writes nothing and holds no lock.

    Dense search is exact. Full-text search orders the new rows among themselves by the content
    words they share with the question, and puts them before those that stay: which rows are found
    counts, not their scores.
    """

    def __init__(
        self, live: View, rows: Sequence[Row], vectors: Matrix, *, without: Iterable[str]
    ) -> None:
        """Put `rows` with their `vectors` in the place of the live rows with the ids `without`."""
        super().__init__(live.table, live.release + 1, live.dated, live.objects)
        self._new = rows
        self._vectors = vectors
        self._without = frozenset(without)
        self._extra = min(len(self._without), _MOST_EXTRA)
        self._places = {
            kind: [place for place, row in enumerate(rows) if row.role in roles]
            for kind, roles in ROLES.items()
        }

    async def search_dense(
        self, vector: Vector, k: int, *, today: str = "", rows: RowSet = "own"
    ) -> list[RowHit]:
        """Return the `k` rows nearest to a vector, nearest first; see `View.search_dense`."""
        found = await super().search_dense(vector, k + self._extra, today=today, rows=rows)
        hits, places = self._staying(found), self._places[rows]
        if places:
            scores = self._vectors[places] @ vector
            hits += self._hits(zip(places, scores.tolist(), strict=True), k, today)
        return sorted(hits, key=lambda hit: -hit.score)[:k]

    async def search_text(
        self, text: str, k: int, *, today: str = "", rows: RowSet = "own"
    ) -> list[RowHit]:
        """Return `k` rows that share words with `text`."""
        found = await super().search_text(text, k + self._extra, today=today, rows=rows)
        stay, places = self._staying(found), self._places[rows]
        new: list[RowHit] = []
        if places:
            bags = stem_bags([self._new[place].text for place in places])
            shares = Rarity.of([bags]).coverage(stem_bags([text]), bags)
            scores = zip(places, shares.tolist(), strict=True)
            new = self._hits((found for found in scores if found[1] > 0), k // 2, today)
        return [*new, *stay][:k]

    async def objections(self, vector: Vector) -> Mapping[str, float]:
        """Return how near a question is to what entries do not answer; see `View.objections`."""
        found = dict(await super().objections(vector))
        for place, row in enumerate(self._new):
            if row.role == "negative":
                score = float(self._vectors[place] @ vector)
                found[row.chunk_id] = max(found.get(row.chunk_id, -1.0), score)
        return found

    async def statements(self, chunk_ids: Iterable[str]) -> Mapping[str, Vector]:
        """Return the vectors of passages and answers; see `View.statements`."""
        wanted = set(chunk_ids)
        found = dict(await super().statements(wanted))
        for place, row in enumerate(self._new):
            if row.chunk_id in wanted and is_statement(row) and not row.position:
                found[row.chunk_id] = self._vectors[place]
        return found

    async def count(self, rows: RowSet | None = None) -> int:
        """Return the number of rows; of some of them, that of the live release."""
        found = await super().count(rows)
        return found if rows else found - len(self._without) + len(self._new)

    async def sample(self, *, most: int) -> Sample:
        """Return what training reads; see `View.sample`."""
        sample = await super().sample(most=most)
        kept = [p for p, row in enumerate(sample.rows) if row.row_id not in self._without]
        parts = [part for part in (sample.vectors[kept], self._vectors) if len(part)]
        return Sample(
            [*(sample.rows[place] for place in kept), *self._new],
            np.concatenate(parts) if parts else self._vectors,
            sample.whole_entries,
        )

    def _staying(self, hits: Iterable[RowHit]) -> list[RowHit]:
        return [found for found in hits if found.row_id not in self._without]

    def _hits(self, scores: Iterable[tuple[int, float]], k: int, today: str) -> list[RowHit]:
        """Return the best `k` of the new rows, each given by its place and score."""
        found: list[RowHit] = []
        for place, score in sorted(scores, key=lambda pair: -pair[1]):
            if len(found) == k:
                break
            row = self._new[place]
            ended = row.valid_until and row.valid_until < today
            if today and (ended or row.valid_from > today):
                continue
            found.append(hit(row, score))
        return found
