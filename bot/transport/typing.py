"""Show that the bot is at work, at once and until the answer is there."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from telegram.constants import ChatAction
from telegram.error import TelegramError
from telegram.ext import ExtBot

REFRESH_S = 4.5
"""Telegram shows an action for five seconds."""
_MOST = 20
"""Chats that are shown it at a time: of a crowd the answers come first."""

_running: set[asyncio.Task[None]] = set()


@asynccontextmanager
async def typing(bot: "ExtBot[Any]", chat_id: int, thread_id: int = 0) -> AsyncIterator[None]:
    """Show "typing" in a chat while the block runs. What goes wrong with it is ignored."""
    if len(_running) >= _MOST:
        yield
        return
    ended = asyncio.Event()

    async def show() -> None:
        while not ended.is_set():
            try:
                await bot.send_chat_action(
                    chat_id, ChatAction.TYPING, message_thread_id=thread_id or None
                )
                async with asyncio.timeout(REFRESH_S):
                    await ended.wait()
            except TelegramError:
                return
            except TimeoutError:
                continue

    task = asyncio.create_task(show(), name="typing")
    _running.add(task)  # a task that nobody holds may vanish
    task.add_done_callback(_running.discard)
    try:
        yield
    finally:
        # A call under way is left to end by itself: to cancel it would close its connection.
        ended.set()
