"""Drop documents that are stored already, overtaken by another run, or held back."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias

from core.types import FileReport
from db.knowledge import Document
from kb.index.view import Reader
from kb.ingest.diff import Comparison, compare
from kb.ingest.prepare import Prepared

UPLOAD = "upload"
"""Source of files that were sent by hand; a folder's refresh never removes them."""

Guard: TypeAlias = Callable[[Mapping[str, FileReport]], Collection[str]]
"""Takes the reports of all documents that would change; returns the ids of those that may not."""

Errors: TypeAlias = dict[str, str]
"""Why a document was not taken, by document id."""


def same(file: Document, document: Document | None) -> bool:
    """Tell whether a file is what the document was made of already."""
    same_age = document and replace(document, received=file.received, chunks=file.chunks)
    return same_age == file


async def guarded(
    state: Reader, prepared: Prepared, removed: list[str], guard: Guard | None
) -> tuple[Comparison, Prepared, list[str]]:
    """Compare with what is stored, without the documents that the guard holds back."""
    comparison = await compare(state, prepared, removed)
    held = guard(comparison.files) if guard is not None else ()
    if not held:
        return comparison, prepared, removed
    files = tuple(file for file in prepared.files if file.file.doc_id not in held)
    prepared = replace(prepared, files=files)
    removed = [doc_id for doc_id in removed if doc_id not in held]
    return await compare(state, prepared, removed), prepared, removed


def still_wanted(
    prepared: Prepared,
    removed: Sequence[str],
    live: Mapping[str, Document],
    seen: Mapping[str, Document],
    errors: Errors,
) -> tuple[Prepared, list[str]]:
    """Drop what another run has done or overtaken since this one began."""
    taken = []
    for file in prepared.files:
        document = live.get(file.file.doc_id)
        if file.error or same(file.file, document):
            continue
        overtaken = document and document != seen.get(file.file.doc_id)
        if document and overtaken and document.received > file.file.received:
            errors[file.file.doc_id] = (
                f"{file.file.doc_id!r} was replaced by a file received later; that one was kept."
            )
            continue
        if document is not None and document.source != file.file.source:
            errors[file.file.doc_id] = foreign(file.file.doc_id, document)
            continue
        taken.append(file)
    return replace(prepared, files=tuple(taken)), [doc for doc in removed if doc in live]


def foreign(doc_id: str, document: Document) -> str:
    """Return the sentence for a document that comes from somewhere else already."""
    owner = "an upload" if document.source == UPLOAD else f"the source {document.source!r}"
    return f"{doc_id!r} already comes from {owner}: change it there, or rename this file."
