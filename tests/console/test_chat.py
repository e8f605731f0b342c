"""The try-it page as a browser without JavaScript, and its stream of events."""

import asyncio
import re
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select

from core.health import Health
from db.base import Database
from db.conversations import FeedbackRow
from kb.answering.texts import service_text
from tests.console.conftest import Builder
from tests.console.fakes import (
    ANSWERS,
    BREAKING_QUESTION,
    DOCUMENT_QUESTION,
    FAQ_QUESTION,
    HEDGED_QUESTION,
    UNKNOWN_QUESTION,
    ScriptedDesk,
)
from tests.console.requests import read_events
from tests.database import session_of

pytestmark = pytest.mark.anyio

STREAM = {"Accept": "text/event-stream"}


async def ask(client: httpx.AsyncClient, question: str, **headers: str) -> str:
    """Post the form as a browser does, and return the page it is sent to."""
    response = await client.post("/ask", data={"question": question}, headers=headers)
    assert response.status_code == 303
    assert response.headers["location"] == "/#latest"
    return (await client.get("/")).text


async def test_the_empty_page_offers_the_examples(client: httpx.AsyncClient) -> None:
    page = (await client.get("/")).text
    assert "<title>Ask Finch &amp; Ferry</title>" in page
    for question in (FAQ_QUESTION, DOCUMENT_QUESTION, UNKNOWN_QUESTION):
        assert f'<button name="question" value="{question}">' in page


async def test_a_posted_question_is_answered_on_the_page(client: httpx.AsyncClient) -> None:
    page = await ask(client, FAQ_QUESTION)
    assert "A test ride is **free** and lasts 45 minutes." in page
    assert "From the FAQ" in page
    assert "97 % sure" in page
    assert "25 ms" in page
    assert "<blockquote>Yes. A test ride is free and lasts 45 minutes.</blockquote>" in page
    assert "faq.csv · row 3 · as of" in page


async def test_an_unknown_answer_offers_a_person_and_claims_no_certainty(
    client: httpx.AsyncClient,
) -> None:
    page = await ask(client, UNKNOWN_QUESTION)
    answer = page[page.index('<article class="answer answer-unknown">') : page.index("</article>")]
    assert "Not in our documents" in answer
    assert 'value="Talk to a person"' in answer
    assert "% sure" not in answer
    assert "<details" not in answer


async def test_choices_are_buttons_that_ask(client: httpx.AsyncClient) -> None:
    page = await ask(client, HEDGED_QUESTION)
    assert '<button name="question" value="How long does it take to charge?">' in page


async def test_a_browser_keeps_its_conversation(
    client: httpx.AsyncClient, desk: ScriptedDesk
) -> None:
    await ask(client, FAQ_QUESTION)
    page = await ask(client, UNKNOWN_QUESTION)
    assert page.index("A test ride is") < page.index("I do not know that.")
    first, second = desk.calls
    assert first.chat == second.chat
    assert re.fullmatch(r"web:[\w-]{22}", first.chat)
    assert first.channel == "web"


async def test_who_sends_no_cookie_shares_the_models_with_all_of_the_same_address(
    client: httpx.AsyncClient, desk: ScriptedDesk
) -> None:
    await client.post("/ask", data={"question": "one"})
    await client.post("/ask", data={"question": "two"})
    client.cookies.clear()
    await client.post("/ask", data={"question": "three"})
    assert [call.asker for call in desk.calls] == ["127.0.0.1", "", "127.0.0.1"]


async def test_two_browsers_do_not_see_each_other(builder: Builder) -> None:
    console = builder.build()

    def browser() -> httpx.AsyncClient:
        transport = httpx.ASGITransport(console)
        return httpx.AsyncClient(transport=transport, base_url="http://localhost")

    async with browser() as one, browser() as other:
        await ask(one, FAQ_QUESTION)
        assert "A test ride is" not in (await other.get("/")).text
        await ask(other, UNKNOWN_QUESTION)
    assert len({call.chat for call in builder.desk.calls}) == 2


async def test_a_forged_cookie_names_nobody_elses_chat(
    client: httpx.AsyncClient, desk: ScriptedDesk
) -> None:
    await ask(client, FAQ_QUESTION)
    session = desk.calls[0].chat.removeprefix("web:")
    forged = {"cookie": f"answerdesk_chat={session}.{'0' * 64}"}
    client.cookies.clear()
    assert "A test ride is" not in (await client.get("/", headers=forged)).text
    await client.post("/ask", data={"question": FAQ_QUESTION}, headers=forged)
    assert desk.calls[1].chat != desk.calls[0].chat


async def test_a_new_chat_starts_empty(client: httpx.AsyncClient, desk: ScriptedDesk) -> None:
    await ask(client, FAQ_QUESTION)
    assert (await client.post("/new")).status_code == 303
    assert "A test ride is" not in (await client.get("/")).text
    await ask(client, UNKNOWN_QUESTION)
    assert desk.calls[0].chat != desk.calls[1].chat


async def test_the_browsers_language_reaches_the_desk(
    client: httpx.AsyncClient, desk: ScriptedDesk
) -> None:
    await ask(client, FAQ_QUESTION, **{"Accept-Language": "zh-CN,zh;q=0.9,en;q=0.8"})
    await ask(client, FAQ_QUESTION, **{"Accept-Language": "*"})
    assert [call.language_code for call in desk.calls] == ["zh", ""]


