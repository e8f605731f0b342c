"""What is photographed: a bot with the demo shop and real models, and people who talk to it."""

import asyncio
import copy
import csv
import io
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.demo import read_demo
from app.files import collect
from app.paths import PROJECT, find_paths
from app.wiring import make_library, open_knowledge, open_service
from bot.conversation.service import Manners
from bot.telegram_app import TelegramBot, TelegramSettings
from core.config import data_folder
from core.config_files import load_config
from tests.bot.fakes import QuickShutdown
from tests.botapi import TOKEN, BotApi, Person, Received
from tests.botapi.check import Json
from tests.pictures.page import Panel

_PATIENCE_S = 120.0
"""A real model takes its time."""


@dataclass
class Stage:
    """A running bot, its Telegram, and the team."""

    bot: TelegramBot
    telegram: BotApi
    group: int
    gus: Person
    """The team; an owner, so that he may do everything."""

    def messages(self, chat: int, thread: int = 0) -> list[Json]:
        """Return what stands in a chat or topic now."""
        return [
            copy.deepcopy(message)
            for (where, number), message in sorted(self.telegram.world.messages.items())
            if where == chat and thread in (0, number, message.get("message_thread_id"))
        ]

    async def becomes(self, person: Person, message: Received, word: str) -> Received:
        """Wait until a message or its buttons have a word in them."""
        async with asyncio.timeout(_PATIENCE_S):
            while word not in str(person.current(message).raw):
                await self.telegram.news()
        return person.current(message)


@asynccontextmanager
async def stage() -> AsyncIterator[Stage]:
    """Yield a bot that knows the demo shop, in a data folder of its own."""
    config = load_config(PROJECT / "config.yaml")
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "models").symlink_to((data_folder() / "models").resolve())
        paths = find_paths(Path(folder))
        async with (
            open_knowledge(config, paths) as knowledge,
            open_service(knowledge) as service,
            BotApi() as telegram,
        ):
            await knowledge.releases.open_or_rebuild()
            await knowledge.ingestor.ingest(collect(read_demo()[0]))
            await knowledge.trainer.ensure()
            if service.generator:
                await service.generator.start(wait=True)
            settings = TelegramSettings(
                token=TOKEN,
                base_url=telegram.base_url,
                base_file_url=telegram.base_file_url,
                manners=Manners(company=config.company.name, merge_s=0),
            )
            async with TelegramBot(
                settings,
                database=knowledge.database,
                desk=service.desk,
                conversations=knowledge.conversations,
                library=make_library(knowledge),
                shutdown=QuickShutdown(20),
            ) as bot:
                gus = telegram.person("Gus")
                await bot.operators.add(gus.user_id, "owner", name="Gus")
                group = telegram.group("Finch & Ferry team", forum=True)
                await bot.team.set_group(group)
                yield Stage(bot, telegram, group, gus)


async def question(on: Stage) -> list[Panel]:
    """Show a customer's questions with their sources."""
    ana = on.telegram.person("Ana", language="en")
    ana.say("Can I try a bike before I buy it?")
    ana.press(await ana.next(patience_s=_PATIENCE_S), "📄")
    await ana.next()
    ana.say("How do I store the e-bike battery over the winter?")
    first = await ana.next(patience_s=_PATIENCE_S)
    await on.becomes(ana, first, "👍")  # before, maybe a passage to read until the reply is there
    return [_private(on, ana, pressed=["📄"])]


async def handover(on: Stage) -> list[Panel]:
    """Show a customer who needs a person, and the topic of the team."""
    ben = on.telegram.person("Ben", language="en")
    ben.say("Do you engrave names on the frame?")
    ben.press(await ben.next(patience_s=_PATIENCE_S), "person")
    await ben.next()
    card = await on.gus.next(chat=on.group)
    where: dict[str, Any] = {"chat": on.group, "thread": card.thread_id}
    ben.say("It is for a birthday on Saturday")
    await ben.next(patience_s=_PATIENCE_S)
    for _ in range(2):
        await on.gus.next(chat=on.group)
    on.gus.say("// the workshop has the machine back since Monday", **where)
    on.gus.say("Yes: up to 20 letters for EUR 25, ready in two days.", **where)
    for _ in range(2):
        await ben.next()
    ben.say("Great, thank you!")
    await on.gus.next(chat=on.group)
    on.gus.press(await on.becomes(on.gus, card, "Save as FAQ"), "Save")
    proposed = await on.gus.next(chat=on.group)
    await on.becomes(on.gus, proposed, "This would be stored")
    topic = on.telegram.world.topics[on.group, card.thread_id].name
    shown = on.messages(on.group, card.thread_id)
    return [
        _private(on, ben, pressed=["person"]),
        Panel(topic, "topic in the team's group", shown, on.gus.user_id, ["Save as FAQ"]),
    ]


async def upload(on: Stage) -> list[Panel]:
    """Show an operator's file before and after Apply."""
    on.gus.upload("faq.csv", _edited((PROJECT / "demo" / "faq.csv").read_text("utf-8-sig")))
    message = await on.gus.next()
    preview = await on.becomes(on.gus, message, "apply:")
    before = _private(on, on.gus, pressed=["Apply"], subtitle="bot · what would change")
    on.gus.press(preview, "Apply")
    await on.becomes(on.gus, message, "is live")
    return [before, _private(on, on.gus, subtitle="bot · after Apply")]


SCENES: Mapping[str, Callable[[Stage], Awaitable[list[Panel]]]] = {
    "question": question,
    "handover": handover,
    "upload": upload,
}


def _private(
    on: Stage, person: Person, *, pressed: list[str] | None = None, subtitle: str = "bot"
) -> Panel:
    return Panel(
        "Finch & Ferry",
        subtitle,
        on.messages(person.chat_id),
        person.user_id,
        pressed or [],
    )


def _edited(table: str) -> bytes:
    """Return an FAQ file with one answer changed, one entry more, and one without an answer."""
    rows = list(csv.reader(io.StringIO(table)))
    asked, answer = rows[0].index("question"), rows[0].index("answer")
    rows[1][answer] = rows[1][answer].replace("choose the smaller one", "visit us for a fitting")
    for question_text, answer_text in (
        ("Do you lend bikes to schools?", "Yes, up to 30 for a day, free of charge."),
        ("Do you repair skateboards?", ""),
    ):
        row = [""] * len(rows[0])
        row[asked], row[answer] = question_text, answer_text
        rows.append(row)
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()
