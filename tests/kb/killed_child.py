"""A process that publishes until it kills itself at a chosen storage call.

``python -m tests.kb.killed_child FOLDER CALL``; says each release on stdout once it is live.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from functools import wraps
from pathlib import Path
from typing import Any

import lancedb.table
from sqlalchemy.engine.default import DefaultDialect

from kb.ingest.originals import Originals
from tests.fakes import WordEmbedder
from tests.kb.workshop import workshop

_calls_left = 0


def _count() -> None:
    global _calls_left
    _calls_left -= 1
    if _calls_left == 0:
        os.kill(os.getpid(), signal.SIGKILL)


def _counted(method: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    @wraps(method)
    async def call(*args: Any, **kwargs: Any) -> Any:
        _count()
        return await method(*args, **kwargs)

    return call


def _counted_blocking(method: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(method)
    def call(*args: Any, **kwargs: Any) -> Any:
        _count()
        return method(*args, **kwargs)

    return call


def text_of(release: int) -> str:
    """Return the file that makes this release."""
    return f"refund?|Answer {release}.|variant {release}\nshipping?|Three days."


async def main(folder: Path) -> None:
    async with workshop(folder, WordEmbedder()) as shop:
        while True:
            current = await shop.repository.current()
            number = 0 if current is None else current.number
            if number % 4 == 3:
                await shop.releases.rebuild()
            live = await shop.put(faq=text_of(number + 1))
            sys.stdout.write(f"{live}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    _calls_left = int(sys.argv[2])
    for owner, names in (
        (lancedb.table.AsyncTable, ("add", "delete", "optimize", "create_index", "restore")),
        (lancedb.table.AsyncTags, ("create", "update")),
    ):
        for name in names:
            setattr(owner, name, _counted(getattr(owner, name)))
    commit = _counted_blocking(DefaultDialect.do_commit)
    DefaultDialect.do_commit = commit  # type: ignore[method-assign]
    Originals._write = _counted_blocking(Originals._write)  # type: ignore[method-assign]
    asyncio.run(main(Path(sys.argv[1])))
