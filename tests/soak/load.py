"""Target 21: many customers at a steady rate, answered from the FAQ of the demo shop.

python -m tests.soak.load --chats 200 --rate 20 --seconds 600

The service is the real one with the real embedder and without a generator: entries and passages
are given word for word. A customer's time runs from the update's arrival at the loopback server to
the arrival of the reply there. ``--flood 50``: one more customer writes so many messages a second.
"""

import argparse
import asyncio
import csv
import itertools
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import psutil

from bot.transport.limiter import PRIVATE_SPACING_S
from db.base import Database, create_engine, database_url
from db.conversations import Conversations
from tests.botapi import BotApi, Person
from tests.soak.service import PROJECT, running

_LAST_REPLY_S = 120.0
_REST_S = PRIVATE_SPACING_S
"""A customer's pause after a reply: a second message within it would wait for Telegram's limit."""


@dataclass(frozen=True, slots=True)
class LoadReport:
    """What the customers saw, and what it cost."""

    chats: int
    asked: int
    lost: int
    not_asked: int
    """Because every customer was still waiting for a reply."""
    p50_s: float
    p95_s: float
    p99_s: float
    seconds: float
    memory_mb: tuple[float, ...]
    """Of the service's own process, at the end of each tenth of the run."""
    children_mb: tuple[float, ...]
    """Of the model processes."""
    open_files: tuple[int, ...]
    answers: dict[str, int]
    """By kind."""


class Load:
    """Customers who each wait for the reply before they ask again."""

    def __init__(self, telegram: BotApi, *, chats: int, seed: int) -> None:
        self._idle = [telegram.person(f"P{n}") for n in range(chats)]
        self._pest = telegram.person("Pest")
        self._telegram = telegram
        self._questions = _demo_questions()
        self._random = random.Random(seed)
        self.times: list[float] = []
        self.lost = 0
        self.not_asked = 0

    async def go(self, *, rate: float, seconds: float, every_tenth: "Usage") -> None:
        """Ask `rate` questions a second, then wait for the last replies."""
        begin = time.monotonic()
        asked: set[asyncio.Task[None]] = set()
        for number in range(int(rate * seconds)):
            await asyncio.sleep(max(0.0, begin + number / rate - time.monotonic()))
            if not self._idle:  # all are waiting: they are slower than the rate
                self.not_asked += 1
                continue
            person = self._idle.pop(self._random.randrange(len(self._idle)))
            task = asyncio.create_task(self._ask(person))
            asked.add(task)
            task.add_done_callback(asked.discard)
            if number % max(1, int(rate * seconds / 10)) == 0:
                every_tenth.note()
                self._telegram.calls.clear()  # the test's own memory
        await asyncio.gather(*asked)

    async def flood(self, *, rate: float) -> None:
        """Write without pause as one more customer, until cancelled; their replies do not count."""
        begin = time.monotonic()
        for number in itertools.count():
            await asyncio.sleep(max(0.0, begin + number / rate - time.monotonic()))
            self._pest.say(self._questions[number % len(self._questions)])

    async def _ask(self, person: Person) -> None:
        started = time.monotonic()
        person.say(self._random.choice(self._questions))
        try:
            async with asyncio.timeout(_LAST_REPLY_S):
                await self._telegram.inbox(person.chat_id).get()
        except TimeoutError:
            self.lost += 1
        else:
            self.times.append(time.monotonic() - started)
            asyncio.get_running_loop().call_later(_REST_S, self._idle.append, person)


class Usage:
    """Memory and open files over time."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self.memory_mb: list[float] = []
        self.children_mb: list[float] = []
        self.open_files: list[int] = []

    def note(self) -> None:
        """Read them now."""
        children = self._process.children(recursive=True)
        self.memory_mb.append(round(self._process.memory_info().rss / 1e6, 1))
        self.children_mb.append(round(sum(c.memory_info().rss for c in children) / 1e6, 1))
        self.open_files.append(self._process.num_fds())


def _demo_questions() -> Sequence[str]:
    with (PROJECT / "demo" / "faq.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    variants = [variant.strip() for row in rows for variant in row["variants"].split("|")]
    # Whole questions: after a few words without an end, the bot waits 1.5 s for more.
    return [variant.rstrip("?.!") + "?" for variant in variants if variant]


async def _kinds() -> dict[str, int]:
    database = Database(create_engine(database_url("", Path(os.environ["ANSWERDESK_DATA"]))))
    try:
        return await Conversations(database).counts()
    finally:
        await database.close()


async def run(*, chats: int, rate: float, seconds: float, flood: float, seed: int) -> LoadReport:
    """Start the service, ask, and measure."""
    async with BotApi() as telegram, running(telegram) as process:
        telegram.world.update_ids = itertools.count(int(time.time()))
        load, usage = Load(telegram, chats=chats, seed=seed), Usage(process.pid)
        started = time.monotonic()
        pest = asyncio.create_task(load.flood(rate=flood)) if flood else None
        await load.go(rate=rate, seconds=seconds, every_tenth=usage)
        if pest:
            pest.cancel()
        usage.note()
        times = np.asarray(load.times or [float("nan")])
        return LoadReport(
            chats=chats,
            asked=int(rate * seconds),
            lost=load.lost,
            not_asked=load.not_asked,
            p50_s=round(float(np.quantile(times, 0.5)), 3),
            p95_s=round(float(np.quantile(times, 0.95)), 3),
            p99_s=round(float(np.quantile(times, 0.99)), 3),
            seconds=round(time.monotonic() - started, 1),
            memory_mb=tuple(usage.memory_mb),
            children_mb=tuple(usage.children_mb),
            open_files=tuple(usage.open_files),
            answers=await _kinds(),
        )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run and print one line; 1 if a question was lost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chats", type=int, default=200)
    parser.add_argument("--rate", type=float, default=20.0, help="questions a second")
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--flood", type=float, default=0.0, help="messages a second of one more")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    models = Path(os.environ.get("ANSWERDESK_DATA", PROJECT / "data")).absolute() / "models"
    with tempfile.TemporaryDirectory(prefix="answerdesk-load-") as folder:
        (Path(folder) / "models").symlink_to(models)
        os.environ["ANSWERDESK_DATA"] = folder
        os.environ["ANSWERDESK__MODELS__GENERATOR"] = "off"
        report = asyncio.run(run(**vars(options)))
    sys.stdout.write(json.dumps(asdict(report)) + "\n")
    return int(report.lost + report.not_asked > 0)


if __name__ == "__main__":
    sys.exit(main())
