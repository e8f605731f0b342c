"""Show a reply while it is written: as a preview in private chats, by editing elsewhere, or not.

What is shown early is only sentences that the passage supports. The final message never
depends on the preview: a preview that fails is left out.
"""

import logging
from dataclasses import KW_ONLY, asdict, dataclass, field
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


@dataclass
class Stream:
    """What one customer sees of one reply before it is complete."""

    bot: "ExtBot[Any]"
    sender: Sender
    to: Addressee
    _: KW_ONLY
    update_id: int
    mode: Streaming
    private: bool
    shutdown: Shutdown
    begun: StoredMessage | None = None
    """The message that is edited; from an earlier run if that was interrupted."""
    _sentences: list[str] = field(default_factory=list, init=False)
    _shown_at: float = field(default=float("-inf"), init=False)

    def __post_init__(self) -> None:
        self._drafts = self.mode == "draft" and self.private
        self._on = self.mode != "off"

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
        languages, source = self.to.languages, waiting.source
        seconds = max(1, round(waiting.seconds))
        text = f"⏳ {service_text('waiting', *languages, seconds=seconds)}"
        if source is None:
            return render_plain(text)
        label = source_label(asdict(source), *languages[:1])
        head = service_text("quoted", *languages)
        return render_plain(f"{head}\n{source.quote}\n📄 {label}\n\n{text}")

    async def finish(self, messages: list[Outgoing]) -> list[Outgoing]:
        """Put the first message of the reply in the place of what was shown; return the rest."""
        if self.begun is None or self.begun.message_id is None or not messages:
            return messages
        final, begun = messages[0], self.begun
        if not await self.sender.edit(begun.chat_id, begun.message_id or 0, final.params):
            return messages
        await self.sender.outbox.change_context(begun.outbox_id, final.context)
        return messages[1:]

    async def _show(self, text: str) -> None:
        now = self.shutdown.now()
        spacing = DRAFT_SPACING_S if self._drafts else EDIT_SPACING_S
        if now - self._shown_at < spacing:
            return
        self._shown_at = now
        if self._drafts:
            await self.bot.send_message_draft(
                self.to.chat_id, self.update_id, text, message_thread_id=self.to.thread_id or None
            )
        elif self.begun is None:
            first = message(self.to, text, context={"unfinished": True})
            (self.begun,) = await self.sender.deliver([first], update_id=self.update_id)
            self._on = self.begun.state == "sent"
        else:
            await self.bot.edit_message_text(
                text, self.begun.chat_id, self.begun.message_id, rate_limit_args="may"
            )
