"""Documents of a release made again: from their originals, with the vectors that are left."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import replace

from core.errors import IndexDamaged, IndexMismatch, OriginalMissing
from core.types import Vector
from db.knowledge import Document
from kb.index import Index
from kb.originals import Originals
from kb.prepare import OnProgress, Prepared, Preparer, StoredFile
from kb.rows import is_whole
from kb.settings import columns_of, with_columns

logger = logging.getLogger(__name__)

_UNIT = 1e-4
"""Squared length of a vector may differ from 1 by this; float32 itself by 1e-6."""


class Rereader:
    """Reads documents again as they would be read today."""

    def __init__(self, preparer: Preparer, originals: Originals, *, settings: str) -> None:
        self._preparer = preparer
        self._originals = originals
        self._settings = settings

    async def prepare(
        self,
        documents: Mapping[str, Document],
        known: set[str],
        on_progress: OnProgress | None,
        *,
        as_of: float | None = None,
    ) -> tuple[Prepared, dict[str, str]]:
        """Read documents from their originals; return them with the errors by document."""
        files, errors = [], {}
        for document in documents.values():
            try:
                await asyncio.to_thread(self._originals.checked_path, document.sha256)
            except OriginalMissing as error:
                errors[document.doc_id] = str(error)
                continue
            files.append(
                StoredFile(
                    document.doc_id,
                    document.source,
                    document.sha256,
                    with_columns(self._settings, columns_of(document.settings)),
                    document.received,
                )
            )
        prepared = await self._preparer.prepare(
            files, known=known, as_of=as_of, on_progress=on_progress
        )
        errors |= {file.file.doc_id: file.error for file in prepared.files if file.error}
        return prepared, errors


def made_of(prepared: Prepared, documents: Mapping[str, Document]) -> dict[str, Document]:
    """Return the documents as they are now that those without an error were read again."""
    after = dict(documents)
    for file in prepared.files:
        if not file.error:
            after[file.file.doc_id] = replace(
                documents[file.file.doc_id], settings=file.file.settings, chunks=len(file.chunks)
            )
    return after


async def vectors_left(index: Index) -> dict[str, Vector]:
    """Return the vectors of the live release by key, as far as they can be read.

    One that a damaged file changed no longer has unit length, or its row no longer its hash.
    """
    try:
        rows, vectors = await index.all_rows()
    except (IndexDamaged, IndexMismatch) as error:
        logger.warning("Every text is embedded again: %s", error)
        return {}
    return {
        row.vector_key: vector
        for row, vector in zip(rows, vectors, strict=True)
        if is_whole(row) and abs(float(vector @ vector) - 1) < _UNIT
    }
