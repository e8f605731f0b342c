"""A bot process to be killed: the real Telegram side on the real database, with an echoing desk."""

import argparse
import asyncio
import random
import signal
from pathlib import Path
from typing import Any

from bot.conversation.service import Manners
from bot.telegram_app import TelegramBot, TelegramSettings
from core.types import Answer
from db.base import Base, Database, create_engine, database_url
from tests.bot.fakes import QuickShutdown, ScriptedDesk


class SlowDesk(ScriptedDesk):
    """Takes a random moment for each answer, as a model does."""

    def __init__(self, slowest_s: float) -> None:
        super().__init__()
        self._slowest_s = slowest_s

    async def ask(self, text: str, **rest: Any) -> Answer:
        await asyncio.sleep(random.uniform(0, self._slowest_s))
        return await super().ask(text, **rest)


async def serve(base_url: str, token: str, data: Path, *, speed: float, slowest_s: float) -> None:
    """Serve until SIGTERM."""
    database = Database(create_engine(database_url("", data)))
    Base.metadata.create_all(database.engine)
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    desk: Any = SlowDesk(slowest_s)
    settings = TelegramSettings(
        token=token,
        base_url=base_url,
        manners=Manners(merge_s=0),
        deaf_s=1e9,
    )
    shutdown = QuickShutdown(speed)
    async with TelegramBot(
        settings, database=database, desk=desk, conversations=desk, shutdown=shutdown
    ):
        await ended.wait()
    await database.close()


def main() -> None:
    """Read the arguments and serve."""
    parser = argparse.ArgumentParser()
    parser.add_argument("base_url")
    parser.add_argument("token")
    parser.add_argument("data", type=Path)
    parser.add_argument("--speed", type=float, default=1.0)
    parser.add_argument("--slowest-s", type=float, default=0.1)
    given = parser.parse_args()
    asyncio.run(
        serve(
            given.base_url,
            given.token,
            given.data,
            speed=given.speed,
            slowest_s=given.slowest_s,
        )
    )


if __name__ == "__main__":
    main()
