"""From files to a new release or a preview of it, by the same code."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from pathlib import Path

from core.shown import short
from core.types import Chunk, FileReport, IngestReport, NewText
from db.curation import Curation
from db.knowledge import Document, Release
from kb.ingest.diff import Change, Comparison
from kb.ingest.fingerprint import columns_of, with_columns
from kb.ingest.prepare import OnProgress, Prepared, Progress
from kb.ingest.wanted import UPLOAD, Errors, Guard, foreign, guarded, same, still_wanted
from kb.releases.publish import Publisher
from kb.review.caution import cautions
from kb.review.finding_text import confirmation, to_confirm
from kb.review.findings import Inspector
from kb.review.forecast import Forecast, Forecaster
from kb.review.gate import HeldBack
from kb.review.most_asked import AskedOnce


@dataclass(frozen=True, slots=True)
class IncomingFile:
    """A file that the knowledge base shall hold under `doc_id`."""

    doc_id: str
    content: Path | bytes
    """Where it is, or its bytes."""
    source: str = UPLOAD
    columns: str | None = None
    """Which columns of a table mean what (`kb.parse.parse`); ``None``: as in the last version."""


_TEXTS = 500
"""Entries and passages of each kind that a preview shows: changed, gone, new."""
_CHARS = (200, 800)
"""Of a text alone, and of each of two side by side."""
_NOTHING, _UNKNOWN = Comparison(), Forecast()
_COMPARED = frozenset({"ingest", "refresh"})
"""Kinds of release whose answers are compared with those before: not an operator's single edit."""


@dataclass(frozen=True, slots=True)
class _Work:
    """The task of one run, against the release that was live when it began."""

    base: Release | None
    documents: Mapping[str, Document]
    names: Sequence[str]
    """Documents to report on."""
    changed: list[Document]
    gone: list[str]
    errors: Errors
    started: float
    kind: str
    note: str
    dry_run: bool = False
    gated: bool = False
    guard: Guard | None = None
    own: Sequence[AskedOnce] = ()
    on_progress: OnProgress | None = None
    trial: Sequence[Curation] = ()


