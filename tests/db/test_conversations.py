from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from core.errors import StorageError
from core.types import Answer, Source, Turn
from db.conversations import Conversations
from db.handover import Handovers
from tests.database import empty_database

pytestmark = pytest.mark.anyio


@pytest.fixture
async def conversations(tmp_path: Path) -> AsyncIterator[Conversations]:
    async with empty_database(tmp_path) as database:
        yield Conversations(database)


def faq(text: str = "At nine.") -> Answer:
    source = Source("c1", "faq.csv", "", "row 2", "At nine.", 0.9, "2026-11-01")
    return Answer("faq", text, "en", confidence=0.9, sources=(source,), release=3)


_OF_CUSTOMERS = (
    ("answers", "question"),
    ("open_questions", "part"),
    ("telegram_handovers", "reason"),
    ("messages", "text"),
)
UNKNOWN = Answer("unknown", "I don't know.", "en", confidence=0.1)


async def test_turns_come_oldest_first_and_only_of_that_chat(conversations: Conversations) -> None:
    for number in range(4):
        await conversations.record(f"q{number}", faq(f"a{number}"), chat="web:1", channel="web")
    await conversations.record("other", faq(), chat="web:2", channel="web")
    assert await conversations.turns("web:1", limit=2) == [Turn("q2", "a2"), Turn("q3", "a3")]


async def test_a_greeting_is_no_turn_and_no_open_question(conversations: Conversations) -> None:
    hello = Answer("smalltalk", "Hello!", "en", intent="greeting")
    await conversations.record("hi", hello, chat="web:1", channel="web")
    assert await conversations.turns("web:1", limit=5) == []
    assert await conversations.open_questions() == []


async def test_a_question_whose_answer_was_refused_is_no_question_without_an_answer(
    conversations: Conversations,
) -> None:
    asks_again = Answer("unknown", "Please say it in other words.", "en", unanswered="Bikes?")
    await conversations.record("That is wrong!", asks_again, chat="web:1", channel="web")
    (refused,) = await conversations.open_questions()
    assert (refused.question, refused.kind) == ("Bikes?", "refused")


