"""The steps of an upload, from any channel: check, apply or discard, undo.

The state stands in the database (`db.uploads`), so a restart between two steps loses nothing, and
a step that it interrupts is done again.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from typing import Any

from pydantic import TypeAdapter

from core.errors import AnswerdeskError
from core.types import IngestReport
from core.wording import N_, tr
from db.conversations import OpenQuestion
from db.drafts import REACHABLE
from db.uploads import Upload, Uploads, UploadState
from kb.ingest.prepare import OnProgress
from kb.releases.ingestor import IncomingFile, Ingestor
from kb.releases.open_questions import OpenQuestions
from kb.releases.release import Releases
from kb.releases.team_answers import TeamAnswers
from kb.text.segmentation import normalise

_NOTE_CHARS = 200
_NAME_CHARS, _ENDING_CHARS = 200, 20
_ASKED = 5
"""Wordings that an entry is to answer which its preview asks, the newest."""
STANDS: Mapping[UploadState | None, str] = {
    None: N_("It is not there any more: it is too old, or never was."),
    "checking": N_("It is still being checked. Wait for its preview."),
    "preview": N_("It waits to be applied."),
    "applying": N_("It is going live at the moment. Wait until it is live."),
    "live": N_("It is live already."),
    "cancelled": N_("It was discarded, or there was nothing to apply."),
    "undone": N_("It was undone already."),
    "failed": N_("It failed, and nothing was changed."),
}
"""Why a step is impossible, by the state of the upload; ``None``: there is no upload."""


@dataclass(frozen=True, slots=True)
class Library:
    """The knowledge base as operators of any channel change it."""

    ingestor: Ingestor
    releases: Releases
    answers: TeamAnswers
    questions: OpenQuestions


@dataclass(frozen=True, slots=True)
class Applied:
    """The result of applying an upload."""

    report: IngestReport
    before: int
    """The release before it."""
    answered: int = 0
    """Open questions that it answered."""
    overtaken: str = ""
    """Why it was previewed again instead of applied: a sentence."""


class NotUndoable(AnswerdeskError):
    """What an upload changed cannot be taken back by itself."""


class NothingToUndo(NotUndoable):
    """It is not live, or changed nothing."""

    def __init__(self, state: UploadState | None) -> None:
        super().__init__(tr("It changed nothing.") if state == "live" else tr(STANDS[state]))


class Overtaken(NotUndoable):
    """Somebody published since."""

    def __init__(self, live: int, before: int) -> None:
        super().__init__(
            tr(
                "Release %(number)s was published since. To go back to release %(before)s, without "
                "anything that came after it, publish that one again: on the console, under "
                "Knowledge, Releases.",
                number=live,
                before=before,
            )
        )


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the last step of an upload found."""

    report: IngestReport | None = None
    error: str = ""
    """Why it failed or, of a preview, why it was made anew, as a sentence."""


_OUTCOME = TypeAdapter(Outcome)


def outcome_of(upload: Upload) -> Outcome:
    """Return what is stored of the last step; empty before the first and of another version."""
    try:
        return _OUTCOME.validate_python(dict(upload.outcome))
    except ValueError:
        return Outcome()


def stored(outcome: Outcome) -> Mapping[str, Any]:
    """Return an outcome as the database keeps it; `outcome_of` reads it."""
    values: Mapping[str, Any] = _OUTCOME.dump_python(outcome, mode="json")
    return values


def changes_something(report: IngestReport) -> bool:
    """Tell whether there is anything to apply."""
    return any(file.added or file.changed or file.removed for file in report.files)