@dataclass(frozen=True)
class Ingestor:
    """Makes the knowledge base hold files."""

    publisher: Publisher
    _: KW_ONLY
    settings: str
    """Of parser and chunker; files that were ingested under others are read again."""
    inspector: Inspector
    forecaster: Forecaster
    max_file_bytes: int
    own_contacts: str = ""
    """The company's own contacts, as text (`kb.review.caution`)."""

    async def ingest(
        self,
        files: Sequence[IncomingFile],
        *,
        removed: Sequence[str] = (),
        dry_run: bool = False,
        kind: str = "ingest",
        note: str = "",
        guard: Guard | None = None,
        anyway: bool = False,
        own: Sequence[AskedOnce] = (),
        on_progress: OnProgress | None = None,
    ) -> IngestReport:
        """Make the knowledge base hold exactly `files` under their ids, without `removed`.

        All of it becomes one release, or none if nothing changes. A file that cannot be taken is
        reported with its error; what stood under its id stays, and the other files go on.
        Cancelling leaves the knowledge base as it was. So does a release that answers golden
        questions worse than the live one, or has texts that a person must confirm: it is not
        published, and `IngestReport.held` says why. A refresh leaves out the documents with such
        texts and says so as their error.

        Args:
            files: a file with the bytes of the one before is not even parsed.
            dry_run: only report what would change, and what in it an operator should look at.
            kind: of the release, see `Release.kind`.
            anyway: publish whatever the golden questions say, and what else waits for a person
                (`kb.review.caution`).
            own: questions that the files are to answer, asked by a dry run.

        Raises:
            ModelError: if the embedding model fails.
            IndexDamaged, IndexMismatch, IndexNotWritten, PublishConflict: if the index cannot be
                used. The live release is untouched in each case.
        """
        started = time.perf_counter()
        base, documents = await self._live()
        expected = await self.publisher.preparer.expected_settings()
        received, errors = await asyncio.to_thread(self._receive, files, documents)
        errors |= {
            doc_id: f"{doc_id!r} is not in the knowledge base, so it was not removed."
            for doc_id in removed
            if doc_id not in documents
        }
        changed = [
            file
            for file in received
            if not same(
                replace(file, settings=expected(file.doc_id, file.settings)),
                documents.get(file.doc_id),
            )
        ]
        work = _Work(
            base,
            documents,
            names=[*(file.doc_id for file in files), *removed],
            changed=changed,
            gone=[doc_id for doc_id in removed if doc_id in documents],
            errors=errors,
            started=started,
            kind=kind,
            note=note,
            dry_run=dry_run,
            gated=not anyway,
            guard=guard,
            own=own,
            on_progress=on_progress,
        )
        return await self._carry_out(work)

    async def reread(self, doc_ids: Sequence[str], *, note: str) -> IngestReport:
        """Publish live documents again, from their originals, where operators' work changed."""
        started = time.perf_counter()
        while True:
            base, documents = await self._live()
            expected = await self.publisher.preparer.expected_settings()
            live = [found for doc_id in doc_ids if (found := documents.get(doc_id))]
            changed = [
                replace(found, settings=settings)
                for found in live
                if (settings := with_columns(self.settings, columns_of(found.settings)))
                and expected(found.doc_id, settings) != found.settings
            ]
            work = _Work(base, documents, doc_ids, changed, [], {}, started, "edit", note)
            report = await self._carry_out(work)
            failed = [file.doc_id for file in report.files if file.error]
            now = (await self._live())[1] if failed else {}
            # A newer version that overtook this run has the work on it, or the next turn puts it.
            if all(now.get(doc_id) == documents.get(doc_id) for doc_id in failed):
                return report

    async def foresee(self, trial: Curation, *, own: Sequence[AskedOnce]) -> IngestReport:
        """Report what an operator's work that is not stored would change, as `ingest` with
        `dry_run` does."""
        started = time.perf_counter()
        base, documents = await self._live()
        name = trial.anchor.doc_id
        changed = [documents[name]] if name in documents else []
        work = _Work(base, documents, [name], changed, [], {}, started, "edit", "")
        return await self._carry_out(replace(work, dry_run=True, own=own, trial=[trial]))

    async def _live(self) -> tuple[Release | None, Mapping[str, Document]]:
        releases = self.publisher.releases
        base = await releases.current()
        return base, {} if base is None else await releases.documents(base.number)

    async def _carry_out(self, work: _Work) -> IngestReport:
        preparer = self.publisher.preparer
        prepared = Prepared((), {}, 0)
        if work.changed:
            prepared = await preparer.prepare(
                work.changed,
                known=await (await self.publisher.index.view()).known(),
                embed=not work.dry_run,
                on_progress=work.on_progress,
            )
        work.errors.update({f.file.doc_id: f.error for f in prepared.files if f.error})
        if work.trial:
            prepared = await preparer.curated(prepared, *work.trial)
        if work.dry_run:
            return await self._preview(prepared, work)
        if work.gone or any(not file.error for file in prepared.files):
            return await self._apply(prepared, work)
        return _report(work, prepared, work.base, work.documents)

    async def _preview(self, prepared: Prepared, work: _Work) -> IngestReport:
        """Report what publishing would change, and what an operator should check."""
        view = await self.publisher.index.view()
        comparison, _, _ = await guarded(view, prepared, work.gone, work.guard)
        cautious = await cautions(view, comparison, own=self.own_contacts)
        inspection = await self.inspector.inspect(view, self.publisher.preparer, comparison)
        vectors = inspection.vectors

        def on_asked(done: int, total: int) -> None:
            if work.on_progress:
                read = len(prepared.files)
                work.on_progress(Progress(read, read, 0, 0, asked=(done, total)))

        forecast = await self.forecaster.foresee(
            view, comparison, vectors, own=work.own, on_asked=on_asked
        )
        return replace(
            _report(work, prepared, work.base, work.documents, comparison, forecast),
            embedded=prepared.wanted,
            dry_run=True,
            findings=(*cautious, *inspection.findings),
            uncompared=inspection.uncompared,
            texts=_texts(comparison),
        )

    async def _apply(self, prepared: Prepared, work: _Work) -> IngestReport:
        """Publish what was prepared on top of what is live by now.

        Of two runs that bring the same document, the file received last wins.
        """
        publisher = self.publisher
        async with publisher.locked():
            base, before = await self._live()
            curated = await publisher.preparer.curated(prepared)
            taken, gone = still_wanted(curated, work.gone, before, work.documents, work.errors)
            if not taken.files and not gone:
                return _report(work, prepared, base, before)
            seen = await publisher.index.view()
            draft = await publisher.index.draft(base)
            comparison, taken, gone = await guarded(draft, taken, gone, work.guard)
            if work.gated:
                cautious = await cautions(seen, comparison, own=self.own_contacts)
                waiting = to_confirm(cautious)
                if waiting and work.kind != "refresh":
                    report = _report(work, prepared, base, before)
                    return replace(report, held=confirmation(waiting))
                if waiting:  # the other sources of the run go on
                    work.errors.update({f.doc_id: confirmation([f]) for f in reversed(waiting)})
                    held = {finding.doc_id for finding in waiting}
                    comparison, taken, gone = await guarded(draft, taken, gone, lambda _: held)
            if not taken.files and not gone:
                return _report(work, prepared, base, before)
            after = {doc_id: before[doc_id] for doc_id in before.keys() - set(gone)}
            after |= taken.documents()
            try:
                release = await publisher.publish(
                    base,
                    after,
                    comparison,
                    draft=draft,
                    vectors=taken.vectors,
                    kind=work.kind,
                    note=work.note,
                    gated=work.gated,
                )
            except HeldBack as error:
                report = _report(work, prepared, base, before)
                return replace(report, held=str(error), answers=error.changes)
            await publisher.preparer.settle(taken, gone)
        forecast = Forecast()
        if work.kind not in _COMPARED:
            publisher.announce_soon(release.number)
        else:
            await publisher.announce(release.number)
            forecast = await self.forecaster.changes(seen, await publisher.index.view())
        report = _report(work, prepared, release, after, comparison, forecast)
        return replace(report, embedded=release.embedded)

    def _receive(
        self, files: Sequence[IncomingFile], documents: Mapping[str, Document]
    ) -> tuple[list[Document], Errors]:
        """Store the originals, blocking; return them with the errors of those that have one."""
        now = time.time()
        stored: dict[str, Document] = {}
        errors: Errors = {}
        for file in files:
            before = documents.get(file.doc_id)
            if file.doc_id in stored:
                errors[file.doc_id] = f"{file.doc_id!r} came twice in one run: send one of them."
                continue
            if before is not None and before.source != file.source:
                errors[file.doc_id] = foreign(file.doc_id, before)
                continue
            try:
                content = file.content
                size = len(content) if isinstance(content, bytes) else content.stat().st_size
                if size > self.max_file_bytes:
                    errors[file.doc_id] = (
                        f"{file.doc_id!r} has {size / 2**20:.1f} MB and the limit is "
                        f"{self.max_file_bytes / 2**20:.0f} MB (knowledge.max_file_mb): split it, "
                        "or raise the limit."
                    )
                    continue
                sha256 = self.publisher.preparer.originals.store(content)
            except OSError as error:
                errors[file.doc_id] = f"{file.doc_id!r} cannot be read: {error.strerror or error}."
                continue
            received = before.received if before is not None and before.sha256 == sha256 else now
            columns = file.columns
            if columns is None:
                columns = "" if before is None else columns_of(before.settings)
            settings = with_columns(self.settings, columns)
            stored[file.doc_id] = Document(
                file.doc_id, file.source, sha256, settings, received, chunks=0
            )
        return [file for doc_id, file in stored.items() if doc_id not in errors], errors


