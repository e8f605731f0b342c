"""Read the sources again: what changed becomes one release, what looks wrong is held back."""

import asyncio
import contextlib
import shutil
import tempfile
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path
from typing import TypeAlias

from core.errors import AnswerdeskError
from core.types import FileReport, IngestReport
from core.wording import tr
from db.knowledge import Document, ReleaseRepository, SourceRepository
from db.pages import PageRepository
from jobs.refresh_report import RefreshReport, SourceReport
from jobs.schedule import JobReport
from kb.ingest.prepare import OnProgress
from kb.ingest.wanted import UPLOAD
from kb.releases.ingestor import IncomingFile, Ingestor
from sources import Found, OnPage, Source, Visit
from sources.fetch.fetcher import Fetcher

Cited: TypeAlias = Callable[[], Awaitable[Mapping[str, Collection[int]]]]
"""Returns the answers of the last weeks, by each chunk that they rest on and that is live now."""


class NoSuchSource(AnswerdeskError):
    """An operator named a source that is not configured."""

    def __init__(self, wanted: str, known: Sequence[str]) -> None:
        listed = ", ".join(known) if known else "none is configured"
        super().__init__(f"No source is named {wanted!r}; refresh.sources has: {listed}.")


@dataclass(frozen=True, slots=True)
class _Looked:
    """A source as it is now, against the live release."""

    source: Source
    name: str
    known: Mapping[str, Document]
    found: Found
    accepted: bool
    """Whether an operator took its guards off for this run."""

    @property
    def gone(self) -> list[str]:
        """Return its documents that it no longer has."""
        return sorted(self.known.keys() - self.found.files.keys() - self.found.errors.keys())


@dataclass(frozen=True)
class Refresh:
    """Brings the knowledge base in line with its sources."""

    ingestor: Ingestor
    releases: ReleaseRepository
    sources: SourceRepository
    """Remembers the names of `places`."""
    places: Sequence[Source]
    _: KW_ONLY
    pages: PageRepository | None = None
    """Remembers what servers said of pages; needed by sources of the web, as is `original`."""
    original: Callable[[str], Path] = Path
    """Tells where the original of a sha256 is."""
    make_fetcher: Callable[[], Fetcher] = Fetcher
    max_removed_share: float = 0.3
    """A source that would lose more than this share of its documents or of its chunks, or cannot
    give more than this share of its pages, is held back."""
    cited: Cited | None = None
    _naming: asyncio.Lock = field(default_factory=asyncio.Lock, init=False, repr=False)

    async def run(
        self,
        *,
        only: Collection[str] | None = None,
        accept: Collection[str] = (),
        anyway: bool = False,
        dry_run: bool = False,
        on_progress: OnProgress | None = None,
        on_page: OnPage | None = None,
    ) -> RefreshReport:
        """Read every source and publish what is new, changed or gone, as one release.

        Uploaded documents, and those of a source that is no longer configured, stay. A source
        that cannot be read, or would lose too much, is left as it is and reported; the others go
        on. With `anyway` it is published whatever the golden questions say.

        Args:
            only: names or locations of the sources to read; ``None`` for all.
            accept: names or locations of sources whose guards an operator takes off for this run:
                they may shrink, and their pages may look like login forms.

        Raises:
            NoSuchSource: if `only` or `accept` names a source that is not configured.
            AnswerdeskError: if publishing fails; the live release is then untouched.
        """
        named = await self._named()
        accepted = _chosen(named, accept)
        places = named if only is None else _chosen(named, only)
        documents = await self.releases.live_documents()
        cited = await self.cited() if self.cited is not None else {}
        async with _workspace() as folder, self.make_fetcher() as fetcher:
            looked = []
            for number, (name, place) in enumerate(places.items()):
                visit = Visit(
                    name=name,
                    known={d: doc for d, doc in documents.items() if doc.source == name},
                    folder=folder / str(number),
                    fetcher=fetcher,
                    original=self.original,
                    pages=await self.pages.list(name) if self.pages is not None else {},
                    accepted=name in accepted,
                    on_page=on_page,
                )
                await asyncio.to_thread(visit.folder.mkdir)
                found = await place.find(visit)
                looked.append(_Looked(place, name, visit.known, found, visit.accepted))
            report, held = await self._publish(
                looked, anyway=anyway, dry_run=dry_run, on_progress=on_progress
            )
        refreshed = RefreshReport(
            tuple(_report(source, report, held.get(source.name, "")) for source in looked),
            report,
            None if self.cited is None or dry_run else _lost(cited, await self.cited()),
        )
        if not dry_run:
            await self._remember(looked, refreshed)
        return refreshed

    async def job(
        self,
        only: Collection[str] | None = None,
        *,
        accept: Collection[str] = (),
        anyway: bool = False,
    ) -> JobReport:
        """Run on schedule, or with what an operator accepts; `run`."""
        return (await self.run(only=only, accept=accept, anyway=anyway)).job_report()

    async def _publish(
        self,
        looked: Sequence[_Looked],
        *,
        anyway: bool,
        dry_run: bool,
        on_progress: OnProgress | None,
    ) -> tuple[IngestReport, Mapping[str, str]]:
        """Publish what the guards let through; return why sources were held, by name."""
        held = {}
        for source in looked:
            if reason := source.found.failure or self._lost_documents(source):
                held[source.name] = reason
        usable = [source for source in looked if source.name not in held]

        def guard(reports: Mapping[str, FileReport]) -> Collection[str]:
            """Return the documents of sources whose content shrinks too much."""
            kept: set[str] = set()
            for source in usable:
                if reason := self._lost_chunks(source, reports):
                    held[source.name] = reason
                    kept |= source.known.keys() | source.found.files.keys()
            return kept

        report = await self.ingestor.ingest(
            [
                IncomingFile(doc_id, path, source=source.name)
                for source in usable
                for doc_id, path in source.found.files.items()
            ],
            removed=[doc_id for source in usable for doc_id in source.gone],
            dry_run=dry_run,
            kind="refresh",
            guard=guard,
            anyway=anyway,
            on_progress=on_progress,
        )
        return report, held

    async def _named(self) -> Mapping[str, Source]:
        """Return all sources by name, in the order of the configuration."""
        named: dict[str, Source] = {}
        async with self._naming:  # two runs that begin at once would give one name twice
            for place in self.places:
                wanted = place.wanted_name.strip(". ")[:200] or "source"
                wanted += "-source" if wanted == UPLOAD else ""
                name = await self.sources.name(place.location, kind=place.kind, wanted=wanted)
                named[name] = place
        return named

    async def _remember(self, looked: Sequence[_Looked], report: RefreshReport) -> None:
        for source, checked in zip(looked, report.sources, strict=True):
            await self.sources.checked(checked.name, error=checked.held or report.ingest.held)
            if report.ingest.held:
                continue  # its pages are still those of the live release
            if self.pages is not None and source.found.pages is not None:
                await self.pages.replace(source.name, source.found.pages)

    # --- guards --------------------------------------------------------------------------------

    def _lost_documents(self, source: _Looked) -> str:
        found = source.found
        asked = len(found.files) + len(found.errors)
        if not source.accepted and len(found.errors) > self.max_removed_share * asked:
            return tr(
                "held back: %(count)s of its %(total)s files could not be had (the limit is "
                "%(limit)s).",
                count=len(found.errors),
                total=asked,
                limit=f"{self.max_removed_share:.0%}",
            )
        return self._verdict(source, len(source.gone), len(source.known), tr("documents"))

    def _lost_chunks(self, source: _Looked, reports: Mapping[str, FileReport]) -> str:
        touched = [reports[doc_id] for doc_id in source.known if doc_id in reports]
        lost = sum(max(0, r.removed - r.added) for r in touched if not r.error)
        total = sum(doc.chunks for doc in source.known.values())
        return self._verdict(source, lost, total, tr("chunks"))

    def _verdict(self, source: _Looked, lost: int, total: int, what: str) -> str:
        if source.accepted or lost <= self.max_removed_share * total:
            return ""
        return tr(
            "held back: it would lose %(lost)s of %(total)s %(what)s (%(share)s, the limit is "
            "%(limit)s). If that is right, accept it on the first page of the console, or run "
            "`answerdesk refresh --accept %(name)s` once.",
            lost=lost,
            total=total,
            what=what,
            share=f"{lost / total:.0%}",
            limit=f"{self.max_removed_share:.0%}",
            name=source.name,
        )


