"""Show that the bot is at work, at once and until the answer is there."""

import asyncio
from types import TracebackType
from typing import Any, Self

from telegram.constants import ChatAction
from telegram.error import TelegramError
from telegram.ext import ExtBot

REFRESH_S = 4.5
"""Telegram shows an action for five seconds."""

_running: set[asyncio.Task[None]] = set()


class Typing:
    """Shows "typing" in a chat while the block runs. What goes wrong with it is ignored."""

    def __init__(self, bot: "ExtBot[Any]", chat_id: int, thread_id: int = 0) -> None:
        self._bot = bot
        self._chat_id = chat_id
        self._thread_id = thread_id
        self._ended = asyncio.Event()

    async def __aenter__(self) -> Self:
        task = asyncio.create_task(self._show(), name="typing")
        _running.add(task)  # a task that nobody holds may vanish
        task.add_done_callback(_running.discard)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # A call under way is left to end by itself: to cancel it would close its connection.
        self._ended.set()

    async def _show(self) -> None:
        while not self._ended.is_set():
            try:
                await self._bot.send_chat_action(
                    self._chat_id, ChatAction.TYPING, message_thread_id=self._thread_id or None
                )
            except TelegramError:
                return
            try:
                async with asyncio.timeout(REFRESH_S):
                    await self._ended.wait()
            except TimeoutError:
                continue
