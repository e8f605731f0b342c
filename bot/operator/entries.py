"""A customer's question with an operator's answer becomes an entry: shown, confirmed, applied."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

from telegram import CallbackQuery, Update

from bot.conversation.replies import Addressee, answer_messages, keyboard, message
from bot.conversation.service import CustomerService
from bot.conversation.texts import bot_text
from bot.operator.entry_text import MAX_ANSWER_CHARS
from bot.operator.knowledge import KnowledgeDesk, live_buttons
from bot.operator.pending_input import PendingInputHandler
from bot.transport.errors import TooLate
from bot.transport.incoming import Incoming
from bot.transport.router import Press, Routes, number_in
from core.rights import may
from core.types import Answer
from core.wording import N_, tr
from db.conversations import OpenQuestion
from db.pending_inputs import PendingInput
from db.uploads import Entry, Upload, Uploads
from kb.releases.open_questions import OpenQuestions, customers_of
from kb.releases.team_answers import BadEntry, check_entry

_PASSED_ON = N_("Thank you. An editor looks at it and can apply it.")
_QUESTION = N_("Write the question as it should be stored, without anything personal.")
_ANSWER = N_("Write the answer as every customer shall read it.")


@dataclass
class EntryDesk:
    """Handles entries that operators write; applying and undoing is as for files."""

    service: CustomerService
    uploads: Uploads
    knowledge: KnowledgeDesk
    pending_input: PendingInputHandler
    questions: OpenQuestions

    def __post_init__(self) -> None:
        self.pending_input.takes["entry_question"] = partial(self._rewritten, "question")
        self.pending_input.takes["entry_answer"] = partial(self._rewritten, "answer")

    @property
    def routes(self) -> Routes:
        """What can be done with an entry before and after it is applied."""
        return (
            Press("editq", "propose", partial(self._rewrite, "entry_question", _QUESTION)),
            Press("edita", "propose", partial(self._rewrite, "entry_answer", _ANSWER)),
            Press("dropentry", "propose", self.cancel),
            Press("fine", "publish", self.confirm),
            Press("tell", "talk", self.tell),
        )

    async def propose(
        self, to: Addressee, entry: Entry, *, actor: int, customer: int, update_id: int
    ) -> None:
        """Show an operator what would be stored, with buttons to change, apply or drop it.

        Who may not apply it, in a private chat, is told to whom it went: to the team's group, or
        without one to an owner or editor.
        """
        try:
            check_entry(entry, answer_chars=MAX_ANSWER_CHARS)
        except BadEntry as error:
            await self.service.sender.deliver([message(to, str(error))], update_id=update_id)
            return
        here, to = to, await self._where_applied(to, actor)
        upload_id = await self.uploads.add(
            actor=actor,
            chat_id=to.chat_id,
            thread_id=to.thread_id,
            entry=entry,
            customer=customer,
        )
        messages = [message(to, tr("Looking at what this would change …"))]
        if here != to:
            messages.append(message(here, tr(_PASSED_ON)))
        shown, *_ = await self.service.sender.deliver(messages, update_id=update_id)
        await self.uploads.set_message(upload_id, shown.message_id or 0)
        self.knowledge.start(upload_id)

    async def _where_applied(self, to: Addressee, actor: int) -> Addressee:
        """Return where somebody may apply what an operator proposes at a place."""
        role = await self.service.operators.role_of(actor)
        if to.chat_id != actor or may(role, "publish"):
            return to
        if group := await self.service.team.group():
            return Addressee(group)
        able = [one for one in await self.service.operators.list() if may(one.role, "publish")]
        return Addressee(able[0].user_id) if able else to

    # --- changing it ---------------------------------------------------------------------------

    async def _rewrite(
        self, purpose: str, prompt: str, query: CallbackQuery, update: Update, value: str
    ) -> None:
        """Ask for another wording of the question or of the answer."""
        upload, _ = await self._open(query, value)
        pending = PendingInput(purpose, upload.upload_id)
        await self.pending_input.ask(query, update, pending, prompt=tr(prompt))

    async def _rewritten(
        self, part: Literal["question", "answer"], incoming: Incoming, pending: PendingInput
    ) -> None:
        """Take another wording of a part of an entry."""
        upload = await self.uploads.get(pending.ref)
        says = tr("This entry is no longer open.")
        if upload and upload.entry:
            said: dict[str, Any] = {part: incoming.text} if incoming.text else {}
            entry = replace(upload.entry, confirmed=False, **said)
            try:
                check_entry(entry, answer_chars=MAX_ANSWER_CHARS)
                if await self.uploads.change_entry(upload.upload_id, entry):
                    says = ""
            except BadEntry as error:
                says = str(error)
        looking = tr("Looking at what this would change …")
        shown = await self.service.reply(incoming, says or looking)
        if upload and not says:
            # Below what was written, where the operator looks now.
            await self.service.sender.delete(upload.chat_id, upload.message_id)
            await self.uploads.set_message(upload.upload_id, shown.message_id or 0)
            self.knowledge.start(upload.upload_id)

    async def cancel(self, query: CallbackQuery, update: Update, value: str) -> None:
        """Drop an entry that was not applied."""
        upload = await self.uploads.get(number_in(value))
        if upload and upload.entry:
            await self.knowledge.cancel(query, update, value)

    async def confirm(self, query: CallbackQuery, _: Update, value: str) -> None:
        """Let the entry be stored as it stands in the message with the button."""
        upload, entry = await self._open(query, value)
        if await self.uploads.change_entry(upload.upload_id, replace(entry, confirmed=True)):
            self.knowledge.start(upload.upload_id)

    async def _open(self, query: CallbackQuery, value: str) -> tuple[Upload, Entry]:
        """Return the entry under whose message a button was pressed, or raise `TooLate`."""
        upload = await self.uploads.get(number_in(value))
        shown = query.message
        current = upload and shown and upload.message_id == shown.message_id
        if upload is None or upload.state != "preview" or not upload.entry or not current:
            raise TooLate(tr("This entry is no longer open."))
        await self.service.alert(query)
        return upload, upload.entry

    # --- afterwards ----------------------------------------------------------------------------

    async def tell(self, query: CallbackQuery, update: Update, value: str) -> None:
        """Tell the customers who asked what the answer is, each once."""
        upload = await self.uploads.get(number_in(value))
        if upload is None or upload.entry is None or upload.state != "live":
            raise TooLate(tr("This entry is not live any more."))
        if not await self.uploads.tell_once(upload.upload_id, update_id=update.update_id):
            raise TooLate(tr("They have been told already."))
        customers = customers_of(await self.questions.asked(upload.entry.open_ids))
        await self.service.alert(query, tr("Telling %(count)s.", count=len(customers)))
        await self.tell_customers(customers, upload.entry.answer, update_id=update.update_id)
        await self.service.sender.edit_buttons(
            upload.chat_id, upload.message_id, keyboard(live_buttons(upload))
        )

    async def tell_customers(
        self, customers: Mapping[int, OpenQuestion], answer: str, *, update_id: int | None = None
    ) -> None:
        """Tell those who asked in vain what the answer is now."""
        messages = []
        for chat_id, question in customers.items():
            if await self.service.chats.is_banned(chat_id):
                continue
            languages = await self.service.languages(chat_id, question.language)
            messages += answer_messages(
                Answer("faq", answer, question.language),
                Addressee(chat_id, languages=languages),
                question=question.question,
                question_message_id=0,
                lead=bot_text("answered_now", *languages, question=question.question[:200]),
            )
        await self.service.sender.deliver(messages, update_id=update_id)
