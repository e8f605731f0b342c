"""The map of the questions over a real database."""

import html
import json
import re
from collections.abc import AsyncIterator, Sequence
from typing import Any

import anyio
import httpx
import numpy as np
import pytest
from sqlalchemy import event, text

from console import question_map
from console.question_map import _circles
from core.errors import ModelUnavailable
from core.types import Answer, Matrix
from db.base import Database
from tests.console.conftest import Builder
from tests.database import session_of
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
        r'<a href="(/console/answers[^"]+)"[^>]*>([^<]+)</a>.*?number">(\d+)</td><td[^>]*>(\d+%)',
        page,
    )
    return [(html.unescape(a), name, int(count), share) for a, name, count, share in found]


def circles(page: str) -> dict[str, list[list[int]]]:
    """Return what is drawn of each outcome: x and y in thousandths, how many questions, group."""
    found = re.findall(r'data-name="([^"]+)" data-circles="([^"]+)"', page)
    return {name: json.loads(of) for name, of in found}


async def test_questions_of_like_meaning_are_a_group_that_leads_to_them(
    client: httpx.AsyncClient,
) -> None:
    page = await drawn(client)
    (bikes, kayaks) = rows(page)
    assert bikes[2:] == (20, "100%")
    assert kayaks[2:] == (10, "0%")
    assert "heavy" in bikes[1]
    assert "kayak" in kayaks[1]
    drawn_as = circles(page)
    assert sum(count for *_, count, group in drawn_as["Answered"] if group == 0) == 20
    assert sum(count for *_, count, group in drawn_as["No answer known"] if group == 1) == 10
    assert all(0 <= at <= 1000 for of in drawn_as.values() for one in of for at in one[:2])
    assert "30 questions are shown, which is all." in page
    listed = (await client.get(kayaks[0])).text
    assert listed.count("<li>") == 10
    assert "bike" not in listed
    assert "A group of the map" in listed


async def test_who_was_erased_is_gone_from_the_map_at_once(
    client: httpx.AsyncClient, builder: Builder
) -> None:
    assert rows(await drawn(client))[1][2] == 10
    await builder.records.conversations.forget("web:Do you rent a kayak c?")
    page = await drawn(client)
    assert rows(page)[1][2] == 9
    assert "29 questions are shown" in page
    async with session_of(builder.records.conversations._database) as session:
        kept = await session.scalar(text("SELECT count(*) FROM question_vectors"))
    assert kept == 29, "its vector is gone with it"


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
    engine = database.engine

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        read.extend([statement] if "answers.question" in statement else [])

    event.listen(engine, "before_cursor_execute", note)
    assert await drawn(client) == first
    assert read == []


async def test_vectors_outlast_a_restart_and_not_another_model(builder: Builder) -> None:
    await record(builder, BIKES, FAQ)
    embedders = [WordEmbedder(), WordEmbedder(), WordEmbedder("another-model")]
    for embedder in embedders:
        async with builder.client(embedder=embedder) as client:
            assert "20 questions are shown" in await drawn(client)
    assert [len(one.embedded) for one in embedders] == [20, 0, 20]


async def test_while_many_are_read_the_newest_are_shown_and_how_many(
    builder: Builder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(question_map, "_STORED", 16)
    monkeypatch.setattr(question_map, "_READ_S", 0.01)
    embedder = Held()
    await record(builder, [*BIKES, *KAYAKS], FAQ)
    async with builder.client(embedder=embedder) as client:
        await client.get("/console/figures/map")
        await embedder.held.wait()
        page = await drawn(client)
        assert "16 of 30 questions are shown; the others are being read" in page
        embedder.may.set()


async def test_equal_and_near_questions_are_one_circle() -> None:
    places = np.array([[0.5, 0.5], [0.5, 0.5], [0.501, 0.501], [1, 1], [0, 0.3]], np.float32)
    found = sorted(_circles(places, np.array([0, 1, 1, 0, 2])))
    assert found == [[0, 300, 1, 2], [500, 500, 3, 1], [1000, 1000, 1, 0]]


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
        assert "16 of 40" in page
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
