"""The inbox over a real knowledge base and the real parser."""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from core.types import Answer
from db.conversations import Conversations
from kb.releases.ingestor import IncomingFile
from tests.console.conftest import Builder, records_of
from tests.console.uploads import preview_of, upload_desk
from tests.fakes import WordEmbedder
from tests.kb.workshop import InProcess, Workshop, library_of, workshop

pytestmark = pytest.mark.anyio

NORWAY = "Do you ship to <b>Norway</b>?"
UNKNOWN = Answer("unknown", "I don't know that.", "en")


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Workshop]:
    async with workshop(tmp_path / "shop", WordEmbedder(), parser=InProcess()) as opened:
        table = b"question,answer\nAre you open?,Always.\nMay I return it?,Within 30 days.\n"
        await opened.ingestor.ingest([IncomingFile("faq.csv", table)])
        yield opened


@pytest.fixture
async def client(builder: Builder, shop: Workshop) -> AsyncIterator[httpx.AsyncClient]:
    builder.records = records_of(shop.database)
    questions = library_of(shop).questions
    async with (
        upload_desk(shop) as desk,
        builder.client(questions=questions, uploads=desk) as opened,
    ):
        yield opened


async def ask(
    shop: Workshop,
    *questions: str,
    chat: str = "web:1",
    channel: str = "web",
    reply: str = UNKNOWN.text,
) -> list[int]:
    """Ask in vain; return the numbers under which the questions wait, in their order."""
    for question in questions:
        told = replace(UNKNOWN, text=reply)
        await shop.conversations.record(question, told, chat=chat, channel=channel)
    waiting = await shop.conversations.open_questions()
    return [found.open_id for found in reversed(waiting)][-len(questions) :]


async def inbox(client: httpx.AsyncClient) -> str:
    return (await client.get("/console/questions")).text


async def test_a_double_press_of_preview_proposes_one_entry(
    client: httpx.AsyncClient, shop: Workshop
) -> None:
    (number,) = await ask(shop, NORWAY)
    page = (await client.get(f"/console/question?number={number}")).text
    (once,) = re.findall(r'questions/answer".*?name="once" value="([^"]+)"', page)
    form = {"number": number, "once": once, "question": "Norway?", "answer": "Yes."}
    twice = [client.post("/console/questions/answer", data=form) for _ in range(2)]
    first, second = await asyncio.gather(*twice)
    assert first.headers["location"] == second.headers["location"]
    refused = {"number": number, "once": once, "question": "Norway?", "answer": ""}
    for _ in range(2):
        response = await client.post("/console/questions/answer", data=refused)
        assert response.status_code == 409, "what was refused is looked at again"


async def entries(shop: Workshop) -> dict[str, str]:
    return {entry.text: entry.answer for entry in await shop.entries.find()}


async def test_questions_that_ask_the_same_are_one_card_with_what_is_near(
    client: httpx.AsyncClient, shop: Workshop
) -> None:
    await ask(shop, NORWAY, "to norway B do you ship b", "Are you open on Sunday?")
    page = await inbox(client)
    assert page.count("<li>") == 2
    assert "2 times" in page
    assert "Do you ship to &lt;b&gt;Norway&lt;/b&gt;?" not in page, "the newest stands for all"
    assert "I don&#39;t know that." in page
    assert 'Nearest entry: <span lang="">Are you open?</span>' in page
    assert page.index("2 times") < page.index("on Sunday")
    page = (await client.get("/console/questions?order=newest")).text
    assert page.index("on Sunday") < page.index("2 times")