@contextlib.asynccontextmanager
async def _workspace() -> AsyncIterator[Path]:
    """Yield an empty folder that is deleted afterwards, both in a thread."""
    folder = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="answerdesk-"))
    try:
        yield folder
    finally:
        await asyncio.to_thread(shutil.rmtree, folder)


def _chosen(named: Mapping[str, Source], wanted: Collection[str]) -> Mapping[str, Source]:
    """Return the sources that are wanted by name or location."""
    known = {*named, *(place.location for place in named.values())}
    for word in wanted:
        if word not in known:
            raise NoSuchSource(word, list(named))
    return {name: place for name, place in named.items() if {name, place.location} & {*wanted}}


def _lost(before: Mapping[str, Collection[int]], after: Collection[str]) -> int:
    """Count the answers that rest on a chunk which is no longer there."""
    return len({answer for chunk in before if chunk not in after for answer in before[chunk]})


def _report(source: _Looked, report: IngestReport, held: str) -> SourceReport:
    counts: dict[str, int] = defaultdict(int)
    files = source.found.files
    errors = dict(source.found.errors)
    for file in report.files:
        if file.doc_id not in files and file.doc_id not in source.known:
            continue
        if file.error:
            errors[file.doc_id] = file.error
        elif file.doc_id not in files:
            counts["gone"] += 1
        elif file.doc_id not in source.known:
            counts["new"] += 1
        elif file.added or file.changed or file.removed:
            counts["changed"] += 1
    if held or report.held:
        counts.clear()
    return SourceReport(
        name=source.name,
        location=source.source.location,
        kind=source.source.kind,
        files=len(files),
        new=counts["new"],
        changed=counts["changed"],
        gone=counts["gone"],
        held=held,
        skipped=source.found.skipped,
        errors=errors,
    )
