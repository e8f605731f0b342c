"""Show a reply while it is written: as a preview in private chats, by editing elsewhere, or not.

What is shown early is only sentences that the passage supports. The final message never
depends on the preview: a preview that fails is left out.
"""

import logging
from typing import Any, Literal, TypeAlias

from telegram.error import TelegramError
from telegram.ext import ExtBot

from bot.conversation.replies import Addressee, message, source_label
from bot.transport.redact import redact
from bot.transport.render import render_plain
from bot.transport.sender import Sender
from bot.transport.shutdown import Shutdown
from core.shown import urls_in
from core.types import AnswerEvent, Sentence, Waiting
from db.outbox import Outgoing, StoredMessage
from kb.answering.texts import service_text

logger = logging.getLogger(__name__)

Streaming: TypeAlias = Literal["draft", "edit", "off"]
"""``draft``: previews in private chats, edits elsewhere. ``edit``: edits everywhere."""

DRAFT_SPACING_S = 0.7
EDIT_SPACING_S = 1.2
"""Telegram refuses quicker edits of one message."""


class Stream:
    """What one customer sees of one reply before it is complete."""

    def __init__(
        self,
        bot: "ExtBot[Any]",
        sender: Sender,
        to: Addressee,
        *,
        update_id: int,
        mode: Streaming,
        private: bool,
        shutdown: Shutdown,
        begun: StoredMessage | None = None,
    ) -> None:
        self._bot = bot
        self._sender = sender
        self._to = to
        self._update_id = update_id
        self._shutdown = shutdown
        self._drafts = mode == "draft" and private
        self._on = mode != "off"
        self._sentences: list[str] = []
        self._shown_at = float("-inf")
        self._begun = begun
        """The message that is edited; from an earlier run if that was interrupted."""

    async def on_event(self, event: AnswerEvent) -> None:
        """Show one more sentence, or how long it will take."""
        if isinstance(event, Sentence):
            self._sentences.append(event.text.strip())
            text = " ".join(self._sentences)
            # An address would be judged by its source, which is not known yet.
            parts = [] if urls_in(text) else render_plain(text)
        else:
            parts = self._meanwhile(event)
            if event.source:
                self._drafts = False  # to be read for longer than a preview lasts
        if not self._on or not parts:
            return
        try:
            await self._show(parts[0])
        except TelegramError as trouble:
            logger.info("Replies are not shown early here: %s", redact(str(trouble)))
            self._on = False

    def _meanwhile(self, waiting: Waiting) -> list[str]:
        """Return how long it takes, below the passage that there is to read until then."""
        languages, source = self._to.languages, waiting.source
        seconds = max(1, round(waiting.seconds))
        text = f"⏳ {service_text('waiting', *languages, seconds=seconds)}"
        if source is None:
            return render_plain(text)
        label = source_label(
            {"title": source.title, "document": source.document, "location": source.location}
        )
        head = service_text("quoted", *languages)
        return render_plain(f"{head}\n{source.quote}\n📄 {label}\n\n{text}")

    async def finish(self, messages: list[Outgoing]) -> list[Outgoing]:
        """Put the first message of the reply in the place of what was shown; return the rest."""
        if self._begun is None or self._begun.message_id is None or not messages:
            return messages
        final, begun = messages[0], self._begun
        if not await self._sender.edit(begun.chat_id, begun.message_id or 0, final.params):
            return messages
        await self._sender.replace_context(begun, final.context)
        return messages[1:]

    async def _show(self, text: str) -> None:
        now = self._shutdown.now()
        spacing = DRAFT_SPACING_S if self._drafts else EDIT_SPACING_S
        if now - self._shown_at < spacing:
            return
        self._shown_at = now
        if self._drafts:
            await self._bot.send_message_draft(
                self._to.chat_id,
                self._update_id,
                text,
                message_thread_id=self._to.thread_id or None,
            )
        elif self._begun is None:
            first = message(self._to, text, context={"unfinished": True})
            (self._begun,) = await self._sender.deliver([first], update_id=self._update_id)
            self._on = self._begun.state == "sent"
        else:
            await self._bot.edit_message_text(
                text,
                self._begun.chat_id,
                self._begun.message_id,
                rate_limit_args="may",
            )
