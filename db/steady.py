"""SQLite connections that survive a cancelled task.

aiosqlite runs each operation in a thread and waits for it. A task that is cancelled meanwhile goes
on at once, with the operation still under way; SQLAlchemy then closes the connection twice, and
the second closing waits for a thread that has ended, so the loop hangs when it shuts down (see
https://github.com/omnilib/aiosqlite/issues/259). Here an operation that has begun is waited for
before the cancellation is felt: the database's own busy timeout is the longest wait.
"""

import asyncio
import logging
import sqlite3
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Self

import aiosqlite

# It logs every parameter at DEBUG, and those are what customers wrote.
logging.getLogger("aiosqlite").setLevel(logging.WARNING)


class SteadyConnection(aiosqlite.Connection):
    """A connection of aiosqlite 0.22 that no cancellation leaves between two states."""

    _stopping: asyncio.Future[Any] | None = None

    async def _execute(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        if not self._running or not self._connection:
            raise ValueError("Connection closed")
        return await self._finished(partial(fn, *args, **kwargs))

    async def _connect(self) -> Self:
        if self._connection is None:
            try:
                await self._finished(self._open)
            except BaseException:
                self.stop()
                raise
        return self

    def stop(self) -> asyncio.Future[Any] | None:
        """Close the connection and end the thread; may be called again."""
        if self._stopping is None:
            self._stopping = super().stop()
        return None if self._stopping is None else asyncio.shield(self._stopping)

    def _open(self) -> None:
        self._connection = self._connector()

    async def _finished(self, function: Callable[[], Any]) -> Any:
        """Run `function` in the thread; return when it has ended, however often cancelled."""
        future = asyncio.get_running_loop().create_future()
        self._tx.put_nowait((future, function))
        cancelled: asyncio.CancelledError | None = None
        while not future.done():
            try:
                await asyncio.wait([future])
            except asyncio.CancelledError as error:
                cancelled = error
        if cancelled is not None:
            future.exception()  # looked at, so that asyncio does not complain about it
            raise cancelled
        return future.result()


def connect(database: str | Path, **options: Any) -> SteadyConnection:
    """Return a connection to await. `options` are those of `sqlite3.connect`."""
    connection = SteadyConnection(partial(sqlite3.connect, database, **options), 64)
    connection._thread.daemon = True  # as SQLAlchemy sets it: a lost connection holds up no exit
    return connection
