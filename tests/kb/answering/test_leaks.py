"""Targets 32 and 33 in short; the long form is `tests.soak.leaks`."""

from pathlib import Path

import pytest

from tests.soak.leaks import CUSTOMERS, Leaks, run

pytestmark = pytest.mark.anyio


async def test_nobody_reads_what_another_customer_wrote(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    found = Leaks()
    async for _ in run(tmp_path, range(2), 0, found):
        pass
    assert found.leaked == []
    assert found.answers == 2 * CUSTOMERS
    assert found.prompts > CUSTOMERS, "the model was not asked: the test tests nothing"
