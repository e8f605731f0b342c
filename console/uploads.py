"""The operators' page for files: send, look at what would change, apply or discard, undo."""

import time
from collections.abc import Callable, Coroutine, Sequence
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
from console.report import answers_of, shown_of
from console.upload_desk import AUTO, UploadDesk
from core.errors import AnswerdeskError
from core.wording import tr
from kb.parse.faq.columns import BadColumns, read_columns, written
from kb.releases.open_questions import customers_of
from kb.releases.upload import file_name

MAX_FILES = 50
"""Files of one upload."""
_FILES_BYTES = 4
"""Files of one upload together, as a multiple of the limit for one file."""
_FORM_BYTES = 64 * 1024
"""Bytes of a form besides its files."""
_LISTED = 10


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
        """Show the state of an upload."""
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
        return self.pages.response(
            "upload.html",
            status=status,
            seen=seen,
            shown=shown_of(report),
            notice=notice,
            **await answers_of(report, self.records.figures),
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


def _megabytes(size: int) -> str:
    return f"{size / 2**20:.3g} MB"
