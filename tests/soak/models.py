"""Target 18: a model's process is killed, stopped and kept from starting while customers ask.

python -m tests.soak.models --harms 100 [--folder F --piece 20]
"""

import asyncio
import itertools
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from core.errors import ModelError
from models.embedder import WorkerEmbedder
from models.workers.contract import Limits
from tests.soak import pieces

TOLD_S = 15.0
"""A customer is answered, or told that it cannot be done, within this time."""
_RETURN_S = 30.0
"""For a process to be started and its model loaded, beside other work."""
_ASKERS = 4
HARMS = ("kill", "abort", "hang", "no spawn")


@dataclass(slots=True)
class Harmed(pieces.Found):
    """What became of the questions."""

    answered: int = 0
    told: int = 0
    """Questions that got an error of ours in time."""
    late: int = 0
    lost: int = 0
    """Questions that ended in an error of another kind."""
    slowest_s: float = 0.0
    longest_return_s: float = 0.0
    """From the harm until a question was answered again."""
    breaker: int = 0
    """How often the model was left alone for a while."""

    @property
    def broken(self) -> bool:
        """Tell whether a promise was broken."""
        return bool(self.late or self.lost) or self.longest_return_s > _RETURN_S


@asynccontextmanager
async def asking(embedder: WorkerEmbedder, found: Harmed) -> AsyncIterator[None]:
    """Let customers ask without pause; each question is another one."""
    numbers = itertools.count()

    async def ask() -> None:
        while True:
            started = time.monotonic()
            try:
                await embedder.embed_query(f"question {next(numbers)}")
                found.answered += 1
            except ModelError:
                found.told += 1
                await asyncio.sleep(0.02)
            except Exception:  # noqa: BLE001 - it is counted
                found.lost += 1
            seconds = time.monotonic() - started
            found.slowest_s = round(max(found.slowest_s, seconds), 2)
            found.late += seconds > TOLD_S

    tasks = [asyncio.create_task(ask()) for _ in range(_ASKERS)]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def harm(embedder: WorkerEmbedder, how: str, found: Harmed) -> None:
    """Do one harm, and wait until a question is answered again."""
    started = time.monotonic()
    restarts, interpreter = embedder.state.restarts, sys.executable
    fails = 2 if how == "no spawn" else 1
    if how == "no spawn":
        sys.executable = "/nowhere/python"
    sent = {"abort": signal.SIGABRT, "hang": signal.SIGSTOP}.get(how, signal.SIGKILL)
    os.kill(embedder.state.pid, sent)
    async with asyncio.timeout(_RETURN_S):
        while embedder.state.restarts < restarts + fails:  # noqa: ASYNC110 - looked at from outside
            await asyncio.sleep(0.01)
        found.breaker += embedder.state.status == "down"
        sys.executable = interpreter
        while embedder.state.status != "ready":  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        await embedder.embed_query(f"after {how} {started}")
    found.longest_return_s = round(max(found.longest_return_s, time.monotonic() - started), 2)


def made_of(make: Callable[[], WorkerEmbedder]) -> pieces.Run[Harmed]:
    """Return the run with an embedder."""

    async def run(folder: Path, numbers: range, seed: int, found: Harmed) -> AsyncIterator[None]:
        embedder = make()
        try:
            await embedder.start()
            async with asking(embedder, found):
                for number in numbers:
                    await harm(embedder, HARMS[number % len(HARMS)], found)
                    yield
        finally:
            await embedder.close()

    return run


def _real() -> WorkerEmbedder:
    from models.factory import make_embedder

    embedder = make_embedder("multilingual-e5-small", Path("data"))
    assert isinstance(embedder, WorkerEmbedder)
    # The pause of a minute after three crashes would make an hour of a hundred harms.
    embedder._worker._limits = Limits(max_waiting=64, concurrency=2, down_s=2)
    return embedder


def main(arguments: list[str] | None = None) -> int:
    """Run, print one line of figures, return 1 if a promise was broken."""
    return pieces.main(
        made_of(_real), Harmed(), name="models", steps="harms", total=100, arguments=arguments
    )


if __name__ == "__main__":
    sys.exit(main())
