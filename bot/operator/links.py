"""An open question is linked to an entry that answers it: shown, confirmed, live, undone."""

from dataclasses import dataclass

from telegram import CallbackQuery, Update

from bot.conversation.replies import Addressee, Button, edited, message
from bot.conversation.service import CustomerService
from bot.operator.entry_text import link_buttons, link_text
from bot.transport.errors import TooLate
from bot.transport.router import Press, Routes
from core.errors import AnswerdeskError
from core.wording import tr
from db.outbox import StoredMessage
from kb.releases.open_questions import OpenGroup, OpenQuestions


@dataclass(frozen=True, slots=True)
class LinkDesk:
    """Handles the buttons that make a question a variant of an entry."""

    service: CustomerService
    questions: OpenQuestions

    @property
    def routes(self) -> Routes:
        """What is pressed under a proposed link."""
        return (
            Press("linked", "publish", self.apply),
            Press("nolink", "propose", self.cancel),
            Press("unlink", "publish", self.undo),
        )

    async def propose(self, query: CallbackQuery, update: Update, group: OpenGroup) -> None:
        """Show which entry would answer the question from now on."""
        question = group.text
        near = await self.questions.near(question)
        entry = next((one for one in near if one.kind == "faq"), None)
        if entry is None:
            raise TooLate(tr("No entry is near. Write an answer instead."))
        await self.service.alert(query)
        _, to = await self.service.pressed(query)
        concerns = await self.questions.concerns_of(group, question)
        context = {
            "question": question,
            "entry": entry.chunk_id,
            "open_ids": list(group.open_ids),
        }
        shown = message(
            Addressee(to.chat_id, to.thread_id),
            link_text(group, entry, concerns=concerns),
            buttons=link_buttons(concerns=concerns),
            context=context,
        )
        await self.service.sender.deliver([shown], update_id=update.update_id)

    async def apply(self, query: CallbackQuery, _: Update, __: str) -> None:
        """Add the question to the entry."""
        stored, _to = await self.service.pressed(query)
        if stored is None or "entry" not in stored.context or "number" in stored.context:
            raise TooLate(tr("This is no longer open."))
        await self.service.alert(query, tr("Linking …"))
        context = dict(stored.context)
        try:
            entry = await self.questions.entries.get(context["entry"])
            number, answered = await self.questions.link(
                context["open_ids"],
                entry.chunk_id,
                context["question"],
                author=f"telegram:{query.from_user.id}",
            )
        except AnswerdeskError as error:
            await self._change(stored, str(error), [])
            return
        context["number"] = number
        await self.service.outbox.change_context(stored.outbox_id, context)
        text = tr(
            "“%(question)s” is now a way to ask “%(entry)s”. Open questions answered: %(count)s.",
            question=context["question"],
            entry=entry.text,
            count=answered,
        )
        await self._change(stored, text, [[(tr("↩ Undo"), "unlink")]])

    async def cancel(self, query: CallbackQuery, _: Update, __: str) -> None:
        """Leave everything as it is."""
        stored, _to = await self.service.pressed(query)
        await self.service.alert(query)
        if stored is not None and "number" not in stored.context:
            await self._change(stored, tr("Not linked. Nothing was changed."), [])
            await self.service.outbox.change_context(stored.outbox_id, {})

    async def undo(self, query: CallbackQuery, _: Update, __: str) -> None:
        """Take the question out of the entry again, and put it back on the list."""
        stored, _to = await self.service.pressed(query)
        if stored is None or "number" not in stored.context:
            raise TooLate(tr("It was undone already."))
        await self.service.alert(query, tr("Undoing …"))
        try:
            await self.questions.unlink(stored.context["number"])
        except AnswerdeskError as error:
            await self._change(stored, str(error), [])
            return
        await self.service.outbox.change_context(stored.outbox_id, {})
        await self._change(stored, tr("Undone. The question is open again."), [])

    async def _change(self, stored: StoredMessage, text: str, buttons: list[list[Button]]) -> None:
        said = edited(text, buttons)
        await self.service.sender.edit(stored.chat_id, stored.message_id or 0, said)