async def test_an_empty_question_is_refused_with_a_sentence(
    client: httpx.AsyncClient, desk: ScriptedDesk
) -> None:
    response = await client.post("/ask", data={"question": "  "})
    assert response.status_code == 400
    assert "Write a question first." in response.text
    assert desk.calls == []


async def test_the_stream_shows_waiting_then_sentences_then_the_answer(
    client: httpx.AsyncClient,
) -> None:
    response = await client.post("/ask", data={"question": DOCUMENT_QUESTION}, headers=STREAM)
    assert response.headers["content-type"].startswith("text/event-stream")
    events = read_events(response.text)
    assert [name for name, _ in events] == ["waiting", "sentence", "sentence", "answer"]
    assert events[0][1] == {"seconds": 4}
    assert events[1][1]["text"].startswith("Take the battery out")
    assert "Storing the battery in winter" in events[3][1]["html"]
    assert "10 to 20 °C" in (await client.get("/")).text


async def test_an_error_inside_ends_the_stream_with_a_sentence(
    client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    response = await client.post("/ask", data={"question": BREAKING_QUESTION}, headers=STREAM)
    assert [name for name, _ in read_events(response.text)] == ["trouble"]
    assert "secret detail" not in response.text
    assert "secret detail" in caplog.text


async def test_an_error_inside_shows_one_sentence(client: httpx.AsyncClient) -> None:
    response = await client.post("/ask", data={"question": BREAKING_QUESTION})
    assert response.status_code == 500
    assert "Something went wrong on our side." in response.text
    assert "secret detail" not in response.text
    assert "Traceback" not in response.text
    assert response.headers["x-content-type-options"] == "nosniff"


async def test_a_browser_that_goes_away_cancels_the_work(builder: Builder) -> None:
    builder.desk.gate = asyncio.Event()
    left = asyncio.Event()
    body = f"question={DOCUMENT_QUESTION.replace(' ', '+')}".encode()
    incoming: list[dict[str, Any]] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> dict[str, Any]:
        if incoming:
            return incoming.pop()
        await left.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        if b"event: sentence" in message.get("body", b""):
            left.set()

    headers = {
        "host": "localhost",
        "accept": "text/event-stream",
        "content-type": "application/x-www-form-urlencoded",
        "content-length": str(len(body)),
    }
    scope = {
        "type": "http",
        "http_version": "1.1",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "method": "POST",
        "scheme": "http",
        "path": "/ask",
        "raw_path": b"/ask",
        "query_string": b"",
        "root_path": "",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 5000),
        "server": ("localhost", 8080),
    }
    await builder.build()(scope, receive, send)
    await asyncio.wait_for(builder.desk.cancelled.wait(), 5)


async def test_a_loading_service_says_so(builder: Builder) -> None:
    builder.health = Health("loading", ("The embedder is loading.",))
    async with builder.client() as client:
        page = (await client.get("/")).text
    assert "The service is still getting ready." in page
    assert "The embedder is loading." not in page


async def test_the_page_speaks_the_browsers_language(client: httpx.AsyncClient) -> None:
    chinese = {"Accept-Language": "zh-CN,zh;q=0.9"}
    page = await ask(client, FAQ_QUESTION, **chinese)
    assert '<html lang="en">' in page
    page = (await client.get("/", headers=chinese)).text
    assert '<html lang="zh">' in page
    assert "来自常见问题" in page
    assert "把握 97%" in page
    assert 'lang="en"><p>Yes. A test ride' in page
    assert 'value="转人工客服"' in page
    assert '<html lang="en">' in (await client.get("/", headers={"Accept-Language": "xx"})).text


async def test_a_visitor_says_whether_an_answer_helped(
    client: httpx.AsyncClient, builder: Builder, database: Database
) -> None:
    # The desk is scripted, so its answer is stored here under the id that it will have.
    await builder.records.conversations.record(
        FAQ_QUESTION, ANSWERS[FAQ_QUESTION], chat="web:x", channel="web"
    )
    assert "Did this help?" in await ask(client, FAQ_QUESTION)
    response = await client.post("/feedback", data={"answer": "1", "helpful": "no"})
    assert response.status_code == 303
    page = (await client.get("/")).text
    assert "Did this help?" not in page
    assert service_text("feedback_thanks", "en") in page
    async with session_of(database) as session:
        row = await session.get_one(FeedbackRow, 1)
        assert row.helpful is False


@pytest.mark.parametrize(
    "form",
    [
        {"answer": "2", "helpful": "yes"},
        {"answer": "0", "helpful": "yes"},
        {"answer": "1", "helpful": "perhaps"},
        {"answer": "1"},
        {"answer": "-1", "helpful": "yes"},
        {"answer": "9" * 5000, "helpful": "yes"},
    ],
)
async def test_nobody_judges_an_answer_that_is_not_theirs(
    client: httpx.AsyncClient, database: Database, form: dict[str, str]
) -> None:
    await ask(client, FAQ_QUESTION)
    assert (await client.post("/feedback", data=form)).status_code == 400
    async with session_of(database) as session:
        assert await session.scalar(select(func.count()).select_from(FeedbackRow)) == 0


async def test_an_unknown_answer_is_not_judged(client: httpx.AsyncClient) -> None:
    assert "Did this help?" not in await ask(client, UNKNOWN_QUESTION)
