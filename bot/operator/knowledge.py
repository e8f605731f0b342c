"""Files and entries that operators send: preview, apply, undo. For operators."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from telegram import CallbackQuery, Document, Update
from telegram.constants import FileSizeLimit
from telegram.error import TelegramError

from bot.conversation.replies import Addressee, Button, edited, message
from bot.conversation.service import CustomerService
from bot.operator.entry_text import entry_buttons, entry_live, entry_preview
from bot.operator.uploads_text import DOWNLOAD_LIMIT, held_text, live_text, preview_text
from bot.transport.errors import Stopping, TooLate
from bot.transport.inbox import InboxQueue
from bot.transport.incoming import Incoming
from bot.transport.redact import redact
from bot.transport.router import Content, Press, Routes, number_in
from core.errors import AnswerdeskError, unchanged
from core.types import IngestReport
from core.wording import ntr, tr
from db.uploads import SentFile, Upload, Uploads, UploadState
from kb.parse.faq.columns import described
from kb.releases.ingestor import IncomingFile
from kb.releases.open_questions import customers_of
from kb.releases.upload import (
    Library,
    NothingToUndo,
    NotUndoable,
    UploadFlow,
    changes_something,
    file_name,
)

logger = logging.getLogger(__name__)

ALBUM_S = 2.0
"""The files of one album arrive one by one; the next one within this many seconds."""


@dataclass
class KnowledgeDesk:
    """Handles files and entries, and the buttons under their previews.

    Reading and embedding take long, so they run beside the conversation; what a restart
    interrupts is taken up again (`resume`).
    """

    service: CustomerService
    uploads: Uploads
    library: Library
    queue: InboxQueue
    _offers: dict[int, Sequence[str]] = field(default_factory=dict, init=False)
    """What the columns of a previewed table may mean, by upload."""

    def __post_init__(self) -> None:
        self._flow = UploadFlow(self.uploads, self.library, load=self._fetch, via="Telegram")

    @property
    def routes(self) -> Routes:
        """What concerns the knowledge."""
        return (
            Press("apply", "publish", self.apply),
            Press("force", "publish", self.apply_anyway),
            Press("drop", "publish", self.cancel),
            Press("undo", "publish", self.undo),
            Press("columns", "publish", self.choose_columns),
            Content("file", "publish", _is_file, self.on_file),
        )

    # --- what operators do ---------------------------------------------------------------------

    async def on_file(self, incoming: Incoming) -> None:
        """Take a file or an album, and show what it would change."""
        album = await self._album(incoming)
        messages = (incoming.message, *(update.message for update in album))
        sent = [document for m in messages if m and (document := m.document)]
        large = [_name(d) for d in sent if (d.file_size or 0) > FileSizeLimit.FILESIZE_DOWNLOAD]
        to = Addressee(incoming.chat_id, incoming.thread_id)
        if large:
            reply = message(to, tr(DOWNLOAD_LIMIT, names=", ".join(large)))
            await self._answer(incoming, album, [reply])
            return
        upload_id = await self.uploads.add(
            actor=incoming.user.id,
            chat_id=incoming.chat_id,
            thread_id=incoming.thread_id,
            files=[SentFile(_name(d), d.file_id) for d in sent],
        )
        names = ", ".join(_name(d) for d in sent)
        shown = await self._answer(
            incoming, album, [message(to, tr("Reading %(names)s …", names=names))]
        )
        await self.uploads.set_message(upload_id, shown)
        self.start(upload_id)

    async def apply(self, query: CallbackQuery, _: Update, value: str) -> None:
        """Make what was previewed live; an entry that something speaks against once confirmed."""
        await self._apply_press(query, value, anyway=False)

    async def apply_anyway(self, query: CallbackQuery, _: Update, value: str) -> None:
        """Make live what golden questions held back."""
        await self._apply_press(query, value, anyway=True)

    async def cancel(self, query: CallbackQuery, _: Update, value: str) -> None:
        """Drop what was previewed."""
        await self._press(
            query, value, old="preview", new="cancelled", says=tr("Cancelled. Nothing was changed.")
        )

    async def choose_columns(self, query: CallbackQuery, _: Update, value: str) -> None:
        """Read the files of a preview anew with one of the offered columns.

        After a restart the preview is made again, with its offers.
        """
        number, _sep, place = value.partition(":")
        upload = await self.uploads.get(number_in(number))
        offers = self._offers.pop(int(number), ()) if number.isdigit() else ()
        known = place.isdigit() and int(place) < len(offers)
        if upload is None or not await self.uploads.move(
            upload.upload_id,
            "preview",
            "checking",
            columns=offers[int(place)] if known else upload.columns,
        ):
            raise TooLate(tr("This preview is no longer open."))
        await self.service.alert(query)
        await self._show(upload, tr("Reading it again …"))
        self.start(upload.upload_id)

    async def undo(self, query: CallbackQuery, _: Update, value: str) -> None:
        """Bring back the release from before, if nobody published since."""
        upload = await self.uploads.get(number_in(value))
        if upload is None:
            raise NothingToUndo(None)
        await self._flow.check_undo(upload)
        await self.service.alert(query)
        try:
            now = await self._flow.undo(upload)
        except NotUndoable:
            return  # somebody else pressed first
        except AnswerdeskError as error:
            await self._show(upload, tr("Not undone: %(reason)s", reason=error))
            return
        await self._show(
            upload,
            tr(
                "Undone. Release %(now)s has the content of release %(before)s again.",
                now=now,
                before=upload.before,
            ),
        )

    # --- what runs beside ----------------------------------------------------------------------

    async def resume(self) -> None:
        """Take up what a restart interrupted."""
        for upload in await self.uploads.unfinished():
            self.start(upload.upload_id)

    def start(self, upload_id: int, *, anyway: bool = False) -> None:
        """Check or apply an upload beside what goes on.

        That it be published `anyway` is not stored: after a restart it is asked for again.
        """
        self.service.spawn(self._work(upload_id, anyway=anyway))

    async def _work(self, upload_id: int, *, anyway: bool) -> None:
        upload = await self.uploads.get(upload_id)
        if upload is None:
            return
        try:
            if upload.state == "checking":
                await self._check(upload)
            else:
                await self._apply(upload, anyway=anyway)
        except Stopping:
            raise
        except (AnswerdeskError, TelegramError) as error:
            logger.warning("Upload %d failed: %s", upload_id, redact(str(error)))
            await self._flow.fail(upload, redact(str(error)))
            await self._show(upload, unchanged(redact(str(error))))

    async def _check(self, upload: Upload) -> None:
        report = await self._flow.check(upload)
        if report is None:
            return
        await self._previewed(upload, report)

    async def _previewed(self, upload: Upload, report: IngestReport, lead: str = "") -> None:
        """Show a preview, after the reason why it was made anew."""
        changes = changes_something(report)
        number = upload.upload_id
        if upload.entry:
            concerns = await self._flow.concerns(upload)
            await self._show(
                upload,
                entry_preview(upload.entry, report, concerns=concerns),
                entry_buttons(number, changes=changes, concerns=concerns),
            )
            return
        offers = dict.fromkeys(o for f in report.files for s in f.skipped for o in s.columns)
        self._offers[number] = tuple(offers)
        buttons = [
            [(described(offer), f"columns:{number}:{place}")] for place, offer in enumerate(offers)
        ]
        if changes or offers:
            apply = [(tr("✅ Apply"), f"apply:{number}")] if changes else []
            buttons.append([*apply, (tr("Cancel"), f"drop:{number}")])
        shown = [f"⚠ {lead}\n"] * bool(lead) + [preview_text(report)]
        await self._show(upload, "\n".join(shown), buttons)

    async def _apply(self, upload: Upload, *, anyway: bool) -> None:
        applied = await self._flow.apply(upload, anyway=anyway)
        report = applied.report
        if applied.overtaken:
            await self._previewed(upload, report, applied.overtaken)
            return
        if report.held:
            await self._show(upload, held_text(report), held_buttons(upload.upload_id))
            return
        text = live_text(report)
        waiting = 0
        if upload.entry:
            waiting = len(customers_of(await self.library.questions.asked(upload.entry.open_ids)))
            text = entry_live(upload.entry, report, answered=applied.answered)
        upload.before, upload.after = applied.before, report.release
        await self._show(upload, text, live_buttons(upload, waiting=waiting))

    async def _fetch(self, upload: Upload) -> list[IncomingFile]:
        """Load the files from Telegram, where they wait; nothing of them is kept here before."""
        return [
            IncomingFile(
                sent.name,
                await self.service.sender.download(sent.file_id),
                columns=upload.columns or None,
            )
            for sent in upload.files
        ]

    # --- what they share -----------------------------------------------------------------------

    async def _album(self, incoming: Incoming) -> list[Update]:
        """Return the later files of the same album, which arrive as messages of their own."""
        album: list[Update] = []
        group = incoming.message.media_group_id
        while group and await self.queue.wait_for_more(
            incoming.update, count=len(album) + 1, seconds=ALBUM_S
        ):
            follower = self.queue.parked(incoming.update)[len(album)]
            if follower.message is None or follower.message.media_group_id != group:
                break
            album.append(follower)
        return album

    async def _answer(
        self, incoming: Incoming, album: Sequence[Update], messages: Sequence[Any]
    ) -> int:
        sender = self.service.sender
        stored = await sender.outbox.add(
            messages,
            update_id=incoming.update.update_id,
            answers_also=[update.update_id for update in album],
        )
        self.queue.take(incoming.update, len(album))
        sent = await sender.send_all(stored)
        return sent[-1].message_id or 0

    async def _apply_press(self, query: CallbackQuery, value: str, *, anyway: bool) -> None:
        upload = await self.uploads.get(number_in(value))
        if upload and await self._flow.concerns(upload):
            raise TooLate(tr("Confirm first that it may be stored as it stands."))
        await self._press(
            query, value, old="preview", new="applying", says=tr("Applying …"), anyway=anyway
        )

    async def _press(
        self,
        query: CallbackQuery,
        value: str,
        *,
        old: UploadState,
        new: UploadState,
        says: str,
        anyway: bool = False,
    ) -> None:
        upload = await self.uploads.get(number_in(value))
        if upload is None or not await self.uploads.move(upload.upload_id, old, new):
            raise TooLate(tr("This preview is no longer open."))
        await self.service.alert(query)
        await self._show(upload, says)
        if new == "applying":
            self.start(upload.upload_id, anyway=anyway)

    async def _show(
        self, upload: Upload, text: str, buttons: Sequence[Sequence[Button]] = ()
    ) -> None:
        """Change the upload's message; send another one if it cannot be changed."""
        sender, shown = self.service.sender, edited(text, buttons)
        if upload.message_id and await sender.edit(upload.chat_id, upload.message_id, shown):
            return
        to = Addressee(upload.chat_id, upload.thread_id)
        (sent,) = await sender.deliver([message(to, text, buttons=buttons)])
        await self.uploads.set_message(upload.upload_id, sent.message_id or 0)


def live_buttons(upload: Upload, *, waiting: int = 0) -> list[list[Button]]:
    """Return what can be done with what is live: undo it, and tell `waiting` customers."""
    rows: list[list[Button]] = []
    if waiting:
        tell = ntr(
            "📣 Tell the customer who asked", "📣 Tell the %(num)s customers who asked", waiting
        )
        rows.append([(tell, f"tell:{upload.upload_id}")])
    if upload.before and upload.after != upload.before:
        undo = tr("↩ Undo release %(number)s", number=upload.after)
        rows.append([(undo, f"undo:{upload.upload_id}")])
    return rows


def held_buttons(upload_id: int) -> list[list[Button]]:
    """Return what can be done with what golden questions held back."""
    return [[(tr("⚠️ Publish anyway"), f"force:{upload_id}"), (tr("Cancel"), f"drop:{upload_id}")]]


async def _is_file(incoming: Incoming) -> bool:
    return incoming.message.document is not None


def _name(document: Document) -> str:
    return file_name(document.file_name or "", otherwise=f"file-{document.file_unique_id}")
