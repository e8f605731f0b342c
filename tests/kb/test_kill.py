"""SIGKILL in the middle of publishing: nothing that was told to be live is lost (target 8)."""

import asyncio
import sys
from pathlib import Path

import pytest

from tests.fakes import WordEmbedder
from tests.kb.killed_child import text_of
from tests.kb.workshop import workshop

pytestmark = pytest.mark.anyio


async def test_a_killed_process_leaves_a_whole_release(tmp_path: Path) -> None:
    """Each child goes on where the one before died, and dies at another storage call."""
    acknowledged = 0
    for call in (1, 4, 9, 13, 40, 55):
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.kb.killed_child",
            str(tmp_path),
            str(call),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        output, errors = await child.communicate()
        assert child.returncode == -9, errors.decode()
        acknowledged = max([acknowledged, *map(int, output.split())])
        async with workshop(tmp_path, WordEmbedder()) as shop:
            release, rows, _ = await shop.snapshot()
            assert release in (acknowledged, acknowledged + 1)
            if release:
                texts = sorted(row.text for row in rows.values())
                assert texts == ["refund?", "shipping?", f"variant {release}"]
                assert {row.answer for row in rows.values()} == {
                    f"Answer {release}.",
                    "Three days.",
                }
                await (await shop.index.view()).check()
                (document,) = (await shop.releases.show(release)).documents
                original = shop.originals.checked_path(document.sha256)
                assert original.read_text() == text_of(release)
    assert acknowledged > 3, "the children did nothing between the kills"
