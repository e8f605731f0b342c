"""The operators' page for files: send, look at what would change, apply or discard, undo."""

import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response

from console.conversations import NO_TELEGRAM, Talks
from console.form import Endpoint, Refused, fields_of, number_of, read_number
from console.labels import Labels
from console.operator import Records
from console.pages import Pages
from console.upload_desk import AUTO, Seen, UploadDesk
from core.errors import AnswerdeskError
from core.types import FileReport, FindingKind, Skipped
from core.wording import N_, ntr, tr
from kb.parse.faq.columns import BadColumns, described, read_columns, written
from kb.releases.open_questions import customers_of
from kb.releases.upload import changes_something, file_name
from kb.review.finding_text import FINDINGS, describe, to_confirm
from kb.review.most_asked import answers_text

MAX_FILES = 50
"""Files of one upload."""
_FILES_BYTES = 4
"""Files of one upload together, as a multiple of the limit for one file."""
_FORM_BYTES = 64 * 1024
"""What a form weighs beside its files."""
_LISTED = 10
_COLUMNS = (
    (N_("New"), "added"),
    (N_("Changed"), "changed"),
    (N_("Removed"), "removed"),
    (N_("Unchanged"), "unchanged"),
    (N_("Elsewhere too"), "duplicates"),
)
_SHOWN = 100
"""Findings, and skipped parts, of one preview."""


@dataclass(frozen=True, slots=True)
class UploadLimits:
    """What the page takes."""

    file_bytes: int

    @property
    def files_bytes(self) -> int:
        """Of all files of one upload together."""
        return _FILES_BYTES * self.file_bytes

    @property
    def body_bytes(self) -> int:
        """Of a request."""
        return self.files_bytes + _FORM_BYTES

    def sentence(self) -> str:
        """Return the limits in words."""
        return tr(
            "Up to %(files)s files at a time, each of %(one)s at most, together %(all)s.",
            files=MAX_FILES,
            one=_megabytes(self.file_bytes),
            all=_megabytes(self.files_bytes),
        )


@dataclass(frozen=True, slots=True)
class Shown:
    """What the page of an upload says beside the counts of its report."""

    summary: str = ""
    """What applying does, in words."""
    columns: Sequence[tuple[str, str]] = ()
    offers: Sequence[tuple[str, str]] = ()
    """What the columns of a table may mean: for people, and as the form gives it."""
    """Of the table of files, those that say something: heading, and name of the count."""
    findings: Sequence[tuple[FindingKind, str, str]] = ()
    """Kind, what it is called, and a sentence."""
    more_findings: int = 0
    answers: Sequence[str] = ()
    unfit: Sequence[str] = ()
    """Operators' own work on entries that no longer fits."""
    skipped: Sequence[tuple[str, Skipped]] = ()
    """Document and place."""
    more_skipped: int = 0
    changes: bool = False
    """Whether there was anything to apply."""
    waits: bool = False
    """Whether it will be held back, or is, until somebody confirms it."""


