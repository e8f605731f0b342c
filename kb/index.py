"""The search index: one row for each embedded text, in LanceDB. Derived; may be deleted.

A release is one version of one table. The database says which (`ReleaseRepository.current`), and
readers open exactly that version: whatever the writer does meanwhile becomes visible by that one
database commit, whole or not at all, in every process.
"""

import asyncio
import contextlib
import os
import time
import uuid
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Collection,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from dataclasses import dataclass, fields
from datetime import timedelta
from pathlib import Path
from typing import Any, Self

import lancedb
import numpy as np
import pyarrow as pa
from lancedb import Session
from lancedb.index import FTS, HnswSq, IvfRq
from lancedb.query import MatchQuery

from core.errors import AnswerdeskError, IndexDamaged, IndexMismatch, IndexNotWritten
from core.protocols import Embedder
from core.types import Chunk, ChunkKind, Matrix, Vector
from db.knowledge import Release
from kb.rows import Role, Row, chunk_of_rows

_CACHE_BYTES = 128 * 2**20
"""For index and metadata each; the library's own limit of 7 GB is more than the service has."""

_NEVER = timedelta(days=365 * 50)
"""Clean up nothing: LanceDB refuses to optimise when a tagged version is older than its limit,
by default a week, so each publish would fail a week after the first release."""

_FLAT_ROWS = 20_000
"""Up to here every vector is compared: exact, nothing to build (11 ms at 10,000 rows)."""

_IN_LIST = 1_000
"""Ids in one filter expression; longer lists are cut into several."""

_TEXT_INDEX = FTS(base_tokenizer="icu", stem=False, remove_stop_words=False)
"""ICU finds words in Chinese; stemming and stop words would be those of one language only."""

_NEGATIVE = "role = 'negative'"

_ROW_FIELDS = tuple(field.name for field in fields(Row))


@dataclass(frozen=True, slots=True)
class RowHit:
    """A row found for a question."""

    chunk: Chunk
    """The row's chunk; its variants are left out (`View.chunk` has them)."""
    text: str
    """The question, variant or passage that matched."""
    role: Role
    score: float
    """Cosine similarity (-1 to 1) or BM25 (0 and up); higher is closer."""


@dataclass(frozen=True, slots=True)
class StoredRow:
    """What a comparison with the stored state needs of a row."""

    row_id: str
    chunk_id: str
    doc_id: str
    role: Role
    chunk_text: str
    digest: str


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A stored row near a vector."""

    row: Row
    score: float
    """Cosine similarity, -1 to 1."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the rows of a release are."""

    table: str
    version: int
    rows: int


