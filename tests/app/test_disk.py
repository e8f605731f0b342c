"""A disk that is nearly full is told of in time, once (target 14)."""

from pathlib import Path

import pytest

from app.disk import EVERY_S, DiskWatch, free_bytes

pytestmark = pytest.mark.anyio

MB = 2**20


async def test_a_nearly_full_disk_is_told_once_and_so_is_the_end_of_it(tmp_path: Path) -> None:
    told: list[str] = []
    sentences: dict[str, str] = {}
    free = [500 * MB, 299 * MB, 10 * MB, 350 * MB, 401 * MB, 350 * MB]

    async def tell(text: str) -> None:
        told.append(text)

    watch = DiskWatch(tmp_path, sentences=sentences, tell=tell, free=lambda _: free.pop(0))
    await watch.look()
    assert not sentences
    await watch.look()
    assert sentences["disk"].startswith(f"Only 299 MB are free at {str(tmp_path)!r}. Make room")
    await watch.look()
    await watch.look()
    assert "350 MB" in sentences["disk"]
    assert len(told) == 1
    await watch.look()
    assert not sentences
    await watch.look()
    assert told[1:] == ["There is room on the disk again."]


def test_the_alarm_comes_within_half_a_minute(tmp_path: Path) -> None:
    assert EVERY_S <= 30
    assert free_bytes(tmp_path) > 0