async def test_what_could_not_be_stored_is_stored_later_all_of_it(
    conversations: Conversations, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Target 14: also what came while nothing was tried."""

    async def refuse(_: object) -> int:
        raise StorageError("disk full")

    with monkeypatch.context() as full:
        full.setattr(conversations, "_store", refuse)
        for number in range(3):
            assert not await conversations.record(f"{number}?", faq(), chat="web:1", channel="web")
    assert conversations.unrecorded == 3
    assert not await conversations.catch_up(), "it is tried again after a pause"
    monkeypatch.setattr("db.conversations._TRY_AGAIN_S", 0)
    assert await conversations.catch_up()
    assert [turn.question for turn in await conversations.turns("web:1", limit=9)] == [
        "0?", "1?", "2?",
    ]  # fmt: skip


async def test_a_choice_that_was_taken_lets_its_own_question_wait_no_more(
    conversations: Conversations,
) -> None:
    for question in ("one?", "two?"):
        await conversations.record(question, UNKNOWN, chat="web:1", channel="web")
    (newest, _) = await conversations.open_questions()
    await conversations.taken(newest.answer_id)
    assert [left.question for left in await conversations.open_questions()] == ["one?"]


async def test_card_numbers_are_neither_stored_nor_read_from_older_rows(tmp_path: Path) -> None:
    said = "Take 4111 1111 1111 1111!"
    async with empty_database(tmp_path) as database:
        conversations = Conversations(database)
        handovers = Handovers(database)
        answer = replace(UNKNOWN, unanswered=said)
        await conversations.record(said, answer, chat="telegram:5", channel="telegram")
        await handovers.ask(5, reason=said)
        await handovers.wrote(5, said)
        await handovers.answered(5, "Your password: x7")
        assert b"4111 1111" not in b"".join(one.read_bytes() for one in tmp_path.iterdir())
        with database.engine.begin() as connection:
            for table, column in _OF_CUSTOMERS:
                where = " WHERE author = 'customer'" if table == "messages" else ""
                connection.exec_driver_sql(f"UPDATE {table} SET {column} = '{said}'{where}")
        (turn,) = await conversations.turns("telegram:5", limit=5)
        (question,) = await conversations.open_questions()
        handover = await handovers.get(5)
        wrote, answered = await handovers.said("telegram:5")
        assert handover
        shown = {turn.question, question.question, handover.reason, wrote.text}
        assert shown == {"Take •••• 1111!"}
        assert answered.text == "Your password: x7", "it has to reach the customer"


async def test_the_part_of_a_message_that_found_no_answer_is_open(
    conversations: Conversations,
) -> None:
    half = replace(faq(), unanswered="Kayaks?")
    answer_id = await conversations.record("Open? Kayaks?", half, chat="web:1", channel="web")
    (part,) = await conversations.open_questions()
    assert (part.question, part.kind) == ("Kayaks?", "unknown")
    assert (await conversations.turns("web:1", limit=5))[0].question == "Open? Kayaks?"
    await conversations.give_feedback(answer_id, helpful=True)
    assert [one.question for one in await conversations.open_questions()] == ["Kayaks?"]
    await conversations.give_feedback(answer_id, helpful=False)
    assert [one.question for one in await conversations.open_questions()] == ["Open? Kayaks?"]


async def test_an_emergency_waits_whatever_was_replied(conversations: Conversations) -> None:
    pressing = replace(faq(), urgency="urgent")
    await conversations.record("My dog cannot breathe", pressing, chat="web:1", channel="web")
    asked_for = replace(pressing, intent="person")
    await conversations.record("A person, quick", asked_for, chat="web:1", channel="web")
    (waits,) = await conversations.open_questions()
    assert (waits.question, waits.urgency) == ("My dog cannot breathe", "urgent")


async def test_a_question_without_answer_stays_open_until_dealt_with(
    conversations: Conversations,
) -> None:
    answer_id = await conversations.record("kayaks?", UNKNOWN, chat="web:1", channel="web")
    (open_question,) = await conversations.open_questions()
    assert (open_question.question, open_question.answer_id) == ("kayaks?", answer_id)
    assert await conversations.resolve([open_question.open_id], status="dismissed") == 1
    assert await conversations.resolve([open_question.open_id], status="dismissed") == 0
    assert await conversations.open_questions() == []


async def test_a_later_verdict_replaces_the_earlier_one(conversations: Conversations) -> None:
    answer_id = await conversations.record("q", faq(), chat="web:1", channel="web")
    assert await conversations.give_feedback(answer_id, helpful=True)
    assert await conversations.give_feedback(answer_id, helpful=False, reason="outdated")
    assert not await conversations.give_feedback(answer_id + 1, helpful=True)


async def test_forgetting_a_chat_erases_its_text_from_the_disk(
    conversations: Conversations, tmp_path: Path
) -> None:
    await conversations.record("my secret canary-7141", UNKNOWN, chat="web:1", channel="web")
    await conversations.record("kept", faq(), chat="web:2", channel="web")
    assert await conversations.forget("web:1") == 1
    assert await conversations.open_questions() == []
    stored = b"".join(f.read_bytes() for f in tmp_path.iterdir() if f.is_file())
    assert b"canary-7141" not in stored
    assert b"kept" in stored


async def test_recent_answers_are_found_by_what_they_cite(conversations: Conversations) -> None:
    ids = [await conversations.record("q", faq(), chat="web:1", channel="web") for _ in range(2)]
    await conversations.record("q", UNKNOWN, chat="web:1", channel="web")
    assert await conversations.cited(since=0) == {"c1": set(ids)}
    assert await conversations.cited(since=4e9) == {}
