"""Show that the bot is at work, until the answer is there."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from telegram.constants import ChatAction
from telegram.error import TelegramError
from telegram.ext import ExtBot

BEGIN_S = 0.4
"""Most answers are there by then, and each call of Telegram costs a tenth of one."""
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
        pause = BEGIN_S
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await ended.wait()
                return
            try:
                await bot.send_chat_action(
                    chat_id, ChatAction.TYPING, message_thread_id=thread_id or None
                )
            except TelegramError:
                return
            pause = REFRESH_S

    task = asyncio.create_task(show(), name="typing")
    _running.add(task)  # a task that nobody holds may vanish
    task.add_done_callback(_running.discard)
    try:
        yield
    finally:
        # A call under way is left to end by itself: to cancel it would close its connection.
        ended.set()
