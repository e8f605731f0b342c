"""What an earlier run or a try that failed has left: handled or sent again."""

import json
import logging
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from telegram import Bot, Update

from bot.transport.inbox import InboxQueue
from bot.transport.processor import MAX_STARTS, SUSPECT_STARTS
from bot.transport.sender import Sender
from db.inbox import Inbox, StoredUpdate
from db.outbox import Outbox

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Recovery:
    """Takes up again what is stored as unfinished."""

    bot: Bot
    inbox: Inbox
    outbox: Outbox
    queue: InboxQueue
    sender: Sender
    handle: Callable[[Update], Awaitable[None]]
    spawn: Callable[[Coroutine[Any, Any, object]], None]

    async def catch_up(self) -> None:
        """Let what an earlier run did not finish come first, oldest first."""
        if unsent := await self.outbox.unanswering():
            self.spawn(self.sender.send_all(unsent))
        pending = await self.inbox.pending()
        if pending:
            logger.info("%d messages of an earlier run are handled first", len(pending))
        for stored in pending:
            if stored.starts >= SUSPECT_STARTS:
                await self._handle_alone(stored)
        for stored in pending:
            if stored.starts < SUSPECT_STARTS:
                await self.queue.admit(self._recalled(stored), bounded=False)

    async def handle_again(self, number: int) -> bool:
        """Handle a dead letter again, by its row's number; return whether there is one to handle.

        Raises:
            StorageError: nothing was changed.
        """
        stored = await self.inbox.revive(number)
        if stored is not None:
            await self.queue.admit(self._recalled(stored), bounded=False)
        return stored is not None

    async def send_again(self, number: int) -> bool:
        """Send a message again that may have arrived; return whether it is one of those.

        Raises:
            StorageError: nothing was changed.
        """
        stored = await self.outbox.queue_again(number)
        if stored is not None:
            self.spawn(self.sender.send_all([stored]))
        return stored is not None

    async def resume(self, update_id: int) -> bool:
        """Send what an earlier run or try stored for an update; tell whether there was any."""
        return update_id in self.queue.repeated and await self.sender.resume(update_id)

    async def _handle_alone(self, stored: StoredUpdate) -> None:
        """Handle an update of which the process may have died, with nothing else going on."""
        if stored.starts >= MAX_STARTS:
            await self.inbox.bury(
                stored.update_id, f"the process ended {stored.starts} times while it was handled"
            )
            return
        await self.handle(self._recalled(stored))

    def _recalled(self, stored: StoredUpdate) -> Update:
        update = Update.de_json(json.loads(stored.payload), self.bot)
        self.queue.repeated.add(update.update_id)
        return update
