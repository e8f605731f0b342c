"""The reader sees a release again when its process is a new one."""

import asyncio
from types import SimpleNamespace
from typing import cast
from unittest.mock import patch

import pytest

from app import read_ahead
from app.wiring import Knowledge
from models.embedder import WorkerEmbedder

pytestmark = pytest.mark.anyio


class Replaced(WorkerEmbedder):
    """A reader whose process is another one after each two looks at it."""

    def __init__(self) -> None:
        self.looks = 0

    @property
    def state(self) -> SimpleNamespace:  # type: ignore[override]
        self.looks += 1
        return SimpleNamespace(pid=self.looks // 2)


async def test_a_new_process_reads_the_release_again() -> None:
    reader = Replaced()
    times: list[int] = []
    twice = asyncio.Event()

    async def read(view: SimpleNamespace, _: object) -> int:
        times.append(reader.looks)
        if len(times) == 3:
            twice.set()
        return 1

    async def view() -> SimpleNamespace:
        return SimpleNamespace(release=1)

    retriever, index = SimpleNamespace(reader=reader), SimpleNamespace(view=view)
    knowledge = SimpleNamespace(retriever=retriever, index=index)
    with patch.object(read_ahead, "read_ahead", read), patch.object(read_ahead, "_PAUSE_S", 0):
        task = asyncio.create_task(read_ahead.keep_read(cast(Knowledge, knowledge)))
        await asyncio.wait_for(twice.wait(), 5)
        task.cancel()
    assert times[:3] == [1, 2, 4]
