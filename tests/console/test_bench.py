"""The test bench over a real knowledge base."""

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import httpx
import pytest

from app.messages import as_messages
from core.types import Answer, Choice, Source
from kb.answering.answerer import Answerer
from kb.ranking.retriever import Retriever
from kb.review.gate import Gate, Replay, seen
from tests.console.conftest import Builder, records_of
from tests.fakes import WordEmbedder
from tests.kb.workshop import POLICY, TODAY, SameRanker, Workshop, tracer_of, workshop

pytestmark = pytest.mark.anyio

FAQ = "May I return a lamp?|Within <b>30</b> days.|give a lamp back\nAre you open?|Always."


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Workshop]:
    async with workshop(tmp_path, WordEmbedder()) as opened:
        await opened.put(faq=FAQ)
        yield opened


@pytest.fixture
async def client(builder: Builder, shop: Workshop) -> AsyncIterator[httpx.AsyncClient]:
    builder.records = records_of(shop.database)
    async with builder.client(tracer=tracer_of(shop)) as opened:
        yield opened


async def ask(client: httpx.AsyncClient, question: str, **fields: str) -> str:
    response = await client.post("/console/bench", data={"question": question, **fields})
    assert response.status_code == 200
    return response.text


async def test_each_step_to_a_reply_is_shown_as_both_channels_show_it(
    client: httpx.AsyncClient, shop: Workshop
) -> None:
    page = await ask(client, "May I return a lamp?")
    assert page.count("Within &lt;b&gt;30&lt;/b&gt; days.") >= 2, "on the web and in Telegram"
    assert '<dt>Decision</dt><dd class="word">entry</dd>' in page
    assert re.search(r"<dt>search</dt><dd>\d+ ms</dd>", page)
    assert "the text answers it: 0.99" in page
    assert "the reply is right: 0.99" in page, "which customers see"
    assert "probability <strong>0.99" in page, "of a candidate"
    assert re.search(r"stated -?\d\.\d\d, lift -?\d", page)
    assert "<span>👍</span><span>👎</span>" in page
    assert "Are you open?" in page, "a candidate that was not taken"
    assert await shop.conversations.counts() == {}, "nothing is recorded"


async def test_a_follow_up_is_searched_for_in_its_context(client: httpx.AsyncClient) -> None:
    history = "May I return a lamp?\nWithin 30 days.\n"
    page = await ask(client, "And when open?", history=history)
    assert "lamp" in page
    assert "And when open?" in page


async def test_what_is_no_question_says_so(client: httpx.AsyncClient) -> None:
    page = await ask(client, "Thank you!", language="en")
    assert "The message is taken for no question" in page
    assert "the reply is right" not in page


async def test_an_earlier_release_is_asked_beside_the_live_one(
    client: httpx.AsyncClient, shop: Workshop
) -> None:
    await shop.put(faq=FAQ.replace("Always", "Never"))
    page = await ask(client, "Are you open?", release="1")
    earlier, live = re.findall(r"<h3>(?:Release 1|Live)</h3>(.*?)</ol>", page, re.DOTALL)
    for side, answer in ((earlier, "<mark>Always</mark>."), (live, "<mark>Never</mark>.")):
        assert f">{answer}</p>" in side
        assert re.search(r"entry; the text answers it: 0\.\d{3}, the reply is right: 0", side)
        assert "May I return a lamp?" in side, "a candidate"
    assert '<option value="1" selected>' in page
    assert "Side by side" not in await ask(client, "Are you open?")
    form = {"question": "Are you open?", "release": "77"}
    response = await client.post("/console/bench", data=form)
    assert response.status_code == 409
    assert "Release 77 does not exist" in response.text
    assert "Never." in response.text, "the live one answers all the same"


async def test_another_value_of_a_setting_is_asked_beside_todays(
    client: httpx.AsyncClient, shop: Workshop
) -> None:
    form = {"setting": "answers.answer_at", "value": "0.9999"}
    page = await ask(client, "May I return a lamp?", **form)
    now, other = re.findall(r"<h3>(?:Live, )?answers.answer_at: ([\d.]+.*?)</ol>", page, re.DOTALL)
    assert now.startswith(f"{POLICY.answer_at}<")
    assert "<p>entry; the text answers it" in now
    assert other.startswith("0.9999<")
    assert "<p>entry<mark>, hedged</mark>; the text" in other, "what differs is marked"
    assert '<option value="answers.answer_at" selected>' in page
    both = await ask(client, "May I return a lamp?", **form, release="1")
    assert "<h3>Release 1, answers.answer_at: 0.9999</h3>" in both
    form["value"] = "7"
    response = await client.post("/console/bench", data={"question": "Are you open?", **form})
    assert response.status_code == 409
    assert "answers.answer_at: 7 is too much; write at most 1" in response.text
    assert "Always." in response.text, "with today's value it is answered all the same"
    assert "Side by side" not in await ask(client, "Are you open?", setting="console.host")


async def test_an_empty_question_is_asked_for(client: httpx.AsyncClient) -> None:
    for path in ("/console/bench", "/console/bench/golden"):
        response = await client.post(path, data={"question": " "})
        assert response.status_code == 400
        assert "Write a question first." in response.text


async def test_a_question_becomes_golden_with_what_comes_of_it_now(
    client: httpx.AsyncClient, shop: Workshop
) -> None:
    response = await client.post("/console/bench/golden", data={"question": "Are you open?"})
    assert "by the entry &#34;Are you open?&#34; with the words &#34;Always.&#34;" in response.text
    await client.post("/console/bench/golden", data={"question": "zzz qqq xxx"})
    kept = await shop.golden.list()
    assert [(one.question, one.refuse, one.words) for one in kept] == [
        ("Are you open?", False, "Always."),
        ("zzz qqq xxx", True, ""),
    ]
    response = await client.post("/console/bench/golden", data={"question": "hello"})
    assert response.status_code == 409
    assert "cannot be expected from here on" in response.text


async def test_a_hedged_answer_is_expected_without_its_reservation(shop: Workshop) -> None:
    unsure = replace(POLICY, answer_at=0.999)
    finder = Retriever(shop.embedder, shop.index.view, SameRanker().ranker)
    replay = Replay(finder, partial(Answerer, policy=unsure, today=lambda: TODAY))
    gate = Gate(shop.golden, replay, SameRanker())
    view = await shop.index.view()
    ((answer,),), _ = await replay.compare(["Are you open?"], await seen(view, SameRanker()))
    assert answer.hedged
    golden = await gate.as_it_is(view, "Are you open?", author="Ada")
    assert golden.words == "Always."


def test_messages_have_the_buttons_that_customers_get() -> None:
    source = Source("c1", "faq.csv", "May I?", "row 2", "Yes.", 0.9, "2026-11-01")
    (shown,) = as_messages(Answer("faq", "Yes.", "en", sources=(source,)))
    assert shown.text == "Yes."
    assert list(shown.buttons) == [["📄 May I?"], ["👍", "👎"], ["🙋 Talk to a person"]]
    choices = (Choice("c1", "May I?"),)
    (shown,) = as_messages(Answer("faq", "Yes.", "en", hedged=True, choices=choices))
    assert ["May I?"] in list(shown.buttons)
