"""The widget's endpoints: for the named websites alone, with limits, into the inbox."""

import asyncio
import gzip
import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

import httpx
import pytest

from console.labels import Labels
from console.widget import Allowance
from core.config import WidgetConfig
from core.hours import DAYS
from core.types import Answer, Draft
from db.conversations import Conversations
from tests.console.conftest import Builder
from tests.console.fakes import ANSWERS, FAQ_QUESTION, HEDGED_QUESTION, PERSON_QUESTION
from tests.console.requests import HERE, SITE, read_events

pytestmark = pytest.mark.anyio

PATHS = [
    "/widget/ask",
    "/widget/feedback",
    "/widget/person",
    "/widget/messages",
    "/widget/forget",
]


def site(builder: Builder, **changes: Any) -> httpx.AsyncClient:
    """Return a client of a console whose widget is on, for a page of the website."""
    client = builder.client(**({"origins": (SITE,), "password": "correct horse"} | changes))
    client.headers.update(HERE)
    return client


async def ask(client: httpx.AsyncClient, question: str, **more: str) -> dict[str, Any]:
    response = await client.post("/widget/ask", json={"question": question, **more})
    assert response.status_code == 200
    name, data = read_events(response.text)[-1]
    assert name == "answer"
    return data


async def news(client: httpx.AsyncClient, session: str, after: int = 0) -> list[dict[str, Any]]:
    body = {"session": session, "after": after}
    response = await client.post("/widget/messages", json=body)
    assert response.status_code == 200
    found: list[dict[str, Any]] = response.json()["messages"]
    return found


async def test_the_script_weighs_little_when_packed(builder: Builder) -> None:
    async with site(builder) as client:
        script = (await client.get("/widget.js", headers=HERE)).content
    assert len(gzip.compress(script)) <= 30_000


async def test_without_named_websites_there_is_no_widget(builder: Builder) -> None:
    async with site(builder, origins=(), password="") as client:
        assert (await client.get("/widget.js", headers=HERE)).status_code == 404
        response = await client.get("/widget/texts")
    assert response.status_code == 404
    assert "access-control-allow-origin" not in response.headers


@pytest.mark.parametrize("origin", ["https://evil.example", "null", f"{SITE}.evil.example", ""])
async def test_another_website_gets_nothing(builder: Builder, origin: str) -> None:
    async with site(builder) as client:
        client.headers["Origin"] = origin
        for path in ("/widget/texts", *PATHS):
            for method in ("GET", "POST", "OPTIONS"):
                response = await client.request(method, path, json={"question": FAQ_QUESTION})
                assert response.status_code == 403, (path, method)
                assert "access-control-allow-origin" not in response.headers
    assert builder.desk.calls == []


async def test_a_named_website_reaches_nothing_but_the_widget(builder: Builder) -> None:
    async with site(builder, password="") as client:
        assert (await client.post("/ask", data={"question": FAQ_QUESTION})).status_code == 403
        response = await client.get("/console/questions")
    assert "access-control-allow-origin" not in response.headers


async def test_a_browser_may_ask_first_whether_it_may(builder: Builder) -> None:
    async with site(builder) as client:
        response = await client.options("/widget/ask")
        script = await client.get("/widget.js")
    assert response.status_code == 204
    assert response.headers["access-control-allow-origin"] == SITE
    assert response.headers["access-control-allow-headers"] == "content-type"
    assert "access-control-allow-credentials" not in response.headers
    assert script.headers["cross-origin-resource-policy"] == "cross-origin"


async def test_an_answer_comes_as_events_without_a_cookie(builder: Builder) -> None:
    async with site(builder) as client:
        answer = await ask(client, FAQ_QUESTION)
        again = await ask(client, FAQ_QUESTION, session=answer["session"])
        forged = await ask(client, FAQ_QUESTION, session="chosen.0000")
        assert not client.cookies
    assert answer["lines"][0][0][0][0].startswith("Yes. A test ride")
    assert again["session"] == answer["session"] != forged["session"]
    first, second, third = (call.chat for call in builder.desk.calls)
    assert first == second != third


