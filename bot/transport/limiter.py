"""How often the bot may call Telegram: a budget per chat, and obedience to 429."""

import asyncio
import heapq
import itertools
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from telegram.error import RetryAfter
from telegram.ext import BaseRateLimiter

from bot.transport.shutdown import Shutdown

Priority: TypeAlias = Literal["first", "normal", "may"]
"""``first``: before what waits already. ``may``: left out if it could not be done at once."""

PRIVATE_SPACING_S = 1.0
GROUP_SPACING_S = 3.0
"""Twenty a minute. Both from https://core.telegram.org/bots/faq#my-bot-is-hitting-limits."""

_GROUP_BURST = 5
_SLACK_S = 0.05
"""Added to ``retry_after``: Telegram's clock is not ours."""

_COUNTED = ("send", "edit", "copy", "forward", "createForumTopic", "deleteMessage", "pin")
_FREE = ("sendChatAction", "sendMessageDraft")
"""Not messages: never waited for, but not sent into a chat that has to wait."""


@dataclass(slots=True)
class _Chat:
    """One chat's budget: `tokens` of `burst`, one more every `spacing_s`."""

    spacing_s: float
    burst: float
    tokens: float
    counted_at: float
    paused_until: float = 0.0
    busy: bool = False
    waiting: list[tuple[int, int, asyncio.Future[None]]] = field(default_factory=list)


class ChatRateLimiter(BaseRateLimiter[Priority]):
    """Spaces the calls of each chat on its own; a 429 stops the chat it came from, no other.

    Calls into one chat run one after another, in order; so do their retries.
    """

    def __init__(self, shutdown: Shutdown) -> None:
        self._shutdown = shutdown
        self._chats: dict[int, _Chat] = {}
        self._counter = itertools.count()

    async def initialize(self) -> None:
        """Need nothing."""

    async def shutdown(self) -> None:
        """Forget all budgets."""
        self._chats.clear()

    async def process_request(
        self,
        callback: Callable[..., Coroutine[Any, Any, Any]],
        args: Any,
        kwargs: dict[str, Any],
        endpoint: str,
        data: dict[str, Any],
        rate_limit_args: Priority | None,
    ) -> Any:
        """Call Telegram when the chat's budget allows it, again after each 429.

        Raises:
            Stopping: if the bot is stopped while the call waits; it was then not made.
        """
        chat_id = data.get("chat_id")
        free = endpoint in _FREE
        counted = endpoint.startswith(_COUNTED) and not free and bool(chat_id)
        chat = self._chat(int(chat_id) if isinstance(chat_id, int) else 0)
        may = free or rate_limit_args == "may"
        if may and self._has_to_wait(chat, counted=counted):
            return True
        if not free:
            await self._slot(chat, first=rate_limit_args == "first")
        try:
            while True:
                await self._budget(chat, counted=counted)
                try:
                    return await callback(*args, **kwargs)
                except RetryAfter as refusal:
                    self._pause(chat, refusal)
                    if may:
                        return True
        finally:
            if not free:
                chat.counted_at = self._shutdown.now()  # one that was slow to leave earns nothing
                self._next(chat)
                self._tidy()

    def _has_to_wait(self, chat: _Chat, *, counted: bool) -> bool:
        now = self._shutdown.now()
        self._refill(chat, now)
        return chat.busy or now < chat.paused_until or (counted and chat.tokens < 1)

    def _chat(self, chat_id: int) -> _Chat:
        if chat_id not in self._chats:
            spacing, burst = (
                (GROUP_SPACING_S, _GROUP_BURST) if chat_id < 0 else (PRIVATE_SPACING_S, 1)
            )
            self._chats[chat_id] = _Chat(spacing, burst, burst, self._shutdown.now())
        return self._chats[chat_id]

    def _refill(self, chat: _Chat, now: float) -> None:
        gained = (now - chat.counted_at) / chat.spacing_s
        chat.tokens = min(chat.burst, chat.tokens + gained)
        chat.counted_at = now

    async def _budget(self, chat: _Chat, *, counted: bool) -> None:
        while True:
            now = self._shutdown.now()
            self._refill(chat, now)
            wait = chat.paused_until - now
            if counted and chat.tokens < 1:
                wait = max(wait, (1 - chat.tokens) * chat.spacing_s)
            if wait <= 0:
                break
            await self._shutdown.sleep(wait + 0.001)
        if counted:
            chat.tokens -= 1

    def _pause(self, chat: _Chat, refusal: RetryAfter) -> None:
        after = refusal.retry_after
        seconds = after if isinstance(after, int) else after.total_seconds()
        chat.paused_until = max(chat.paused_until, self._shutdown.now() + seconds + _SLACK_S)

    async def _slot(self, chat: _Chat, *, first: bool) -> None:
        if not chat.busy:
            chat.busy = True
            return
        slot: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(chat.waiting, (0 if first else 1, next(self._counter), slot))
        try:
            await slot
        except asyncio.CancelledError:
            if slot.done() and not slot.cancelled():
                self._next(chat)  # the slot was given just as the caller went away
            raise

    def _next(self, chat: _Chat) -> None:
        while chat.waiting:
            _, _, slot = heapq.heappop(chat.waiting)
            if not slot.done():
                slot.set_result(None)
                return
        chat.busy = False

    def _tidy(self) -> None:
        """Forget chats whose budget is full again, once there are many."""
        if len(self._chats) < 5000:
            return
        now = self._shutdown.now()
        self._chats = {
            chat_id: chat
            for chat_id, chat in self._chats.items()
            if chat.busy or now < chat.paused_until or now - chat.counted_at < 60
        }
