"""The whole bot killed at random: target 1 in short; the long form is `tests.soak.kills`."""

from pathlib import Path

import pytest

from tests.soak.kills import kill_run

pytestmark = [pytest.mark.anyio, pytest.mark.slow]


async def test_kill_9_loses_nothing_and_repeats_at_most_one_answer_each(tmp_path: Path) -> None:
    """Targets 1 and 2; then SIGTERM ends the process with 0."""
    report = await kill_run(
        messages=200, kills=5, chats=40, data=tmp_path, ask_over_s=5, speed=20, slowest_s=0.05
    )
    assert report.lost == 0
    assert report.duplicates <= report.kills
    assert report.out_of_order == 0
    assert report.exit_code == 0
