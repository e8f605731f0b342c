"""Target 5: a fifth of all calls to Telegram fail, in twelve ways; count what was lost or doubled.

python -m tests.soak.faults --messages 10000
"""

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bot.conversation.service import Manners
from bot.telegram_app import TelegramBot, TelegramSettings
from db.base import Base, Database, create_engine, database_url
from db.outbox import StoredMessage
from tests.bot.fakes import QuickShutdown, ScriptedDesk
from tests.botapi import TOKEN, BotApi, Call, Fault, FaultKind
from tests.tables import in_state

KINDS = (
    (FaultKind.FLOOD, 429, 1),
    (FaultKind.FLOOD, 429, 5),
    (FaultKind.ERROR_JSON, 500, 0),
    (FaultKind.ERROR_JSON, 502, 0),
    (FaultKind.ERROR_JSON, 503, 0),
    (FaultKind.ERROR_HTML, 502, 0),
    (FaultKind.ERROR_HTML, 504, 0),
    (FaultKind.ERROR_HTML_DONE, 502, 0),
    (FaultKind.DROP_BEFORE, 0, 0),
    (FaultKind.DROP_AFTER, 0, 0),
    (FaultKind.RESET_AFTER, 0, 0),
    (FaultKind.GARBAGE_DONE, 0, 0),
)
"""Twelve ways in which a call fails: kind, HTTP status, seconds to wait."""

_METHODS = ("sendMessage", "sendChatAction", "getUpdates")


@dataclass(frozen=True, slots=True)
class FaultReport:
    """What became of the messages."""

    messages: int
    calls: int
    faulted: int
    lost: int
    """Neither received by the customer nor on record as uncertain."""
    doubled: int
    uncertain: int
    early: int
    """Calls into a chat before its ``retry_after`` was over."""
    seconds: float


async def fault_run(
    *, messages: int, chats: int, data: Path, share: float = 0.2, seed: int = 1, speed: float = 50.0
) -> FaultReport:
    """Ask all questions while calls fail at random, and count."""
    started = time.monotonic()
    database = Database(create_engine(database_url("", data)))
    Base.metadata.create_all(database.engine)
    desk: Any = ScriptedDesk()
    shutdown = QuickShutdown(speed)
    try:
        async with BotApi() as api:
            settings = TelegramSettings(
                token=TOKEN, manners=Manners(merge_s=0), deaf_s=1e9, base_url=api.base_url
            )
            async with TelegramBot(
                settings, database=database, desk=desk, conversations=desk, shutdown=shutdown
            ) as bot:
                chance = random.Random(seed)

                def pick(method: str, _: int | None) -> Fault | None:
                    if method not in _METHODS or chance.random() >= share:
                        return None
                    kind, status, retry_after = chance.choice(KINDS)
                    if method == "getUpdates" and kind is FaultKind.FLOOD:
                        return None  # paced by python-telegram-bot in real seconds
                    return Fault(kind, method, status=status, retry_after=retry_after)

                api.chance = pick
                people = [api.person(f"P{n}") for n in range(chats)]
                asked = {person.chat_id: set[str]() for person in people}
                for number in range(messages):
                    person = people[number % chats]
                    text = f"question {number}?"
                    asked[person.chat_id].add(text)
                    person.say(text)
                    if number % chats == chats - 1:
                        await asyncio.sleep(1.2 / speed)
                await _settled(bot, messages)
                uncertain = await in_state(bot.outbox, "uncertain")
                maybe = Counter(m.params["text"].removeprefix("echo: ") for m in uncertain)
                return _count(api, asked, maybe, speed=speed, started=started)
    finally:
        await database.close()


async def _settled(bot: TelegramBot, messages: int) -> None:
    """Wait until every message has its fate."""
    done, since = -1, time.monotonic()
    while True:
        fates = len(await bot.outbox._list(StoredMessage.state != "queued"))
        if fates >= messages and not await bot.inbox.pending():
            return
        if fates != done:
            done, since = fates, time.monotonic()
        if time.monotonic() - since > 60:
            return
        await asyncio.sleep(0.1)


def _count(
    api: BotApi,
    asked: dict[int, set[str]],
    uncertain: Counter[str],
    *,
    speed: float,
    started: float,
) -> FaultReport:
    lost = doubled = 0
    for chat, texts in asked.items():
        shown = Counter(text.removeprefix("echo: ") for text in api.sent_to(chat))
        lost += sum(1 for text in texts if not shown[text] and not uncertain[text])
        doubled += sum(max(0, shown[text] - 1) for text in texts)
    return FaultReport(
        messages=sum(map(len, asked.values())),
        calls=len(api.calls),
        faulted=sum(1 for call in api.calls if call.fault),
        lost=lost,
        doubled=doubled,
        uncertain=uncertain.total(),
        early=_early(api.calls, speed),
        seconds=round(time.monotonic() - started, 1),
    )


def _early(calls: list[Call], speed: float) -> int:
    """Count calls into a chat that came before the time that Telegram had named for it."""
    early = 0
    free_at: dict[int, float] = {}
    for call in calls:
        chat = call.chat_id
        if chat is None:
            continue
        if call.at < free_at.get(chat, 0.0):
            early += 1
        if call.retry_after:
            free_at[chat] = call.at + call.retry_after / speed
    return early


def main() -> int:
    """Run, print the report; 1 if a promise was broken."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--messages", type=int, default=10_000)
    parser.add_argument("--chats", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        report = asyncio.run(
            fault_run(
                messages=given.messages, chats=given.chats, data=Path(folder), seed=given.seed
            )
        )
    sys.stdout.write(json.dumps(asdict(report)) + "\n")
    return 1 if report.lost or report.doubled or report.early else 0


if __name__ == "__main__":
    sys.exit(main())
