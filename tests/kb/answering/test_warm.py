"""Passages are read ahead, the most wanted first, each once (kb/answering/warm.py)."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from core.errors import Overloaded, PromptTooLong
from core.types import Chunk, Prompt, Source, TokenUsage
from kb.answering.warm import WarmUp
from kb.answering.writer import Writer
from tests.fakes import ScriptedGenerator

pytestmark = pytest.mark.anyio

CHUNKS = {
    name: Chunk(name, "d", "passage", f"The text of {name}.", title="Guide › Trips", language=code)
    for name, code in zip("abcd", ("en", "de", "fr", "zh"), strict=True)
}


class View:
    def __init__(self, release: int) -> None:
        self.release = release

    async def chunk(self, chunk_id: str) -> Chunk | None:
        return CHUNKS.get(chunk_id)

    async def present(self, chunk_ids: Iterable[str]) -> set[str]:
        return set(chunk_ids) & CHUNKS.keys()


class Index:
    release = 1

    async def view(self) -> View:
        return View(self.release)


class Reader:
    """A generator that notes the chunks that it reads."""

    def __init__(self) -> None:
        self.read: list[str] = []
        self.prompts: list[Prompt] = []
        self.kept: set[str] = set()
        self.error: Exception | None = None

    async def prepare(self, prompt: Prompt) -> TokenUsage:
        if self.error is not None:
            raise self.error
        self.read += prompt.sources
        self.prompts.append(prompt)
        self.kept.update(prompt.sources)
        return TokenUsage(prompt=9, cached=0)

    async def kept_sources(self) -> set[str]:
        return set(self.kept)

    async def forget(self, sources: Collection[str]) -> int:
        self.kept -= set(sources)
        return len(sources)


async def at_once() -> None:
    pass


def make(
    reader: Reader,
    *,
    cited: Sequence[str] = (),
    most: int = 10,
    index: Index | None = None,
    idle: Callable[[], Awaitable[None]] = at_once,
) -> WarmUp:
    async def most_cited(limit: int) -> Sequence[str]:
        return cited[:limit]

    async def find(question: str) -> str | None:
        return question if question in CHUNKS else None

    given: Any = index or Index()
    return WarmUp(
        given,
        reader,
        cited=most_cited,
        expected=["c", "none"],
        find=find,
        most=most,
        idle=idle,
    )


async def test_the_most_cited_come_first_then_what_is_expected_each_once() -> None:
    reader = Reader()
    warm_up = make(reader, cited=["b", "a", "gone"])
    assert await warm_up.run() == 3
    assert reader.read == ["b", "a", "c"]
    assert await warm_up.run() == 0


async def test_what_is_read_ahead_is_what_the_writer_asks_with() -> None:
    reader, generator = Reader(), ScriptedGenerator(*["NO ANSWER"] * len(CHUNKS))
    await make(reader, cited=list(CHUNKS)).run()
    source = Source("a", "d", "", "", "", 0.9, "")
    writer = Writer(generator, max_tokens=9, timeout_s=9)
    for chunk in CHUNKS.values():
        await writer.write("Why?", chunk, source, language=chunk.language)
    assert [replace(p, question="") for p in generator.prompts] == [
        replace(p, question="") for p in reader.prompts
    ]


async def test_a_new_release_is_prepared_anew() -> None:
    reader, index = Reader(), Index()
    warm_up = make(reader, index=index)
    assert await warm_up.run() == 1
    index.release = 2
    assert await warm_up.run() == 1


async def test_no_more_than_the_budget() -> None:
    reader = Reader()
    assert await make(reader, cited=["a", "b"], most=1).run() == 1
    assert reader.read == ["a"]


async def test_it_stops_for_customers_and_goes_on_later() -> None:
    reader = Reader()
    reader.error = Overloaded(8, 8)
    warm_up = make(reader, cited=["a"])
    assert await warm_up.run() == 0
    reader.error = None
    assert await warm_up.run() == 2


async def test_a_passage_that_does_not_fit_holds_up_no_other() -> None:
    reader = Reader()
    reader.error = PromptTooLong(5000, 4096)
    warm_up = make(reader)
    assert await warm_up.run() == 0
    reader.error = None
    assert await warm_up.run() == 0


async def test_before_the_first_release_there_is_nothing_to_do() -> None:
    index = Index()
    index.release = 0
    assert await make(Reader(), index=index).run() == 0


async def test_states_of_passages_that_the_release_lost_are_forgotten() -> None:
    reader = Reader()
    reader.kept = {"a", "removed in this release"}
    await make(reader).run()
    assert reader.kept == {"a", "c"}
    await make(reader, most=0).run()
    assert reader.kept == {"a", "c"}


async def test_customers_are_left_the_machine_before_each_passage() -> None:
    reader, free = Reader(), asyncio.Event()

    async def idle() -> None:
        await free.wait()

    reading = asyncio.create_task(make(reader, cited=["a"], idle=idle).run())
    await asyncio.sleep(0)
    assert reader.read == []
    free.set()
    assert await reading == 2