def _report(
    work: _Work,
    prepared: Prepared,
    base: Release | None,
    documents: Mapping[str, Document],
    comparison: Comparison = _NOTHING,
    forecast: Forecast = _UNKNOWN,
) -> IngestReport:
    """Return what became of a run after which `base` with its `documents` is live."""
    read = {file.file.doc_id: file for file in prepared.files}
    files = []
    for doc_id in dict.fromkeys(work.names):
        file = comparison.files.get(doc_id)
        if file is None:
            document = documents.get(doc_id)
            file = FileReport(doc_id, unchanged=document.chunks if document else 0)
        if found := read.get(doc_id):
            file = replace(file, skipped=found.skipped, unfit=found.unfit)
        files.append(replace(file, error=work.errors.get(doc_id, "")))
    return IngestReport(
        release=0 if base is None else base.number,
        files=tuple(files),
        embedded=0,
        seconds=time.perf_counter() - work.started,
        **vars(forecast),
    )


def _texts(comparison: Comparison) -> tuple[NewText, ...]:
    """Return how the first entries and passages begin that change, go and come."""
    texts = [_text(one) for one in comparison.changes]
    changed = [one for one in texts if one.text and one.old]
    gone, new = ([t for t in texts if not t.text], [t for t in texts if not t.old])
    return (*changed[:_TEXTS], *gone[:_TEXTS], *new[:_TEXTS])


def _text(change: Change) -> NewText:
    sides = [chunk for chunk in (change.before, change.after) if chunk]
    chunk, both = sides[-1], len(sides) > 1
    same = both and (sides[0].text, sides[0].answer) == (chunk.text, chunk.answer)
    old, text = (
        short(_whole(one) if same else one.answer or one.text, _CHARS[both]) if one else ""
        for one in (change.before, change.after)
    )
    heading = chunk.text if chunk.kind == "faq" else chunk.title
    return NewText(chunk.doc_id, chunk.location, heading, text, old)


def _whole(chunk: Chunk) -> str:
    """Return a text with everything that may change around it, a line each."""
    days = " – ".join(filter(None, (chunk.valid_from, chunk.valid_until)))
    around = (chunk.title, chunk.category, days, *chunk.variants, *chunk.negatives)
    return "\n".join([chunk.answer or chunk.text, *filter(None, around)])
