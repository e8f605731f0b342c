"""From the handlers to Telegram: every message stored first, sent once, its fate recorded."""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import Any, TypeAlias

import httpx
from telegram import InlineKeyboardMarkup, LinkPreviewOptions, Message, MessageId
from telegram import ReplyParameters as Reply
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Forbidden,
    NetworkError,
    TelegramError,
    TimedOut,
)
from telegram.ext import ExtBot

from bot.transport.delivery_queue import SendSlot, Ticket
from bot.transport.limiter import Priority
from bot.transport.redact import redact
from bot.transport.shutdown import Shutdown
from db.chats import Chats
from db.outbox import Outbox, OutboxState, Outgoing, StoredMessage

logger = logging.getLogger(__name__)

MAX_BACKOFF_S = 15.0
_REPEATS_S = (0.5, 1.0, 2.0, 4.0, 8.0)
_NO_PREVIEW = LinkPreviewOptions(is_disabled=True)
"""A preview makes Telegram fetch the address by itself."""

Rows: TypeAlias = list[list[dict[str, Any]]]
Offers: TypeAlias = Callable[[int, Rows], Awaitable[Rows]]
"""Returns the rows of buttons that a chat is shown, of those that are meant for it."""

_CERTAIN = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
"""Of httpx: the request did not leave."""


def was_not_sent(error: NetworkError) -> bool:
    """Tell whether Telegram certainly did not run the method.

    So it is when no connection was made, and when Telegram itself says so in its JSON. After a
    lost connection, a time limit or a gateway's page it may have run it.
    """
    cause = error.__cause__
    if isinstance(cause, _CERTAIN):
        return True
    return cause is None and not isinstance(error, TimedOut)


