"""What runs beside answering does not end it when it fails."""

import asyncio

import pytest

from app.serve import keep_at

pytestmark = pytest.mark.anyio


async def test_a_task_beside_is_told_of_and_tried_again_after_any_failure() -> None:
    sentences: dict[str, str] = {"index": "It is being rebuilt."}
    failures = iter([OSError(24, "Too many open files"), KeyError("row")])
    seen: list[str | None] = []
    done = asyncio.Event()

    async def work() -> None:
        seen.append(sentences.get("task disk"))
        for failure in failures:
            raise failure
        done.set()

    await asyncio.wait_for(keep_at("disk", work, sentences, pause_s=0), 10)
    assert done.is_set()
    assert seen == [None, None, None]
    assert sentences == {"index": "It is being rebuilt."}


async def test_while_it_waits_health_says_why() -> None:
    sentences: dict[str, str] = {}
    failed = asyncio.Event()

    async def work() -> None:
        failed.set()
        raise OSError(24, "Too many open files")

    task = asyncio.create_task(keep_at("disk", work, sentences, pause_s=3600))
    await failed.wait()
    await asyncio.sleep(0)
    assert sentences == {"task disk": "The task 'disk' failed: [Errno 24] Too many open files"}
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
