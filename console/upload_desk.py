"""Files that operators upload on the console, and the work on them in the background."""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Coroutine, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, BinaryIO, Self, TypeVar

from core.errors import AnswerdeskError, IngestError, unchanged
from core.types import IngestReport
from core.wording import tr
from db.conversations import OpenQuestion
from db.uploads import Entry, SentFile, Upload, Uploads, UploadState
from kb.ingest.originals import Originals
from kb.ingest.prepare import Progress
from kb.releases.ingestor import IncomingFile
from kb.releases.open_questions import Unconfirmed
from kb.releases.team_answers import check_entry
from kb.releases.upload import STANDS, Library, NotUndoable, Outcome, UploadFlow, outcome_of

logger = logging.getLogger(__name__)

T = TypeVar("T")

AUTO = "auto"
"""In place of columns: match them by name again."""
_KEPT_S = 90 * 86400.0
"""Uploads are listed this long."""


class PreviewClosed(AnswerdeskError):
    """The upload is in a state without this step."""

    def __init__(self, state: UploadState | None) -> None:
        super().__init__(tr(STANDS[state]))


class WaitedTooLong(IngestError):
    """The file of a preview was deleted meanwhile."""

    def __init__(self, name: str) -> None:
        super().__init__(
            tr(
                "%(name)r waited for more than a week and was deleted. Send the file again.",
                name=name,
            )
        )
        self.name = name


@dataclass(frozen=True, slots=True)
class Seen:
    """An upload as the page shows it."""

    upload: Upload
    outcome: Outcome
    concerns: Sequence[str] = ()
    """What speaks against storing an entry as it stands, and nobody has confirmed."""
    progress: Progress | None = None
    """Of the step that is under way; ``None`` before its first news."""
    not_undoable: str = ""
    """Why what is live cannot be undone; empty if it can."""
    askers: Sequence[OpenQuestion] = ()
    """What customers asked who can be told that there is an answer now."""

    @property
    def busy(self) -> bool:
        """Whether a step is under way."""
        return self.upload.state in ("checking", "applying")


