"""From originals to rows with vectors: parse, chunk and embed, overlapping."""

import asyncio
import contextlib
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from dataclasses import KW_ONLY, dataclass, replace
from datetime import UTC, datetime
from typing import TypeAlias

from core.errors import IngestError
from core.protocols import Embedder
from core.types import Chunk, ParsedFile, Skipped, Vector
from db.curation import Curation, Curations, Settled
from db.knowledge import Document
from kb.index.rows import Row, embedded_text, is_statement, rows_of_chunk
from kb.ingest.curate import attach, by_document, expected_work, unique
from kb.ingest.fingerprint import columns_of, with_work
from kb.ingest.originals import Originals
from kb.ingest.vector_cache import VectorSpool
from kb.parse.sandbox.parser_process import ParserProcess

EMBED_BATCH = 64
"""Texts in one call of the embedding model: its best batch, and the grain of cancelling."""


@dataclass(frozen=True, slots=True)
class PreparedFile:
    """A document as chunks; with an `error`, without any."""

    file: Document
    chunks: tuple[Chunk, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    error: str = ""
    own: tuple[Chunk, ...] = ()
    """The chunks without operators' edits."""
    settled: tuple[Settled, ...] = ()
    """What became of operators' edits of the file's entries."""

    @property
    def unfit(self) -> tuple[str, ...]:
        """Operators' work that could not be attached, as sentences."""
        return tuple(one.reason for one in self.settled if one.state == "unfit")


@dataclass(frozen=True, slots=True)
class Prepared:
    """Documents ready to be published."""

    files: tuple[PreparedFile, ...]
    vectors: dict[str, Vector]
    """By vector key, of the texts that were embedded."""
    wanted: int
    """Texts that were new, whether they were embedded or not."""
    answers: bool = False
    """Whether entries have rows for their answers, too."""

    def documents(self) -> dict[str, Document]:
        """Return the documents that could be read, by id."""
        return {file.file.doc_id: file.file for file in self.files if not file.error}

    def rows(self) -> dict[str, Row]:
        """Return the rows of all documents by id."""
        return {
            row.row_id: row
            for prepared in self.files
            for chunk in prepared.chunks
            for row in rows_of_chunk(chunk, answers=self.answers)
        }


@dataclass(frozen=True, slots=True)
class Progress:
    """Progress of an ingest."""

    files: int
    """Files that were read and cut into chunks."""
    files_total: int
    texts: int
    """Texts that were embedded."""
    texts_total: int
    """Texts to embed in the files read so far."""
    page: tuple[int, int] = (0, 0)
    """Which page is being read as a picture, and how many of them its file has."""
    asked: tuple[int, int] = (0, 0)
    """Questions that a preview asked, and how many it asks."""


OnProgress: TypeAlias = Callable[[Progress], None]
"""Called after each file, each batch of embeddings, and before each page read as a picture."""


@dataclass(frozen=True)
class Preparer:
    """Makes chunks and vectors of originals, with the work of operators on them.

    Touches neither index nor releases. What embeds raises ModelError if the model fails.
    """

    originals: Originals
    parser: ParserProcess
    chunker: Callable[..., Awaitable[Sequence[Chunk]]]
    """`kb.index.chunk.chunk_file`, with how long chunks are to be."""
    embedder: Embedder
    spool: VectorSpool
    """Holds what a stopped run has embedded; whoever publishes vectors tells it."""
    curations: Curations
    _: KW_ONLY
    answers: bool = False

    async def prepare(
        self,
        files: Sequence[Document],
        *,
        known: set[str],
        embed: bool = True,
        as_of: float | None = None,
        on_progress: OnProgress | None = None,
    ) -> Prepared:
        """Parse, chunk and embed `files`; a file that cannot be read gets its error and no more.

        Texts that a stopped run has embedded already are taken from there.

        Args:
            files: their originals are in the store; how many chunks they have is found out.
            known: vector keys that need no embedding.
            embed: with ``False``, only count what would be embedded.
            as_of: attach the work of operators as it was at this moment (UTC epoch seconds).
        """
        work = await self._work([file.doc_id for file in files], as_of)
        seen, page = set(known), (0, 0)
        arriving: asyncio.Queue[list[Row] | None] = asyncio.Queue()
        prepared: list[PreparedFile] = []
        vectors: dict[str, Vector] = {}
        kept: dict[str, Vector] = {}
        if embed:
            kept = await asyncio.to_thread(self.spool.load)
            await asyncio.to_thread(self.spool.published, known)

        def report() -> None:
            if on_progress is not None:
                total = len(seen) - len(known)
                on_progress(Progress(len(prepared), len(files), len(vectors), total, page))

        def on_page(number: int, pages: int) -> None:
            nonlocal page
            page = number, pages
            report()

        async def read() -> None:
            nonlocal page
            try:
                paths = [(file.doc_id, self.originals.path(file.sha256)) for file in files]
                columns = {file.doc_id: columns_of(file.settings) for file in files}
                reading = self.parser.parse_many(paths, columns=columns, on_page=on_page)
                async with contextlib.aclosing(reading) as results:
                    for file in files:
                        chunked = await self._chunk(file, await anext(results))
                        prepared.append(_curated(chunked, work.get(file.doc_id, ())))
                        page = 0, 0
                        arriving.put_nowait(_unseen(prepared[-1], seen, answers=self.answers))
                        report()
            finally:
                arriving.put_nowait(None)

        reading = asyncio.create_task(read())
        try:
            async for batch in _batches(arriving):
                if embed:
                    vectors |= await self._embed_rest(batch, kept)
                    report()
            await reading
        finally:
            reading.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await reading
        return Prepared(tuple(prepared), vectors, len(seen) - len(known), self.answers)

    async def embed(self, rows: Sequence[Row]) -> dict[str, Vector]:
        """Embed the texts of some rows; return the vectors by vector key."""
        embedder = self.embedder
        found: dict[str, Vector] = {}
        for passages, embed in ((False, embedder.embed_queries), (True, embedder.embed_passages)):
            if group := [row for row in rows if is_statement(row) is passages]:
                matrix = await embed([embedded_text(row) for row in group])
                found |= zip((row.vector_key for row in group), matrix, strict=True)
        return found

    async def curated(self, prepared: Prepared, *trial: Curation) -> Prepared:
        """Attach the work of operators anew: somebody may have added some since.

        With a `trial` as if that were stored, too.
        """
        names = [file.file.doc_id for file in prepared.files]
        stored, tried = await self._work(names, None), by_document(trial)
        work = {name: [*stored.get(name, ()), *tried.get(name, ())] for name in names}
        files = tuple(_curated(file, work[file.file.doc_id]) for file in prepared.files)
        return replace(prepared, files=files)

    async def settle(self, prepared: Prepared, removed: Sequence[str] = ()) -> None:
        """Note what became of operators' work, once `prepared` is live and `removed` are gone."""
        settled = [one for file in prepared.files for one in file.settled]
        for lost in await self.curations.open(removed) if removed else ():
            if lost.state == "active":
                reason = f"The document {lost.anchor.doc_id!r} was taken out."
                settled.append(lost.settled(reason))
        await self.curations.settle(settled)

    async def expected_settings(self) -> Callable[[str, str], str]:
        """Return what makes of a document's id and settings those its next version will have."""
        work = expected_work(await self.curations.open())
        return lambda doc_id, settings: with_work(settings, work.get(doc_id, ""))

    async def _work(
        self, doc_ids: Sequence[str], as_of: float | None
    ) -> Mapping[str, Sequence[Curation]]:
        curations = self.curations
        return by_document(
            await (curations.open(doc_ids) if as_of is None else curations.as_of(as_of))
        )

    async def spooled(self, rows: Sequence[Row]) -> dict[str, Vector]:
        """Return the vectors of some rows; new ones wait for the run that publishes."""
        kept = await asyncio.to_thread(self.spool.load)
        found: dict[str, Vector] = {}
        for batch in _cut({row.vector_key: row for row in rows}.values()):
            found |= await self._embed_rest(batch, kept)
        return found

    async def _embed_rest(
        self, rows: Sequence[Row], kept: Mapping[str, Vector]
    ) -> dict[str, Vector]:
        """Return the vectors of some rows; those that are not kept yet are from now on."""
        new = await self.embed([row for row in rows if row.vector_key not in kept])
        if new:
            await asyncio.to_thread(self.spool.add, new)
        return new | {key: kept[key] for row in rows if (key := row.vector_key) in kept}

    async def _chunk(self, file: Document, parsed: ParsedFile | IngestError) -> PreparedFile:
        if isinstance(parsed, IngestError):
            return PreparedFile(file, error=str(parsed))
        day = datetime.fromtimestamp(file.received, UTC).date().isoformat()
        try:
            chunks = await self.chunker(parsed, doc_id=file.doc_id, updated=day)
        except IngestError as error:
            return PreparedFile(file, error=str(error))
        own, repeated = unique(chunks)
        skipped = list(parsed.skipped)
        for chunk, first in repeated:
            where = f" ({first.location})" if first.location else ""
            skipped.append(Skipped(chunk.location, f"repeats an earlier text of this file{where}"))
        if not own:
            reason = f"{skipped[0].location}: {skipped[0].reason}" if skipped else "it has no text"
            nothing = f"{file.doc_id!r}: nothing was taken ({reason})."
            return PreparedFile(file, skipped=tuple(skipped), error=nothing)
        return PreparedFile(file, own, tuple(skipped), own=own)


def _curated(prepared: PreparedFile, work: Sequence[Curation]) -> PreparedFile:
    attached = attach(prepared.own, work)
    settings = with_work(prepared.file.settings, attached.work)
    return replace(
        prepared,
        file=replace(prepared.file, settings=settings, chunks=len(attached.chunks)),
        chunks=attached.chunks,
        settled=() if prepared.error else attached.settled,
    )


def _unseen(prepared: PreparedFile, seen: set[str], *, answers: bool) -> list[Row]:
    """Return one row for each text not seen before, and remember the texts."""
    found: list[Row] = []
    for chunk in prepared.chunks:
        for row in rows_of_chunk(chunk, answers=answers):
            if row.vector_key not in seen:
                seen.add(row.vector_key)
                found.append(row)
    return found


async def _batches(arriving: asyncio.Queue[list[Row] | None]) -> AsyncIterator[list[Row]]:
    """Yield batches of what has arrived, until ``None`` ends the stream."""
    rows: list[Row] | None = []
    while rows is not None:
        window: list[Row] = []
        while rows is not None and (len(window) < EMBED_BATCH or not arriving.empty()):
            rows = await arriving.get()
            window += rows or ()
        for batch in _cut(window):
            yield batch


def _cut(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """Split rows into batches of texts of similar length, which saves padding.

    The longest come first, so that the model's largest batch shows itself at the start.
    """
    ordered = sorted(
        rows, key=lambda row: (is_statement(row), len(embedded_text(row).encode())), reverse=True
    )
    for start in range(0, len(ordered), EMBED_BATCH):
        yield ordered[start : start + EMBED_BATCH]
