"""The embedder's process: questions and counts overtake the batches of an ingest."""

import asyncio
import os
import platform
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

from core.errors import TextTooLong
from models.embedder import WorkerEmbedder
from models.workers.cpu_priority import step_back
from models.workers.worker import Worker

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def opened(tmp_path: Path, **more: object) -> AsyncIterator[WorkerEmbedder]:
    tokenizer = Tokenizer(WordLevel({"[UNK]": 0}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    settings = {
        "folder": str(tmp_path),
        "query_prompt": "",
        "passage_prompt": "",
        "max_tokens": 8,
        "onnx": "",
        "threads": 1,
        **more,
    }
    worker = Worker("gated", "tests.models.onnx.gated_child", settings)
    embedder = WorkerEmbedder(worker, name="gated", dim=4, max_tokens=8, fingerprint="g")
    await embedder.start()
    try:
        yield embedder
    finally:
        await embedder.close()


@pytest.fixture
async def embedder(tmp_path: Path) -> AsyncIterator[WorkerEmbedder]:
    async with opened(tmp_path) as embedder:
        yield embedder


async def test_a_question_does_not_wait_for_a_batch(embedder: WorkerEmbedder) -> None:
    """The batch ends only after the question: with one queue for both, neither would."""
    batch = asyncio.create_task(embedder.embed_passages(["slow text"]))
    for _ in range(2):  # the batch is sent by a task of its own
        await asyncio.sleep(0)
    assert embedder.state.running == 1
    assert await embedder.count_tokens(["three words here"]) == [3]
    assert not batch.done()
    assert (await embedder.embed_query("a question")).shape == (4,)
    assert (await batch).shape == (1, 4)


async def test_what_the_reader_says_of_each_text_arrives_in_order(
    embedder: WorkerEmbedder,
) -> None:
    assert await embedder.read("why not", ["one two three", "four"]) == [3, 1]
    assert await embedder.read("why not", []) == ()


async def test_reading_for_a_customer_does_not_wait_for_a_batch(embedder: WorkerEmbedder) -> None:
    batch = asyncio.create_task(embedder.embed_passages(["slow text"]))
    for _ in range(2):  # the batch is sent by a task of its own
        await asyncio.sleep(0)
    assert len(await embedder.read("why", ["one"])) == 1
    assert not batch.done()
    await embedder.embed_query("a question")
    await batch


async def test_a_text_that_is_too_long_is_refused_by_its_number(embedder: WorkerEmbedder) -> None:
    with pytest.raises(TextTooLong) as caught:
        await embedder.embed_passages(["one two three four five six seven eight nine"])
    assert (caught.value.tokens, caught.value.limit) == (9, 8)


@pytest.mark.skipif(platform.system() != "Linux", reason="only Linux has a nice value a thread")
def test_a_thread_that_steps_back_changes_no_other() -> None:
    found = []

    def work() -> None:
        step_back()
        found.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))

    before = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [max(10, before)]
    assert os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) == before


def niceness(pid: int) -> list[int]:
    """Return the nice value of each thread of a process, the main one first."""
    threads = sorted(int(path.name) for path in Path(f"/proc/{pid}/task").iterdir())
    return [os.getpriority(os.PRIO_PROCESS, thread) for thread in threads]


@pytest.mark.skipif(platform.system() != "Linux", reason="only Linux has a nice value a thread")
async def test_a_model_beside_the_one_that_answers_steps_back_whole(tmp_path: Path) -> None:
    """Re-embedding yields to customers: loading, counting and the batches."""
    own = os.getpriority(os.PRIO_PROCESS, 0)
    async with opened(tmp_path) as embedder:
        await embedder.embed_passages(["a text"])
        assert niceness(embedder.state.pid)[0] == own
    async with opened(tmp_path, steps_back=True) as embedder:
        await embedder.embed_passages(["a text"])
        assert set(niceness(embedder.state.pid)) == {max(10, own)}