@dataclass(frozen=True)
class Sender:
    """Sends what is in the outbox. A message that may have been sent is never sent again."""

    bot: "ExtBot[Any]"
    outbox: Outbox
    chats: Chats
    _: KW_ONLY
    shutdown: Shutdown
    offers: Offers
    """Chooses the buttons that a chat is shown."""
    _slot: SendSlot = field(default_factory=SendSlot, init=False)

    async def deliver(
        self,
        messages: Sequence[Outgoing],
        *,
        update_id: int | None = None,
        priority: Priority | None = None,
    ) -> list[StoredMessage]:
        """Store messages, all or none, then send them in order; return them with their fates.

        Raises:
            Stopping: if the bot is stopped meanwhile; the rest is sent at the next start.
            StorageError: if they could not be stored; nothing was sent.
        """
        stored = await self.outbox.add(messages, update_id=update_id)
        return await self.send_all(stored, priority=priority)

    async def send_all(
        self, stored: Sequence[StoredMessage], *, priority: Priority | None = None
    ) -> list[StoredMessage]:
        """Send stored messages in order; return them with their fates."""
        return [await self.send(message, priority=priority) for message in stored]

    async def resume(self, update_id: int) -> bool:
        """Send what an earlier run stored for an update; return whether that is its whole reply.

        It is not if the reply was still being written and its beginning stands in the chat.
        """
        stored = await self.outbox.of_update(update_id)
        for message in stored:
            if message.state == "queued" and not message.context.get("unfinished"):
                await self.send(message)
        return any(not message.context.get("unfinished") for message in stored)

    async def begun(self, update_id: int) -> StoredMessage | None:
        """Return the beginning of an update's reply that stands in the chat, if there is one."""
        for message in await self.outbox.of_update(update_id):
            if message.context.get("unfinished") and message.state == "sent":
                return message
        return None

    async def send(
        self, message: StoredMessage, *, priority: Priority | None = None
    ) -> StoredMessage:
        """Send one stored message and record its fate."""
        async with self._slot.ticket() as ticket:
            state, message_id, error = await self._send(message, priority, ticket)
            await self.outbox.finish(message.outbox_id, state, message_id=message_id, error=error)
        if state != "sent":
            logger.warning("Message %d is %s: %s", message.outbox_id, state, error)
        else:
            logger.info("Message %d is sent", message.outbox_id)
        message.state, message.message_id, message.error = state, message_id, error
        return message

    async def edit(self, chat_id: int, message_id: int, params: Mapping[str, Any]) -> bool:
        """Replace text and buttons of a message; return whether it stands there now.

        An edit may be repeated, so it is tried again after every kind of lost connection.
        """
        markup = await self._keyboard(chat_id, params.get("reply_markup"))
        return await self._until_done(
            lambda: self.bot.edit_message_text(
                params["text"],
                chat_id,
                message_id,
                reply_markup=markup,
                link_preview_options=_NO_PREVIEW,
            )
        )

    async def edit_buttons(self, chat_id: int, message_id: int, markup: dict[str, Any]) -> bool:
        """Replace the buttons of a message; return whether they stand there now."""
        buttons = await self._keyboard(chat_id, markup)
        return await self._until_done(
            lambda: self.bot.edit_message_reply_markup(chat_id, message_id, reply_markup=buttons)
        )

    async def delete(self, chat_id: int, message_id: int) -> bool:
        """Delete a message; return whether it is gone."""
        return await self._until_done(lambda: self.bot.delete_message(chat_id, message_id))

    async def download(self, file_id: str) -> bytes:
        """Return a file that somebody sent.

        Raises:
            TelegramError: if it is gone, or Telegram could not be reached several times.
        """
        for backoff in _REPEATS_S:
            try:
                return await self._load(file_id)
            except BadRequest:
                raise
            except NetworkError:
                await self.shutdown.sleep(backoff)
        return await self._load(file_id)

    async def _load(self, file_id: str) -> bytes:
        file = await self.bot.get_file(file_id)
        return bytes(await file.download_as_bytearray())

    async def _until_done(self, call: Callable[[], Awaitable[object]]) -> bool:
        for backoff in _REPEATS_S:
            try:
                await call()
            except BadRequest as refusal:
                done = "not modified" in str(refusal).lower()
                if not done:
                    logger.warning("Telegram refuses a change: %s", refusal)
                return done
            except NetworkError:
                await self.shutdown.sleep(backoff)
            except TelegramError as trouble:
                logger.warning("A message was not changed: %s", redact(str(trouble)))
                return False
            else:
                return True
        return False

    async def _send(
        self, message: StoredMessage, priority: Priority | None, ticket: Ticket
    ) -> tuple[OutboxState, int | None, str]:
        params = dict(message.params)
        backoff = 1.0
        while True:
            try:
                return "sent", await self._call(message.method, params, priority), ""
            except ChatMigrated as moved:
                await self.chats.migrate(message.chat_id, moved.new_chat_id)
                params["chat_id"] = moved.new_chat_id
            except BadRequest as refusal:
                return "failed", None, str(refusal)
            except Forbidden as refusal:
                await self.chats.block(message.chat_id)
                return "failed", None, str(refusal)
            except NetworkError as trouble:
                if not was_not_sent(trouble):
                    return "uncertain", None, redact(str(trouble)) or type(trouble).__name__
                ticket.give_back()
                logger.warning("Telegram cannot be reached; next try in %.0f s", backoff)
                await self.shutdown.sleep(backoff)
                backoff = min(backoff * 2, MAX_BACKOFF_S)
            except TelegramError as trouble:
                # Such as a reply that is no JSON: it came after the method was run.
                return "uncertain", None, redact(str(trouble))

    async def _call(self, method: str, params: Mapping[str, Any], priority: Any) -> int:
        common: dict[str, Any] = {
            "chat_id": params["chat_id"],
            "message_thread_id": params.get("message_thread_id"),
            "reply_markup": await self._keyboard(params["chat_id"], params.get("reply_markup")),
            "reply_parameters": _reply(params.get("reply_to")),
            "rate_limit_args": priority,
        }
        sent: Message | MessageId
        match method:
            case "sendMessage":
                sent = await self.bot.send_message(
                    text=params["text"], link_preview_options=_NO_PREVIEW, **common
                )
            case "sendDocument":
                sent = await self.bot.send_document(
                    document=str(params["content"]).encode(), filename=params["filename"], **common
                )
            case "copyMessage":
                sent = await self.bot.copy_message(
                    from_chat_id=params["from_chat_id"],
                    message_id=params["message_id"],
                    caption=params.get("caption"),  # none: as it was
                    **common,
                )
            case _:
                raise ValueError(f"The outbox does not send {method!r}.")
        return sent.message_id

    async def _keyboard(
        self, chat_id: int, raw: Mapping[str, Any] | None
    ) -> InlineKeyboardMarkup | None:
        """Return the buttons; ``None`` for none, for an empty list is written as no list at all."""
        rows = await self.offers(chat_id, raw["inline_keyboard"]) if raw else []
        return InlineKeyboardMarkup.de_json({"inline_keyboard": rows}, None) if rows else None


def _reply(message_id: int | None) -> Reply | None:
    return Reply(message_id, allow_sending_without_reply=True) if message_id else None
