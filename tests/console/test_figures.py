"""The figures over a real database: each counts what its link then lists."""

import csv
import html
import re
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Any

import httpx
import pytest
from sqlalchemy import update

from console.knowledge import Editing
from core.types import Answer, Chunk, Source
from db.base import Database
from db.conversations import AnswerRow
from db.figures import Figures, Which
from db.handover import Handover
from kb.index.view import Found
from tests.console.conftest import Builder
from tests.console.fakes import NoEntries
from tests.database import session_of

pytestmark = pytest.mark.anyio

FAQ = Answer("faq", "Yes.", "en", confidence=0.9)
KINDS: Sequence[tuple[str, Answer]] = (
    ("May I?", FAQ),
    ("May I <b>too</b>?", FAQ),
    ("Darf ich?", replace(FAQ, language="de", confidence=0.5, hedged=True)),
    ("Which?", Answer("unknown", "Did you mean …", "en")),
    ("Kayaks?", Answer("unknown", "I don't know.", "en")),
    ("A person please", Answer("smalltalk", "One moment.", "en", intent="person")),
    ("Hello", Answer("smalltalk", "Hello!", "en", intent="greeting")),
)


@pytest.fixture
async def client(builder: Builder, database: Database) -> AsyncIterator[httpx.AsyncClient]:
    conversations = builder.records.conversations
    ids = [
        await conversations.record(question, answer, chat=f"web:{number % 2}", channel="web")
        for number, (question, answer) in enumerate(KINDS)
    ]
    async with session_of(database) as session:  # what earlier versions recorded
        which = AnswerRow.question == "Which?"
        await session.execute(update(AnswerRow).where(which).values(kind="clarify"))
    await conversations.give_feedback(ids[0], helpful=True)
    await conversations.give_feedback(ids[1], helpful=False, reason="not_my_question")
    async with builder.client() as opened:
        yield opened


def figures(page: str) -> dict[str, tuple[int, str]]:
    """Return each figure of a page with its link."""
    found = re.findall(r'<a href="(/console/answers[^"]+)">([^<]+)</a></th><td[^>]*>(\d+)<', page)
    return {name: (int(count), html.unescape(link)) for link, name, count in found}


async def test_each_figure_leads_to_the_questions_that_it_counts(client: httpx.AsyncClient) -> None:
    page = (await client.get("/console/figures")).text
    assert "6 questions." in page
    counted = figures(page)
    hours = {name: counted.pop(name) for name in list(counted) if name.endswith(":00")}
    assert {name: count for name, (count, _) in counted.items()} == {
        "Resolved at once": 1,  # the other was followed by a question
        "Reopened within seven days": 1,
        "Answered": 2,
        "Answered, perhaps": 1,
        "Asked to choose": 1,
        "No answer known": 1,
        "Asked for a person": 1,
        "Helped": 1,
        "Did not help": 1,
        "en": 5,
        "de": 1,
    }
    assert sum(count for count, _ in hours.values()) == 6
    for name, (count, link) in (counted | hours).items():
        assert (await client.get(link)).text.count("<li>") == count, name


async def test_times_are_those_of_answers_and_of_people(
    client: httpx.AsyncClient, builder: Builder, database: Database
) -> None:
    await builder.records.handovers.ask(-5, reason="Help", chat="widget:1")
    await builder.records.handovers.answered(-5, "Hello.")
    async with session_of(database) as session:
        await session.execute(update(AnswerRow).values(total_ms=1500))
        await session.execute(update(Handover).values(asked=Handover.asked - 600))
    page = (await client.get("/console/figures")).text
    every, called = "/console/answers?days=28", "/console/answers?days=28&amp;outcome=handed_over"
    for name, address, time_taken in (
        ("Answer, half of them within", every, "1.5 sec"),
        ("Computing, all together", every, "7.5 sec"),
        ("Reply of a person, longest", called, "10 min"),
    ):
        assert f'<dt>{name}</dt><dd><a href="{address}">{time_taken}</a></dd>' in page


async def test_a_question_leads_to_its_conversation(client: httpx.AsyncClient) -> None:
    page = (await client.get("/console/answers?feedback=no")).text
    assert "May I &lt;b&gt;too&lt;/b&gt;?" in page
    assert "did not help: not my question" in page
    link = re.findall(r"/console/conversation\?answer=\d+", page)[0]
    page = (await client.get(link)).text
    assert page.index("too&lt;/b&gt;?") < page.index("Which?") < page.index("A person please")
    assert "Kayaks?" not in page, "another chat"
    for number in ("0", "77", "x"):
        response = await client.get(f"/console/conversation?answer={number}")
        assert response.status_code == 404


