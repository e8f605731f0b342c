"""An operator presses a button and writes a text for it: their next message is that text."""

from collections.abc import Awaitable, Callable

from telegram import CallbackQuery, Update

from bot.conversation.replies import message
from bot.conversation.service import CustomerService, place_of
from bot.transport.incoming import Incoming
from bot.transport.router import Content, Press, Routes
from core.wording import tr
from db.pending_inputs import PendingInput, PendingInputs, Writer

INSIDE = "//"
"""What an operator's message begins with that stays within the team."""

OnInput = Callable[[Incoming, PendingInput], Awaitable[None]]


class PendingInputHandler:
    """Asks operators for texts and hands each to the part that asked. A restart forgets nothing."""

    def __init__(self, service: CustomerService, stored: PendingInputs) -> None:
        self._service = service
        self._stored = stored
        self.takes: dict[str, OnInput] = {}
        """By purpose: who is given the text."""

    @property
    def routes(self) -> Routes:
        """What operators write when they were asked to."""
        return (
            Press("quit", "talk", self.quit),
            Content("pending input", "talk", self._is_pending, self.on_text),
        )

    async def ask(
        self, query: CallbackQuery, update: Update, pending: PendingInput, *, prompt: str
    ) -> None:
        """Ask whoever pressed a button for a text, in the place where the button is."""
        if query.message is None:
            return
        to = place_of(query)
        await self._stored.expect(Writer(query.from_user.id, to.chat_id, to.thread_id), pending)
        asked = message(to, prompt, buttons=[[(tr("Never mind"), "quit")]])
        await self._service.sender.deliver([asked], update_id=update.update_id)

    async def on_text(self, incoming: Incoming) -> None:
        """Hand a text to the part that asked for it."""
        pending = await self._stored.find(_writer(incoming), update_id=incoming.update.update_id)
        if pending is None:
            return
        await self._stored.use(_writer(incoming), update_id=incoming.update.update_id)
        await self.takes[pending.purpose](incoming, pending)

    async def quit(self, query: CallbackQuery, _: Update, __: str) -> None:
        """Let the next message be one like any other."""
        shown = query.message
        await self._service.alert(query)
        if shown:
            here = place_of(query)
            await self._stored.drop(Writer(query.from_user.id, here.chat_id, here.thread_id))
            await self._service.sender.edit(
                shown.chat.id, shown.message_id, {"text": tr("All right, nothing was changed.")}
            )

    async def _is_pending(self, incoming: Incoming) -> bool:
        if not incoming.message.text or incoming.text.startswith(INSIDE):
            return False
        found = await self._stored.find(_writer(incoming), update_id=incoming.update.update_id)
        return found is not None and found.purpose in self.takes


def _writer(incoming: Incoming) -> Writer:
    return Writer(incoming.user.id, incoming.chat_id, incoming.thread_id)
