"""One message on its way at a time, until its fate is on disk.

If the process is killed, messages whose fate is not on disk are sent again at the next start. That
this is one message at most is what this module is for.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Any

import httpx
from telegram.request import HTTPXRequest

PATIENCE_S = 1.0
"""A message that is on its way for longer no longer keeps others: chats do not wait for a slow one.

It is the time of the one that holds the slot, not of those who wait: after a restart many wait at
once, and to let them all go would undo the guarantee just when kills are frequent."""

_ticket: ContextVar["Ticket | None"] = ContextVar("ticket", default=None)


class Ticket:
    """The right to have a message on its way; taken when its request starts."""

    def __init__(self, slot: asyncio.Semaphore) -> None:
        self._slot = slot
        self._until: asyncio.TimerHandle | None = None

    async def take(self) -> None:
        """Wait for the slot to be free, and hold it until given back, but not for long."""
        await self._slot.acquire()
        self._until = asyncio.get_running_loop().call_later(PATIENCE_S, self.give_back)

    def give_back(self) -> None:
        """Free the slot; more than once is harmless."""
        if self._until is not None:
            self._until.cancel()
            self._until = None
            self._slot.release()


class SendSlot:
    """Hands out tickets."""

    def __init__(self) -> None:
        self._free = asyncio.Semaphore(1)

    @asynccontextmanager
    async def ticket(self) -> AsyncIterator[Ticket]:
        """Let the requests of the block take the slot; free it at the end of the block."""
        ticket = Ticket(self._free)
        token = _ticket.set(ticket)
        try:
            yield ticket
        finally:
            _ticket.reset(token)
            ticket.give_back()


class SendRequest(HTTPXRequest):
    """The connections for everything but getUpdates; takes the ticket of its caller, if it has one.

    The rate limiter's waiting lies outside, so a chat that has to wait does not hold the slot.
    """

    async def do_request(self, *args: Any, **kwargs: Any) -> tuple[int, bytes]:
        """Send a request; keep the slot only if the method was, or may have been, run."""
        ticket = _ticket.get()
        if ticket is None:
            return await super().do_request(*args, **kwargs)
        await ticket.take()
        status, payload = await super().do_request(*args, **kwargs)
        if status != httpx.codes.OK:
            ticket.give_back()
        return status, payload
