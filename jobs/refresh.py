"""Read the sources again: what changed becomes one release, what looks wrong is held back."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from core.types import FileReport, IngestReport, Skipped
from db.knowledge import Document, ReleaseRepository, SourceRepository
from jobs.scan import FolderUnreadable, scan
from jobs.schedule import JobReport
from kb.ingest import UPLOAD, IncomingFile, Ingestor
from kb.prepare import OnProgress

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder that is read again on schedule."""

    path: Path
    patterns: Sequence[str] = ("**/*",)


@dataclass(frozen=True, slots=True)
class SourceReport:
    """What a refresh found in one source."""

    name: str
    location: str
    files: int = 0
    new: int = 0
    changed: int = 0
    gone: int = 0
    held: str = ""
    """Why nothing of it was published; empty if it was."""
    skipped: tuple[Skipped, ...] = ()
    errors: Mapping[str, str] = field(default_factory=dict)
    """Why single files were not taken, by document id; what stood there stays."""


@dataclass(frozen=True, slots=True)
class RefreshReport:
    """What a refresh did, or would do."""

    sources: tuple[SourceReport, ...]
    ingest: IngestReport

    def text(self) -> str:
        """Return the report as a sentence or more for operators."""
        total = [sum(getattr(s, name) for s in self.sources) for name in ("new", "changed", "gone")]
        parts = [
            f"+{total[0]} files, {total[1]} changed, {total[2]} gone",
            f"{self.ingest.embedded} texts embedded",
            f"release {self.ingest.release}",
        ]
        lines = ["; ".join(parts) + "."]
        lines += [f"{source.name}: {source.held}" for source in self.sources if source.held]
        lines += [error for source in self.sources for error in source.errors.values()]
        lines += [f"To review: {reason}" for file in self.ingest.files for reason in file.unfit]
        return "\n".join(lines)

    def job_report(self) -> JobReport:
        """Return the report for the table of runs."""
        held = any(source.held or source.errors for source in self.sources)
        changed = any(source.new or source.changed or source.gone for source in self.sources)
        detail = {
            "tell": changed,
            "release": self.ingest.release,
            "embedded": self.ingest.embedded,
            "seconds": round(self.ingest.seconds, 3),
            "sources": [
                {
                    "name": source.name,
                    "location": source.location,
                    "files": source.files,
                    "new": source.new,
                    "changed": source.changed,
                    "gone": source.gone,
                    "held": source.held,
                    "skipped": [
                        {"location": s.location, "reason": s.reason} for s in source.skipped
                    ],
                    "errors": dict(source.errors),
                }
                for source in self.sources
            ],
        }
        return JobReport(self.text(), "held" if held else "done", detail)


@dataclass(frozen=True, slots=True)
class _Found:
    """A source as it is on disk now, against the live release."""

    name: str
    folder: Folder
    files: Mapping[str, Path]
    """By document id."""
    known: Mapping[str, Document]
    skipped: tuple[Skipped, ...] = ()
    failure: str = ""


