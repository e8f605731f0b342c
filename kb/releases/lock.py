"""Keep every other process on this machine from changing the knowledge base meanwhile."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from filelock import AsyncFileLock

NAME = "publish.lock"
"""Of the file in the data folder."""


@contextlib.asynccontextmanager
async def publish_lock(path: Path) -> AsyncIterator[None]:
    """Hold the lock file at `path`, which is created; waits for who holds it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    async with AsyncFileLock(path, poll_interval=0.02):
        yield
