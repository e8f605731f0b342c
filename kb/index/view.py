"""One release of the index, for reading."""

import asyncio
import fnmatch
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
from lancedb.query import MatchQuery

from core.errors import IndexDamaged
from core.types import Chunk, ChunkKind, Matrix, Vector
from kb.index.rows import Row
from kb.index.table import (
    FILTERS,
    NEGATIVE,
    ROLES,
    ROW_FIELDS,
    Nearest,
    RowHit,
    RowSet,
    chunks,
    hit,
    in_lists,
    matrix,
    quoted,
    read_rows,
    reading,
    tuples,
)

_COMPARED = 300
"""Candidates of a vector index that are compared exactly. At 100,000 rows these hold 99.8 % of the
exact ten nearest; 1,000 hold no more and cost 15 ms of a core a question."""

_SEARCHED = ("chunk_text", "answer", "text")
"""Columns in which operators search."""
_PARTS = 100
"""Substrings that one pass over the rows looks for."""
_KEPT_ROWS = 5_000
"""Found rows that are cached as Python objects."""
_KEPT_VECTORS = 2_000


@dataclass(frozen=True, slots=True)
class Sample:
    """What training reads of a release."""

    rows: list[Row]
    vectors: Matrix
    """Of `rows`."""
    whole_entries: bool
    """Whether it has every entry."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a search by words found."""

    chunks: Sequence[Chunk]
    """The first of them, by document and text."""
    total: int


@dataclass(eq=False)
class Reader:
    """Reading the rows of a release or a draft.

    All that reads raises IndexDamaged if the rows cannot be read.
    """

    table: Any
    """Of LanceDB; ``None``: there are no rows."""

    async def rows_of(self, column: str, values: Iterable[str]) -> list[Row]:
        """Return the rows that have one of these values in a column, as ``doc_id``."""
        return read_rows(await self._select_each(ROW_FIELDS, column, values))

    async def holders(self, content_keys: Iterable[str]) -> list[tuple[str, str]]:
        """Return (content key, document) for every row with one of these contents."""
        names = ["content_key", "doc_id"]
        found = await self._select_each(names, "content_key", content_keys)
        return [(key, doc_id) for key, doc_id in tuples(found, names)]

    async def known(self) -> set[str]:
        """Return the vector keys of all rows."""
        return {key for (key,) in tuples(await self._select(["vector_key"]), ["vector_key"])}

    async def vectors(self, keys: Iterable[str]) -> dict[str, Vector]:
        """Return the stored vectors under these keys, as far as there are any."""
        found = await self._select_each(["vector_key", "vector"], "vector_key", keys)
        return dict(zip(found["vector_key"].to_pylist(), matrix(found), strict=True))

    async def _select(self, names: Sequence[str], where: str | None = None) -> pa.Table:
        if self.table is None:
            return pa.table({name: [] for name in names})
        query = self.table.query().select(list(names))
        with reading():
            return await (query if where is None else query.where(where)).to_arrow()

    async def _select_each(
        self, names: Sequence[str], column: str, values: Iterable[str]
    ) -> pa.Table:
        """Select the rows that have one of these values in a column."""
        parts = [await self._select(names, where) for where in in_lists(column, values)]
        return pa.concat_tables(parts) if parts else pa.table({name: [] for name in names})


