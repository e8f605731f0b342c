"""Rebuild the documents of a release from their originals, with the vectors that are left."""

import asyncio
import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from core.errors import AnswerdeskError, IndexDamaged, IndexMismatch, OriginalMissing
from core.types import Vector
from core.wording import tr
from db.knowledge import Document
from kb.index.index import Index
from kb.index.rows import Row, is_whole
from kb.ingest.fingerprint import columns_of, with_columns
from kb.ingest.prepare import OnProgress, Prepared, Preparer

logger = logging.getLogger(__name__)

_UNIT = 1e-4
"""Squared length of a vector may differ from 1 by this; float32 itself by 1e-6."""
_NAMED = 5
"""Documents that an error names; a thousand would hide what to do."""


class NotReadAgain(AnswerdeskError):
    """Documents cannot be read again, so the others were not rebuilt either."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        """`errors` says why, by document."""
        named = " ".join(errors[doc_id] for doc_id in sorted(errors)[:_NAMED])
        if len(errors) > _NAMED:
            named += " " + tr("%(count)s more are like that.", count=len(errors) - _NAMED)
        super().__init__(
            tr(
                "Nothing was changed: %(count)s documents cannot be read again. %(reasons)s "
                "`answerdesk rebuild --anyway` makes the index without them.",
                count=len(errors),
                reasons=named,
            )
        )


@dataclass(frozen=True, slots=True)
class Left:
    """The readable part of an index."""

    rows: Sequence[Row] = ()
    vectors: Mapping[str, Vector] = field(default_factory=dict)
    """By vector key."""
    whole: bool = False
    """Whether nothing is missing."""

    def whole_of(self, documents: Mapping[str, Document]) -> dict[str, list[Row]]:
        """Return the rows by document, of those documents of which every row is left."""
        found: dict[str, list[Row]] = {}
        for row in self.rows if self.whole else ():
            found.setdefault(row.doc_id, []).append(row)
        return {
            doc_id: rows
            for doc_id, rows in found.items()
            if len({row.chunk_id for row in rows}) == documents[doc_id].chunks
        }


async def reread(
    preparer: Preparer,
    settings: str,
    documents: Mapping[str, Document],
    known: set[str],
    on_progress: OnProgress | None = None,
    *,
    as_of: float | None = None,
    spared: Collection[str] = (),
    partial: bool = False,
) -> tuple[Prepared, dict[str, str]]:
    """Read documents from their originals as they would be read today, as `Preparer.prepare`.

    With the errors by document. Those that are `spared` may fail to be read; with `partial` any
    may. `settings` are those of parser and chunker.

    Raises:
        NotReadAgain: if another one cannot be read; a missing original is found before anything
            is embedded.
    """
    files: list[Document] = []
    errors: dict[str, str] = {}

    def refuse() -> None:
        lost = {doc_id: errors[doc_id] for doc_id in errors.keys() - spared}
        if lost and not partial:
            raise NotReadAgain(lost)

    for document in documents.values():
        try:
            await asyncio.to_thread(preparer.originals.checked_path, document.sha256)
        except OriginalMissing as error:
            errors[document.doc_id] = f"{document.doc_id!r}: {error}"
            continue
        read = with_columns(settings, columns_of(document.settings))
        files.append(replace(document, settings=read))
    refuse()
    prepared = await preparer.prepare(files, known=known, as_of=as_of, on_progress=on_progress)
    errors |= {file.file.doc_id: file.error for file in prepared.files if file.error}
    refuse()
    return prepared, errors


async def left_of(index: Index) -> Left:
    """Return the rows of the live release with their vectors, as far as they can be read.

    A vector that a damaged file changed no longer has unit length, or its row no longer its hash.
    """
    try:
        rows, vectors = await (await index.view()).all_rows()
    except (IndexDamaged, IndexMismatch) as error:
        logger.warning("Every text is embedded again: %s", error)
        return Left()
    kept = [
        (row, vector)
        for row, vector in zip(rows, vectors, strict=True)
        if is_whole(row) and abs(float(vector @ vector) - 1) < _UNIT
    ]
    found = {row.vector_key: vector for row, vector in kept}
    return Left([row for row, _ in kept], found, whole=len(kept) == len(rows))
