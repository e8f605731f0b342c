"""Compare documents with what is stored: rows to write and to delete, figures of the report."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from core.types import Chunk, FileReport
from kb.index.rows import Row, content_key
from kb.index.table import chunks
from kb.index.view import Reader
from kb.ingest.prepare import Prepared, PreparedFile
from kb.ranking.features import Rarity, char_bags

_LIKE, _LIKE_IN_PLACE = 0.6, 0.3
"""N-gram cosine from which a text that comes takes the place of one that goes; in the same place
of the file less is enough."""
_PAIRS = 4_000_000
"""Removed times added texts of a document, up to which they are compared."""


@dataclass(frozen=True, slots=True)
class Change:
    """An entry or passage before and after; ``None``: added or removed."""

    before: Chunk | None
    after: Chunk | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """The difference between some documents and what is stored of them."""

    written: tuple[Row, ...] = ()
    """Rows that are new, or whose metadata changed."""
    gone: frozenset[str] = frozenset()
    """Ids of rows that are no longer there."""
    files: Mapping[str, FileReport] = field(default_factory=dict)
    """By document, of those that change only."""
    fresh: tuple[Row, ...] = ()
    """Of `written`, the rows whose text is new in its chunk."""
    changes: tuple[Change, ...] = ()
    """The changes that `files` counts, document by document."""

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
    new_by_document: dict[str, list[Row]] = defaultdict(list)
    for row in rows.values():
        new_by_document[row.doc_id].append(row)
    changes = {
        doc_id: await asyncio.to_thread(_changes, by_document[doc_id], new_by_document[doc_id])
        for doc_id in (*doc_ids, *removed)
    }
    reports = {doc_id: _report(doc_id, changes[doc_id]) for doc_id in changes}
    for file in files:
        doc_id = file.file.doc_id
        reports[doc_id] = replace(
            reports[doc_id],
            unchanged=len(file.chunks) - sum(one.after is not None for one in changes[doc_id]),
            duplicates=sum(len(elsewhere[content_key(chunk)]) > 1 for chunk in file.chunks),
        )
    return Comparison(
        written=tuple(row for row in rows.values() if digests.get(row.row_id) != row.digest),
        gone=frozenset(digests.keys() - rows.keys()),
        files=reports,
        fresh=tuple(row for row in rows.values() if row.row_id not in digests),
        changes=tuple(change for found in changes.values() for change in found),
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


def _report(doc_id: str, changes: Sequence[Change]) -> FileReport:
    kept = sum(one.before is not None and one.after is not None for one in changes)
    return FileReport(
        doc_id,
        added=sum(one.before is None for one in changes),
        changed=kept,
        removed=sum(one.after is None for one in changes),
    )


def _changes(stored: Sequence[Row], rows: Sequence[Row]) -> list[Change]:
    """Return the changes of one document; a text that only moved is none."""
    before, after = ({chunk.chunk_id: chunk for chunk in chunks(of)} for of in (stored, rows))
    found = [
        Change(before[one], after[one])
        for one in after
        if one in before and _said(before[one]) != _said(after[one])
    ]
    lost, new = (
        [chunk for chunk_id, chunk in these.items() if chunk_id not in others]
        for these, others in ((before, after), (after, before))
    )
    pairs = _paired(lost, new)
    found += [Change(lost[one], new[other]) for one, other in pairs.items()]
    found += [Change(chunk, None) for place, chunk in enumerate(lost) if place not in pairs]
    taken = set(pairs.values())
    return [*found, *(Change(None, one) for place, one in enumerate(new) if place not in taken)]


def _said(chunk: Chunk) -> Chunk:
    return replace(chunk, location="", updated="", entry_id="")


def _paired(lost: Sequence[Chunk], new: Sequence[Chunk]) -> dict[int, int]:
    """Return for texts that go which of those that come takes their place, the likest first.

    An entry with the same question always does.
    """
    if not 0 < len(lost) * len(new) <= _PAIRS:
        asked = {chunk.text: place for place, chunk in enumerate(new) if chunk.kind == "faq"}
        return {place: asked[one.text] for place, one in enumerate(lost) if one.text in asked}
    texts = ([f"{one.text}\n{one.answer}" for one in of] for of in (lost, new))
    mine, theirs = (Rarity.flat().weighted(char_bags(of)) for of in texts)
    likeness = (mine @ theirs.T).toarray()
    for place, one in enumerate(lost):
        for other, chunk in enumerate(new):
            if one.kind != chunk.kind:
                likeness[place, other] = 0.0
            elif one.kind == "faq" and one.text == chunk.text:
                likeness[place, other] = 2.0
            elif one.location == chunk.location and likeness[place, other] >= _LIKE_IN_PLACE:
                likeness[place, other] = max(likeness[place, other], _LIKE)
    found: dict[int, int] = {}
    taken: set[int] = set()
    ordered = np.argwhere(likeness >= _LIKE)
    for place, other in ordered[np.argsort(-likeness[tuple(ordered.T)], kind="stable")].tolist():
        if place not in found and other not in taken:
            found[place] = other
            taken.add(other)
    return found
