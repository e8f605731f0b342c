"""A disk that is nearly full is told of in time, once (target 14)."""

from pathlib import Path

import pytest

from app.disk import EVERY_S, free_bytes, watch_room

pytestmark = pytest.mark.anyio

MB = 2**20


async def test_a_nearly_full_disk_is_told_once_and_so_is_the_end_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    sentences: dict[str, str] = {}
    seen: list[str] = []
    rooms = [500 * MB, 299 * MB, 10 * MB, 350 * MB, 401 * MB, 350 * MB]

    async def tell(text: str) -> None:
        told.append(text)

    def free(_folder: Path) -> int:
        seen.append(sentences.get("disk", ""))
        return rooms.pop(0)

    monkeypatch.setattr("app.disk.EVERY_S", 0)
    with pytest.raises(IndexError, match="pop from empty list"):
        await watch_room(tmp_path, sentences=sentences, tell=tell, free=free)
    assert [said[:23] for said in seen] == [
        *("", "", "Only 299 MB are free at", "Only 10 MB are free at "),
        *("Only 350 MB are free at", "", ""),
    ]
    assert f"at {str(tmp_path)!r}. Make room" in told[0]
    assert told[1:] == ["There is room on the disk again."]


def test_the_alarm_comes_within_half_a_minute(tmp_path: Path) -> None:
    assert EVERY_S <= 30
    assert free_bytes(tmp_path) > 0
