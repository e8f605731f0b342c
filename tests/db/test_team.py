"""Codes that make operators, and what an operator's next message is for."""

import pytest
from sqlalchemy import func, select

from db.base import Database
from db.operators import CODE_LIFE_S, MAX_FAILURES, OperatorCodeRow, Operators
from db.pending_inputs import LIFE_S, PendingInput, PendingInputs, Writer
from tests.database import session_of

pytestmark = pytest.mark.anyio

EVA = Writer(user_id=7, chat_id=-100, thread_id=3)
OTHERS = [Writer(8, -100, 3), Writer(7, -200, 3), Writer(7, -100, 4)]


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def time(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    stopped = Clock()
    monkeypatch.setattr("db.operators.time", stopped)
    monkeypatch.setattr("db.pending_inputs.time", stopped)
    return stopped


@pytest.fixture
def operators(database: Database) -> Operators:
    return Operators(database)


@pytest.fixture
def pending(database: Database) -> PendingInputs:
    return PendingInputs(database)


async def codes(database: Database) -> int:
    async with session_of(database) as session:
        return await session.scalar(select(func.count()).select_from(OperatorCodeRow)) or 0


async def test_a_code_works_once_and_for_an_hour(operators: Operators, clock: Clock) -> None:
    code, late = await operators.new_code("editor"), await operators.new_code("agent")
    clock.now += CODE_LIFE_S
    assert await operators.redeem(code, user_id=7, name="Eva") == "editor"
    assert await operators.redeem(code, user_id=8, name="Ben") is None
    clock.now += 1
    assert await operators.redeem(late, user_id=8, name="Ben") is None
    assert [(one.user_id, one.role) for one in await operators.list()] == [(7, "editor")]


async def test_a_new_code_leaves_those_that_hold_and_deletes_those_that_do_not(
    database: Database, operators: Operators, clock: Clock
) -> None:
    await operators.new_code("agent")
    clock.now += CODE_LIFE_S / 2
    kept = await operators.new_code("editor")
    assert await codes(database) == 2
    clock.now += CODE_LIFE_S / 2 + 1
    await operators.new_code("agent")
    assert await codes(database) == 2
    assert await operators.redeem(kept, user_id=7, name="Eva") == "editor"


async def test_after_some_wrong_codes_the_right_one_is_refused_for_an_hour(
    operators: Operators, clock: Clock
) -> None:
    for number in range(MAX_FAILURES):
        assert await operators.redeem(f"guess {number}", user_id=7, name="Eve") is None
    code = await operators.new_code("owner")
    assert await operators.redeem(code, user_id=7, name="Eve") is None
    assert await operators.redeem(code, user_id=8, name="Ben") == "owner"
    clock.now += CODE_LIFE_S
    code = await operators.new_code("agent")
    assert await operators.redeem(code, user_id=7, name="Eve") == "agent"


async def test_what_is_awaited_is_of_one_person_in_one_topic(pending: PendingInputs) -> None:
    for number, writer in enumerate([EVA, *OTHERS]):
        await pending.expect(writer, PendingInput("draft", number))
    await pending.drop(EVA)
    assert await pending.find(EVA, update_id=1) is None
    for number, writer in enumerate(OTHERS, 1):
        assert await pending.find(writer, update_id=1) == PendingInput("draft", number)


async def test_an_awaited_message_is_used_by_one_update(pending: PendingInputs) -> None:
    await pending.expect(EVA, PendingInput("draft", 5))
    await pending.use(EVA, update_id=11)
    assert await pending.find(EVA, update_id=11) == PendingInput("draft", 5)
    assert await pending.find(EVA, update_id=12) is None


async def test_what_was_asked_for_an_hour_ago_is_not_awaited(
    pending: PendingInputs, clock: Clock
) -> None:
    await pending.expect(EVA, PendingInput("draft", 5))
    clock.now += LIFE_S
    assert await pending.find(EVA, update_id=1) == PendingInput("draft", 5)
    clock.now += 1
    assert await pending.find(EVA, update_id=1) is None


async def test_who_is_forgotten_is_awaited_by_nobody(pending: PendingInputs) -> None:
    await pending.expect(EVA, PendingInput("draft", 55))
    await pending.expect(OTHERS[0], PendingInput("draft", 66))
    await pending.expect(Writer(55, 55), PendingInput("name", 0))
    await pending.forget(55)
    assert await pending.find(EVA, update_id=1) is None
    assert await pending.find(Writer(55, 55), update_id=1) is None
    assert await pending.find(OTHERS[0], update_id=1) == PendingInput("draft", 66)
