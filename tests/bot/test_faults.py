"""Telegram fails all the time: target 5 in short; the long form is `tests.soak.faults`."""

from pathlib import Path

import pytest

from tests.soak.faults import fault_run

pytestmark = pytest.mark.anyio


async def test_a_fifth_of_the_calls_fails_and_nothing_is_lost_or_doubled(tmp_path: Path) -> None:
    report = await fault_run(messages=200, chats=40, data=tmp_path)
    assert report.faulted > 30
    assert report.lost == 0
    assert report.doubled == 0
    assert report.early == 0
