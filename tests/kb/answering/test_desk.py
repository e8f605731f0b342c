import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from core.asker import asker
from core.errors import IndexDamaged
from core.metrics import Metrics
from core.types import Answer, Draft, Source, Turn
from db.base import Database
from db.conversations import AnswerRow, Conversations
from db.drafts import Drafts
from kb.answering.answerer import Answerer
from kb.answering.desk import Desk
from tests.database import empty_database, session_of

pytestmark = pytest.mark.anyio


class ScriptedAnswerer(Answerer):
    """Answers after its gate opens, and remembers in which order it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.histories: list[list[Turn]] = []
        self.gates: dict[str, asyncio.Event] = {}
        self.trouble: Exception | None = None
        self.askers: list[str] = []
        self.held: Answer | None = None

    async def answer(self, message: str, *, history: Any = (), **_: Any) -> Answer:
        self.asked.append(message)
        self.askers.append(asker())
        self.histories.append(list(history))
        if message in self.gates:
            await self.gates[message].wait()
        if self.trouble:
            raise self.trouble
        if self.held:
            return self.held
        kind = "unknown" if message.startswith("?") else "faq"
        return Answer(kind, f"re: {message}", "en")  # type: ignore[arg-type]


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with empty_database(tmp_path) as opened:
        yield opened


@pytest.fixture
def conversations(database: Database) -> Conversations:
    return Conversations(database)


@pytest.fixture
def answerer() -> ScriptedAnswerer:
    return ScriptedAnswerer()


@pytest.fixture
def desk(answerer: ScriptedAnswerer, conversations: Conversations) -> Desk:
    return Desk(answerer, conversations, Metrics())


async def test_an_answer_is_stored_and_remembered_as_a_turn(
    desk: Desk, answerer: ScriptedAnswerer
) -> None:
    first = await desk.ask("one", chat="web:1", channel="web")
    assert first.answer_id > 0
    await desk.ask("two", chat="web:1", channel="web")
    assert answerer.histories[-1] == [Turn("one", "re: one")]


async def test_whoever_writes_more_than_is_read_is_told_so(desk: Desk) -> None:
    assert (await desk.ask("a" * 2000, chat="web:1", channel="web")).text == f"re: {'a' * 2000}"
    answer = await desk.ask("a" * 2001, chat="web:1", channel="web")
    assert "I have read only the first 2000 characters of your message." in answer.text


async def test_messages_of_one_chat_are_answered_in_order_and_others_do_not_wait(
    desk: Desk, answerer: ScriptedAnswerer
) -> None:
    answerer.gates["slow"] = asyncio.Event()
    slow = asyncio.create_task(desk.ask("slow", chat="web:1", channel="web"))
    behind = asyncio.create_task(desk.ask("behind", chat="web:1", channel="web"))
    assert (await desk.ask("other", chat="web:2", channel="web")).text == "re: other"
    assert "behind" not in answerer.asked
    answerer.gates["slow"].set()
    await asyncio.gather(slow, behind)
    assert answerer.asked.index("slow") < answerer.asked.index("behind")


@pytest.mark.parametrize(
    "trouble", [IndexDamaged("gone"), OSError(24, "gone"), RuntimeError("no 'secret words' gone")]
)
async def test_trouble_of_ours_becomes_an_answer_that_offers_a_person(
    desk: Desk,
    answerer: ScriptedAnswerer,
    caplog: pytest.LogCaptureFixture,
    trouble: Exception,
) -> None:
    answerer.trouble = trouble
    answer = await desk.ask("secret words", chat="web:1", channel="web")
    assert answer.kind == "unknown"
    assert "gone" not in answer.text
    assert "A message of 12 characters was not answered" in caplog.text
    assert "secret words" not in caplog.text


async def test_a_database_that_is_damaged_while_running_stops_no_answer(
    desk: Desk,
    database: Database,
    conversations: Conversations,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await desk.ask("one", chat="web:1", channel="web")
    database.engine.dispose()  # with nothing left in its log
    (tmp_path / "answerdesk.db").write_bytes(b"nothing of a database" * 500)
    answer = await desk.ask("two", chat="web:1", channel="web")
    assert (answer.text, answer.answer_id) == ("re: two", 0)
    assert conversations.trouble.startswith("1 answers are not recorded yet: The database is dama")
    monkeypatch.setattr("db.conversations._KEPT", 1)
    await desk.ask("three", chat="web:1", channel="web")
    assert conversations.trouble.startswith("1 answers are not recorded yet, and 1 older ones nev")


async def test_who_asks_is_known_to_queues_by_a_mark_that_names_nobody(
    desk: Desk, answerer: ScriptedAnswerer
) -> None:
    await desk.ask("one", chat="telegram:4711000111", channel="telegram")
    await desk.ask("two", chat="telegram:4711000111", channel="telegram")
    await desk.ask("three", chat="web:new", channel="web", asker="192.0.2.7")
    await desk.ask("four", chat="web:newer", channel="web", asker="192.0.2.7")
    first, second, third, fourth = answerer.askers
    assert (first, third) == (second, fourth)
    assert first != third
    assert all(len(mark) == 16 and "4711000111" not in mark for mark in answerer.askers)
    assert asker() == ""


async def test_an_evaluation_leaves_no_trace(desk: Desk, conversations: Conversations) -> None:
    answer = await desk.ask("?", chat="eval", channel="eval")
    assert answer.answer_id == 0
    assert await conversations.counts() == {}


async def test_a_question_without_answer_is_kept_for_the_operators(
    desk: Desk, conversations: Conversations
) -> None:
    await desk.ask("?kayaks", chat="web:1", channel="web")
    assert [q.question for q in await conversations.open_questions()] == ["?kayaks"]


class OrderLookup:
    """Answers messages that have a number in them."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.forgotten: list[str] = []

    async def answer(self, message: str, *, chat: str, language_code: str = "") -> Answer | None:
        self.asked.append((chat, message))
        if not any(c.isdigit() for c in message):
            return None
        kind = "unknown" if "0000" in message else "lookup"
        return Answer(kind, "secret date", "en", intent="lookup")  # type: ignore[arg-type]

    def forget(self, chat: str) -> None:
        self.forgotten.append(chat)