@pytest.mark.parametrize(
    ("languages", "found"), [("uk,de-AT,en", "de"), ("uk", "es"), ("zh-Hans-CN", "zh"), ("", "es")]
)
async def test_the_texts_are_in_the_first_language_there_is(
    builder: Builder, languages: str, found: str
) -> None:
    async with site(builder, languages=("es",)) as client:
        response = await client.get("/widget/texts", params={"languages": languages})
    assert response.json()["language"] == found


async def test_the_companys_own_welcome_greets_in_both_chats(builder: Builder) -> None:
    welcome = {"de": "Moin!"}
    async with site(builder, welcome=welcome) as widget, builder.client(welcome=welcome) as chat:
        for language, greets in (("de", True), ("en", False)):
            response = await widget.get("/widget/texts", params={"languages": language})
            assert (response.json()["texts"]["greeting"] == "Moin!") == greets
            page = await chat.get("/", headers={"Accept-Language": language})
            assert ("<p>Moin!</p>" in page.text) == greets


async def test_a_verdict_with_its_reason_is_kept_for_own_answers_only(builder: Builder) -> None:
    conversations = builder.records.conversations
    async with site(builder) as client:
        own = await ask(client, FAQ_QUESTION)
        # The scripted desk keeps nothing itself.
        given = ANSWERS[FAQ_QUESTION]
        await conversations.record(FAQ_QUESTION, given, chat="web:1", channel="web")
        body = {"answer": own["answer"], "helpful": False, "reason": "outdated"}
        assert (await client.post("/widget/feedback", json=body)).status_code == 200
        for forged in ("1", "answer 1.00", own["session"]):
            response = await client.post("/widget/feedback", json=body | {"answer": forged})
            assert response.status_code == 400
    (waiting,) = await conversations.open_questions()
    assert waiting.question == FAQ_QUESTION


async def test_a_message_to_a_person_arrives_in_the_inbox_and_is_counted(builder: Builder) -> None:
    told: list[str] = []

    async def tell(text: str) -> None:
        told.append(text)

    async with site(builder, tell=tell) as client:
        body = {"message": "My crate is broken", "contact": "ada@example.com"}
        response = await client.post("/widget/person", json=body)
    assert response.json()["text"].endswith("will reply to ada@example.com.")
    (waiting,) = await builder.records.conversations.open_questions()
    assert waiting.question == "My crate is broken"
    assert "ada@example.com" in waiting.reply
    (cell,), _ = await builder.records.figures.cells(since=0)
    assert (cell.outcome, cell.channel) == ("handed_over", "widget")
    (called,) = await builder.records.handovers.open(web=True)
    assert (called.state, called.reason) == ("waiting", "My crate is broken")
    assert await builder.records.handovers.open() == [], "Telegram's operators cannot write to it"
    assert len(told) == 1
    assert "ada" not in told[0]


class Holding:
    """A desk that holds every answer to a visitor."""

    def __init__(self, conversations: Conversations) -> None:
        self._conversations = conversations

    async def ask(self, text: str, *, chat: str, **_: Any) -> Answer:
        held = Answer("held", "Wait.", "en", confidence=0.8)
        draft = replace(held, draft=Draft("At nine, every day.", "faq.csv", "Shop"))
        number = await self._conversations.record(text, draft, chat=chat, channel="widget")
        return replace(held, answer_id=number)


async def test_a_visitor_whose_answer_is_held_gets_what_a_person_sends(builder: Builder) -> None:
    told: list[str] = []

    async def tell(text: str) -> None:
        told.append(text)

    desk = Holding(builder.records.conversations)
    async with site(builder, tell=tell, desk=desk) as visitor, builder.client() as operator:
        answer = await ask(visitor, "When do you open?")
        assert answer["lines"][0][0][0][0] == "Our team has your message and will reply here."
        assert answer["called"]
        assert answer["sources"] == []
        listed = (await operator.get("/console/conversations")).text
        number = re.findall(r"/console/conversation\?answer=(\d+)#end", listed)[0]
        page = (await operator.get(f"/console/conversation?answer={number}")).text
        assert "At nine, every day.</textarea>" in page
        form = {"number": number, "text": "At ten, every day."}
        send = partial(operator.post, "/console/conversation/draft", data=form)
        assert (await send()).status_code == 303
        again = await send()
        assert (again.status_code, "dealt with" in again.text) == (409, True)
        (reply,) = await news(visitor, answer["session"])
        assert (reply["text"], reply["team"]) == ("At ten, every day.", True)
        assert await builder.records.handovers.open(web=True) == []
        await ask(visitor, "And on Sundays?", session=answer["session"])
        form["number"] = str(int(number) + 1)
        drop = partial(operator.post, "/console/conversation/discard", data=form)
        assert [(await drop()).status_code for _ in "12"] == [303, 409]
    assert [one.state for one in await builder.records.handovers.open(web=True)] == ["waiting"]
    counts = await builder.records.drafts.agreement(since=0)
    assert counts == {("faq.csv", "Shop"): {"edited": 1, "discarded": 1}}
    assert len(told) == 2
    assert "nine" not in told[0]


