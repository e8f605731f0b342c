"""Handle each update once: start, up to three tries, done or dead letter."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from telegram import Update
from telegram.ext import BaseUpdateProcessor

from bot.transport.errors import Stopping
from bot.transport.inbox import InboxQueue, is_talk_of, request_of
from bot.transport.redact import redact
from bot.transport.shutdown import Shutdown
from core.errors import StorageError
from core.request import working_on
from db.inbox import Inbox

logger = logging.getLogger(__name__)

MAX_TRIES = 3
SUSPECT_STARTS = 3
"""An update whose handling was begun this often without an end is handled alone at the next start:
the process may have died of it, or of another one at the same time."""
MAX_STARTS = SUSPECT_STARTS + 3
"""After three deaths while it was handled alone, an update is a dead letter."""

_STORAGE_RETRY_S = 5.0
_FORGOTTEN_S = 3600.0
"""What was received before a chat was forgotten has had its turn by then."""


class PerChatProcessor(BaseUpdateProcessor):
    """Runs the handlers of many conversations at once and of each one in order.

    `InboxQueue` lets one update of a conversation in at a time, so a slot is never held by an
    update that waits for another.
    """

    def __init__(
        self,
        queue: InboxQueue,
        inbox: Inbox,
        *,
        run: Callable[[Update], Awaitable[None]],
        on_dead: Callable[[Update], None],
        shutdown: Shutdown,
        slots: int,
        timeout_s: float,
    ) -> None:
        """`run` runs the handlers; `on_dead` is told of an update that became a dead letter, to
        tell the customer."""
        super().__init__(slots)
        self._queue = queue
        self._inbox = inbox
        self._run = run
        self._on_dead = on_dead
        self._shutdown = shutdown
        self._timeout_s = timeout_s
        self._closing = False
        self._running: dict[asyncio.Task[Any], Update] = {}
        self._stopped: set[asyncio.Task[Any]] = set()
        self._forgotten: dict[int, tuple[int, float]] = {}
        """Chats that were forgotten lately: the update that asked for it, and when."""

    async def initialize(self) -> None:
        """Need nothing."""

    async def shutdown(self) -> None:
        """Need nothing."""

    async def drain(self, seconds: float) -> None:
        """Wait for the handlers that run, then cancel them; what they did not finish is stored."""
        self._closing = True
        if self._running:
            _, late = await asyncio.wait(self._running, timeout=seconds)
            for task in late:
                task.cancel()

    async def stop_talk(self, chat_id: int) -> None:
        """End the answers that are being made for a chat, and drop its messages that wait.

        Pressed buttons go on: one of them asked for this.
        """
        self._queue.drop_talk(chat_id)
        own = asyncio.current_task()
        if own in self._running:
            number = self._running[own].update_id
            self._forgotten[chat_id] = (number, self._shutdown.now())
        tasks = {
            task
            for task, update in self._running.items()
            if task is not own and is_talk_of(update, chat_id)
        }
        self._stopped |= tasks
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def do_process_update(self, update: object, coroutine: Awaitable[Any]) -> None:
        """Handle one update; leave it pending if the bot is being stopped.

        `coroutine` is the application's handling, which has no handlers of its own: they are run
        here, up to three times, and their errors are not lost on the way.
        """
        if not isinstance(update, Update):
            await coroutine
            return
        task = asyncio.current_task()
        assert task is not None
        self._running[task] = update
        try:
            with working_on(request_of(update.update_id)):
                await self._handle(update)
        except Stopping:
            logger.info("Update %d stays stored for the next start", update.update_id)
        except asyncio.CancelledError:
            if task not in self._stopped:
                raise
            task.uncancel()
            number = update.update_id
            await self._persist(lambda: self._inbox.finish(number, note="its chat was forgotten"))
        finally:
            if asyncio.iscoroutine(coroutine):
                coroutine.close()
            self._running.pop(task, None)
            self._stopped.discard(task)
            self._queue.release(update)

    async def _handle(self, update: Update) -> None:
        if self._closing:
            raise Stopping
        number = update.update_id
        if self._is_forgotten(update):
            await self._persist(lambda: self._inbox.finish(number, note="its chat was forgotten"))
            return
        if number in self._queue.repeated:
            await self._persist(lambda: self._inbox.start(number))
        for attempt in range(1, MAX_TRIES + 1):
            error = await self._try(update)
            if error is None:
                await self._persist(lambda: self._inbox.finish(number))
                return
            logger.error(
                "Update %d failed, try %d of %d", number, attempt, MAX_TRIES, exc_info=error
            )
            reason = redact(f"{type(error).__name__}: {error}")
            failures = await self._persist(lambda: self._inbox.failed_once(number, reason))  # noqa: B023
            if failures >= MAX_TRIES or attempt == MAX_TRIES:
                break
            self._queue.repeated.add(number)
            await self._shutdown.sleep(0.2 * attempt)
        await self._persist(lambda: self._inbox.bury(number, reason))
        self._on_dead(update)

    def _is_forgotten(self, update: Update) -> bool:
        """Tell whether an update was written before its chat was forgotten, and waited since."""
        chat_id = update.effective_chat.id if update.effective_chat else 0
        number, at = self._forgotten.get(chat_id, (0, 0.0))
        if number and self._shutdown.now() - at > _FORGOTTEN_S:
            del self._forgotten[chat_id]  # Telegram's numbers may begin anew
            return False
        return update.update_id < number and is_talk_of(update, chat_id)

    async def _try(self, update: Update) -> Exception | None:
        try:
            async with asyncio.timeout(self._timeout_s) as limit:
                await self._run(update)
        except Stopping:
            raise
        except Exception as error:  # noqa: BLE001 - of any kind: it is tried again
            late = f"the handler did not end within {self._timeout_s:g} s"
            return TimeoutError(late) if limit.expired() else error
        return None

    async def _persist(self, write: Callable[[], Awaitable[Any]]) -> Any:
        """Write; while the database refuses, wait and try again."""
        while True:
            try:
                return await write()
            except StorageError:
                logger.exception("The inbox cannot be written; trying again")
                await self._shutdown.sleep(_STORAGE_RETRY_S)