async def test_a_lookup_goes_first_and_leaves_the_rest_to_the_knowledge_base(
    answerer: ScriptedAnswerer, conversations: Conversations
) -> None:
    lookups = OrderLookup()
    desk = Desk(answerer, conversations, Metrics(), lookups)
    assert (await desk.ask("order 4711", chat="web:1", channel="web")).text == "secret date"
    assert (await desk.ask("one", chat="web:1", channel="web")).text == "re: one"
    assert answerer.asked == ["one"]
    assert lookups.asked == [("web:1", "order 4711"), ("web:1", "one")]


async def test_what_was_looked_up_is_no_context_of_later_questions_and_no_open_question(
    answerer: ScriptedAnswerer, conversations: Conversations
) -> None:
    desk = Desk(answerer, conversations, Metrics(), OrderLookup())
    for message in ("order 4711", "order 0000", "one"):
        await desk.ask(message, chat="web:1", channel="web")
    assert answerer.histories == [[]]
    assert await conversations.open_questions() == []
    assert await conversations.most_asked(since=0, limit=9) == [("one", 1, 3)]


async def test_an_erased_conversation_is_erased_in_lookups_too(
    answerer: ScriptedAnswerer, conversations: Conversations
) -> None:
    lookups = OrderLookup()
    desk = Desk(answerer, conversations, Metrics(), lookups)
    await desk.ask("order 4711", chat="web:1", channel="web")
    assert await desk.forget("web:1") == 1
    assert lookups.forgotten == ["web:1"]


async def test_an_evaluation_looks_nothing_up(
    answerer: ScriptedAnswerer, conversations: Conversations
) -> None:
    lookups = OrderLookup()
    desk = Desk(answerer, conversations, Metrics(), lookups)
    await desk.ask("order 4711", chat="eval", channel="eval")
    assert lookups.asked == []


async def test_a_held_answer_is_recorded_with_its_draft_and_given_without(
    desk: Desk, answerer: ScriptedAnswerer, database: Database
) -> None:
    source = Source("c1", "hours.md", "", "", "At nine.", 0.9, "")
    answerer.held = Answer(
        "held", "Wait.", "en", sources=(source,), draft=Draft("At nine.", "hours.md", "")
    )
    answer = await desk.ask("When?", chat="widget:1", channel="widget")
    assert answer == Answer(
        "held", "Wait.", "en", timings_ms=answer.timings_ms, answer_id=answer.answer_id
    )
    (waiting,) = await Drafts(database).waiting("widget:1")
    assert (waiting.answer_id, waiting.text) == (answer.answer_id, "At nine.")
    async with session_of(database) as session:
        row = await session.get(AnswerRow, answer.answer_id)
    assert row is not None
    assert row.chunk_ids == ["c1"]