@dataclass
class UploadDesk:
    """Takes files, checks them, makes them live; each step runs beside the requests.

    A step for which an upload does not wait (any more) raises PreviewClosed, and an entry that
    cannot be one BadEntry; nothing is changed then. What a restart interrupts is taken up again by
    `resume`.
    """

    uploads: Uploads
    originals: Originals
    library: Library
    _tasks: set[asyncio.Task[Any]] = field(default_factory=set, init=False)
    _begun: set[int] = field(default_factory=set, init=False)
    """Uploads that this process has begun to work on."""
    _progress: dict[int, Progress] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        self._flow = UploadFlow(self.uploads, self.library, load=self._load, via="console")

    @contextlib.asynccontextmanager
    async def working(self) -> AsyncIterator[Self]:
        """Work inside this block; at its end the work stops, and goes on after the next start."""
        try:
            yield self
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    # --- what operators do ---------------------------------------------------------------------

    async def take(self, files: Sequence[tuple[str, BinaryIO]], *, columns: str = "") -> int:
        """Keep files, each with its name, and begin to check them; return the upload's number.

        They are on the disk when this returns. `columns` says which of them mean what
        (`kb.parse.faq.columns.written`), or is `AUTO`; empty: as in the files' last versions.

        Raises:
            OSError: if they cannot be written.
            StorageError: if the database cannot be written.
        """
        kept = [
            SentFile(name, await asyncio.to_thread(self.originals.store, file))
            for name, file in files
        ]
        await self.uploads.purge(before=time.time() - _KEPT_S)
        number = await self.uploads.add(files=kept, columns=columns)
        self._start(number)
        return number

    async def propose(self, entry: Entry, *, customer: int = 0) -> int:
        """Keep an entry that an operator wrote and begin to check it; return its number.

        `customer` is the Telegram chat whose question it answers.
        """
        check_entry(entry)
        number = await self.uploads.add(entry=entry, customer=customer)
        self._start(number)
        return number

    async def change(self, number: int, *, question: str, answer: str) -> None:
        """Give an entry that was previewed other words, and begin to check it anew."""
        await self._change(number, question=question, answer=answer, confirmed=False)

    async def confirm(self, number: int) -> None:
        """Let an entry be stored as it stands, whatever speaks against it, and check it anew."""
        await self._change(number, confirmed=True)

    async def check_again(self, number: int, *, columns: str) -> None:
        """Begin to check what was previewed, or undone, anew; other columns may mean something."""
        fresh: dict[str, Any] = {"columns": columns, "before": 0, "after": 0}
        if not (
            await self.uploads.move(number, "preview", "checking", **fresh)
            or await self.uploads.move(number, "undone", "checking", **fresh)
        ):
            raise await self._closed(number)
        self._start(number)

    async def apply(self, number: int, *, anyway: bool = False) -> None:
        """Begin to make live what was previewed.

        Raises:
            Unconfirmed: if somebody has to confirm an entry first.
        """
        upload = await self.uploads.get(number)
        waits = upload is not None and upload.state == "preview"
        if upload and waits and (concerns := await self._flow.concerns(upload)):
            raise Unconfirmed(concerns)
        if not await self.uploads.move(number, "preview", "applying"):
            raise await self._closed(number)
        self._start(number, anyway=anyway)

    async def discard(self, number: int) -> None:
        """Drop what was previewed."""
        if not await self.uploads.move(number, "preview", "cancelled"):
            raise await self._closed(number)

    async def undo(self, number: int) -> int:
        """Bring back the release from before; return the number that this became.

        Raises:
            NothingToUndo, Overtaken, AnswerdeskError: nothing was changed.
        """
        upload = await self.uploads.get(number)
        if upload is None:
            raise PreviewClosed(None)
        return await self._flow.undo(upload)

    async def remove(
        self, names: Sequence[str], *, dry_run: bool = False, anyway: bool = False
    ) -> IngestReport:
        """Take documents out, or with `dry_run` report what that would take away.

        Raises:
            AnswerdeskError: nothing was changed.
        """
        note = tr("deleted: %(names)s", names=", ".join(names))[:200]
        return await self._flow.library.ingestor.ingest(
            [], removed=names, dry_run=dry_run, note=note, anyway=anyway
        )

    async def seen(self, number: int) -> Seen | None:
        """Return an upload with what is known of it, ``None`` if there is none."""
        upload = await self.uploads.get(number)
        if upload is None:
            return None
        concerns = await self._flow.concerns(upload)
        refused = ""
        try:
            await self._flow.check_undo(upload)
        except NotUndoable as error:
            refused = str(error)
        askers = await self._flow.askers(upload)
        progress = self._progress.get(number)
        return Seen(upload, outcome_of(upload), concerns, progress, refused, askers)

    # --- what runs beside ----------------------------------------------------------------------

    async def resume(self) -> None:
        """Resume what a restart interrupted."""
        for upload in await self.uploads.unfinished():
            if upload.upload_id not in self._begun:
                self._start(upload.upload_id)

    def _start(self, number: int, *, anyway: bool = False) -> None:
        """Do the next step in the background.

        That it be published `anyway` is not stored: after a restart it is asked for again.
        """
        self._begun.add(number)
        self.spawn(self._work(number, anyway=anyway))

    def spawn(self, work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        """Run something in the background, until the desk closes."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _work(self, number: int, *, anyway: bool) -> None:
        upload = await self.uploads.get(number)
        if upload is None:
            return

        def on_progress(progress: Progress) -> None:
            self._progress[number] = progress

        try:
            if upload.state == "checking":
                await self._flow.check(upload, on_progress=on_progress)
            elif upload.state == "applying":
                await self._flow.apply(upload, anyway=anyway, on_progress=on_progress)
        except AnswerdeskError as error:
            logger.warning("Upload %d failed: %s", number, error)
            await self._flow.fail(upload, unchanged(error))
        finally:
            self._progress.pop(number, None)
        logger.info("Upload %d: its step has ended", number)

    async def _change(self, number: int, **values: Any) -> None:
        upload = await self.uploads.get(number)
        if upload is None or upload.entry is None:
            raise PreviewClosed(upload.state if upload else None)
        entry = replace(upload.entry, **values)
        check_entry(entry)
        if not await self.uploads.change_entry(number, entry):
            raise await self._closed(number)
        self._start(number)

    async def _closed(self, number: int) -> PreviewClosed:
        upload = await self.uploads.get(number)
        return PreviewClosed(upload.state if upload else None)

    async def _load(self, upload: Upload) -> list[IncomingFile]:
        columns = "" if upload.columns == AUTO else upload.columns or None
        files = []
        for sent in upload.files:
            path = self.originals.path(sent.file_id)
            if not await asyncio.to_thread(path.is_file):
                raise WaitedTooLong(sent.name)
            files.append(IncomingFile(sent.name, path, columns=columns))
        return files
