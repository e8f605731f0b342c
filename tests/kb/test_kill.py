"""SIGKILL in the middle of publishing: nothing that was told to be live is lost (target 8)."""

import asyncio
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.fakes import WordEmbedder
from tests.kb.killed_child import text_of
from tests.kb.workshop import workshop

pytestmark = [pytest.mark.anyio, pytest.mark.slow]


CALLS = ((1, 4, 9, 13, 40, 55, 3, 22, 31, 7), (2, 6, 11, 17, 25, 48, 5, 19, 28, 8))
"""At which call of the storage each child dies; two knowledge bases, side by side."""


async def test_twenty_killed_processes_leave_whole_releases(tmp_path: Path) -> None:
    """Each child goes on where the one before died, and dies at another storage call."""
    told = await asyncio.gather(
        *(kill_at(tmp_path / str(number), calls) for number, calls in enumerate(CALLS))
    )
    assert sum(map(len, CALLS)) == 20
    assert max(told) > 3
    assert min(told) > 1, "the children did nothing between the kills"


async def kill_at(folder: Path, calls: Sequence[int]) -> int:
    """Let children die one after the other; return the last release that one told of."""
    acknowledged = 0
    for call in calls:
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.kb.killed_child",
            str(folder),
            str(call),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        output, errors = await child.communicate()
        assert child.returncode == -9, errors.decode()
        acknowledged = max([acknowledged, *map(int, output.split())])
        await look(folder, acknowledged)
    return acknowledged


async def look(folder: Path, acknowledged: int) -> None:
    """Open what a child left: the release that it told of, or the one that it was making."""
    started = time.perf_counter()
    async with workshop(folder, WordEmbedder()) as shop:
        assert await shop.releases.open_or_rebuild() is None
        release, rows, _ = await shop.snapshot()
        assert time.perf_counter() - started < 10
        assert release in (acknowledged, acknowledged + 1)
        if release:
            texts = sorted(row.text for row in rows.values())
            assert texts == ["refund?", "shipping?", f"variant {release}"]
            assert {row.answer for row in rows.values()} == {f"Answer {release}.", "Three days."}
            (document,) = await shop.documents(release)
            original = shop.originals.checked_path(document.sha256)
            assert original.read_text() == text_of(release)