async def test_the_section_of_a_document_that_may_answer_is_shown(
    client: httpx.AsyncClient, shop: Workshop
) -> None:
    guide = b"# Shipping\n\nWe ship to <i>Norway</i> by boat.\n\n# Care\n\nKeep it dry.\n"
    await shop.ingestor.ingest([IncomingFile("guide.md", guide)])
    (number,) = await ask(shop, "Do you ship to Norway?")
    page = (await client.get(f"/console/question?number={number}")).text
    sections = page[page.index("Nearest sections") : page.index('<h2 id="answer">')]
    assert "guide.md" in sections
    assert sections.index("Norway") < sections.index("Keep it dry")
    chunk_id = re.findall(r'href="/console/entry\?id=(\w+)"', sections)[0]
    assert "by boat" in (await shop.entries.one(chunk_id)).text


async def test_of_alike_messages_each_other_reply_is_shown_too(
    client: httpx.AsyncClient, shop: Workshop
) -> None:
    """Of messages from the website it says where the customer wants to be written to."""
    await ask(shop, NORWAY, reply="Our team will reply to ada@a.example.")
    told = "Our team will reply to bo@b.example."
    (number,) = await ask(shop, "to norway B do you ship b", reply=told)
    page = (await client.get(f"/console/question?number={number}")).text
    assert "ada@a.example" in page
    assert page.count("bo@b.example") == 1


async def test_an_answer_is_previewed_applied_and_undone(
    client: httpx.AsyncClient, shop: Workshop
) -> None:
    first, _ = await ask(shop, NORWAY, "to norway B do you ship b")
    form = {"number": str(first), "question": "Do you ship to Norway?", "answer": "Yes, for 9."}
    response = await client.post("/console/questions/answer", data=form)
    where = response.headers["location"]
    page = await preview_of(client, where)
    assert "team-answers.csv" in page
    assert "2 most frequent recent questions" in page
    assert "Do you ship to Norway?" not in await entries(shop)
    number = where.partition("=")[2]
    change = {"number": number, "question": "Do you ship to Norway?", "answer": "Yes, for 12."}
    await client.post("/console/uploads/entry", data=change)
    assert "Yes, for 12." in await preview_of(client, where)
    await client.post("/console/uploads/apply", data={"number": number})
    assert "is live." in await preview_of(client, where)
    assert (await entries(shop))["Do you ship to Norway?"] == "Yes, for 12."
    assert "Nothing is waiting." in await inbox(client)
    await client.post("/console/uploads/undo", data={"number": number})
    assert "2 waiting" in await inbox(client)
    assert "Do you ship to Norway?" not in await entries(shop)


async def test_who_asked_is_told_once_of_an_answer(
    client: httpx.AsyncClient, shop: Workshop, builder: Builder
) -> None:
    (number,) = await ask(shop, NORWAY, chat="web:7", channel="widget")
    form = {"number": str(number), "question": "Do you ship to Norway?", "answer": "Yes, for 9."}
    where = (await client.post("/console/questions/answer", data=form)).headers["location"]
    assert "Tell the customer who asked" not in await preview_of(client, where)
    upload = {"number": where.partition("=")[2]}
    await client.post("/console/uploads/apply", data=upload)
    assert "Tell the customer who asked" in await preview_of(client, where)
    assert (await client.post("/console/uploads/tell", data=upload)).status_code == 303
    (said,) = await builder.records.handovers.said("web:7")
    assert said.text == f"You asked: “{NORWAY}”. Now there is an answer:\n\nYes, for 9."
    assert "Tell the customer who asked" not in await preview_of(client, where)
    again = await client.post("/console/uploads/tell", data=upload)
    assert again.status_code == 409
    assert "They have been told already." in again.text
    assert len(await builder.records.handovers.said("web:7")) == 1