@dataclass(frozen=True, kw_only=True)
class UploadPages:
    """Endpoints of the page for files."""

    pages: Pages
    desk: UploadDesk
    records: Records
    telegram: Callable[[], Talks | None]
    """Returns the bot while it serves."""
    limits: UploadLimits

    async def show(self, request: Request) -> Response:
        """Show the form and the latest uploads."""
        return await self._form()

    async def take(self, request: Request) -> Response:
        """Keep files, and lead to their preview."""
        length = request.headers.get("content-length", "")
        if not length.isdigit():
            return await self._form(
                tr("The browser did not say how long the files are."), status=411
            )
        if int(length) > self.limits.body_bytes:  # the server reads no more than was said
            return await self._form(
                tr("That is too much.") + f" {self.limits.sentence()}", status=413
            )
        try:
            async with request.form(max_files=MAX_FILES, max_fields=2) as form:
                given = form.get("columns", "")
                # A form without a chosen file sends one without a name.
                sent = [
                    f for f in form.getlist("files") if isinstance(f, UploadFile) and f.filename
                ]
                return await self._take(sent, columns=given if isinstance(given, str) else "")
        except ClientDisconnect:
            return Response(status_code=400)  # nobody reads it
        except HTTPException as error:
            text = tr("The files could not be read: %(reason)s", reason=error.detail)
            text = f"{text} {self.limits.sentence()}"
            return await self._form(text, status=400)

    async def one(self, request: Request) -> Response:
        """Show what became of an upload so far."""
        return await self._page(read_number(request.query_params.get("number", "")))

    async def columns(self, request: Request) -> Response:
        """Check an upload anew with the columns that the form gives."""
        fields = await fields_of(request)
        number = read_number(fields["number"])
        try:
            columns = _columns(fields["columns"])
        except BadColumns as error:
            return await self._page(number, notice=str(error), status=400)
        return await self._after(number, self.desk.check_again(number, columns=columns))

    async def change(self, request: Request) -> Response:
        """Give an entry other words, and check it anew."""
        fields = await fields_of(request)
        number = read_number(fields["number"])
        question = " ".join(fields["question"].split())
        work = self.desk.change(number, question=question, answer=fields["answer"].strip())
        return await self._after(number, work)

    async def discard_entry(self, request: Request) -> Response:
        """Drop an entry, which whoever may propose one may do."""
        number = await number_of(request)
        seen = await self.desk.seen(number)
        if seen is None or seen.upload.entry is None:
            raise Refused(tr("There is no such entry, or it is too old."))
        return await self._after(number, self.desk.discard(number))

    async def tell(self, request: Request) -> Response:
        """Tell the customers who asked what an entry answers, each once."""
        number = await number_of(request)
        seen = await self.desk.seen(number)
        if seen is None or seen.upload.entry is None or not seen.askers:
            return await self._page(number, notice=tr("They have been told already."), status=409)
        customers, bot = customers_of(seen.askers), self.telegram()
        if customers and bot is None:
            return await self._page(number, notice=tr(NO_TELEGRAM), status=409)
        # Below zero, where no update of Telegram is.
        if await self.desk.uploads.tell_once(number, update_id=-time.time_ns()):
            answer = seen.upload.entry.answer
            if customers and bot:
                await bot.tell_customers(customers, answer)
            for asked in seen.askers:
                lead = Labels(asked.language)("answered_now", question=asked.question[:200])
                await self.records.handovers.note(asked.chat, f"{lead}\n\n{answer}", author="bot")
        return RedirectResponse(f"/console/upload?number={number}", 303)

    def step(self, work: Callable[[int], Coroutine[Any, Any, object]]) -> Endpoint:
        """Return what takes a step with an upload, and shows it."""

        async def take(request: Request) -> Response:
            number = await number_of(request)
            return await self._after(number, work(number))

        return take

    async def _take(self, sent: Sequence[UploadFile], *, columns: str) -> Response:
        if not sent:
            return await self._form(tr("Choose at least one file."), status=400)
        files = [
            (file_name(file.filename or "", otherwise=f"file-{place}"), file)
            for place, file in enumerate(sent, start=1)
        ]
        large = [name for name, file in files if (file.size or 0) > self.limits.file_bytes]
        if large:
            names = ", ".join(large)
            text = tr("Too large:") + f" {names}. {self.limits.sentence()}"
            return await self._form(text, status=413)
        try:
            number = await self.desk.take(
                [(name, file.file) for name, file in files], columns=_columns(columns)
            )
        except AnswerdeskError as error:
            return await self._form(str(error), status=400)
        except OSError as error:
            reason = error.strerror or error
            return await self._form(
                tr("The files could not be kept: %(reason)s.", reason=reason), status=507
            )
        return RedirectResponse(f"/console/upload?number={number}", 303)

    async def _after(self, number: int, work: Coroutine[Any, Any, object]) -> Response:
        """Do something with an upload, and show it."""
        try:
            await work
        except AnswerdeskError as error:
            return await self._page(number, notice=str(error), status=409)
        return RedirectResponse(f"/console/upload?number={number}", 303)

    async def _page(self, number: int, *, notice: str = "", status: int = 200) -> Response:
        seen = await self.desk.seen(number)
        if seen is None:
            return await self._form(tr("There is no such upload, or it is too old."), status=404)
        report = seen.outcome.report
        asked = await self.records.figures.named([*report.own, *report.answers]) if report else {}
        return self.pages.response(
            "upload.html", status=status, seen=seen, shown=_shown(seen, asked), notice=notice
        )

    async def _form(self, notice: str = "", *, status: int = 200) -> Response:
        return self.pages.response(
            "uploads.html",
            status=status,
            notice=notice,
            limits=self.limits,
            max_files=MAX_FILES,
            uploads=await self.desk.uploads.latest(limit=_LISTED),
        )


def _columns(text: str) -> str:
    """Return what an operator wrote of columns, as an upload keeps it.

    Raises:
        BadColumns: if it cannot be understood.
    """
    text = text.strip()
    return text if text == AUTO else written(read_columns(text))


def _shown(seen: Seen, asked: Mapping[int, str]) -> Shown:
    report = seen.outcome.report
    if report is None:
        return Shown()
    skipped = [(file.doc_id, part) for file in report.files for part in file.skipped]
    return Shown(
        summary=_summary(report.files),
        columns=[
            (heading, name)
            for heading, name in _COLUMNS
            if any(getattr(file, name) for file in report.files)
        ],
        offers=[
            (described(offer), offer)
            for offer in dict.fromkeys(o for _, part in skipped for o in part.columns)
        ],
        findings=[(f.kind, FINDINGS[f.kind], describe(f)) for f in report.findings[:_SHOWN]],
        more_findings=max(0, len(report.findings) - _SHOWN),
        answers=answers_text(report, asked),
        unfit=[reason for file in report.files for reason in file.unfit],
        skipped=skipped[:_SHOWN],
        more_skipped=max(0, len(skipped) - _SHOWN),
        changes=changes_something(report),
        waits=bool(to_confirm(report.findings)) or any(one.expected for one in report.golden),
    )


def _summary(files: Sequence[FileReport]) -> str:
    """Return what applying would do to entries and passages, as a sentence."""
    added, changed, removed = (
        sum(getattr(file, name) for file in files) for name in ("added", "changed", "removed")
    )
    parts = [
        ntr("adds %(num)s piece", "adds %(num)s pieces", added) if added else "",
        ntr("changes %(num)s piece", "changes %(num)s pieces", changed) if changed else "",
        ntr("removes %(num)s piece", "removes %(num)s pieces", removed) if removed else "",
    ]
    done = ", ".join(filter(None, parts))
    return tr("Applying %(what)s.", what=done) if done else ""


def _megabytes(size: int) -> str:
    return f"{size / 2**20:.3g} MB"
