import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from core.errors import ModelUnavailable, Overloaded
from models.embedder import WorkerEmbedder
from models.workers.contract import Limits
from models.workers.process import Reply
from models.workers.worker import Worker

pytestmark = pytest.mark.anyio


@pytest.fixture
async def frail(tmp_path: Path) -> AsyncIterator[WorkerEmbedder]:
    worker = Worker(
        "frail",
        "tests.models.workers.frail_child",
        {"note": str(tmp_path / "died")},
        limits=Limits(backoff_s=(0.01,), crashes=5, beat_s=0.2),
    )
    embedder = WorkerEmbedder(worker, name="frail", dim=2, max_tokens=8, fingerprint="f")
    await embedder.start()
    yield embedder
    await embedder.close()


async def test_a_crash_in_the_middle_of_an_ingest_costs_nothing(frail: WorkerEmbedder) -> None:
    texts = [f"text {'x' * n}" for n in range(100)]
    rows = await frail.embed_passages(texts)
    assert rows[:, 0].tolist() == [len(text) for text in texts]
    assert frail.state.restarts == 1


async def test_a_crash_while_a_question_is_embedded_costs_a_moment(frail: WorkerEmbedder) -> None:
    assert (await frail.embed_query("hello"))[0] == 5
    assert frail.state.restarts == 1


async def test_a_process_that_hangs_costs_a_moment(frail: WorkerEmbedder) -> None:
    """Target 18: the question is answered by the next process, within its own deadline."""
    await frail.embed_query("hello")
    os.kill(frail.state.pid, signal.SIGSTOP)
    assert (await frail.embed_query("hello again"))[0] == 11
    assert frail.state.restarts == 2


async def test_a_text_that_always_kills_the_model_is_given_up(frail: WorkerEmbedder) -> None:
    with pytest.raises(ModelUnavailable, match="stopped while it worked"):
        await frail.embed_query("die")
    assert (await frail.count_tokens(["hello"])) == [5]


async def test_a_customer_does_not_wait_for_a_reader_with_a_queue(frail: WorkerEmbedder) -> None:
    """Target 21: such a question gets the order of the search."""
    await frail.embed_query("hello")
    os.kill(frail.state.pid, signal.SIGSTOP)
    reads = [asyncio.create_task(frail.read(f"question {n}", ["a text"])) for n in range(8)]
    await asyncio.sleep(0)  # they are under way
    with pytest.raises(Overloaded):
        await frail.read("one more", ["a text"])
    assert [len(odds) for odds in await asyncio.gather(*reads)] == [2] * 8
    assert await frail.read("one more", ["a text"])


async def test_a_question_is_read_before_a_long_one_is_embedded(
    frail: WorkerEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The texts that it is read with were read before: they cost next to nothing."""
    costs: list[float] = []

    async def call(*_: object, cost: float, **__: object) -> Reply:
        costs.append(cost)
        return Reply(last=True, values={}, blob=bytes(160))

    monkeypatch.setattr(Worker, "call", staticmethod(call))
    await frail.read("May I pay by card?", ["A text of four hundred bytes. " * 14] * 40)
    await frail.embed_query("word " * 400)
    await frail.read("word " * 400, ["A text."])
    assert costs[0] < costs[1] / 2
    assert costs[0] < costs[2] / 2
