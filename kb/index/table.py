"""LanceDB's and Arrow's data and errors as our own types."""

import contextlib
import errno
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, TypeAlias

import numpy as np
import pyarrow as pa

from core.errors import AnswerdeskError, IndexDamaged, IndexNotWritten, IndexUnreachable
from core.types import Chunk, Matrix
from kb.index.rows import Role, Row, chunk_of_rows

_IN_LIST = 1_000
"""Ids in one filter expression; longer lists are cut into several."""

NEGATIVE = "role = 'negative'"
"""Filter for negative examples: questions that entries do not answer."""

RowSet: TypeAlias = Literal["own", "asked", "head", "stated", "all"]
"""What is searched. ``own``: the texts that operators wrote, each once (questions, variants,
passages). ``asked``: those of entries. ``head``: one of each chunk (questions, passages).
``stated``: what is embedded as a statement (answers, passages). ``all``: own and stated."""
ROLES: Mapping[RowSet, tuple[Role, ...]] = {
    "own": ("question", "variant", "passage"),
    "asked": ("question", "variant"),
    "head": ("question", "passage"),
    "stated": ("answer", "passage"),
    "all": ("question", "variant", "answer", "passage"),
}
FILTERS = {rows: f"role IN ({', '.join(map(repr, roles))})" for rows, roles in ROLES.items()}
"""Filter expressions of each."""
_OUT_OF_REACH = re.compile(
    "|".join(
        (
            *(os.strerror(number) for number in (
                errno.EACCES, errno.EPERM, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN,
                errno.ESTALE, errno.ENOTCONN, errno.ECONNREFUSED, errno.ECONNRESET,
                errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ETIMEDOUT,
            )),
            r"The operation lacked",  # the right, or who asks: of every remote storage
            r"Generic \{ store: \"(?!LocalFileSystem|N/A)",
            r"Generic (?!LocalFileSystem|N/A|memory)\w+ error",
        )
    )
)  # fmt: skip
"""What LanceDB says where its storage did not let it read; a remote one's every error but "not
found" is of that kind."""

COLUMNS = tuple(
    pa.field(field.name, pa.int32() if field.name == "position" else pa.string(), nullable=False)
    for field in fields(Row)
)
"""Columns of the table beside the vector."""
ROW_FIELDS = tuple(column.name for column in COLUMNS)


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
    row_id: str

    def scored(self, score: float) -> "RowHit":
        """Return the same with another score; `replace` takes four times as long."""
        return RowHit(self.chunk, self.text, self.role, score, self.row_id)


class Nearest:
    """The best rows so far for each of many vectors."""

    def __init__(self, vectors: Matrix, k: int, without: frozenset[str]) -> None:
        self._vectors = vectors
        self._k = k
        self._without = without
        self.best: list[list[tuple[float, str]]] = [[] for _ in vectors]
        """Cosine and row id for each vector, nearest first."""

    def add(self, table: pa.Table) -> None:
        """Take a batch of rows into account, with the columns ``row_id`` and ``vector``."""
        row_ids = table["row_id"].to_pylist()
        kept = [place for place, row_id in enumerate(row_ids) if row_id not in self._without]
        if not kept:
            return
        scores = self._vectors @ matrix(table)[kept].T
        few = min(self._k, scores.shape[1]) - 1
        top = np.argpartition(-scores, few, axis=1)[:, : self._k]
        for best, places, values in zip(self.best, top, scores, strict=True):
            best += [(float(values[place]), row_ids[kept[place]]) for place in places]
            best.sort(key=lambda found: (-found[0], found[1]))
            del best[self._k :]


def reading() -> AbstractContextManager[None]:
    """Turn what LanceDB raises for missing or damaged files into `IndexDamaged`.

    What only cannot be reached becomes `IndexUnreachable`.
    """
    return _translate(_unread)


def writing() -> AbstractContextManager[None]:
    """Turn what LanceDB raises for a write that failed into `IndexNotWritten`."""
    return _translate(lambda error: IndexNotWritten(_line(error)))


@contextlib.contextmanager
def _translate(kind: Callable[[Exception], AnswerdeskError]) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        # A panic of its Rust code, met in zeroed and cut manifests: a class that nobody can import.
        panic = type(error).__name__ == "RustPanic"
        if not panic and not isinstance(error, RuntimeError | ValueError | OSError):
            raise
        raise kind(error) from error


def _unread(error: Exception) -> IndexDamaged | IndexUnreachable:
    """Tell an index that cannot be reached from a damaged one by what LanceDB says of it."""
    return (IndexUnreachable if _OUT_OF_REACH.search(str(error)) else IndexDamaged)(_line(error))


def _line(error: Exception) -> str:
    lines = str(error).splitlines() or [type(error).__name__]
    return lines[0][:300]


def quoted(value: str) -> str:
    """Return a text quoted for a filter expression."""
    return "'" + value.replace("'", "''") + "'"


def in_lists(column: str, values: Iterable[str]) -> Iterator[str]:
    """Yield filter expressions that together name all values."""
    ordered = sorted(values)
    for start in range(0, len(ordered), _IN_LIST):
        yield f"{column} IN ({', '.join(map(quoted, ordered[start : start + _IN_LIST]))})"


def hit(row: Row, score: float = 0.0) -> RowHit:
    """Return a found row as a hit."""
    chunk = replace(chunk_of_rows([row]), variants=(), negatives=())
    return RowHit(chunk, row.text, row.role, score, row.row_id)


def tuples(table: pa.Table, names: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    """Yield the values of these columns, row by row."""
    return zip(*(table[name].to_pylist() for name in names), strict=True)


def read_rows(table: pa.Table) -> list[Row]:
    """Return a table with the columns `ROW_FIELDS` as rows."""
    return [Row(*values) for values in tuples(table, ROW_FIELDS)]


def chunks(rows: Iterable[Row]) -> list[Chunk]:
    """Return the chunks that rows belong to, in the order of their first rows."""
    by_chunk: dict[str, list[Row]] = {}
    for row in rows:
        by_chunk.setdefault(row.chunk_id, []).append(row)
    return [chunk_of_rows(found) for found in by_chunk.values()]


def matrix(table: pa.Table) -> Matrix:
    """Return the column ``vector``, shape ``(rows, dim)``."""
    if not len(table):
        return np.empty((0, 0), np.float32)
    column = table["vector"].combine_chunks()
    values: Matrix = column.flatten().to_numpy(zero_copy_only=False)
    return values.reshape(len(column), -1)


def arrow(rows: Sequence[Row], vectors: Matrix) -> pa.Table:
    """Return rows and their vectors as the table that LanceDB takes."""
    columns: dict[str, Any] = {
        column.name: pa.array([getattr(row, column.name) for row in rows], column.type)
        for column in COLUMNS
    }
    flat = pa.array(np.ascontiguousarray(vectors, np.float32).ravel())
    columns["vector"] = pa.FixedSizeListArray.from_arrays(flat, vectors.shape[1])
    return pa.table(columns)
