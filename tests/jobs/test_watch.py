"""Changes of folders are seen at once, and told once they are over."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from jobs.watch import Watcher

pytestmark = pytest.mark.anyio

WAIT_S = 30.0
"""Upper bound for a busy machine."""


class Told:
    """Counts what it is told."""

    def __init__(self) -> None:
        self.count = 0
        self.news = asyncio.Event()
        self.gate = asyncio.Event()
        self.gate.set()

    async def __call__(self) -> None:
        self.count += 1
        self.news.set()
        await self.gate.wait()

    async def next(self) -> None:
        async with asyncio.timeout(WAIT_S):
            await self.news.wait()
        self.news.clear()


@asynccontextmanager
async def watching(folders: Sequence[Path], files: Sequence[Path]) -> AsyncIterator[Told]:
    told = Told()
    task = asyncio.create_task(Watcher(folders, files, told, quiet_s=0.1).run())
    await told.next()
    try:
        yield told
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_folder_is_looked_at_when_the_watching_begins_and_when_it_changes(
    tmp_path: Path,
) -> None:
    (tmp_path / "deep").mkdir()
    async with watching([tmp_path], []) as told:
        assert told.count == 1
        for change in (
            lambda: (tmp_path / "deep" / "new.md").write_text("new"),
            lambda: (tmp_path / "deep" / "new.md").rename(tmp_path / "moved.md"),
            lambda: (tmp_path / "moved.md").unlink(),
        ):
            change()
            await told.next()


async def test_changes_while_one_is_dealt_with_are_told_afterwards(tmp_path: Path) -> None:
    async with watching([tmp_path], []) as told:
        told.gate.clear()
        (tmp_path / "one.md").write_text("1")
        await told.next()
        count = told.count
        (tmp_path / "two.md").write_text("2")
        told.gate.set()
        await told.next()
        assert told.count == count + 1


async def test_only_the_file_itself_counts_and_may_be_replaced(tmp_path: Path) -> None:
    prices = tmp_path / "prices.csv"
    prices.write_text("old")
    async with watching([], [prices]) as told:
        (tmp_path / "other.csv").write_text("x")
        (tmp_path / "~$prices.csv").write_text("x")
        (tmp_path / "new.csv").write_text("new")
        (tmp_path / "new.csv").replace(prices)
        await told.next()
        assert told.count == 2


async def test_what_cannot_be_watched_is_said_and_the_others_are_watched(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with watching([tmp_path / "gone", tmp_path], []) as told:
        (tmp_path / "new.md").write_text("x")
        await told.next()
    (record,) = [r for r in caplog.records if r.levelno == logging.WARNING]
    assert record.getMessage() == (
        f"{tmp_path / 'gone'} is not watched: it is no folder. The schedule stays."
    )