async def test_conversations_are_listed_once_and_filtered(client: httpx.AsyncClient) -> None:
    def listed(page: str) -> list[str]:
        return re.findall(r'answer=\d+">([^<]+)</a></h2>', page)

    assert len(listed((await client.get("/console/conversations")).text)) == 2
    for query, found in (
        ("outcome=refused", ["Kayaks?"]),
        ("feedback=no", ["May I &lt;b&gt;too&lt;/b&gt;?"]),
        ("outcome=handed_over", ["A person please"]),
        ("language=de", ["Darf ich?"]),
        ("unsure=yes", ["Darf ich?"]),
    ):
        page = (await client.get(f"/console/conversations?{query}")).text
        assert listed(page) == found, query


MAY_I = Chunk("c1", "faq.csv", "faq", "May I?", answer="Yes.")


class OneDocument(NoEntries):
    """A knowledge base with a chunk that answers cite."""

    async def search(self, words: str = "", *, documents: str = "*", **_: Any) -> Found:
        return Found([MAY_I], 1) if documents == "faq.csv" else Found((), 0)

    async def named(self, chunk_ids: Sequence[str]) -> list[Chunk]:
        pages = [replace(MAY_I, chunk_id=key, kind="passage", doc_id="guide.pdf") for key in "pq"]
        return [one for one in (MAY_I, *pages) if one.chunk_id in chunk_ids]


async def test_conversations_are_found_by_document_and_by_what_notes_are_marked_with(
    builder: Builder,
) -> None:
    conversations = builder.records.conversations
    cited = replace(FAQ, sources=(Source("c1", "faq.csv", "", "", "", 0.9, ""),))
    for number, answer in enumerate((cited, FAQ, cited)):
        await conversations.record(f"Q{number}", answer, chat=f"web:{number}", channel="web")
    document: Any = OneDocument()
    nothing: Any = NoEntries()
    async with builder.client(editing=Editing(document, nothing)) as client:
        note = {"number": "2", "text": "Call @ada (#warranty, #100% sure)"}
        await client.post("/console/conversation/note", data=note)
        for query, found in (
            ("document=faq.csv", ["Q2", "Q0"]),
            ("document=none.csv", []),
            ("mark=%23warranty", ["Q1"]),
            ("mark=@ada&language=en", ["Q1"]),
            ("mark=%23WARRANTY", ["Q1"]),
            ("mark=%23warranty%25", []),
            ("mark=%23war", []),
            ("mark=@ada&document=faq.csv", []),
        ):
            page = (await client.get(f"/console/conversations?{query}")).text
            assert re.findall(r'answer=\d+">([^<]+)</a></h2>', page) == found, query
    assert set(re.findall("<option>([#@][^<]+)", page)) == {"#warranty", "#100"}
    assert "<option selected>@ada" in page


async def test_conversations_are_found_by_who_looks_after_them(builder: Builder) -> None:
    conversations = builder.records.conversations
    for number in range(3):
        await conversations.record(f"Q{number}", FAQ, chat=f"web:{number}", channel="web")
    ids = {}
    for name, role in (("Ada", "agent"), ("Bob", "owner"), ("Vic", "viewer")):
        await builder.records.accounts.invite(name, "viewer")
        made = await builder.records.accounts.named(name)
        assert made
        await builder.records.accounts.set_role(made.account_id, role)  # type: ignore[arg-type]
        ids[name] = made.account_id
    async with builder.client() as client:

        async def listed(assigned: object) -> list[str]:
            page = (await client.get(f"/console/conversations?assigned={assigned}")).text
            return re.findall(r'answer=\d+">([^<]+)</a></h2>', page)

        async def assign(answer: int, account: int) -> httpx.Response:
            form = {"number": str(answer), "account": str(account)}
            return await client.post("/console/conversation/assign", data=form)

        assert (await assign(1, ids["Ada"])).status_code == 303
        await assign(2, ids["Bob"])
        assert await listed(ids["Ada"]) == ["Q0"]
        assert await listed(0) == ["Q2"]
        assert await listed("") == ["Q2", "Q1", "Q0"]
        assert "Assigned to Ada<" in (await client.get("/console/conversation?answer=1")).text
        (last, first) = await builder.records.audit.recent(action="conversation/assign")
        assert (first.details, last.details) == ("1, Ada", "2, Bob")
        for account in (ids["Vic"], 99):
            refused = await assign(3, account)
            assert refused.status_code == 409
            assert "may not talk to customers" in refused.text
        await assign(1, 0)
        assert await listed(0) == ["Q2", "Q0"]
        await assign(1, ids["Ada"])
        await builder.records.accounts.remove(ids["Ada"])
        await conversations.forget("web:1")
        assert await listed(0) == ["Q2", "Q0"]
        assert await builder.records.accounts.assigned(["web:0", "web:1"]) == {}


