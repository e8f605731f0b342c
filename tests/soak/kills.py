"""Targets 1 and 2: kill the whole bot at random moments; count what was lost and what came twice.

python -m tests.soak.kills --messages 2000 --kills 25
"""

import argparse
import asyncio
import bisect
import itertools
import json
import random
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.botapi import TOKEN, BotApi, Person

REPEATED_SHARE = 0.1
"""Share of the updates that Telegram delivers a second time, later and out of order."""


@dataclass(frozen=True, slots=True)
class KillReport:
    """What became of the messages."""

    messages: int
    kills: int
    lost: int
    duplicates: int
    most_duplicates_by_one_kill: int
    out_of_order: int
    exit_code: int
    """Of the last process, ended by SIGTERM."""
    seconds: float


class Run:
    """Customers who ask, and a bot that dies."""

    def __init__(
        self, api: BotApi, data: Path, *, chats: int, seed: int, speed: float, slowest_s: float
    ) -> None:
        self._api = api
        self._data = data
        self._speed = speed
        self._slowest_s = slowest_s
        self._random = random.Random(seed)
        self._people = [api.person(f"P{n}") for n in range(chats)]
        self._asked: dict[int, list[str]] = {person.chat_id: [] for person in self._people}

    async def go(self, *, messages: int, kills: int, ask_over_s: float) -> KillReport:
        """Ask all questions while the bot is killed; then let it finish."""
        started = time.monotonic()
        asking = asyncio.create_task(self.ask(messages, over_s=ask_over_s))
        killed = []
        for _ in range(kills):
            process = await self.start()
            await asyncio.sleep(self._random.uniform(0.05, 2 * ask_over_s / max(kills, 1)))
            process.kill()
            await process.wait()
            killed.append(asyncio.get_running_loop().time())
        process = await self.start()
        await asking
        await self.finished(messages)
        process.terminate()
        exit_code = await process.wait()
        return KillReport(
            messages=messages,
            kills=kills,
            lost=messages - self.answered(),
            duplicates=self.duplicates(),
            most_duplicates_by_one_kill=self._most_by_one(killed),
            out_of_order=self._out_of_order(),
            exit_code=exit_code,
            seconds=round(time.monotonic() - started, 1),
        )

    async def ask(self, messages: int, *, over_s: float) -> None:
        """Ask in turn; some updates that were taken are delivered again."""
        for number in range(messages):
            person: Person = self._people[number % len(self._people)]
            text = f"question {number}?"
            self._asked[person.chat_id].append(text)
            update = person.say(text)
            confirmed = self._api.pushed.keys() - self._api.world.pending.keys() - {update}
            if confirmed and self._random.random() < REPEATED_SHARE:
                self._api.repeat(self._random.choice(sorted(confirmed)))
            await asyncio.sleep(over_s / messages)

    async def start(self) -> asyncio.subprocess.Process:
        """Start the bot and wait until it polls."""
        polls = len(self._api.called("getUpdates"))
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.soak.victim",
            self._api.base_url,
            TOKEN,
            str(self._data),
            f"--speed={self._speed}",
            f"--slowest-s={self._slowest_s}",
        )
        async with asyncio.timeout(120):
            while len(self._api.called("getUpdates")) == polls:
                assert process.returncode is None, f"the bot ended with {process.returncode}"
                await asyncio.sleep(0.02)
        return process

    async def finished(self, messages: int) -> None:
        """Wait until everything is answered, or nothing happens any more."""
        answered, since = -1, time.monotonic()
        while (now := self.answered()) < messages:
            if now != answered:
                answered, since = now, time.monotonic()
            if time.monotonic() - since > 60:
                return
            await asyncio.sleep(0.05)
        await asyncio.sleep(1.0)  # a late duplicate would come now

    def _replies(self, chat_id: int) -> Counter[str]:
        return Counter(text.removeprefix("echo: ") for text in self._api.sent_to(chat_id))

    def answered(self) -> int:
        """Count the questions that have a reply."""
        return sum(
            sum(1 for text in asked if self._replies_cached(chat)[text])
            for chat, asked in self._asked.items()
        )

    def _replies_cached(self, chat_id: int) -> Counter[str]:
        size = len(self._api.world.messages)
        if getattr(self, "_cache_size", -1) != size:
            self._cache_size, self._cache = size, {c: self._replies(c) for c in self._asked}
        return self._cache[chat_id]

    def duplicates(self) -> int:
        """Count replies beyond the first of a question."""
        return sum(
            max(0, self._replies_cached(chat)[text] - 1)
            for chat, asked in self._asked.items()
            for text in asked
        )

    def _most_by_one(self, killed: Sequence[float]) -> int:
        """Return the most second replies that one kill made.

        A reply is sent again because of the first kill after it was sent.
        """
        first: dict[tuple[int | None, str], float] = {}
        by_kill: Counter[int] = Counter()
        for call in self._api.called("sendMessage"):
            reply = (call.chat_id, call.params.get("text", ""))
            if call.run and first.setdefault(reply, call.at) != call.at:
                by_kill[bisect.bisect(killed, first[reply])] += 1
        return max(by_kill.values(), default=0)

    def _out_of_order(self) -> int:
        wrong = 0
        for chat in self._asked:
            numbers = [
                int(found[0])
                for text in dict.fromkeys(self._api.sent_to(chat))
                if (found := re.findall(r"question (\d+)\?", text))
            ]
            wrong += sum(1 for a, b in itertools.pairwise(numbers) if a > b)
        return wrong


async def kill_run(
    *,
    messages: int,
    kills: int,
    chats: int,
    data: Path,
    ask_over_s: float,
    seed: int = 1,
    speed: float = 1.0,
    slowest_s: float = 0.1,
) -> KillReport:
    """Run once in a data folder of its own."""
    async with BotApi() as api:
        run = Run(api, data, chats=chats, seed=seed, speed=speed, slowest_s=slowest_s)
        return await run.go(messages=messages, kills=kills, ask_over_s=ask_over_s)


def main() -> int:
    """Run as often as asked; print the report; 1 if a promise was broken."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--messages", type=int, default=2000)
    parser.add_argument("--kills", type=int, default=25)
    parser.add_argument("--chats", type=int, default=200)
    parser.add_argument("--ask-over-s", type=float, default=100.0)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        report = asyncio.run(
            kill_run(
                messages=given.messages,
                kills=given.kills,
                chats=given.chats,
                data=Path(folder),
                ask_over_s=given.ask_over_s,
                seed=given.seed,
            )
        )
    sys.stdout.write(json.dumps(asdict(report)) + "\n")
    broken = report.lost or report.exit_code or report.duplicates > report.kills
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
