"""Readers beside a writer that publishes and cleans up: target 13 in short; see `tests.soak`."""

from pathlib import Path

import pytest

from tests.soak.readers import Readers, run

pytestmark = [pytest.mark.anyio, pytest.mark.slow]


async def test_sixteen_readers_find_everything_while_releases_come_and_go(tmp_path: Path) -> None:
    report = Readers()
    async for _ in run(tmp_path, range(8), 0, report):
        pass
    assert report.reads > 100
    assert report.missing == 0
