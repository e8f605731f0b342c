"""Questions that were not answered: listed for operators, answered or dismissed by them."""

from collections.abc import Sequence
from dataclasses import dataclass

from telegram import CallbackQuery, Update

from bot.conversation.replies import Addressee, edited
from bot.conversation.service import CustomerService
from bot.operator.entries import EntryDesk
from bot.operator.entry_text import PAGE, answer_prompt, questions_buttons, questions_text
from bot.operator.links import LinkDesk
from bot.operator.pending_input import PendingInputHandler
from bot.transport.incoming import Incoming
from bot.transport.router import Command, Press, Routes, number_in
from core.wording import tr
from db.pending_inputs import PendingInput
from kb.releases.open_questions import DealtWith, OpenGroup, OpenQuestions, Order


@dataclass
class QuestionDesk:
    """Handles /unanswered."""

    service: CustomerService
    questions: OpenQuestions
    pending_input: PendingInputHandler
    entries: EntryDesk
    links: LinkDesk

    def __post_init__(self) -> None:
        self.pending_input.takes["answer"] = self.on_answer

    @property
    def routes(self) -> Routes:
        """What concerns open questions."""
        return (
            Command("unanswered", "see", self.unanswered),
            Press("list", "see", self.turn_page),
            Press("answer", "propose", self.answer),
            Press("link", "publish", self.link),
            Press("notours", "propose", self.dismiss),
        )

    async def unanswered(self, incoming: Incoming, argument: str) -> None:
        """List what customers asked in vain."""
        order: Order = "newest" if argument.strip().lower() == "newest" else "most"
        groups = await self.questions.groups(order)
        text, buttons = await self._page(groups, order, 0)
        context = {"order": order, "page": 0}
        await self.service.reply(incoming, text, buttons=buttons, context=context)

    async def turn_page(self, query: CallbackQuery, _: Update, value: str) -> None:
        """Show another page, or the list in another order."""
        order, page = value.partition(":")[::2]
        await self.service.alert(query)
        await self._show(query, "newest" if order == "newest" else "most", number_in(page))

    async def dismiss(self, query: CallbackQuery, _: Update, value: str) -> None:
        """Take questions off the list that are not for us."""
        try:
            number = await self.questions.dismiss(number_in(value))
            said = tr("Dismissed: %(count)s.", count=number)
        except DealtWith as error:
            said = str(error)
        await self.service.alert(query, said)
        stored, _to = await self.service.pressed(query)
        context = stored.context if stored else {}
        await self._show(query, context.get("order", "most"), context.get("page", 0))

    async def answer(self, query: CallbackQuery, update: Update, value: str) -> None:
        """Ask for the answer to a question."""
        group = await self.questions.group(number_in(value))
        await self.service.alert(query)
        pending = PendingInput("answer", group.newest.open_id)
        await self.pending_input.ask(query, update, pending, prompt=answer_prompt(group))

    async def link(self, query: CallbackQuery, update: Update, value: str) -> None:
        """Offer to have the nearest entry answer a question from now on."""
        await self.links.propose(query, update, await self.questions.group(number_in(value)))

    async def on_answer(self, incoming: Incoming, pending: PendingInput) -> None:
        """Propose the question with what the operator wrote as an entry."""
        try:
            group = await self.questions.group(pending.ref)
        except DealtWith as error:
            await self.service.reply(incoming, f"{error} " + tr("Nothing was stored."))
            return
        await self.entries.propose(
            Addressee(incoming.chat_id, incoming.thread_id),
            group.entry(incoming.text),
            actor=incoming.user.id,
            customer=group.customer,
            update_id=incoming.update.update_id,
        )

    # --- what they share -----------------------------------------------------------------------

    async def _show(self, query: CallbackQuery, order: Order, page: int) -> None:
        """Bring the list in the message with the button up to date."""
        shown = query.message
        if shown is None:
            return
        groups = await self.questions.groups(order)
        page = min(page, max(0, (len(groups) - 1) // PAGE))
        text, buttons = await self._page(groups, order, page)
        await self.service.sender.edit(shown.chat.id, shown.message_id, edited(text, buttons))
        stored, _ = await self.service.pressed(query)
        if stored:
            context = {"order": order, "page": page}
            await self.service.outbox.change_context(stored.outbox_id, context)

    async def _page(
        self, groups: Sequence[OpenGroup], order: Order, page: int
    ) -> tuple[str, list[list[tuple[str, str]]]]:
        handovers = await self.service.handovers.open()
        waiting = sum(handover.state == "waiting" for handover in handovers)
        nearest = await self.questions.nearest(groups[page * PAGE : (page + 1) * PAGE])
        text = questions_text(groups, order=order, page=page, waiting=waiting, nearest=nearest)
        return text, questions_buttons(groups, order=order, page=page)
