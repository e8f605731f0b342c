"""Questions that were not answered: listed for operators, answered or dismissed by them."""

from collections.abc import Sequence
from typing import Any

from telegram import CallbackQuery, Update

from bot.conversation.replies import Addressee, keyboard, message
from bot.conversation.service import CustomerService
from bot.operator.entries import EntryDesk
from bot.operator.entry_text import PAGE, answer_prompt, questions_buttons, questions_text
from bot.operator.links import LinkDesk
from bot.operator.pending_input import PendingInputHandler
from bot.transport.incoming import Incoming
from bot.transport.router import Command, Press, Routes
from core.wording import tr
from db.pending_inputs import PendingInput
from kb.releases.open_questions import DealtWith, OpenGroup, OpenQuestions, Order


class QuestionDesk:
    """Handles /unanswered."""

    def __init__(
        self,
        service: CustomerService,
        questions: OpenQuestions,
        pending_input: PendingInputHandler,
        entries: EntryDesk,
        links: LinkDesk,
    ) -> None:
        self._service = service
        self._questions = questions
        self._pending_input = pending_input
        self._entries = entries
        self._links = links
        pending_input.takes["answer"] = self.on_answer

    @property
    def routes(self) -> Routes:
        """What concerns open questions."""
        return Routes(
            commands=(Command("unanswered", "see", self.unanswered),),
            presses=(
                Press("list", "see", self.turn),
                Press("answer", "propose", self.answer),
                Press("link", "publish", self.link),
                Press("notours", "propose", self.dismiss),
            ),
        )

    async def unanswered(self, incoming: Incoming, argument: str) -> None:
        """List what customers asked in vain."""
        order: Order = "newest" if argument.strip().lower() == "newest" else "most"
        groups = await self._questions.groups(order)
        to = Addressee(incoming.chat_id, incoming.thread_id)
        text, buttons = await self._page(groups, order, 0)
        await self._service.sender.deliver(
            [message(to, text, buttons=buttons, context={"order": order, "page": 0})],
            update_id=incoming.update.update_id,
        )

    async def turn(self, query: CallbackQuery, _: Update, value: str) -> None:
        """Show another page, or the list in another order."""
        order, page = value.partition(":")[::2]
        await self._service.alert(query)
        await self._show(query, "newest" if order == "newest" else "most", _number(page))

    async def dismiss(self, query: CallbackQuery, _: Update, value: str) -> None:
        """Take questions off the list that are not for us."""
        try:
            number = await self._questions.dismiss(_number(value))
            await self._service.alert(query, tr("Dismissed: %(count)s.", count=number))
        except DealtWith as error:
            await self._service.alert(query, str(error))
        stored, _to = await self._service.pressed(query)
        context = stored.context if stored else {}
        await self._show(query, context.get("order", "most"), context.get("page", 0))

    async def answer(self, query: CallbackQuery, update: Update, value: str) -> None:
        """Ask for the answer to a question."""
        group = await self._group(query, value)
        if group is None:
            return
        await self._service.alert(query)
        pending = PendingInput("answer", group.newest.open_id)
        await self._pending_input.ask(query, update, pending, prompt=answer_prompt(group))

    async def link(self, query: CallbackQuery, update: Update, value: str) -> None:
        """Offer to have the nearest entry answer a question from now on."""
        group = await self._group(query, value)
        if group is None:
            return
        await self._links.propose(query, update, group)

    async def on_answer(self, incoming: Incoming, pending: PendingInput) -> None:
        """Propose the question with what the operator wrote as an entry."""
        to = Addressee(incoming.chat_id, incoming.thread_id)
        try:
            group = await self._questions.group(pending.ref)
        except DealtWith as error:
            await self._service.sender.deliver(
                [message(to, f"{error} " + tr("Nothing was stored."))],
                update_id=incoming.update.update_id,
            )
            return
        await self._entries.propose(
            to,
            group.entry(incoming.text),
            actor=incoming.user.id,
            customer=group.customer,
            update_id=incoming.update.update_id,
        )

    # --- what they share -----------------------------------------------------------------------

    async def _group(self, query: CallbackQuery, value: str) -> OpenGroup | None:
        """Return the questions that a button is about; ``None``, and say so, if none are open."""
        try:
            return await self._questions.group(_number(value))
        except DealtWith as error:
            await self._service.alert(query, str(error))
            return None

    async def _show(self, query: CallbackQuery, order: Order, page: int) -> None:
        """Bring the list in the message with the button up to date."""
        shown = query.message
        if shown is None:
            return
        groups = await self._questions.groups(order)
        page = min(page, max(0, (len(groups) - 1) // PAGE))
        text, buttons = await self._page(groups, order, page)
        params: dict[str, Any] = {"text": text}
        if buttons:
            params["reply_markup"] = keyboard(buttons)
        await self._service.sender.edit(shown.chat.id, shown.message_id, params)
        stored, _ = await self._service.pressed(query)
        if stored:
            context = {"order": order, "page": page}
            await self._service.outbox.change_context(stored.outbox_id, context)

    async def _page(
        self, groups: Sequence[OpenGroup], order: Order, page: int
    ) -> tuple[str, list[list[tuple[str, str]]]]:
        handovers = await self._service.handovers.open()
        waiting = sum(handover.state == "waiting" for handover in handovers)
        nearest = {
            group.newest.open_id: await self._questions.nearest(group.text)
            for group in groups[page * PAGE : (page + 1) * PAGE]
        }
        text = questions_text(groups, order=order, page=page, waiting=waiting, nearest=nearest)
        return text, questions_buttons(groups, order=order, page=page)


def _number(value: str) -> int:
    return int(value) if value.isdigit() else 0
