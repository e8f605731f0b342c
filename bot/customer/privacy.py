"""What customers may ask about their own data: to see it, and to have it erased."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from telegram import CallbackQuery, Update

from bot.conversation.replies import Addressee, message
from bot.conversation.service import CustomerService
from bot.conversation.texts import bot_text
from bot.transport.incoming import Incoming
from bot.transport.router import Command, Press, Routes
from db.outbox import Outgoing
from kb.answering.texts import service_text

_TURNS = 10_000


@dataclass(frozen=True, slots=True)
class Privacy:
    """Handles /mydata and /forget, in private chats: a group's data is not one person's."""

    service: CustomerService
    erase: Callable[[int], Awaitable[None]]
    """Erases everything that is stored about a chat."""

    @property
    def routes(self) -> Routes:
        """What concerns a customer's own data."""
        return (
            Command("mydata", "anyone", self.my_data),
            Command("forget", "anyone", self.forget),
            Press("forget", "anyone", self.forget_now),
        )

    async def my_data(self, incoming: Incoming, _: str) -> None:
        """Send what is stored about a chat, as a file."""
        if not incoming.private:
            await self._only_private(incoming)
            return
        service, chat_id = self.service, incoming.chat_id
        turns = await service.conversations.turns(f"telegram:{chat_id}", limit=_TURNS)
        stored: dict[str, Any] = {
            "made": datetime.now(UTC).isoformat(timespec="seconds"),
            "chat": chat_id,
            **await service.chats.record(chat_id),
            "conversation": [{"question": t.question, "answer": t.answer} for t in turns],
        }
        handover = await service.handovers.get(chat_id)
        if handover:
            stored["conversation_with_a_person"] = {
                "state": handover.state,
                "about": handover.reason,
                "messages": [
                    {"author": one.author, "text": one.text}
                    for one in await service.handovers.said(handover.chat)
                    if one.author != "note"
                ],
            }
        file = Outgoing(
            chat_id,
            "sendDocument",
            {
                "chat_id": chat_id,
                "filename": "mydata.json",
                "content": json.dumps(stored, ensure_ascii=False, indent=2),
            },
            {},
        )
        await service.sender.deliver([file], update_id=incoming.update.update_id)

    async def forget(self, incoming: Incoming, _: str) -> None:
        """Ask whether everything shall be erased."""
        if not incoming.private:
            await self._only_private(incoming)
            return
        to = await self.service.addressee(incoming)
        yes = (bot_text("forget_yes", *to.languages), "forget:yes")
        sure = bot_text("forget_sure", *to.languages)
        await self.service.reply(incoming, sure, buttons=[[yes]])

    async def forget_now(self, query: CallbackQuery, _: Update, value: str) -> None:
        """Erase everything that is stored about a chat."""
        service = self.service
        await service.alert(query)
        chat = query.message.chat if query.message else None
        if chat is None or chat.id != query.from_user.id or value != "yes":
            return
        languages = await service.languages(chat.id, query.from_user.language_code or "")
        await self.erase(chat.id)
        text = service_text("forgotten", *languages)
        await service.sender.deliver([message(Addressee(chat.id), text)])

    async def _only_private(self, incoming: Incoming) -> None:
        await self.service.say(incoming, lambda *to: bot_text("only_private", *to))
