"""Many small writes, one commit: while one transaction reaches the disk, the next collects."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias, TypeVar

from sqlalchemy.orm import Session

T = TypeVar("T")
Operation = Callable[[Session], T]
_Waiting: TypeAlias = tuple[Operation[Any], "asyncio.Future[Any]"]


class GroupCommit:
    """Runs the writes of many tasks in shared transactions.

    A commit that reaches the disk costs milliseconds, however small it is; a burst of messages
    needs several each. Operations that wait at the same time share one. An operation that fails
    is run again alone, so that it fails alone.
    """

    def __init__(self, transact: Callable[[Operation[list[Any]]], Awaitable[list[Any]]]) -> None:
        """`transact` runs something with a session, in a transaction of its own."""
        self._transact = transact
        self._waiting: list[_Waiting] = []
        self._worker: asyncio.Task[None] | None = None

    async def run(self, operation: Operation[T]) -> T:
        """Run a write and return its result once it is on disk.

        `operation` may run twice, the first time rolled back; it only uses its session.

        Raises:
            StorageError: if it could not be written; nothing of it is then stored.
        """
        # Shielded: a caller that goes away neither stops the write nor disturbs the others.
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append((operation, done))
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._drain(), name="group commit")
        return await asyncio.shield(done)

    async def _drain(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            if not await self._commit(batch) and len(batch) > 1:
                for one in batch:
                    await self._commit([one])

    async def _commit(self, batch: list[_Waiting]) -> bool:
        """Write a batch. After a failure only a batch of one is told; a larger one is undone."""
        try:
            outcome = await self._transact(lambda session: [write(session) for write, _ in batch])
        except Exception as error:  # noqa: BLE001 - it belongs to those who wait
            if len(batch) > 1:
                return False
            batch[0][1].set_exception(error)
            return True
        for result, (_, done) in zip(outcome, batch, strict=True):
            done.set_result(result)
        return True