async def test_what_may_be_personal_is_confirmed_before_it_is_applied(
    client: httpx.AsyncClient, shop: Workshop
) -> None:
    (number,) = await ask(shop, "Where is order 48213?")
    form = {"number": str(number), "question": "", "answer": "On its way."}
    where = (await client.post("/console/questions/answer", data=form)).headers["location"]
    upload = {"number": where.partition("=")[2]}
    page = await preview_of(client, where)
    assert "It may tell who the customer is: “48213”." in page
    assert ">Apply<" not in page
    response = await client.post("/console/uploads/apply", data=upload)
    assert response.status_code == 409
    assert "confirm that it may be stored" in response.text
    await client.post("/console/uploads/confirm", data=upload)
    assert ">Apply<" in await preview_of(client, where)
    await client.post("/console/uploads/apply", data=upload)
    await preview_of(client, where)
    assert (await entries(shop))["Where is order 48213?"] == "On its way."


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (" ", "The answer is empty."),
        ("x" * 20_001, "The answer has 20001 characters; an entry from here may have 20000."),
    ],
)
async def test_an_answer_that_is_none_says_so_and_is_kept_in_the_form(
    client: httpx.AsyncClient, shop: Workshop, answer: str, says: str
) -> None:
    (number,) = await ask(shop, NORWAY)
    form = {"number": str(number), "question": "Do you?", "answer": answer}
    response = await client.post("/console/questions/answer", data=form)
    assert response.status_code == 409
    assert says in response.text
    assert answer.strip() in response.text


async def test_a_question_is_linked_and_its_change_taken_back(
    client: httpx.AsyncClient, shop: Workshop
) -> None:
    (number,) = await ask(shop, "Are you open on Sunday?")
    page = (await client.get(f"/console/question?number={number}")).text
    nearest = re.findall(r'name="entry" value="(\w+)" required>', page)  # and none is chosen
    form = {"number": str(number), "entry": nearest[0], "question": "Are you open on Sunday?"}
    response = await client.post("/console/questions/link", data=form)
    assert "answered=1" in response.headers["location"]
    change = re.findall(r"changed=(\d+)", response.headers["location"])[0]
    (entry,) = await shop.entries.find("sunday")
    assert (entry.text, entry.variants) == ("Are you open?", ("Are you open on Sunday?",))
    assert "Nothing is waiting." in await inbox(client)
    await client.post("/console/changes/undo", data={"number": change})
    assert await shop.entries.find("sunday") == []
    assert "Are you open on Sunday?" in await inbox(client)


async def test_an_entry_that_is_not_near_is_found_by_words_in_any_form(
    client: httpx.AsyncClient, shop: Workshop
) -> None:
    (number,) = await ask(shop, "Who won the match?")
    (entry,) = await shop.entries.find("return")
    page = await client.get("/console/question", params={"number": number, "find": "Returned"})
    assert re.findall(r'name="entry" value="(\w+)"', page.text)[0] == entry.chunk_id
    none = await client.get("/console/question", params={"number": number, "find": "<kayak>"})
    assert 'value="&lt;kayak&gt;"' in none.text
    form = {"number": number, "entry": entry.chunk_id, "find": "return", "question": "For 471182?"}
    refused = await client.post("/console/questions/link", data=form)
    assert f'value="{entry.chunk_id}" required checked' in refused.text, "it is still offered"


async def test_what_asks_the_same_in_another_card_is_answered_too_and_told(
    client: httpx.AsyncClient, shop: Workshop
) -> None:
    """Somebody asks it again while an operator writes the answer, or from an older page."""
    (first,) = await ask(shop, NORWAY)
    form = {"number": str(first), "question": "Do you ship to Norway?", "answer": "Yes, for 9."}
    where = (await client.post("/console/questions/answer", data=form)).headers["location"]
    await preview_of(client, where)
    await ask(shop, "To Norway, do you ship?", "Are you open on Sunday?")
    number = where.partition("=")[2]
    await client.post("/console/uploads/apply", data={"number": number})
    page = await preview_of(client, where)
    assert "It answers 2 open questions; those that ask the same are among them." in page
    assert "1 waiting" in await inbox(client)
    await client.post("/console/uploads/undo", data={"number": number})
    assert "3 waiting" in await inbox(client)


