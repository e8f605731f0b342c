"""Ask the service a question every minute: it is well if a customer would be answered."""

import asyncio
import logging
import secrets
import time
from collections.abc import Awaitable, Callable

from core.health import Check
from core.metrics import Metrics
from core.types import Answer

logger = logging.getLogger(__name__)

EVERY_S = 60.0
_DEADLINE_S = 15.0
"""A customer is answered, or told that it cannot be done, within this time."""
_STALE_S = 3 * EVERY_S
"""A result older than this says nothing about now."""


def question() -> str:
    """Return a question that no customer asked and that no cache knows."""
    return f"Where can I read about the order with the number {secrets.randbelow(10**9)}?"


class SelfCheck:
    """Asks through everything that a customer's question goes through, but for the record."""

    def __init__(
        self,
        answer: Callable[[str], Awaitable[Answer]],
        metrics: Metrics,
        *,
        deadline_s: float = _DEADLINE_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`answer` raises if the question cannot be answered; "I don't know" is an answer."""
        self._answer = answer
        self._deadline_s = deadline_s
        self._clock = clock
        self._asked_at = 0.0
        self._took_s = 0.0
        self._error: str | None = None
        """Empty if the last question was answered, `None` before the first."""
        metrics.watch_check(self.result)

    async def run(self) -> None:
        """Ask until cancelled."""
        while True:
            await self.ask()
            await asyncio.sleep(EVERY_S)

    async def ask(self) -> None:
        """Ask once and keep the result, whatever goes wrong."""
        started = self._clock()
        error = ""
        try:
            async with asyncio.timeout(self._deadline_s):
                await self._answer(question())
        except TimeoutError:
            error = f"no answer within {self._deadline_s:g} s"
        except Exception as raised:
            logger.exception("The service's question to itself failed")
            error = str(raised) or type(raised).__name__
        self._asked_at, self._took_s, self._error = self._clock(), self._clock() - started, error

    def result(self) -> Check | None:
        """Return how the last question went; `None` before the first."""
        if self._error is None:
            return None
        age_s = self._clock() - self._asked_at
        error = self._error
        if not error and age_s > _STALE_S:
            error = f"no question was asked for {age_s:.0f} s"
        return Check(error=error, age_s=age_s, took_s=self._took_s)
