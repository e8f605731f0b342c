"""What all customer handlers share: whom they speak to, in which language, and how they ask."""

import logging
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from telegram import CallbackQuery, Message
from telegram.error import BadRequest, TelegramError
from telegram.ext import ExtBot

from bot.conversation.replies import Addressee, Button, message
from bot.conversation.streaming import Stream, Streaming
from bot.conversation.texts import bot_text
from bot.transport.incoming import Incoming
from bot.transport.sender import Sender
from bot.transport.shutdown import Shutdown
from core.hours import WorkingHours
from core.types import Answer
from db.chats import Chats
from db.conversations import Conversations
from db.handover import Handovers
from db.operators import Operators, Team
from db.outbox import Outbox, StoredMessage
from kb.answering.desk import Desk

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Manners:
    """What an operator may change about how the bot speaks."""

    company: str = "Answerdesk"
    language: str = "en"
    """For the bot's own words, when the customer's language is not known."""
    merge_s: float = 1.5
    """Short messages that follow each other within this many seconds are one question."""
    streaming: Streaming = "draft"
    """How a reply is shown while it is written."""
    hours: WorkingHours = field(default_factory=WorkingHours)
    """When the team is there."""
    welcome: Mapping[str, str] = field(default_factory=dict)
    """The company's own words to begin with, by language."""


@dataclass(frozen=True, kw_only=True)
class CustomerService:
    """Asks the desk and speaks to a chat."""

    bot: "ExtBot[Any]"
    desk: Desk
    conversations: Conversations
    sender: Sender
    outbox: Outbox
    chats: Chats
    handovers: Handovers
    operators: Operators
    team: Team
    manners: Manners
    shutdown: Shutdown
    spawn: Callable[[Coroutine[Any, Any, None]], None]
    """Begins what is done beside the conversation."""

    async def ask(
        self, text: str, *, to: Addressee, language_code: str, stream: Stream | None = None
    ) -> Answer:
        """Ask the desk on behalf of a chat; `stream` shows the reply while it is written."""
        chosen = await self.chats.language(to.chat_id)
        return await self.desk.ask(
            text,
            chat=f"telegram:{to.chat_id}",
            channel="telegram",
            language_code=chosen or language_code,
            on_event=stream.on_event if stream else None,
        )

    async def stream(self, incoming: Incoming, to: Addressee, *, repeated: bool) -> Stream:
        """Return what shows a reply while it is written; `repeated`: maybe it had begun."""
        update_id = incoming.update.update_id
        return Stream(
            self.bot,
            self.sender,
            to,
            update_id=update_id,
            mode=self.manners.streaming,
            private=incoming.private,
            shutdown=self.shutdown,
            begun=await self.sender.begun(update_id) if repeated else None,
        )

    async def say(self, incoming: Incoming, text: Callable[..., str]) -> None:
        """Reply with a text of the bot's own; `text` takes the languages, best first."""
        languages = await self.languages(incoming.chat_id, incoming.language_code)
        await self.reply(incoming, text(*languages))

    async def reply(
        self,
        incoming: Incoming,
        text: str,
        *,
        buttons: Sequence[Sequence[Button]] = (),
        context: Mapping[str, Any] | None = None,
    ) -> StoredMessage:
        """Reply to a message in the place where it was written."""
        to = Addressee(incoming.chat_id, incoming.thread_id)
        reply = message(to, text, buttons=buttons, context=context)
        (sent,) = await self.sender.deliver([reply], update_id=incoming.update.update_id)
        return sent

    async def addressee(self, incoming: Incoming) -> Addressee:
        """Return where a reply to a message goes."""
        languages = await self.languages(incoming.chat_id, incoming.language_code)
        return Addressee(incoming.chat_id, incoming.thread_id, languages)

    async def languages(self, chat_id: int, code: str) -> tuple[str, ...]:
        """Return the languages for the bot's own words: chosen, the app's, the company's."""
        chosen = await self.chats.language(chat_id)
        return tuple(filter(None, (chosen, code, self.manners.language)))

    async def pressed(self, query: CallbackQuery) -> tuple[StoredMessage | None, Addressee]:
        """Return the message under which a button was pressed, and where a reply goes."""
        shown, place = query.message, place_of(query)
        if shown is None:
            return None, place
        stored = await self.outbox.find(shown.chat.id, shown.message_id)
        spoken = stored.context.get("language", "") if stored else ""
        languages = await self.languages(shown.chat.id, query.from_user.language_code or "")
        return stored, replace(place, languages=tuple(filter(None, (spoken, *languages))))

    async def refuse(self, query: CallbackQuery) -> None:
        """Answer a press that is not allowed or has no meaning."""
        languages = (query.from_user.language_code or "", self.manners.language)
        await self.alert(query, bot_text("not_allowed", *languages))

    async def alert(self, query: CallbackQuery, text: str = "") -> None:
        """End the spinner of a pressed button, with a line of text if there is one."""
        try:
            await query.answer(text[:200] or None)
        except BadRequest:
            logger.info("A press was answered too late")
        except TelegramError as trouble:
            logger.warning("A press was not answered: %s", trouble)


def place_of(query: CallbackQuery) -> Addressee:
    """Return where a button was pressed: chat and topic, else the private chat of who pressed."""
    shown = query.message
    if not isinstance(shown, Message):
        return Addressee(shown.chat.id if shown else query.from_user.id)
    return Addressee(shown.chat.id, (shown.message_thread_id or 0) if shown.is_topic_message else 0)
