"""What a set of documents changes: rows to write and to take out, and the figures of the report."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from core.types import Chunk, FileReport
from kb.index.rows import Row, content_key
from kb.index.table import ROLES
from kb.index.view import Reader
from kb.ingest.prepare import Prepared, PreparedFile


@dataclass(frozen=True, slots=True)
class Comparison:
    """The difference between some documents and what is stored of them."""

    written: tuple[Row, ...] = ()
    """Rows that are new, or whose metadata changed."""
    gone: frozenset[str] = frozenset()
    """Ids of rows that are no longer there."""
    files: Mapping[str, FileReport] = field(default_factory=dict)
    """By document, only of those that change."""
    fresh: tuple[Row, ...] = ()
    """Of `written`, the rows whose text is new in its chunk."""
    lost: tuple[Row, ...] = ()
    """The questions and passages that are no longer there."""

    def summary(self) -> dict[str, int]:
        """Return the chunks added, changed and removed."""
        kinds = ("added", "changed", "removed")
        return {kind: sum(getattr(file, kind) for file in self.files.values()) for kind in kinds}


async def compare(state: Reader, prepared: Prepared, removed: Sequence[str]) -> Comparison:
    """Compare prepared documents and documents to remove with what is stored."""
    files = [file for file in prepared.files if not file.error]
    doc_ids = [file.file.doc_id for file in files]
    stored = await state.rows_of("doc_id", {*doc_ids, *removed})
    digests = {row.row_id: row.digest for row in stored}
    rows = prepared.rows()
    by_document: dict[str, list[Row]] = defaultdict(list)
    for row in stored:
        by_document[row.doc_id].append(row)
    elsewhere = await _elsewhere(state, files, {*doc_ids, *removed})
    reports = {
        file.file.doc_id: _report(file, by_document[file.file.doc_id], elsewhere) for file in files
    }
    for doc_id in removed:
        chunks = {row.chunk_id for row in by_document[doc_id]}
        reports[doc_id] = FileReport(doc_id, removed=len(chunks))
    return Comparison(
        written=tuple(row for row in rows.values() if digests.get(row.row_id) != row.digest),
        gone=frozenset(digests.keys() - rows.keys()),
        files=reports,
        fresh=tuple(row for row in rows.values() if row.row_id not in digests),
        lost=tuple(row for row in stored if row.row_id not in rows and row.role in ROLES["head"]),
    )


async def _elsewhere(
    state: Reader, files: Sequence[PreparedFile], touched: set[str]
) -> Mapping[str, set[str]]:
    """Return, by content key, the other documents that hold or will hold the same content."""
    holders: dict[str, set[str]] = defaultdict(set)
    for file in files:
        for chunk in file.chunks:
            holders[content_key(chunk)].add(file.file.doc_id)
    for key, doc_id in await state.holders(list(holders)):
        if doc_id not in touched:
            holders[key].add(doc_id)
    return holders


def _report(
    file: PreparedFile, stored: Sequence[Row], elsewhere: Mapping[str, set[str]]
) -> FileReport:
    before = {row.chunk_id: row for row in stored}
    after = {chunk.chunk_id: chunk for chunk in file.chunks}
    added = after.keys() - before.keys()
    removed = before.keys() - after.keys()
    changed = _changed([after[chunk_id] for chunk_id in added], [before[gone] for gone in removed])
    return FileReport(
        doc_id=file.file.doc_id,
        added=len(added) - changed,
        changed=changed,
        removed=len(removed) - changed,
        unchanged=len(after.keys() & before.keys()),
        duplicates=sum(len(elsewhere[content_key(chunk)]) > 1 for chunk in file.chunks),
    )


def _changed(added: Sequence[Chunk], removed: Sequence[Row]) -> int:
    """Count the entries whose question is still there with another answer."""
    questions = {row.chunk_text for row in removed if row.role != "passage"}
    return len(questions & {chunk.text for chunk in added if chunk.kind == "faq"})