@dataclass(eq=False)
class View(Reader):
    """One release, for reading. It does not change while newer releases are published."""

    release: int
    """Number of the release, 0 before the first."""
    dated: bool = False
    """Whether it has rows with validity dates."""
    objects: bool = False
    """Whether it has negative examples."""
    _negatives: tuple[list[str], Matrix] | None = field(default=None, init=False)
    _kept: dict[str, RowHit] = field(default_factory=dict, init=False)
    """By row id."""
    _stated: dict[str, Vector | None] = field(default_factory=dict, init=False)
    """Vectors that `statements` read."""

    async def search_dense(
        self,
        vector: Vector,
        k: int,
        *,
        today: str = "",
        rows: RowSet = "own",
    ) -> list[RowHit]:
        """Return the `k` rows nearest to a question's vector, of unit length, nearest first.

        Args:
            k: counts rows, not chunks: an entry comes back with each of its variants that is near.
            today: ISO date; rows that are not valid on it are left out. Empty: no row is.
        """
        if self.table is None:
            return []
        query = self.table.query().nearest_to(vector).distance_type("cosine").limit(k)
        query = query.nprobes(30).refine_factor(max(1, -(-_COMPARED // k)))
        found = await self._fetch(query, "_distance", today, rows)
        return [row.scored(1.0 - far) for row, far in found if far is not None]

    async def search_text(
        self, text: str, k: int, *, today: str = "", rows: RowSet = "own"
    ) -> list[RowHit]:
        """Return the `k` rows that share the rarest words with `text`, by BM25, best first.

        `text` is words only: nothing in it is read as a query language.
        """
        if self.table is None or not text.strip():
            return []
        words = MatchQuery(text, "text")  # type: ignore[call-arg]  # mypy misses its defaults
        query = self.table.query().nearest_to_text(words).limit(k)
        found = await self._fetch(query, "_score", today, rows)
        return [row.scored(score) for row, score in found]

    async def statements(self, chunk_ids: Iterable[str]) -> Mapping[str, Vector]:
        """Return the vector of each of these passages and answers, of a long answer the first."""
        wanted = set(chunk_ids)
        if len(self._stated) > _KEPT_VECTORS:
            self._stated = {}
        if new := wanted - self._stated.keys():
            names = ["chunk_id", "role", "position", "vector"]
            found = await self._select_each(names, "chunk_id", new)
            rows = zip(tuples(found, names[:3]), matrix(found), strict=True)
            self._stated |= dict.fromkeys(new) | {
                told[0]: v.copy() for told, v in rows if told[1] in ROLES["stated"] and not told[2]
            }
        return {name: v for name in wanted if (v := self._stated.get(name)) is not None}

    async def objections(self, vector: Vector) -> Mapping[str, float]:
        """Return the cosines of a question with negative examples, by chunk id.

        Entries without negative examples are absent.
        """
        if not self.objects:
            return {}
        if self._negatives is None:
            table = await self._select(["chunk_id", "vector"], NEGATIVE)
            self._negatives = table["chunk_id"].to_pylist(), matrix(table)
        found: dict[str, float] = {}
        for chunk_id, score in zip(self._negatives[0], self._negatives[1] @ vector, strict=True):
            found[chunk_id] = max(found.get(chunk_id, -1.0), float(score))
        return found

    async def nearest(
        self, vectors: Matrix, k: int, *, without: Collection[str] = (), rows: RowSet = "own"
    ) -> list[list[tuple[Row, float]]]:
        """Return the `k` rows nearest to each of many vectors, each with its cosine similarity.

        It is one exact pass over all rows: for hundreds of vectors that costs less with numpy than
        as many searches, and holds only a batch of rows at a time. Rows with the ids `without` do
        not count.
        """
        if self.table is None or not len(vectors):
            return [[] for _ in vectors]
        best = Nearest(vectors, k, frozenset(without))
        with reading():
            query = self.table.query().select(["row_id", "vector"]).where(FILTERS[rows])
            async for batch in await query.to_batches():
                await asyncio.to_thread(best.add, pa.Table.from_batches([batch]))
        row_ids = {row_id for nearest in best.best for _, row_id in nearest}
        found = {row.row_id: row for row in await self.rows_of("row_id", row_ids)}
        return [[(found[row_id], score) for score, row_id in r] for r in best.best]

    async def blocks(
        self, size: int, *, which: RowSet = "own"
    ) -> AsyncIterator[tuple[list[Row], Matrix]]:
        """Yield texts with their vectors, so many rows at a time.

        Variants come last.
        """
        names = ["role", "row_id"]
        found = tuples(await self._select(names, FILTERS[which]), names)
        ordered = [row_id for _, row_id in sorted((role == "variant", one) for role, one in found)]
        for start in range(0, len(ordered), size):
            part = ordered[start : start + size]
            table = await self._select_each([*ROW_FIELDS, "vector"], "row_id", part)
            yield read_rows(table), matrix(table)

    async def texts_with(self, parts: Sequence[str]) -> list[str]:
        """Return the texts that have any of these parts, which are in lower case."""
        found: dict[str, str] = {}
        for begin in range(0, len(parts), _PARTS):
            some = [
                f"contains(lower({column}), {quoted(part)})"
                for part in parts[begin : begin + _PARTS]
                for column in ("chunk_text", "answer")
            ]
            found |= {row.chunk_id: row.content for row in await self._rows(" OR ".join(some))}
        return list(found.values())

    async def chunk(self, chunk_id: str) -> Chunk | None:
        """Return a chunk with all its variants, ``None`` if this release does not have it."""
        return next(iter(await self.named([chunk_id])), None)

    async def named(self, chunk_ids: Iterable[str]) -> list[Chunk]:
        """Return those of the chunks that this release has, each with all its variants."""
        return chunks(await self.rows_of("chunk_id", chunk_ids))

    async def chunks_of(self, doc_ids: Iterable[str]) -> list[Chunk]:
        """Return the chunks of documents, each with all its variants."""
        return chunks(await self.rows_of("doc_id", doc_ids))

    async def entries(self) -> list[Chunk]:
        """Return every FAQ entry with all its variants."""
        return chunks(await self._rows("kind = 'faq'"))

    async def entries_like(self, prefix: str) -> list[Chunk]:
        """Return the entries whose id begins so."""
        return chunks(await self._rows(f"kind = 'faq' AND starts_with(chunk_id, {quoted(prefix)})"))

    async def find(
        self,
        words: str = "",
        *,
        documents: str = "*",
        kind: ChunkKind | None = None,
        most: int | None = None,
        without: Collection[str] = (),
        came_by: str = "",
        ends_by: str = "",
    ) -> Found:
        """Return chunks by document and text.

        Args:
            words: each must stand in the text, the answer or the variant of one row; case does not
                count.
            documents: only of documents like this; ``*`` and ``?`` are allowed.
            kind: only entries or only passages.
            most: chunks to return, the first; ``None``: all.
            without: numbers of chunks that are left out.
            came_by: ISO date; only what was received by then, or ends by `ends_by`.
            ends_by: ISO date.
        """
        names = ["chunk_id", "doc_id", "chunk_text"]
        conditions = [FILTERS["all"], *([f"kind = '{kind}'"] if kind else [])]
        if came_by:
            old, ends = f"updated <= {quoted(came_by)}", f"valid_until <= {quoted(ends_by)}"
            conditions.append(f"(updated <> '' AND {old} OR valid_until <> '' AND {ends})")
        for word in words.lower().split():
            places = (f"contains(lower({name}), {quoted(word)})" for name in _SEARCHED)
            conditions.append(f"({' OR '.join(places)})")
        rows = tuples(await self._select(names, " AND ".join(conditions)), names)
        found = {
            row[0]: row[1:]
            for row in rows
            if fnmatch.fnmatchcase(row[1], documents) and row[0] not in without
        }
        wanted = sorted(found, key=found.__getitem__)[:most]
        made = {chunk.chunk_id: chunk for chunk in await self.named(wanted)}
        return Found([made[chunk_id] for chunk_id in wanted], len(found))

    async def present(self, chunk_ids: Iterable[str]) -> set[str]:
        """Return which of these chunks this release has."""
        found = await self._select_each(["chunk_id"], "chunk_id", chunk_ids)
        return set(found["chunk_id"].to_pylist())

    async def check(self) -> None:
        """Read a sample of everything that a search or the next publish needs."""
        if self.table is None:
            return
        table = await self._select(["row_id", "text"])
        if len(set(table["row_id"].to_pylist())) != len(table):
            raise IndexDamaged(f"release {self.release} has a row twice")
        with reading():
            first = await self.table.query().select(["vector"]).limit(1).to_arrow()
            await self.table.tags.list()
            await self.table.list_versions()
            await self.table.list_indices()
        await self.search_dense(matrix(first)[0], 1)
        await self.search_text(table["text"][0].as_py(), 1)

    async def all_rows(self) -> tuple[list[Row], Matrix]:
        """Return every row and its vector, the vectors in the order of the rows."""
        table = await self._select([*ROW_FIELDS, "vector"])
        return read_rows(table), matrix(table)

    async def sample(self, *, most: int) -> Sample:
        """Return what training reads: all rows, of a large base as many as its memory allows.

        Of a base of more than three times `most` rows these are all entries, if they have at most
        `most` rows, else a part of them, and a part of the passages. The parts, of `most` rows, are
        those with the smallest ids, which are hashes.
        """
        if await self.count() <= 3 * most:
            return Sample(*await self.all_rows(), whole_entries=True)
        parts = {}
        for kind in ("faq", "passage"):
            table = await self._select(["row_id"], f"kind = '{kind}' AND {FILTERS['own']}")
            parts[kind] = sorted(table["row_id"].to_pylist())
        chosen = {row_id for ids in parts.values() for row_id in ids[:most]}
        table = await self._select_each([*ROW_FIELDS, "vector"], "row_id", chosen)
        whole = len(parts["faq"]) <= most
        return Sample(read_rows(table), matrix(table), whole_entries=whole)

    async def count(self, rows: RowSet | None = None) -> int:
        """Return the number of rows, or of some of them."""
        if self.table is None:
            return 0
        with reading():
            return int(await self.table.count_rows(FILTERS[rows] if rows else None))

    async def _rows(self, where: str) -> list[Row]:
        return read_rows(await self._select(ROW_FIELDS, where))

    async def _fetch(
        self, query: Any, score: str, today: str, rows: RowSet
    ) -> Iterable[tuple[RowHit, Any]]:
        """Return the rows that a query finds, each with its column `score`."""
        conditions = [FILTERS[rows]]
        if today and self.dated:
            day = quoted(today)
            conditions.append(f"valid_from <= {day} AND (valid_until = '' OR valid_until >= {day})")
        query = query.where(" AND ".join(conditions))
        with reading():
            found = await query.select([*ROW_FIELDS, score]).to_arrow()
        row_ids = found["row_id"].to_pylist()
        if len(self._kept) > _KEPT_ROWS:
            self._kept = {}
        new = [place for place, row_id in enumerate(row_ids) if row_id not in self._kept]
        self._kept |= {
            row.row_id: hit(row) for row in read_rows(found.take(pa.array(new, pa.int64())))
        }
        return [
            (self._kept[row_id], told)
            for row_id, told in zip(row_ids, found[score].to_pylist(), strict=True)
        ]
