"""How often Telegram is called."""

import asyncio
import datetime as dtm
from typing import Any

import pytest
from telegram.error import RetryAfter

from bot.transport.errors import Stopping
from bot.transport.limiter import GROUP_SPACING_S, PRIVATE_SPACING_S, ChatRateLimiter, Priority
from bot.transport.shutdown import Shutdown

pytestmark = pytest.mark.anyio

ANA, BEN, GROUP = 11, 12, -100


class HandClock(Shutdown):
    """Time goes on only when everybody waits, and then at once to the earliest end."""

    def __init__(self) -> None:
        super().__init__()
        self.time = 0.0
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []

    def now(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        if self._stopping.is_set():
            raise Stopping
        wake: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sleepers.append((self.time + seconds, wake))
        await wake

    async def run(self, *work: Any) -> None:
        """Run tasks to their end, moving time forward whenever nothing else is left to do."""
        tasks = [asyncio.ensure_future(one) for one in work]
        while not all(task.done() for task in tasks):
            for _ in range(20):
                await asyncio.sleep(0)
            self._sleepers.sort(key=lambda sleeper: sleeper[0])
            if self._sleepers and not all(task.done() for task in tasks):
                self.time, wake = self._sleepers.pop(0)
                if not wake.done():
                    wake.set_result(None)
        await asyncio.gather(*tasks)


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


class Sends:
    """Calls through a limiter, with the time of each."""

    def __init__(self, clock: HandClock) -> None:
        self.clock = clock
        self.limiter = ChatRateLimiter(clock)
        self.log: list[tuple[int, str, float]] = []
        self.refusals: dict[int, list[int]] = {}
        self.slow: list[float] = []
        """Seconds that the next calls take to leave."""

    async def call(
        self,
        chat: int,
        name: str = "",
        *,
        endpoint: str = "sendMessage",
        how: Priority | None = None,
    ) -> Any:
        async def callback() -> bool:
            if self.slow:
                await self.clock.sleep(self.slow.pop(0))
            self.log.append((chat, name, self.clock.now()))
            if self.refusals.get(chat):
                raise RetryAfter(dtm.timedelta(seconds=self.refusals[chat].pop(0)))
            return True

        return await self.limiter.process_request(
            callback, (), {}, endpoint, {"chat_id": chat}, how
        )

    def times(self, chat: int) -> list[float]:
        return [round(at, 1) for who, _, at in self.log if who == chat]


@pytest.fixture
def sends(clock: HandClock) -> Sends:
    return Sends(clock)


async def test_a_private_chat_gets_one_message_a_second(clock: HandClock, sends: Sends) -> None:
    await clock.run(*(sends.call(ANA, str(n)) for n in range(4)))
    assert sends.times(ANA) == [n * PRIVATE_SPACING_S for n in range(4)]
    assert [name for _, name, _ in sends.log] == ["0", "1", "2", "3"]


async def test_a_message_that_leaves_late_makes_the_next_one_wait(
    clock: HandClock, sends: Sends
) -> None:
    sends.slow = [0.4]
    await clock.run(sends.call(ANA), sends.call(ANA))
    assert sends.times(ANA) == [0.4, 0.4 + PRIVATE_SPACING_S]


async def test_what_may_be_left_out_makes_the_next_one_wait_once_it_has_left(
    clock: HandClock, sends: Sends
) -> None:
    sends.slow = [0.4]
    may = sends.call(ANA, "edit", endpoint="editMessageText", how="may")
    await clock.run(may, sends.call(ANA, "message"))
    assert [name for _, name, _ in sends.log] == ["edit", "message"]
    assert sends.times(ANA) == [0.4, 0.4 + PRIVATE_SPACING_S]


async def test_a_message_does_not_wait_for_typing(clock: HandClock, sends: Sends) -> None:
    sends.slow = [0.4]
    await clock.run(sends.call(ANA, "typing", endpoint="sendChatAction"), sends.call(ANA))
    assert sends.times(ANA) == [0.0, 0.4]


async def test_a_group_gets_twenty_a_minute_after_a_short_burst(
    clock: HandClock, sends: Sends
) -> None:
    await clock.run(*(sends.call(GROUP) for _ in range(8)))
    assert sends.times(GROUP) == [0, 0, 0, 0, 0, *(GROUP_SPACING_S * n for n in (1, 2, 3))]


async def test_edits_and_topics_count_in_a_group(clock: HandClock, sends: Sends) -> None:
    calls = ["sendMessage", "editMessageText", "createForumTopic", "copyMessage", "sendMessage"]
    await clock.run(*(sends.call(GROUP, endpoint=e) for e in [*calls, "sendMessage"]))
    assert sends.times(GROUP)[-1] == GROUP_SPACING_S


async def test_no_call_into_a_chat_before_its_retry_after(clock: HandClock, sends: Sends) -> None:
    sends.refusals[ANA] = [30]
    await clock.run(sends.call(ANA, "a"), sends.call(ANA, "b"), sends.call(BEN))
    assert sends.times(BEN) == [0]
    first, again, second = sends.times(ANA)
    assert first == 0
    assert 30 <= again < 31
    assert second >= again
    assert [n for who, n, _ in sends.log if who == ANA] == ["a", "a", "b"]


async def test_what_matters_first_overtakes_what_waits(clock: HandClock, sends: Sends) -> None:
    await clock.run(
        *(sends.call(GROUP, str(n)) for n in range(7)), sends.call(GROUP, "urgent", how="first")
    )
    names = [name for _, name, _ in sends.log]
    assert names.index("urgent") < names.index("6")


async def test_what_may_be_left_out_is_when_there_is_no_budget(
    clock: HandClock, sends: Sends
) -> None:
    await clock.run(sends.call(ANA, "a"))
    assert await sends.call(ANA, "edit", endpoint="editMessageText", how="may") is True
    assert [name for _, name, _ in sends.log] == ["a"]


async def test_typing_is_not_shown_in_a_chat_that_has_to_wait(
    clock: HandClock, sends: Sends
) -> None:
    sends.refusals[ANA] = [30]
    await sends.call(ANA, endpoint="sendChatAction")
    await sends.call(ANA, endpoint="sendChatAction")
    assert len(sends.log) == 1


async def test_a_call_that_was_given_up_does_not_block_its_chat(
    clock: HandClock, sends: Sends
) -> None:
    sends.refusals[ANA] = [30]
    first = asyncio.ensure_future(sends.call(ANA, "a"))
    second = asyncio.ensure_future(sends.call(ANA, "b"))
    await asyncio.sleep(0)
    first.cancel()
    await clock.run(asyncio.gather(first, return_exceptions=True), second)
    assert [name for _, name, _ in sends.log] == ["a", "b"]
    assert sends.times(ANA)[1] >= 30
