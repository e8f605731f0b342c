"""Background tasks that programs start and poll, such as publishing."""

import asyncio
import secrets
from collections.abc import Callable, Coroutine
from typing import Any, Generic, Literal, TypeAlias, TypeVar

from console.form import Refused
from core.errors import AnswerdeskError
from core.recent import Recent
from core.wording import tr

T = TypeVar("T")
Spawn: TypeAlias = Callable[[Coroutine[Any, Any, T]], "asyncio.Task[T]"]
WorkState: TypeAlias = Literal["working", "done", "failed"]

_MOST = 1_000
"""Tasks that are kept for later polls."""


class Works(Generic[T]):
    """Works of this run of the service, by an id of their own."""

    def __init__(self, spawn: Spawn[T]) -> None:
        """`spawn` does something beside the requests, until the service ends."""
        self._spawn = spawn
        self._tasks: Recent[str, asyncio.Task[T]] = Recent(_MOST)

    def begin(self, work: Coroutine[Any, Any, T]) -> str:
        """Begin a work and return its id."""
        work_id = secrets.token_urlsafe(12)
        self._tasks.put(work_id, self._spawn(work))
        return work_id

    def look(self, work_id: str) -> tuple[WorkState, str, T | None]:
        """Return how a work stands, why it failed, and what came of it.

        Raises:
            Refused: if there is none with this id.
        """
        task = self._tasks.get(work_id)
        if task is None:
            raise Refused(
                tr("There is no work %(id)r, or it is from before a restart.", id=work_id)
            )
        if not task.done():
            return "working", "", None
        error = asyncio.CancelledError() if task.cancelled() else task.exception()
        if error is None:
            return "done", "", task.result()
        known = isinstance(error, AnswerdeskError)
        return "failed", str(error) if known else tr("Something went wrong on our side."), None