async def test_a_link_that_names_a_customer_is_confirmed(
    client: httpx.AsyncClient, shop: Workshop
) -> None:
    (number,) = await ask(shop, "Are you open for order 471182?")
    (entry,) = await shop.entries.find("open")
    form = {"number": str(number), "entry": entry.chunk_id}
    for question in ("Open for order 471182?", ""):  # empty: the customer's own words
        response = await client.post("/console/questions/link", data=form | {"question": question})
        assert response.status_code == 409
        assert "It may tell who the customer is: “471182”." in response.text
    response = await client.post("/console/questions/link", data=form | {"confirmed": "yes"})
    assert response.status_code == 303


async def test_the_open_part_of_a_message_is_linked_in_whole_words_or_confirmed(
    client: httpx.AsyncClient, shop: Workshop
) -> None:
    told = replace(UNKNOWN, kind="faq", unanswered="And the other?")
    message = "Are you open? And the other?"
    await shop.conversations.record(message, told, chat="web:1", channel="web")
    (waiting,) = await shop.conversations.open_questions()
    (entry,) = await shop.entries.find("open")
    page = (await client.get(f"/console/question?number={waiting.open_id}")).text
    assert f"<q>{message}</q>" in page
    assert "understood only after what was said before" in page
    form = {"number": waiting.open_id, "entry": entry.chunk_id, "question": "And the other?"}
    refused = await client.post("/console/questions/link", data=form)
    assert refused.status_code == 409
    assert "understood only after" in refused.text
    assert f'value="{entry.chunk_id}" required checked' in refused.text
    whole = {**form, "question": "Is the shop in Ghent open?"}
    assert (await client.post("/console/questions/link", data=whole)).status_code == 303


@pytest.mark.parametrize(
    ("question", "part", "doubted"),
    [
        ("and memberships?", False, True),
        ("What about dogs?", False, True),
        ("Helmets?", True, True),
        ("Helmets?", False, False),
        ("那押金呢？", False, True),
        ("And what about shipping to Norway?", False, False),
        ("How long does it take to charge?", False, False),
        ("Do you rent helmets for children?", True, False),
    ],
)
async def test_what_says_too_little_alone(
    shop: Workshop, question: str, part: bool, doubted: bool
) -> None:
    assert bool(await library_of(shop).questions.concerns(question, part=part)) == doubted


async def test_a_link_to_an_entry_that_changed_meanwhile_changes_nothing(
    client: httpx.AsyncClient, shop: Workshop
) -> None:
    (number,) = await ask(shop, "Are you open on Sunday?")
    (entry,) = await shop.entries.find("open")
    await shop.entries.change(entry.chunk_id, "answer", text="On Mondays.")
    form = {"number": str(number), "entry": entry.chunk_id, "question": "Open on Sunday?"}
    response = await client.post("/console/questions/link", data=form)
    assert response.status_code == 409
    assert "means no live entry" in response.text


async def test_what_is_not_ours_is_set_aside_and_put_back(
    client: httpx.AsyncClient, shop: Workshop
) -> None:
    (number,) = await ask(shop, "Who won the match?")
    await client.post("/console/questions/dismiss", data={"number": number})
    assert "Nothing is waiting." in await inbox(client)
    response = await client.post("/console/questions/dismiss", data={"number": number})
    assert response.status_code == 409
    assert "It was dealt with already." in response.text
    assert "Who won the match?" in (await client.get("/console/questions/dismissed")).text
    await client.post("/console/questions/reopen", data={"number": number})
    assert "Who won the match?" in await inbox(client)


async def test_what_a_release_answers_by_now_is_listed_and_put_back(
    client: httpx.AsyncClient, shop: Workshop
) -> None:
    (number,) = await ask(shop, "Who won the match?")
    await shop.conversations.resolve([number], status="found")
    assert "Nothing is waiting." in await inbox(client)
    page = (await client.get("/console/questions/dismissed")).text
    assert page.index("Answered by now") < page.index("Who won the match?")
    assert "The customers who asked were not written to." in page
    await client.post("/console/questions/reopen", data={"number": number})
    assert "Who won the match?" in await inbox(client)