async def test_a_person_and_a_visitor_write_to_each_other(builder: Builder) -> None:
    async with site(builder) as visitor, builder.client() as operator:
        body = {"message": "My crate is broken", "languages": "de"}
        session = (await visitor.post("/widget/person", json=body)).json()["session"]
        listed = (await operator.get("/console/conversations")).text
        number = re.findall(r"/console/conversation\?answer=(\d+)#end", listed)[0]
        form = {"number": number, "text": "Please send a <b>photo</b>."}
        assert (await operator.post("/console/conversation/reply", data=form)).status_code == 303
        first, reply = await news(visitor, session)
        assert first["text"] == "Sie sprechen jetzt mit einem Mitarbeiter."
        assert (reply["text"], reply["team"]) == ("Please send a <b>photo</b>.", True)
        assert await news(visitor, session, after=reply["id"]) == []
        response = await visitor.post(
            "/widget/ask", json={"question": "Here it is", "session": session}
        )
        assert [name for name, _ in read_events(response.text)] == ["held"]
        assert builder.desk.calls == [], "the bot is silent"
        form["text"] = "A thief \u202eyb gnorw"
        await operator.post("/console/conversation/note", data=form)
        page = (await operator.get(f"/console/conversation?answer={number}")).text
        assert page.index("photo&lt;/b&gt;") < page.index("Here it is") < page.index("A thief yb")
        await operator.post("/console/conversation/give-back", data=form)
        back, *more = await news(visitor, session, after=reply["id"])
        assert back["text"].startswith("Ab jetzt antwortet wieder")
        assert more == [], "a note is for the team alone"
        assert await builder.records.handovers.open(web=True) == [], "nobody waits any more"
        await ask(visitor, FAQ_QUESTION, session=session)
    assert len(builder.desk.calls) == 1


async def test_a_double_press_of_send_writes_once_and_later_words_are_another_message(
    builder: Builder,
) -> None:
    async with site(builder) as visitor, builder.client() as operator:
        body = {"message": "My crate is broken"}
        session = (await visitor.post("/widget/person", json=body)).json()["session"]
        page = (await operator.get("/console/conversation?answer=1")).text
        reply, note = (
            dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]+)"', form))
            for form in re.findall(
                r'<form action="/console/conversation/(?:reply|note)".*?</form>', page, re.S
            )
        )
        for path, fields in (("reply", reply), ("note", note)):
            form = {**fields, "text": "Please send a photo."}
            post = partial(operator.post, f"/console/conversation/{path}")
            twice = await asyncio.gather(post(data=form), post(data=form))
            assert {response.status_code for response in (*twice, await post(data=form))} == {303}
        said = await builder.records.handovers.said("web:" + session.rpartition(".")[0])
        assert [one.author for one in said] == ["bot", "team", "note"]
        # The browser went back to the page as it was, and something else was written.
        await operator.post("/console/conversation/reply", data={**reply, "text": "And the bill."})
        assert [one["text"] for one in await news(visitor, session)][1:] == [
            "Please send a photo.",
            "And the bill.",
        ]


async def test_what_the_team_wrote_is_shown_to_its_visitor_alone(builder: Builder) -> None:
    async with site(builder) as client:
        own = (await ask(client, FAQ_QUESTION))["session"]
        assert await news(client, own) == []
        for forged in ("", "web:1", own + "0"):
            response = await client.post("/widget/messages", json={"session": forged})
            assert response.status_code == 400


