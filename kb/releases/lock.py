"""One writer of the knowledge base among the processes of this machine."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from filelock import AsyncFileLock

NAME = "publish.lock"
"""Of the file in the data folder."""


@contextlib.asynccontextmanager
async def publish_lock(path: Path) -> AsyncIterator[None]:
    """Hold the lock file at `path`, created if missing; waits until it is free."""
    path.parent.mkdir(parents=True, exist_ok=True)
    async with AsyncFileLock(path, poll_interval=0.02):
        yield
