"""Health is what a customer would find: a question through the whole path, every minute."""

import asyncio

import pytest

from app.check import EVERY_S, SelfCheck, question
from core.errors import ModelUnavailable
from core.metrics import Metrics
from core.types import Answer
from kb.answering.intent import classify_turn

pytestmark = pytest.mark.anyio


class Service:
    """Answers, or does what it is told to."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.error: Exception | None = None
        self.hangs = False

    async def answer(self, text: str) -> Answer:
        self.asked.append(text)
        if self.hangs:
            await asyncio.Event().wait()
        if self.error is not None:
            raise self.error
        return Answer("unknown", "I don't know.", "en")


@pytest.fixture
def service() -> Service:
    return Service()


def reason(check: SelfCheck) -> str:
    result = check.result()
    assert result is not None
    return result.error


async def test_before_the_first_question_nothing_is_claimed(service: Service) -> None:
    assert SelfCheck(service.answer, Metrics()).result() is None


async def test_each_question_is_another_one_that_has_to_be_searched_for(service: Service) -> None:
    check = SelfCheck(service.answer, Metrics())
    for _ in range(3):
        await check.ask()
    assert reason(check) == ""
    assert len(set(service.asked)) == 3
    assert {classify_turn(asked) for asked in service.asked} == {"question"}


@pytest.mark.parametrize(
    "error",
    [ModelUnavailable("The model 'e5' is not ready: Too many open files."), KeyError("row")],
)
async def test_a_failure_of_any_kind_is_told_and_so_is_its_end(
    service: Service, error: Exception
) -> None:
    check = SelfCheck(service.answer, Metrics())
    service.error = error
    await check.ask()
    assert reason(check) == str(error)
    service.error = None
    await check.ask()
    assert reason(check) == ""


async def test_no_answer_in_time_is_a_failure(service: Service) -> None:
    check = SelfCheck(service.answer, Metrics(), deadline_s=0.01)
    service.hangs = True
    await check.ask()
    assert reason(check) == "no answer within 0.01 s"


async def test_an_old_result_counts_as_a_failure(service: Service) -> None:
    now = 100.0
    check = SelfCheck(service.answer, Metrics(), clock=lambda: now)
    await check.ask()
    now += 2 * EVERY_S
    assert reason(check) == ""
    now += 2 * EVERY_S
    assert reason(check) == "no question was asked for 240 s"


def test_the_question_names_nobody() -> None:
    assert question().startswith("Where can I read about the order with the number ")
