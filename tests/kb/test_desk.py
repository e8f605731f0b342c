import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from core.errors import IndexDamaged
from core.metrics import Metrics
from core.types import Answer, Turn
from db.base import Base, Database, create_engine, database_url
from db.conversations import Conversations
from kb.desk import Desk

pytestmark = pytest.mark.anyio


class ScriptedAnswerer:
    """Answers after its gate opens, and remembers in which order it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.histories: list[list[Turn]] = []
        self.gates: dict[str, asyncio.Event] = {}
        self.trouble: Exception | None = None

    async def answer(self, message: str, *, history: Any = (), **_: Any) -> Answer:
        self.asked.append(message)
        self.histories.append(list(history))
        if message in self.gates:
            await self.gates[message].wait()
        if self.trouble:
            raise self.trouble
        kind = "unknown" if message.startswith("?") else "faq"
        return Answer(kind, f"re: {message}", "en")  # type: ignore[arg-type]


@pytest.fixture
async def conversations(tmp_path: Path) -> AsyncIterator[Conversations]:
    database = Database(create_engine(database_url("", tmp_path)))
    async with database.engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    yield Conversations(database)
    await database.close()


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


async def test_trouble_of_ours_becomes_an_answer_that_offers_a_person(
    desk: Desk, answerer: ScriptedAnswerer, caplog: pytest.LogCaptureFixture
) -> None:
    answerer.trouble = IndexDamaged("gone")
    answer = await desk.ask("secret words", chat="web:1", channel="web")
    assert answer.kind == "unknown"
    assert "gone" not in answer.text
    assert "secret words" not in caplog.text


async def test_an_evaluation_leaves_no_trace(desk: Desk, conversations: Conversations) -> None:
    answer = await desk.ask("?", chat="eval", channel="eval")
    assert answer.answer_id == 0
    assert await conversations.counts() == {}


async def test_a_question_without_answer_is_kept_for_the_operators(
    desk: Desk, conversations: Conversations
) -> None:
    await desk.ask("?kayaks", chat="web:1", channel="web")
    assert [q.question for q in await conversations.open_questions()] == ["?kayaks"]
