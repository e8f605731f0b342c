"""An unpublished change to the index, and where the rows of a release are."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import numpy as np
from lancedb.index import FTS, IvfRq

from core.types import Vector
from kb.index.files import TableFiles
from kb.index.rows import Row
from kb.index.table import arrow, in_lists, writing
from kb.index.view import Reader

_NEVER = timedelta(days=365 * 50)
"""Clean up nothing: LanceDB refuses to optimise when a tagged version is older than its limit,
by default a week, so each publish would fail a week after the first release."""

_FLAT_ROWS = 20_000
"""Rows up to which every vector is compared: exact, nothing to build (11 ms at 10,000)."""

_FRAGMENTS = 12
"""Up to so many pieces a table without a vector index is left in, one for each publish; beyond them
they are joined. With 10 a search by vectors takes 7 ms of processor time instead of 6 (1,200 rows),
with 21 twice as long."""

_TEXT_INDEX = FTS(base_tokenizer="icu", stem=False, remove_stop_words=False)
"""ICU finds words in Chinese; stemming and stop words would be those of one language only."""


@dataclass(frozen=True, slots=True)
class Place:
    """The rows of a release or of a future one: table and version, as in `db.knowledge.Release`."""

    table: str
    version: int
    rows: int


def vector_index(rows: int) -> IvfRq | None:
    """Choose the vector index for a table of this many rows; ``None``: compare every vector."""
    if rows < _FLAT_ROWS:
        return None
    return IvfRq(distance_type="cosine", num_partitions=max(1, rows // 1_000))


@dataclass(eq=False)
class Draft(Reader):
    """Changes that no reader sees until the place that `finish` returns is published."""

    name: str
    files: TableFiles | None
    old: frozenset[Path] = frozenset()
    """The files that existed before the change."""

    async def write(
        self, gone: Iterable[str], rows: Sequence[Row], vectors: Sequence[Vector]
    ) -> None:
        """Take the row ids `gone` out and put `rows` in, replacing those of the same id.

        Deleting and appending costs a sixth of a merge (18 ms against 120 at 100,000 rows), and
        nobody sees the state between.
        """
        with writing():
            for where in in_lists("row_id", {*gone, *(row.row_id for row in rows)}):
                await self.table.delete(where)
            if rows:
                await self.table.add(arrow(rows, np.stack(vectors)))

    async def finish(self, number: int) -> Place:
        """Update all indexes, tag the version as release `number`, and flush it to the disk.

        Raises:
            IndexNotWritten: if that failed; no reader sees any of it.
        """
        with writing():
            rows = int(await self.table.count_rows())
            await self._index(rows)
            version = int(await self.table.version())
            tags, name = self.table.tags, tag_name(number)
            await (tags.update if name in await tags.list() else tags.create)(name, version)
            if self.files is not None:
                await asyncio.to_thread(self.files.reach_the_disk, self.old)
        return Place(self.name, version, rows)

    async def _index(self, rows: int) -> None:
        """Bring the indexes up to date.

        `optimize` does, too, but first joins small fragments, which writes the whole table once
        more. Making the text index anew takes half as long and writes that index alone.
        """
        indexed = {column for found in await self.table.list_indices() for column in found.columns}
        chosen = vector_index(rows)
        fragments = (await self.table.stats())["fragment_stats"]["num_fragments"]
        join = chosen is not None or "vector" in indexed or fragments > _FRAGMENTS
        if rows and not (join and "text" in indexed):
            await self.table.create_index("text", config=_TEXT_INDEX)
        if chosen is not None and "vector" not in indexed:
            await self.table.create_index("vector", config=chosen)
        if join:
            await self.table.optimize(cleanup_older_than=_NEVER)


def tag_name(number: int) -> str:
    """Return the tag of the version of a release."""
    return f"release-{number}"
