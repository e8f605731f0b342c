"""Target 18 in short; the long form is `tests.soak.models`."""

from pathlib import Path

import pytest

from models.embedder import WorkerEmbedder
from models.workers.contract import Limits
from models.workers.worker import Worker
from tests.soak.models import HARMS, Harmed, made_of

pytestmark = pytest.mark.anyio


async def test_every_question_is_answered_or_told_whatever_happens_to_the_process(
    tmp_path: Path,
) -> None:
    """Target 18: each harm twice, so that the model is also left alone for a while."""
    note = tmp_path / "died"
    note.touch()

    def make() -> WorkerEmbedder:
        limits = Limits(
            max_waiting=64, backoff_s=(0.01,), crashes=3, crash_window_s=60, down_s=0.1, beat_s=0.3
        )
        worker = Worker(
            "frail", "tests.models.workers.frail_child", {"note": str(note)}, limits=limits
        )
        return WorkerEmbedder(worker, name="frail", dim=2, max_tokens=8, fingerprint="f")

    found = Harmed()
    async for _ in made_of(make)(tmp_path, range(2 * len(HARMS)), 0, found):
        pass
    assert not found.broken, found
    assert found.answered > 100
    assert found.told > 0
    assert found.breaker > 0