async def test_two_groups_are_merged_and_separated(
    client: httpx.AsyncClient, shop: Workshop
) -> None:
    one, other = await ask(shop, NORWAY, "Delivery abroad")
    response = await client.post("/console/questions/merge", data={"number": one, "into": other})
    assert response.headers["location"] == f"/console/question?number={other}"
    page = await inbox(client)
    assert page.count("<li>") == 1
    assert "2 times" in page
    assert "Separate what was merged" in (await client.get(f"/console/question?number={one}")).text
    form = {"number": str(one), "question": "Do you ship abroad?", "answer": "Yes."}
    where = (await client.post("/console/questions/answer", data=form)).headers["location"]
    await preview_of(client, where)
    await client.post("/console/questions/separate", data={"number": one})
    assert (await inbox(client)).count("<li>") == 2


async def test_the_nearest_group_is_offered_first_for_merging(
    client: httpx.AsyncClient, shop: Workshop
) -> None:
    await ask(shop, "repair my old lamp", "where are you", "who mends a lamp", "ship to Peru")
    number = re.findall(r"question\?number=(\d+)", await inbox(client))[-1]
    page = (await client.get(f"/console/question?number={number}")).text
    assert '<h1 lang="en">repair my old lamp</h1>' in page
    offered = re.findall("<option[^>]*>([^<]+)", page)
    assert offered[:2] == ["Choose a question", "who mends a lamp"]
    assert " selected" not in page, "none is really near"


async def test_a_group_that_is_really_near_is_proposed_for_merging(
    client: httpx.AsyncClient, shop: Workshop
) -> None:
    many = "please tell me whether you could perhaps mend or repair my"
    one, _, _ = await ask(shop, f"{many} today", f"{many} now", "ship to Peru")
    page = (await client.get(f"/console/question?number={one}")).text
    assert re.findall("<option[^>]*selected>([^<]+)", page) == [f"{many} now"]


async def test_an_answer_that_did_not_help_waits_with_what_was_said(
    client: httpx.AsyncClient, shop: Workshop
) -> None:
    given = Answer("quoted", "We open <late>.", "en", confidence=0.9)
    conversations = Conversations(shop.database)
    answer = await conversations.record("Opening hours?", given, chat="web:1", channel="web")
    assert "Nothing is waiting." in await inbox(client)
    await conversations.give_feedback(answer, helpful=True)
    assert "Nothing is waiting." in await inbox(client)
    await conversations.give_feedback(answer, helpful=False, reason="wrong")
    page = await inbox(client)
    assert "The answer did not help" in page
    assert "We open &lt;late&gt;." in page


async def test_many_questions_have_pages(client: httpx.AsyncClient, shop: Workshop) -> None:
    await ask(shop, *(f"word{n}x other{n}y third{n}z" for n in range(12)))
    page = await inbox(client)
    assert page.count("<li>") == 10
    assert "Page 1 of 2" in page
    second = (await client.get("/console/questions?order=most&page=2")).text
    assert second.count("<li>") == 2
    assert (await client.get("/console/questions?page=99")).text.count("<li>") == 2


@pytest.mark.parametrize("number", ["0", "77", "x", "-1"])
async def test_a_question_that_is_not_open_is_said_in_a_sentence(
    client: httpx.AsyncClient, number: str
) -> None:
    response = await client.get(f"/console/question?number={number}")
    assert response.status_code == 404
    assert "It was dealt with already." in response.text


async def test_the_companys_own_number_tells_nothing_of_a_customer(shop: Workshop) -> None:
    questions = library_of(shop).questions
    ours = replace(shop.ingestor, own_contacts="Call 01632 960 411")
    own = replace(questions, entries=replace(shop.entries, ingestor=ours))
    asked = ("Whom do I call?", "Call 01632 960 411.")
    assert await questions.concerns(asked[0], answer=asked[1])
    assert not await own.concerns(asked[0], answer=asked[1])