def vector_index(rows: int) -> HnswSq | IvfRq | None:
    """Choose the vector index for a table of this many rows; ``None``: compare every vector."""
    if rows < _FLAT_ROWS:
        return None
    return IvfRq(distance_type="cosine", num_partitions=max(1, rows // 1_000))


class _Reader:
    """What both a release and a draft can tell of their rows."""

    def __init__(self, table: Any | None) -> None:
        self._table = table

    async def stored(self, doc_ids: Iterable[str]) -> list[StoredRow]:
        """Return the rows of these documents."""
        names = [field.name for field in fields(StoredRow)]
        found = []
        for where in _in_lists("doc_id", doc_ids):
            found += [StoredRow(*row) for row in _tuples(await self._select(names, where), names)]
        return found

    async def holders(self, content_keys: Iterable[str]) -> list[tuple[str, str]]:
        """Return (content key, document) for every row with one of these contents."""
        names = ["content_key", "doc_id"]
        found: list[tuple[str, str]] = []
        for where in _in_lists("content_key", content_keys):
            found += [(key, doc) for key, doc in _tuples(await self._select(names, where), names)]
        return found

    async def known(self) -> set[str]:
        """Return the vector keys of all rows."""
        return {key for (key,) in _tuples(await self._select(["vector_key"]), ["vector_key"])}

    async def vectors(self, keys: Iterable[str]) -> dict[str, Vector]:
        """Return the stored vectors under these keys, as far as there are any."""
        found: dict[str, Vector] = {}
        for where in _in_lists("vector_key", keys):
            table = await self._select(["vector_key", "vector"], where)
            if len(table):
                found.update(zip(table["vector_key"].to_pylist(), _matrix(table), strict=True))
        return found

    async def _select(self, names: Sequence[str], where: str | None = None) -> pa.Table:
        if self._table is None:
            return pa.table({name: [] for name in names})
        query = self._table.query().select(list(names))
        with _reading():
            return await (query if where is None else query.where(where)).to_arrow()


class View(_Reader):
    """One release, for reading. It stays what it is while newer releases are published."""

    def __init__(
        self, release: int, table: Any | None, *, dated: bool = False, negatives: bool = False
    ) -> None:
        self.release = release
        """Number of the release, 0 before the first."""
        super().__init__(table)
        self._dated = dated
        self._has_negatives = negatives
        self._negatives: tuple[list[str], Matrix] | None = None

    async def search_dense(
        self, vector: Vector, k: int, *, today: str = "", kind: ChunkKind | None = None
    ) -> list[RowHit]:
        """Return the `k` rows nearest to a question's vector, nearest first.

        Args:
            vector: unit length.
            k: counts rows, not chunks: an entry comes back with each of its variants that is near.
            today: ISO date; rows that are not valid on it are left out. Empty: no row is.
            kind: only entries or only passages.

        Raises:
            IndexDamaged: if the rows cannot be read.
        """
        if self._table is None:
            return []
        query = self._table.query().nearest_to(vector).distance_type("cosine").limit(k)
        query = query.nprobes(20).refine_factor(10)
        found = await self._fetch(query, "_distance", today, kind)
        return [_hit(row, 1.0 - row["_distance"]) for row in found if row["_distance"] is not None]

    async def search_text(
        self, text: str, k: int, *, today: str = "", kind: ChunkKind | None = None
    ) -> list[RowHit]:
        """Return the `k` rows that share the rarest words with `text`, by BM25, best first.

        `text` is words only: nothing in it is read as a query language.

        Raises:
            IndexDamaged: if the rows cannot be read.
        """
        if self._table is None or not text.strip():
            return []
        words = MatchQuery(text, "text")  # type: ignore[call-arg]  # mypy misses its defaults
        query = self._table.query().nearest_to_text(words).limit(k)
        found = await self._fetch(query, "_score", today, kind)
        return [_hit(row, row["_score"]) for row in found]

    async def objections(self, vector: Vector) -> Mapping[str, float]:
        """Return how near a question is to what entries do not answer: cosines by chunk id.

        Entries without negative examples are absent.
        """
        if not self._has_negatives:
            return {}
        if self._negatives is None:
            table = await self._select(["chunk_id", "vector"], _NEGATIVE)
            self._negatives = table["chunk_id"].to_pylist(), _matrix(table)
        found: dict[str, float] = {}
        for chunk_id, score in zip(self._negatives[0], self._negatives[1] @ vector, strict=True):
            found[chunk_id] = max(found.get(chunk_id, -1.0), float(score))
        return found

    async def nearest(
        self, vectors: Matrix, k: int, *, without: Collection[str] = ()
    ) -> list[list[Neighbour]]:
        """Return the `k` rows nearest to each of many vectors, by one exact pass over all rows.

        For hundreds of vectors a pass with numpy costs less than as many searches, and holds only
        a batch of rows at a time.

        Args:
            vectors: shape ``(n, dim)``, unit length.
            k: rows for each vector.
            without: ids of rows that do not count.

        Raises:
            IndexDamaged: if the rows cannot be read.
        """
        if self._table is None or not len(vectors):
            return [[] for _ in vectors]
        best = _Nearest(vectors, k, frozenset(without))
        with _reading():
            query = self._table.query().select(["row_id", "vector"]).where(f"NOT ({_NEGATIVE})")
            batches = await query.to_batches()
            async for batch in batches:
                await asyncio.to_thread(best.add, pa.Table.from_batches([batch]))
        found: dict[str, Row] = {}
        for where in _in_lists("row_id", best.row_ids()):
            found.update((row.row_id, row) for row in await self._rows(where))
        return [[Neighbour(found[row_id], score) for score, row_id in r] for r in best.ranked()]

    async def rows_of_texts(self, vector_keys: Iterable[str]) -> list[Row]:
        """Return the questions and variants whose text has one of these vector keys."""
        found = []
        for where in _in_lists("vector_key", vector_keys):
            found += await self._rows(f"{where} AND NOT ({_NEGATIVE})")
        return found

    async def chunk(self, chunk_id: str) -> Chunk | None:
        """Return a chunk with all its variants, ``None`` if this release does not have it."""
        rows = await self._rows(f"chunk_id = {_quoted(chunk_id)}")
        return chunk_of_rows(rows) if rows else None

    async def chunks_of(self, doc_ids: Iterable[str]) -> list[Chunk]:
        """Return the chunks of documents, each with all its variants."""
        rows: list[Row] = []
        for where in _in_lists("doc_id", doc_ids):
            rows += await self._rows(where)
        return _chunks(rows)

    async def entries(self) -> list[Chunk]:
        """Return every FAQ entry with all its variants."""
        return _chunks(await self._rows("kind = 'faq'"))

    async def present(self, chunk_ids: Iterable[str]) -> set[str]:
        """Return which of these chunks this release has."""
        found: set[str] = set()
        for where in _in_lists("chunk_id", chunk_ids):
            table = await self._select(["chunk_id"], where)
            found |= {chunk_id for (chunk_id,) in _tuples(table, ["chunk_id"])}
        return found

    async def check(self) -> None:
        """Read a little of everything that a search or the next publish needs.

        Raises:
            IndexDamaged: if a part of it is missing or unreadable.
        """
        if self._table is None:
            return
        table = await self._select(["row_id", "text"])
        if len(set(table["row_id"].to_pylist())) != len(table):
            raise IndexDamaged(f"release {self.release} has a row twice")
        with _reading():
            first = await self._table.query().select(["vector"]).limit(1).to_arrow()
            await self._table.tags.list()
            await self._table.list_versions()
        await self.search_dense(_matrix(first)[0], 1)
        await self.search_text(table["text"][0].as_py(), 1)

    async def all_rows(self) -> tuple[list[Row], Matrix]:
        """Return every row and its vector, the vectors in the order of the rows."""
        if self._table is None:
            return [], np.empty((0, 0), np.float32)
        table = await self._select([*_ROW_FIELDS, "vector"])
        return _rows(table), _matrix(table)

    async def count(self) -> int:
        """Return the number of rows."""
        if self._table is None:
            return 0
        with _reading():
            return int(await self._table.count_rows())

    async def _rows(self, where: str) -> list[Row]:
        return _rows(await self._select(_ROW_FIELDS, where))

    async def _fetch(
        self, query: Any, score: str, today: str, kind: ChunkKind | None
    ) -> list[dict[str, Any]]:
        conditions = []
        if today and self._dated:
            day = _quoted(today)
            conditions.append(f"valid_from <= {day} AND (valid_until = '' OR valid_until >= {day})")
        if kind is not None:
            conditions.append(f"kind = '{kind}'")
        if self._has_negatives:
            conditions.append(f"NOT ({_NEGATIVE})")
        if conditions:
            query = query.where(" AND ".join(conditions))
        with _reading():
            found: list[dict[str, Any]] = await query.select([*_ROW_FIELDS, score]).to_list()
        return found


class Draft(_Reader):
    """Changes that no reader sees until the place that `finish` returns is published."""

    def __init__(
        self, table: Any, name: str, folder: Path | None, old: frozenset[Path] = frozenset()
    ) -> None:
        super().__init__(table)
        self._table: Any = table
        self._name = name
        self._folder = folder
        self._old = old

    async def write(
        self, gone: Iterable[str], rows: Sequence[Row], vectors: Sequence[Vector]
    ) -> None:
        """Take the row ids `gone` out and put `rows` in, replacing those of the same id.

        Deleting and appending costs a sixth of a merge (18 ms against 120 at 100,000 rows), and
        nobody sees the state between.
        """
        with _writing():
            for where in _in_lists("row_id", {*gone, *(row.row_id for row in rows)}):
                await self._table.delete(where)
            if rows:
                await self._table.add(_arrow(rows, np.stack(vectors)))

    async def finish(self, number: int) -> Place:
        """Bring all indexes up to date, mark the version as release `number`, reach the disk.

        Raises:
            IndexNotWritten: if that failed; no reader sees any of it.
        """
        with _writing():
            rows = int(await self._table.count_rows())
            await self._index(rows)
            await self._table.optimize(cleanup_older_than=_NEVER)
            version = int(await self._table.version())
            await _tag(self._table, number, version)
            if self._folder is not None:
                await asyncio.to_thread(_sync, self._folder, self._old)
        return Place(self._name, version, rows)

    async def _index(self, rows: int) -> None:
        indexed = {column for found in await self._table.list_indices() for column in found.columns}
        if rows and "text" not in indexed:
            await self._table.create_index("text", config=_TEXT_INDEX)
        chosen = vector_index(rows)
        if chosen is not None and "vector" not in indexed:
            await self._table.create_index("vector", config=chosen)


class Index:
    """The index of one knowledge base. Many may read; writing is for `kb.publish` alone."""

    def __init__(
        self,
        connection: Any,
        *,
        folder: Path | None,
        embedder: Embedder,
        current: Callable[[], Awaitable[Release | None]],
    ) -> None:
        self._connection = connection
        self._folder = folder
        self._embedder = embedder
        self._current = current
        self._view: View | None = None
        self._place: tuple[int, str, int] | None = None

    @classmethod
    @contextlib.asynccontextmanager
    async def open(
        cls,
        uri: str,
        *,
        embedder: Embedder,
        current: Callable[[], Awaitable[Release | None]],
    ) -> AsyncIterator[Self]:
        """Connect to the index at `uri`, a folder or an address such as ``s3://bucket/path``.

        Args:
            uri: where it is; a folder is created when it is first written.
            embedder: the model whose vectors it holds.
            current: tells the live release; it is asked before each read.
        """
        folder = None if "://" in uri else Path(uri)
        connection = await lancedb.connect_async(
            uri,
            session=Session(
                index_cache_size_bytes=_CACHE_BYTES, metadata_cache_size_bytes=_CACHE_BYTES
            ),
        )
        try:
            yield cls(connection, folder=folder, embedder=embedder, current=current)
        finally:
            connection.close()  # type: ignore[no-untyped-call]

    async def view(self) -> View:
        """Return the live release for reading; use one view for all reads of one question.

        Raises:
            IndexDamaged: if it cannot be opened.
            IndexMismatch: if another embedding model filled it.
        """
        release = await self._current()
        if release is None:
            return View(0, None)
        place = (release.number, release.table, release.version)
        if self._view is None or self._place != place:
            self._view, self._place = await self._open_view(release), place
        return self._view

    async def search_dense(
        self, vector: Vector, k: int, *, today: str = "", kind: ChunkKind | None = None
    ) -> list[RowHit]:
        """Search the live release; see `View.search_dense`."""
        return await (await self.view()).search_dense(vector, k, today=today, kind=kind)

    async def search_text(
        self, text: str, k: int, *, today: str = "", kind: ChunkKind | None = None
    ) -> list[RowHit]:
        """Search the live release; see `View.search_text`."""
        return await (await self.view()).search_text(text, k, today=today, kind=kind)

    async def chunk(self, chunk_id: str) -> Chunk | None:
        """Return a chunk of the live release; see `View.chunk`."""
        return await (await self.view()).chunk(chunk_id)

    async def all_rows(self) -> tuple[list[Row], Matrix]:
        """Return every row of the live release with its vector; see `View.all_rows`."""
        return await (await self.view()).all_rows()

    async def count(self) -> int:
        """Return the number of rows of the live release."""
        return await (await self.view()).count()

    async def draft(self, release: Release | None, *, fresh: bool = False) -> Draft:
        """Start a change to `release`; what an earlier, unfinished change left is undone.

        Args:
            release: the live release, ``None`` before the first.
            fresh: start an empty table beside the live one.

        Raises:
            IndexDamaged: if the live rows cannot be opened.
            IndexMismatch: if another embedding model filled them.
        """
        if release is None or fresh:
            name = f"rows_{uuid.uuid4().hex[:12]}"
            with _writing():
                table = await self._connection.create_table(name, schema=self._schema())
            return await self._draft(table, name)
        table = await self._open(release.table)
        if await table.version() != release.version:
            await _check_out(table, release)
            with _writing():
                await table.restore()
        return await self._draft(table, release.table)

    async def restore(self, release: Release, *, number: int) -> Place:
        """Put the rows of an old release into a new version, as release `number`.

        Raises:
            IndexDamaged: if the index no longer has that release.
            IndexMismatch: if another embedding model filled it.
        """
        return await (await self.draft(release)).finish(number)

    async def drop_tables(self, *, keep: str) -> None:
        """Delete every table but one. Readers of the others fail from here on."""
        with _writing():
            for name in await self._tables():
                if name != keep:
                    await self._connection.drop_table(name)

    async def forget(self, table: str, numbers: Iterable[int]) -> None:
        """Let the disk space of these releases go, as far as no other release uses it."""
        handle = await self._open(table)
        with _writing():
            tags = await handle.tags.list()
            for number in numbers:
                if _tag_name(number) in tags:
                    await handle.tags.delete(_tag_name(number))
            # No release is older than its oldest tag, and cleaning up to a tag is allowed.
            versions = {found["version"]: found for found in await handle.list_versions()}
            tagged = [tag["version"] for tag in (await handle.tags.list()).values()]
            if tagged:
                age_s = time.time() - versions[min(tagged)]["timestamp"].timestamp()
                await handle.optimize(cleanup_older_than=timedelta(seconds=age_s + 1))

    async def _open(self, table: str) -> Any:
        if not table:
            raise IndexDamaged("it does not hold this release")
        with _reading():
            handle = await self._connection.open_table(table)
            metadata = (await handle.schema()).metadata or {}
        found = metadata.get(b"fingerprint", b"").decode()
        if found != self._embedder.fingerprint:
            raise IndexMismatch(
                index_model=_model(metadata.get(b"embedder", b"?").decode(), found),
                model=_model(self._embedder.name, self._embedder.fingerprint),
            )
        return handle

    async def _open_view(self, release: Release) -> View:
        table = await self._open(release.table)
        rows = await _check_out(table, release)
        with _reading():
            dated = await table.count_rows("valid_from <> '' OR valid_until <> ''")
            negatives = await table.count_rows(_NEGATIVE)
        return View(
            release.number,
            table if rows else None,
            dated=bool(dated),
            negatives=bool(negatives),
        )

    async def _tables(self) -> list[str]:
        names: list[str] = []
        page: str | None = None
        while True:
            response = await self._connection.list_tables(page_token=page)
            names += response.tables
            page = response.page_token
            if not page:
                return names

    async def _draft(self, table: Any, name: str) -> Draft:
        if self._folder is None:
            return Draft(table, name, None)
        folder = self._folder / f"{name}.lance"
        return Draft(table, name, folder, await asyncio.to_thread(_files, folder))

    def _schema(self) -> pa.Schema:
        columns = [
            pa.field(name, pa.int32() if name == "position" else pa.string(), nullable=False)
            for name in _ROW_FIELDS
        ]
        vector = pa.field("vector", pa.list_(pa.float32(), self._embedder.dim), nullable=False)
        return pa.schema(
            [*columns, vector],
            metadata={
                "embedder": self._embedder.name,
                "fingerprint": self._embedder.fingerprint,
            },
        )


class _Nearest:
    """The best rows so far for each of many vectors."""

    def __init__(self, vectors: Matrix, k: int, without: frozenset[str]) -> None:
        self._vectors = vectors
        self._k = k
        self._without = without
        self._best: list[list[tuple[float, str]]] = [[] for _ in vectors]

    def add(self, table: pa.Table) -> None:
        row_ids = table["row_id"].to_pylist()
        kept = [place for place, row_id in enumerate(row_ids) if row_id not in self._without]
        if not kept:
            return
        scores = self._vectors @ _matrix(table)[kept].T
        top = np.argsort(-scores, axis=1)[:, : self._k]
        for best, places, values in zip(self._best, top, scores, strict=True):
            best += [(float(values[place]), row_ids[kept[place]]) for place in places]
            best.sort(key=lambda found: (-found[0], found[1]))
            del best[self._k :]

    def row_ids(self) -> set[str]:
        return {row_id for best in self._best for _, row_id in best}

    def ranked(self) -> list[list[tuple[float, str]]]:
        return self._best


@contextlib.contextmanager
def _reading() -> Iterator[None]:
    """Turn what LanceDB raises for missing or unreadable files into `IndexDamaged`."""
    with _translate(IndexDamaged):
        yield


@contextlib.contextmanager
def _writing() -> Iterator[None]:
    """Turn what LanceDB raises for a write that failed into `IndexNotWritten`."""
    with _translate(IndexNotWritten):
        yield


@contextlib.contextmanager
def _translate(kind: Callable[[str], AnswerdeskError]) -> Iterator[None]:
    try:
        yield
    except (RuntimeError, ValueError, OSError) as error:
        lines = str(error).splitlines() or [type(error).__name__]
        raise kind(lines[0][:300]) from error


async def _check_out(table: Any, release: Release) -> int:
    with _reading():
        await table.checkout(release.version)
        rows = int(await table.count_rows())
    if rows != release.rows:
        raise IndexDamaged(f"release {release.number} has {release.rows} rows, not {rows}")
    return rows


async def _tag(table: Any, number: int, version: int) -> None:
    name = _tag_name(number)
    if name in await table.tags.list():
        await table.tags.update(name, version)
    else:
        await table.tags.create(name, version)


def _tag_name(number: int) -> str:
    return f"release-{number}"


def _model(name: str, fingerprint: str) -> str:
    return f"{name} ({fingerprint[:12]})"


def _files(folder: Path) -> frozenset[Path]:
    """Return the files that are never written again: those that LanceDB gives unique names."""
    return frozenset(path for path in folder.rglob("*") if path.suffix != ".json")


def _sync(folder: Path, old: frozenset[Path]) -> None:
    """Make sure that what is new below `folder` is on the disk: LanceDB itself never does."""
    new = [path for path in folder.rglob("*") if path not in old]
    for path in [*new, *{path.parent for path in new}, folder.parent]:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _in_lists(column: str, values: Iterable[str]) -> Iterator[str]:
    ordered = sorted(values)
    for start in range(0, len(ordered), _IN_LIST):
        yield f"{column} IN ({', '.join(map(_quoted, ordered[start : start + _IN_LIST]))})"


def _hit(row: dict[str, Any], score: float) -> RowHit:
    chunk = Chunk(
        chunk_id=row["chunk_id"],
        doc_id=row["doc_id"],
        kind=row["kind"],
        text=row["chunk_text"],
        answer=row["answer"],
        title=row["title"],
        location=row["location"],
        category=row["category"],
        language=row["language"],
        valid_from=row["valid_from"],
        valid_until=row["valid_until"],
        updated=row["updated"],
        entry_id=row["entry_id"],
    )
    return RowHit(chunk, row["text"], row["role"], float(score))


def _tuples(table: pa.Table, names: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    return zip(*(table[name].to_pylist() for name in names), strict=True)


def _rows(table: pa.Table) -> list[Row]:
    return [Row(*values) for values in _tuples(table, _ROW_FIELDS)]


def _chunks(rows: Iterable[Row]) -> list[Chunk]:
    by_chunk: dict[str, list[Row]] = {}
    for row in rows:
        by_chunk.setdefault(row.chunk_id, []).append(row)
    return [chunk_of_rows(found) for found in by_chunk.values()]


def _matrix(table: pa.Table) -> Matrix:
    column = table["vector"].combine_chunks()
    values = column.flatten().to_numpy(zero_copy_only=False)
    matrix: Matrix = (
        values.reshape(len(column), -1) if len(column) else np.empty((0, 0), np.float32)
    )
    return matrix


def _arrow(rows: Sequence[Row], vectors: Matrix) -> pa.Table:
    columns: dict[str, Any] = {
        name: pa.array(
            [getattr(row, name) for row in rows], pa.int32() if name == "position" else pa.string()
        )
        for name in _ROW_FIELDS
    }
    flat = pa.array(np.ascontiguousarray(vectors, np.float32).ravel())
    columns["vector"] = pa.FixedSizeListArray.from_arrays(flat, vectors.shape[1])
    return pa.table(columns)