async def test_nobody_writes_back_where_nobody_reads_it(client: httpx.AsyncClient) -> None:
    form = {"number": "1", "text": "Hello"}
    for step in ("reply", "take"):
        response = await client.post(f"/console/conversation/{step}", data=form)
        assert response.status_code == 409
        assert "Nobody can write back here" in response.text
    assert (await client.post("/console/conversation/note", data=form)).status_code == 303
    assert "Hello" in (await client.get("/console/conversation?answer=1")).text


async def test_figures_are_exported_without_what_customers_wrote(client: httpx.AsyncClient) -> None:
    response = await client.get("/console/figures.csv?days=7")
    assert response.headers["content-type"].startswith("text/csv")
    assert 'filename="figures-7-days.csv"' in response.headers["content-disposition"]
    rows = list(csv.DictReader(response.text.splitlines()))
    assert sum(int(row["answers"]) for row in rows) == len(KINDS)
    (answered,) = (row for row in rows if row["outcome"] == "answered")
    assert (answered["answers"], answered["helpful"], answered["unhelpful"]) == ("2", "1", "1")
    assert "Kayaks" not in response.text


async def test_days_and_pages_that_make_no_sense_are_ignored(client: httpx.AsyncClient) -> None:
    for query in ("days=x&page=-1&hour=99", "outcome=nonsense&feedback=maybe&language=%27"):
        assert (await client.get(f"/console/answers?{query}")).status_code == 200
    assert "The last" in (await client.get("/console/figures?days=5")).text


async def test_what_was_asked_most_leads_to_each_time_it_was(builder: Builder) -> None:
    for question in ("May I?", " may i? ", "MAY I?", "Other?"):
        await builder.records.conversations.record(question, FAQ, chat="web:1", channel="web")
    async with builder.client() as client:
        counted = figures((await client.get("/console/figures")).text)
        count, link = counted["MAY I?"]
        assert (await client.get(link)).text.count("<li>") == count == 3
    assert "Other?" not in counted