@pytest.mark.parametrize("way", ["widget", "page", "streamed page"])
async def test_operators_read_what_a_visitor_who_wants_a_person_was_told(
    builder: Builder, way: str
) -> None:
    """Not the words for Telegram, where a person comes by themselves."""
    given = ANSWERS[PERSON_QUESTION]
    conversations = builder.records.conversations
    # The scripted desk keeps nothing itself; its first answer has this number.
    assert await conversations.record(PERSON_QUESTION, given, chat="web:1", channel="web") == 1
    async with site(builder, password="") as visitor, builder.client() as operator:
        if way == "widget":
            answer = await ask(visitor, PERSON_QUESTION, languages="de")
            told = answer["lines"][0][0][0][0]
            assert answer["language"] == "de"
        else:
            headers = {"Accept-Language": "de"}
            if way == "streamed page":
                headers["Accept"] = "text/event-stream"
            form = {"question": PERSON_QUESTION}
            streamed = (await operator.post("/ask", data=form, headers=headers)).text
            told = Labels("de")("person_here")
            page = (await operator.get("/", headers={"Accept-Language": "de"})).text
            assert told in page
            assert f'<div class="text" lang="de"><p>{told}' in page
            assert way == "page" or told in streamed
        thread = (await operator.get("/console/conversation?answer=1")).text
    assert told in thread
    assert given.text not in thread


async def test_an_address_is_needed_when_nobody_is_there(builder: Builder) -> None:
    never = (f"{DAYS[datetime.now(UTC).weekday() - 3]} 00:00-00:01",)
    async with site(builder, hours=never) as client:
        body = {"message": "My crate is broken"}
        assert (await client.get("/widget/texts")).json()["away"]
        assert (await client.post("/widget/person", json=body)).status_code == 422
    async with site(builder) as client:
        assert not (await client.get("/widget/texts")).json()["away"]
        response = await client.post("/widget/person", json=body)
    assert response.json()["text"] == "Our team has your message and will reply here."


@pytest.mark.parametrize("contact", ["ada", "12345", "ada@example", "a@b.c d"])
async def test_a_message_needs_an_address_for_the_reply(builder: Builder, contact: str) -> None:
    async with site(builder) as client:
        body = {"message": "My crate is broken", "contact": contact, "languages": "de"}
        response = await client.post("/widget/person", json=body)
    assert response.status_code == 422
    assert response.json()["error"].startswith("Bitte geben Sie")


@pytest.mark.parametrize("body", ["", "[]", "{}", json.dumps({"question": "x", "other": 1})])
@pytest.mark.parametrize("path", PATHS)
async def test_what_cannot_be_read_is_refused(builder: Builder, path: str, body: str) -> None:
    async with site(builder) as client:
        headers = {"Content-Type": "application/json"}
        assert (await client.post(path, content=body, headers=headers)).status_code == 400
        assert (await client.post(path, content=body)).status_code == 415


async def test_too_many_questions_of_one_address_wait(builder: Builder) -> None:
    async with site(builder, per_minute=5) as client:
        for _ in range(5):
            await ask(client, HEDGED_QUESTION)
        response = await client.post("/widget/ask", json={"question": HEDGED_QUESTION})
    assert response.status_code == 429
    assert response.json() == {"error": "That was a lot at once. Please wait a minute."}
    assert len(builder.desk.calls) == 5


def test_an_allowance_comes_back_with_time_and_is_each_address_s_own() -> None:
    now = [0.0]
    allowance = Allowance(6, clock=lambda: now[0])
    assert allowance.take("192.0.2.1", 6)
    assert not allowance.take("192.0.2.1")
    assert allowance.take("192.0.2.2")
    now[0] = 10.0
    assert allowance.take("192.0.2.1")
    assert not allowance.take("192.0.2.1")
    assert allowance.take("2001:db8::1", 6)
    assert not allowance.take("2001:db8::2")


@pytest.mark.parametrize("origin", ["*", "example.com", "https://example.com/", "https://EX.com"])
def test_an_origin_is_written_as_browsers_send_it(origin: str) -> None:
    with pytest.raises(ValueError, match="pattern"):
        WidgetConfig(origins=(origin,))