class Refresh:
    """Brings the knowledge base in line with its folders.

    Args:
        ingestor: publishes what changed.
        releases: tells what is live.
        sources: remembers the folders' names.
        folders: each is a source of its own.
        max_removed_share: a source that would lose more than this share of its documents, or of
            its chunks, is held back.
    """

    def __init__(
        self,
        ingestor: Ingestor,
        releases: ReleaseRepository,
        sources: SourceRepository,
        folders: Sequence[Folder],
        *,
        max_removed_share: float = 0.3,
    ) -> None:
        self._ingestor = ingestor
        self._releases = releases
        self._sources = sources
        self._folders = folders
        self._max_removed_share = max_removed_share

    async def run(
        self, *, dry_run: bool = False, on_progress: OnProgress | None = None
    ) -> RefreshReport:
        """Read every folder and publish what is new, changed or gone, as one release.

        Uploaded documents, and those of a folder that is no longer configured, stay. A source
        that cannot be read, or would lose too much, is left as it is and reported; the others go
        on.

        Raises:
            AnswerdeskError: if publishing fails; the live release is then untouched.
        """
        base = await self._releases.current()
        documents = {} if base is None else await self._releases.documents(base.number)
        found = [await self._find(folder, documents) for folder in self._folders]
        held = {source.name: source.failure for source in found if source.failure}
        for source in found:
            if source.name not in held and (reason := self._lost_documents(source)):
                held[source.name] = reason
        usable = [source for source in found if source.name not in held]

        def guard(reports: Mapping[str, FileReport]) -> Collection[str]:
            """Return the documents of sources whose content shrinks too much."""
            kept: set[str] = set()
            for source in usable:
                if reason := self._lost_chunks(source, reports):
                    held[source.name] = reason
                    kept |= source.known.keys() | source.files.keys()
            return kept

        report = await self._ingestor.ingest(
            [
                IncomingFile(doc_id, path=path, source=source.name)
                for source in usable
                for doc_id, path in source.files.items()
            ],
            removed=[
                doc_id for source in usable for doc_id in source.known.keys() - source.files.keys()
            ],
            dry_run=dry_run,
            kind="refresh",
            guard=guard,
            on_progress=on_progress,
        )
        refreshed = RefreshReport(
            tuple(_report(source, report, held.get(source.name, "")) for source in found), report
        )
        if not dry_run:
            for checked in refreshed.sources:
                await self._sources.checked(checked.name, error=checked.held)
        return refreshed

    async def job(self) -> JobReport:
        """Run on schedule."""
        return (await self.run()).job_report()

    async def _find(self, folder: Folder, documents: Mapping[str, Document]) -> _Found:
        location = str(folder.path.absolute())
        name = await self._sources.name_folder(
            location, wanted=_source_name(folder.path.absolute().name)
        )
        known = {doc_id: doc for doc_id, doc in documents.items() if doc.source == name}
        try:
            scanned = await asyncio.to_thread(scan, folder.path, folder.patterns)
        except FolderUnreadable as error:
            return _Found(name, folder, {}, known, failure=str(error))
        files = {f"{name}/{file}": folder.path / file for file in scanned.files}
        return _Found(name, folder, files, known, scanned.skipped)

    def _lost_documents(self, source: _Found) -> str:
        gone = len(source.known.keys() - source.files.keys())
        return self._verdict(gone, len(source.known), "documents")

    def _lost_chunks(self, source: _Found, reports: Mapping[str, FileReport]) -> str:
        touched = [reports[doc_id] for doc_id in source.known if doc_id in reports]
        lost = sum(max(0, r.removed - r.added) for r in touched if not r.error)
        return self._verdict(lost, sum(doc.chunks for doc in source.known.values()), "chunks")

    def _verdict(self, lost: int, total: int, what: str) -> str:
        if not total or lost / total <= self._max_removed_share:
            return ""
        return (
            f"held back: it would lose {lost} of {total} {what} ({lost / total:.0%}, the limit is "
            f"{self._max_removed_share:.0%}). If that is right, raise refresh.max_removed_share "
            "for one run."
        )


def _source_name(folder: str) -> str:
    name = folder.strip(". ") or "folder"
    return f"{name}-folder" if name == UPLOAD else name


def _report(source: _Found, report: IngestReport, held: str) -> SourceReport:
    counts: dict[str, int] = defaultdict(int)
    errors = {}
    for file in report.files:
        if file.doc_id not in source.files and file.doc_id not in source.known:
            continue
        if file.error:
            errors[file.doc_id] = file.error
        elif file.doc_id not in source.files:
            counts["gone"] += 1
        elif file.doc_id not in source.known:
            counts["new"] += 1
        elif file.added or file.changed or file.removed:
            counts["changed"] += 1
    if held:
        counts.clear()
    return SourceReport(
        name=source.name,
        location=str(source.folder.path),
        files=len(source.files),
        new=counts["new"],
        changed=counts["changed"],
        gone=counts["gone"],
        held=held,
        skipped=source.skipped,
        errors=errors,
    )