async def test_while_much_is_counted_the_page_says_so_and_a_program_waits(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("console.figures._WAIT_S", 0)
    page = (await client.get("/console/figures")).text
    assert "Counting …" in page
    assert 'http-equiv="refresh"' in page
    assert "answered" in (await client.get("/console/figures.csv")).text
    page = (await client.get("/console/figures")).text
    assert "Counting …" not in page
    assert "6 questions." in page


async def test_the_words_of_who_was_erased_are_gone_at_once_though_figures_are_kept_a_while(
    builder: Builder,
) -> None:
    conversations = builder.records.conversations
    for chat in ("web:1", "web:1", "web:2", "web:2"):
        await conversations.record(f"My secret {chat}", FAQ, chat=chat, channel="web")
    async with builder.client() as client:
        assert "My secret web:1" in (await client.get("/console/figures")).text
        await conversations.forget("web:1")
        page = (await client.get("/console/figures")).text
    assert "4 questions." in page, "counted before"
    assert "My secret web:1" not in page
    assert figures(page)["My secret web:2"][0] == 2


async def test_an_answer_lasts_if_nothing_goes_wrong_for_seven_days(
    builder: Builder, database: Database
) -> None:
    refused = Answer("unknown", "I don't know.", "en")
    day = 86_400
    for chat, age, answer in (
        ("web:content", 10, FAQ),
        ("web:content", 9, FAQ),
        ("web:content", 1, refused),  # more than seven days later
        ("web:asks again", 10, FAQ),
        ("web:asks again", 8, refused),
        ("web:too new", 3, FAQ),
    ):
        number = await builder.records.conversations.record("?", answer, chat=chat, channel="web")
        then = time.time() - age * day
        async with session_of(database) as session:
            old = update(AnswerRow).where(AnswerRow.id == number).values(created=then)
            await session.execute(old)
    async with builder.client() as client:
        counted = figures((await client.get("/console/figures")).text)
        assert counted["Resolved at once"][0] == 4
        count, link = counted["Still resolved after seven days"]
        listed = (await client.get(link)).text
        assert counted["Reopened within seven days"][0] == 1
        reopened = (await client.get(counted["Reopened within seven days"][1])).text
    assert listed.count("<li>") == count == 2
    assert reopened.count("<li>") == 1


async def test_an_answer_with_may_be_is_resolved_only_if_it_was_taken(builder: Builder) -> None:
    perhaps = replace(FAQ, hedged=True, confidence=0.6)
    conversations = builder.records.conversations
    for chat, answers in (
        ("web:went away", [perhaps]),
        ("web:hardly", [replace(perhaps, confidence=0.1)]),
        ("web:asked again", [perhaps, Answer("unknown", "I don't know.", "en")]),
        ("web:helped", [replace(perhaps, confidence=0.1)]),
    ):
        for answer in answers:
            number = await conversations.record("?", answer, chat=chat, channel="web")
    await conversations.give_feedback(number, helpful=True)
    async with builder.client() as client:
        counted = figures((await client.get("/console/figures")).text)
        count, link = counted["Resolved at once"]
        assert (await client.get(link)).text.count("<li>") == count == 2


async def test_what_is_answered_more_often_than_before_leads_to_its_questions(
    builder: Builder, database: Database
) -> None:
    cited = replace(FAQ, sources=(Source("c1", "faq.csv", "", "", "", 0.9, ""),))
    for number in range(6):
        await builder.records.conversations.record(f"Q{number}", cited, chat="web:1", channel="web")
    async with session_of(database) as session:
        long_ago = time.time() - 40 * 86_400
        await session.execute(update(AnswerRow).where(AnswerRow.id == 1).values(created=long_ago))
    entries: Any = OneDocument()
    nothing: Any = NoEntries()
    async with builder.client(editing=Editing(entries, nothing)) as client:
        counted = figures((await client.get("/console/figures")).text)
        count, link = counted["May I?"]
        assert count == 4
        assert (await client.get(link)).text.count("<li>") == 5
        count, link = counted["faq.csv"]
        assert count == (await client.get(link)).text.count("<li>") == 5


async def test_a_document_of_which_several_passages_are_cited_is_listed_once(
    builder: Builder,
) -> None:
    both = tuple(Source(key, "guide.pdf", "Guide", "", "", 0.9, "") for key in "pq")
    for number in range(3):
        given = replace(FAQ, kind="quoted", sources=both if number else both[:1])
        await builder.records.conversations.record(f"Q{number}", given, chat="web:1", channel="web")
    entries: Any = OneDocument()
    nothing: Any = NoEntries()
    async with builder.client(editing=Editing(entries, nothing)) as client:
        page = (await client.get("/console/figures")).text
    found = re.findall(r'<a href="(/console/answers[^"]+)">guide.pdf</a></th><td[^>]*>(\d+)<', page)
    assert found == [("/console/answers?days=28&amp;document=guide.pdf", "3")] * 2, "used, risen"


async def test_hours_and_days_are_those_of_the_time_zone(
    builder: Builder, database: Database
) -> None:
    noon = 1_790_000_000 // 86_400 * 86_400 + 12 * 3600  # UTC
    answer = await builder.records.conversations.record("?", FAQ, chat="web:1", channel="web")
    async with session_of(database) as session:
        later = update(AnswerRow).where(AnswerRow.id == answer).values(created=noon + 0.5)
        await session.execute(later)
    kathmandu = Figures(database, timezone="Asia/Kathmandu")
    assert (await kathmandu.cells(since=0))[1][17] == 1
    (found,) = await kathmandu.answers(Which(since=noon - 86_400, hour=17), limit=5)
    assert found.answer_id == answer
    assert await kathmandu.answers(Which(since=noon - 86_400, hour=12), limit=5) == []
    auckland = Figures(database, timezone="Pacific/Auckland")
    (cell,), _ = await auckland.cells(since=0)
    assert cell.day == "2026-09-22"


async def test_a_new_installation_has_no_figures(builder: Builder) -> None:
    async with builder.client() as client:
        assert "0 questions." in (await client.get("/console/figures")).text
        assert "There are none." in (await client.get("/console/answers")).text
