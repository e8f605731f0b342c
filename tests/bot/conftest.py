"""A running bot: real python-telegram-bot, real HTTP, real database; the desk is scripted."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

import pytest

from bot.conversation.service import Manners
from bot.telegram_app import TelegramBot, TelegramSettings
from db.base import Database
from db.conversations import Conversations
from tests.bot.fakes import QuickShutdown, ScriptedDesk
from tests.bot.office import Office
from tests.botapi import TOKEN, BotApi
from tests.database import empty_database


class StartBot(Protocol):
    """Starts a bot; leaving the block stops it."""

    def __call__(self, **changes: Any) -> Any: ...


@pytest.fixture
async def telegram() -> AsyncIterator[BotApi]:
    async with BotApi() as api:
        yield api


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with empty_database(tmp_path) as opened:
        yield opened


@pytest.fixture
def desk() -> ScriptedDesk:
    return ScriptedDesk()


@pytest.fixture
def start_bot(telegram: BotApi, database: Database, desk: ScriptedDesk) -> StartBot:
    @asynccontextmanager
    async def start(**changes: Any) -> AsyncIterator[TelegramBot]:
        manners = changes.pop("manners", Manners(company="Acme", merge_s=0))
        shutdown = changes.pop("shutdown", None) or QuickShutdown()
        scripted: Any = desk
        used = changes.pop("database", database)
        kept = Conversations(used)
        scripted.record, scripted.leave_open = kept.record, kept.leave_open
        library = changes.pop("library", None)
        erasures = changes.pop("erasures", None)
        conversations = changes.pop("conversations", scripted)
        settings = TelegramSettings(
            token=changes.pop("token", TOKEN),
            base_url=changes.pop("base_url", telegram.base_url),
            base_file_url=telegram.base_file_url,
            manners=manners,
            grace_s=2,
            deaf_s=changes.pop("deaf_s", 1e9),
            **changes,
        )
        async with TelegramBot(
            settings,
            database=used,
            desk=scripted,
            conversations=conversations,
            library=library,
            erasures=erasures,
            shutdown=shutdown,
        ) as bot:
            yield bot

    return start


@pytest.fixture
async def bot(start_bot: StartBot) -> AsyncIterator[TelegramBot]:
    async with start_bot() as running:
        yield running


@pytest.fixture
async def office(bot: TelegramBot, telegram: BotApi) -> Office:
    group = telegram.group("Team", forum=True)
    await bot.team.set_group(group)
    agent = telegram.person("Gus")
    await bot.operators.add(agent.user_id, "agent", name="Gus")
    return Office(bot, telegram, group, agent, telegram.person("Ana"))
