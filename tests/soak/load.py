"""Target 21: many customers at a steady rate, answered from the FAQ of the demo shop.

python -m tests.soak.load --chats 200 --rate 20 --seconds 600

The service is the real one with the real embedder and without a generator: entries and passages
are given word for word. A customer's time runs from the update's arrival at the loopback server to
the arrival of the reply there. ``--flood 50``: one more customer writes so many messages a second.
``--burst 500``: in the middle so many more customers ask within a second. ``--ingest 10000``: so
many entries are taken in meanwhile by ``answerdesk ingest``.
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
import pytest

from bot.transport.limiter import PRIVATE_SPACING_S
from db.base import Database, create_engine, database_url
from db.conversations import Conversations
from tests.botapi import BotApi, Person
from tests.soak.service import PROJECT, own_data, running

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
    processor_ms: float
    """Of the service's own process, a question that had a reply."""
    answers: dict[str, int]
    """By kind."""
    burst_s: tuple[float, ...]
    """After which half, 95 of 100 and all of those who came at once had a reply."""
    ingest_s: float
    ingest_p95_s: float
    """Of the questions that were asked while the file was taken in."""


class Load:
    """Customers who each wait for the reply before they ask again."""

    def __init__(self, telegram: BotApi, *, chats: int, seed: int) -> None:
        self._idle = [telegram.person(f"P{n}") for n in range(chats)]
        self._pest = telegram.person("Pest")
        self._telegram = telegram
        self._questions = _demo_questions()
        self._random = random.Random(seed)
        self.times: list[tuple[float, float]] = []
        """When a question was asked, and how long it took."""
        self.burst_times: list[float] = []
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

    async def burst(self, people: int, *, after: float) -> None:
        """Let so many customers ask within a second, and wait for their replies."""
        await asyncio.sleep(after)
        strangers = [self._telegram.person(f"B{n}") for n in range(people)]
        started = time.monotonic()
        replies = []
        for number, person in enumerate(strangers):
            await asyncio.sleep(max(0.0, started + number / people - time.monotonic()))
            replies.append(asyncio.create_task(self._reply_to(person)))
        self.burst_times = [took for took in await asyncio.gather(*replies) if took]

    async def _ask(self, person: Person) -> None:
        started = time.monotonic()
        if took := await self._reply_to(person):
            self.times.append((started, took))
            asyncio.get_running_loop().call_later(_REST_S, self._idle.append, person)

    async def _reply_to(self, person: Person) -> float:
        """Let somebody ask; return the seconds until the reply, 0 if none comes."""
        started = time.monotonic()
        person.say(self._random.choice(self._questions))
        try:
            async with asyncio.timeout(_LAST_REPLY_S):
                await self._telegram.inbox(person.chat_id).get()
        except TimeoutError:
            self.lost += 1
            return 0.0
        return time.monotonic() - started


class Usage:
    """Memory and open files over time."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self.memory_mb: list[float] = []
        self.children_mb: list[float] = []
        self.open_files: list[int] = []
        self._begun_s = self._used_s()

    def processor_s(self) -> float:
        """Return what the process alone has used of a processor since this was made."""
        return self._used_s() - self._begun_s

    def _used_s(self) -> float:
        used = self._process.cpu_times()
        return float(used.user + used.system)

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


async def _ingest(rows: int, *, after: float) -> tuple[float, float]:
    """Take in a file of so many entries beside the service; return when it began and ended."""
    if not rows:
        return 0.0, 0.0
    await asyncio.sleep(after)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "parts.csv"
        entries = [f"What does part {n} cost?,Part {n} costs EUR {n}.00.\n" for n in range(rows)]
        await asyncio.to_thread(file.write_text, "question,answer\n" + "".join(entries), "utf-8")
        started = time.monotonic()
        command = (sys.executable, "-m", "app", "ingest", str(file))
        child = await asyncio.create_subprocess_exec(*command, cwd=PROJECT, stdout=sys.stderr)
        if await child.wait():
            raise RuntimeError("the ingest failed")
    return started, time.monotonic()


def _quantile(times: Sequence[float], part: float) -> float:
    return round(float(np.quantile(times or [0.0], part)), 3)


async def run(
    *,
    chats: int,
    rate: float,
    seconds: float,
    flood: float,
    burst: int,
    ingest: int,
    seed: int,
) -> LoadReport:
    """Start the service, ask, and measure."""
    async with BotApi() as telegram, running(telegram) as served:
        telegram.world.update_ids = itertools.count(int(time.time()))
        load, usage = Load(telegram, chats=chats, seed=seed), Usage(served.process.pid)
        started = time.monotonic()
        pest = asyncio.create_task(load.flood(rate=flood)) if flood else None
        _, _, (began, ended) = await asyncio.gather(
            load.go(rate=rate, seconds=seconds, every_tenth=usage),
            load.burst(burst, after=seconds / 2),
            _ingest(ingest, after=seconds / 10),
        )
        if pest:
            pest.cancel()
        usage.note()
        times = [took for _, took in load.times]
        return LoadReport(
            chats=chats,
            asked=int(rate * seconds),
            lost=load.lost,
            not_asked=load.not_asked,
            p50_s=_quantile(times, 0.5),
            p95_s=_quantile(times, 0.95),
            p99_s=_quantile(times, 0.99),
            seconds=round(time.monotonic() - started, 1),
            memory_mb=tuple(usage.memory_mb),
            children_mb=tuple(usage.children_mb),
            open_files=tuple(usage.open_files),
            processor_ms=round(1000 * usage.processor_s() / max(1, len(load.times)), 1),
            answers=await _kinds(),
            burst_s=tuple(_quantile(load.burst_times, part) for part in (0.5, 0.95, 1) if burst),
            ingest_s=round(ended - began, 1),
            ingest_p95_s=_quantile([s for at, s in load.times if began <= at <= ended], 0.95),
        )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run and print one line; 1 if a question was lost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chats", type=int, default=200)
    parser.add_argument("--rate", type=float, default=20.0, help="questions a second")
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--flood", type=float, default=0.0, help="messages a second of one more")
    parser.add_argument("--burst", type=int, default=500, help="customers who come at once")
    parser.add_argument("--ingest", type=int, default=10_000, help="entries taken in meanwhile")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    with own_data(), pytest.MonkeyPatch.context() as patch:
        patch.setenv("ANSWERDESK__MODELS__GENERATOR", "off")
        report = asyncio.run(run(**vars(options)))
    sys.stdout.write(json.dumps(asdict(report)) + "\n")
    return int(report.lost + report.not_asked > 0)


if __name__ == "__main__":
    sys.exit(main())
