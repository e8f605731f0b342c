"""The map of the questions over a real database."""

import html
import re
from collections.abc import AsyncIterator, Sequence
from typing import Any

import anyio
import httpx
import pytest
from sqlalchemy import event

from console import question_map
from core.errors import ModelUnavailable
from core.types import Answer, Matrix
from db.base import Database
from tests.console.conftest import Builder
from tests.fakes import WordEmbedder

pytestmark = pytest.mark.anyio

FAQ = Answer("faq", "Yes.", "en", confidence=0.9)
UNKNOWN = Answer("unknown", "I don't know.", "en")
BIKES = [f"How heavy is bike {n}" for n in "ABCDEFGHIJKLMNOPQRST"]
KAYAKS = [f"Do you rent a kayak {n}?" for n in "abcdefghij"]


@pytest.fixture
async def client(builder: Builder) -> AsyncIterator[httpx.AsyncClient]:
    await record(builder, BIKES, FAQ)
    await record(builder, KAYAKS, UNKNOWN)
    async with builder.client() as opened:
        yield opened


async def record(builder: Builder, questions: Sequence[str], answer: Answer) -> list[int]:
    conversations = builder.records.conversations
    return [
        await conversations.record(question, answer, chat=f"web:{question}", channel="web")
        for question in questions
    ]


async def drawn(client: httpx.AsyncClient, query: str = "") -> str:
    """Return the page with the map, which may take a while."""
    with anyio.fail_after(60):
        while True:
            page = (await client.get(f"/console/figures/map{query}")).text
            if 'http-equiv="refresh"' not in page:
                return page


def rows(page: str) -> list[tuple[str, str, int, str]]:
    """Return the groups of a page: link, name, how many questions, how many percent resolved."""
    found = re.findall(
        r'<a href="(/console/answers[^"]+)">([^<]+)</a>.*?number">(\d+)</td><td[^>]*>(\d+%)', page
    )
    return [(html.unescape(a), name, int(count), share) for a, name, count, share in found]


async def test_questions_of_like_meaning_are_a_group_that_leads_to_them(
    client: httpx.AsyncClient,
) -> None:
    page = await drawn(client)
    (bikes, kayaks) = rows(page)
    assert bikes[2:] == (20, "100%")
    assert kayaks[2:] == (10, "0%")
    assert "heavy" in bikes[1]
    assert "kayak" in kayaks[1]
    assert page.count('<circle class="kind-answered" cx') == 20 + 1, "one in the legend"
    assert "<title>Do you rent a kayak c?</title>" in page
    listed = (await client.get(kayaks[0])).text
    assert listed.count("<li>") == 10
    assert "bike" not in listed
    assert "A group of the map" in listed


async def test_who_was_erased_is_gone_from_the_map_at_once(
    client: httpx.AsyncClient, builder: Builder
) -> None:
    assert "kayak c?" in await drawn(client)
    await builder.records.conversations.forget("web:Do you rent a kayak c?")
    page = await drawn(client)
    assert "kayak c?" not in page
    assert rows(page)[1][2] == 9


async def test_a_judged_answer_has_its_colour_at_once(
    client: httpx.AsyncClient, builder: Builder
) -> None:
    assert 'class="kind-unhelpful"' not in await drawn(client)
    await builder.records.conversations.give_feedback(1, helpful=False)
    assert 'class="kind-unhelpful"' in await drawn(client)


async def test_words_are_read_once_while_nothing_changes(
    client: httpx.AsyncClient, database: Database
) -> None:
    first, read = await drawn(client), []
    engine = database.engine.sync_engine

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        read.extend([statement] if "answers.question" in statement else [])

    event.listen(engine, "before_cursor_execute", note)
    assert await drawn(client) == first
    assert read == []


async def test_of_many_questions_a_sample_is_drawn_always_the_same(
    builder: Builder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(question_map, "_MOST", 12)
    await record(builder, [*BIKES, *KAYAKS], FAQ)
    pages = []
    for _ in range(2):
        async with builder.client() as client:
            pages.append(await drawn(client))
    assert "sample of 12 of the 30 questions" in pages[0]
    titles = [re.findall("<title>([^<]+)</title></circle>", page) for page in pages]
    assert titles[0] == titles[1]
    assert len(titles[0]) == 12


class Held(WordEmbedder):
    """Embeds when it may."""

    def __init__(self) -> None:
        super().__init__()
        self.held, self.may = anyio.Event(), anyio.Event()
        self.calls = 0

    async def embed_queries(self, texts: Sequence[str]) -> Matrix:
        self.calls += 1
        if self.calls > 1:
            self.held.set()
            await self.may.wait()
        return await super().embed_queries(texts)


async def test_a_page_says_how_far_the_map_is_and_nothing_is_embedded_twice(
    builder: Builder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(question_map, "_AT_ONCE_S", 0.01)
    embedder = Held()
    await record(builder, [*BIKES, *BIKES], FAQ)
    async with builder.client(embedder=embedder) as client:
        await client.get("/console/figures/map")
        await embedder.held.wait()
        page = (await client.get("/console/figures/map")).text
        assert "16 of 20" in page
        assert 'http-equiv="refresh"' in page
        assert "There are none" in (await client.get("/console/answers?group=1")).text
        embedder.may.set()
        assert rows(await drawn(client))
        assert rows(await drawn(client, "?days=7"))
    assert sorted(embedder.embedded) == sorted(BIKES)


class Broken(WordEmbedder):
    """Cannot embed now."""

    async def embed_queries(self, texts: Sequence[str]) -> Matrix:
        raise ModelUnavailable("The embedder is loading.")


async def test_without_the_model_the_page_says_so(builder: Builder) -> None:
    await record(builder, BIKES, FAQ)
    async with builder.client(embedder=Broken()) as client:
        page = await drawn(client)
    assert "The map cannot be drawn now: " in page
    assert "The embedder is loading." in page


async def test_a_new_installation_has_no_map(builder: Builder) -> None:
    async with builder.client() as client:
        assert "too few questions" in await drawn(client)