@dataclass(frozen=True)
class UploadFlow:
    """Takes uploads of one way in from step to step. After any error the state is as it was."""

    uploads: Uploads
    library: Library
    _: KW_ONLY
    load: Callable[[Upload], Awaitable[Sequence[IncomingFile]]]
    """Loads the files of a pending upload."""
    via: str
    """The channel, for the notes of releases."""

    async def check(
        self, upload: Upload, *, reason: str = "", on_progress: OnProgress | None = None
    ) -> IngestReport | None:
        """Find out what applying would change; then it waits for a word, or there is nothing to do.

        Return the preview; ``None`` if the upload was changed or dropped meanwhile. The `reason`
        for making it anew is shown with it.
        """
        report = await self._ingest(upload, dry_run=True, on_progress=on_progress)
        changes = changes_something(report) or upload.entry is not None
        state: UploadState = "preview" if changes else "cancelled"
        moved = await self.uploads.move(
            upload.upload_id, upload.state, state, outcome=stored(Outcome(report, reason))
        )
        return report if moved else None

    async def apply(
        self, upload: Upload, *, anyway: bool = False, on_progress: OnProgress | None = None
    ) -> Applied:
        """Make an upload live, and take the questions that it answers off the list.

        If golden questions hold it back (`IngestReport.held`), it waits for a word again; so it
        does, with a new preview, if one of its documents was published since the last one.
        """
        before = upload.before or await self._live()
        if not upload.before and (overtaken := await self._overtaken(upload)):
            again = await self.check(upload, reason=overtaken, on_progress=on_progress)
            if again is not None:
                return Applied(again, before, overtaken=overtaken)
        # Stored first: after a crash the release that it made must not count as the one before.
        await self.uploads.move(upload.upload_id, "applying", "applying", before=before)
        report = await self._ingest(upload, anyway=anyway, on_progress=on_progress)
        kept = stored(Outcome(report))
        if report.held:
            previewed = outcome_of(upload).report
            findings = previewed.findings if previewed else ()  # what whoever confirms must see
            kept = stored(Outcome(replace(report, findings=findings)))
            await self.uploads.move(upload.upload_id, "applying", "preview", before=0, outcome=kept)
            return Applied(report, before)
        entry, answered = upload.entry, 0
        if entry:
            entry, answered = await self.library.questions.answered(entry)
        after = report.release
        await self.uploads.move(
            upload.upload_id,
            "applying",
            "live",
            before=before,
            after=after,
            outcome=kept,
            entry=entry,
        )
        return Applied(report, before, answered)

    async def concerns(self, upload: Upload) -> list[str]:
        """Return what speaks against storing an entry as it stands and nobody has confirmed."""
        entry = upload.entry
        if entry is None or entry.confirmed:
            return []
        return await self.library.questions.concerns(
            entry.question, answer=entry.answer, customer=upload.customer
        )

    async def askers(self, upload: Upload) -> list[OpenQuestion]:
        """Return the newest question of each conversation that a live entry answers, where people
        can be written to and nobody was told yet."""
        entry = upload.entry
        if entry is None or entry.told or upload.state != "live":
            return []
        asked = await self.library.questions.asked(entry.open_ids)
        newest = {question.chat: question for question in reversed(asked)}
        return [question for question in newest.values() if question.channel in REACHABLE]

    async def check_undo(self, upload: Upload) -> None:
        """Raise NothingToUndo or Overtaken if an upload cannot be undone."""
        if upload.state != "live" or upload.before in (0, upload.after):
            raise NothingToUndo(upload.state)
        live = await self._live()
        if live != upload.after:
            raise Overtaken(live, upload.before)

    async def undo(self, upload: Upload) -> int:
        """Bring back the release from before an upload; return the number that this became.

        The questions that an entry answered are open again.
        """
        await self.check_undo(upload)
        if not await self.uploads.move(upload.upload_id, "live", "undone"):
            raise NothingToUndo("undone")
        try:
            release = await self.library.releases.rollback(upload.before)
        except AnswerdeskError:
            await self.uploads.move(upload.upload_id, "undone", "live")
            raise
        if upload.entry:
            await self.library.questions.reopen(upload.entry.open_ids)
        return release.number

    async def fail(self, upload: Upload, reason: str) -> None:
        """Note that a step failed for good."""
        outcome = stored(Outcome(error=reason))
        await self.uploads.move(upload.upload_id, upload.state, "failed", outcome=outcome)

    async def _overtaken(self, upload: Upload) -> str:
        """Return which documents changed since their preview, as a sentence; an entry is added to
        whatever its document is by now."""
        previewed, live = outcome_of(upload).report, await self._live()
        if upload.entry or previewed is None or previewed.release == live:
            return ""
        documents = self.library.releases.publisher.releases.documents
        then = {d.doc_id: d.sha256 for d in (await documents(previewed.release)).values()}
        now = {d.doc_id: d.sha256 for d in (await documents(live)).values()}
        changed = [f.name for f in upload.files if then.get(f.name) != now.get(f.name)]
        if not changed:
            return ""
        return tr(
            "%(names)s changed since the last preview, with release %(number)s: here is a new one. "
            "Applying replaces what that release brought.",
            names=", ".join(changed),
            number=live,
        )

    async def _live(self) -> int:
        return await self.library.releases.publisher.releases.live_number()

    async def _ingest(
        self,
        upload: Upload,
        *,
        dry_run: bool = False,
        anyway: bool = False,
        on_progress: OnProgress | None = None,
    ) -> IngestReport:
        if upload.entry:
            asked = await self.library.questions.asked(upload.entry.open_ids)
            words = {normalise(one.question): one for one in asked}
            words.pop(normalise(upload.entry.question), None)
            return await self.library.answers.add(
                upload.entry.question,
                upload.entry.answer,
                dry_run=dry_run,
                note="" if dry_run else f"{self.via}: an answer by the team",
                anyway=anyway,
                asked=[(q.question, 1, q.answer_id) for q in [*words.values()][:_ASKED]],
            )
        names = ", ".join(file.name for file in upload.files)
        return await self.library.ingestor.ingest(
            await self.load(upload),
            dry_run=dry_run,
            note="" if dry_run else f"{self.via}: {names}"[:_NOTE_CHARS],
            anyway=anyway,
            on_progress=on_progress,
        )


def file_name(sent: str, *, otherwise: str) -> str:
    """Return a file's name without a path: it is what the sender's program wrote, so only data.

    One that is too long keeps its ending, and one that is nothing else is named `otherwise`.
    """
    name = sent.replace("\\", "/").rsplit("/", 1)[-1]
    printable = "".join(c for c in name if c.isprintable()).rstrip(" .")
    stem, dot, ending = printable.rpartition(".")
    if not dot or len(ending) > _ENDING_CHARS:
        stem, dot, ending = printable, "", ""
    return f"{(stem.strip(' .') or otherwise)[: _NAME_CHARS - len(dot + ending)]}{dot}{ending}"
