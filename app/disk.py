"""Tell of a disk that is nearly full or that changed the database, before anybody meets it."""

import asyncio
import logging
import os
import time
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path

from core.errors import DatabaseDamaged
from db.base import Database

logger = logging.getLogger(__name__)

EVERY_S = 20.0
"""An alarm is promised within 30 s."""

LOW_BYTES = 300 * 2**20
"""A release of 100,000 chunks and its database take a tenth of it."""

_ENOUGH_BYTES = 400 * 2**20
"""Well again from here on, so that a disk at the limit does not tell of itself again and again."""


def free_bytes(folder: Path) -> int:
    """Return how much this process may still write there. Blocking."""
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize


async def watch_room(
    folder: Path,
    *,
    sentences: MutableMapping[str, str],
    tell: Callable[[str], Awaitable[None]],
    free: Callable[[Path], int] = free_bytes,
) -> None:
    """Look at the disk of the data folder until cancelled.

    While there is little room that stands under ``disk``; its begin and its end are told once.
    """
    while True:
        room, trouble = await asyncio.to_thread(free, folder), ""
        if room < (_ENOUGH_BYTES if "disk" in sentences else LOW_BYTES):
            trouble = (
                f"Only {room / 2**20:.0f} MB are free at {str(folder)!r}. Make room: on a "
                "full disk questions are answered, but messages and files are not accepted."
            )
        await _note("disk", trouble, sentences, tell, over="There is room on the disk again.")
        await asyncio.sleep(EVERY_S)


async def read_pages(
    database: Database,
    *,
    sentences: MutableMapping[str, str],
    tell: Callable[[str], Awaitable[None]],
) -> None:
    """Read every page of the database until cancelled, for at most a hundredth of the time.

    Damage stands under ``database`` while there is any; its begin and its end are told once.

    Raises:
        StorageError: if it cannot be read.
    """
    while True:
        started, trouble = time.monotonic(), ""
        try:
            await database.check()
        except DatabaseDamaged as error:
            trouble = str(error)
        await _note("database", trouble, sentences, tell, over="The database is whole again.")
        await asyncio.sleep(max(EVERY_S, 100 * (time.monotonic() - started)))


async def _note(
    subject: str,
    trouble: str,
    sentences: MutableMapping[str, str],
    tell: Callable[[str], Awaitable[None]],
    *,
    over: str,
) -> None:
    """Keep what is wrong under its subject, empty if nothing is; tell when it begins and ends."""
    before = sentences.pop(subject, "")
    if trouble:
        sentences[subject] = trouble
    if bool(trouble) != bool(before):
        logger.warning("%s", trouble or over)
        await tell(trouble or over)
