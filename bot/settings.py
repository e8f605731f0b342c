"""How to reach Telegram and behave there, and the lock that keeps a second process away."""

import contextlib
import fcntl
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from bot.conversation.service import Manners
from bot.transport.errors import SecondPoller
from bot.transport.watchdog import DEAF_S


@dataclass(frozen=True, slots=True)
class TelegramSettings:
    """How to reach Telegram, and how to behave there."""

    token: str = field(repr=False)
    base_url: str = ""
    """Empty: Telegram's own server; else it ends in ``/bot``."""
    base_file_url: str = ""
    slots: int = 256
    """Conversations handled at once."""
    lock_folder: Path | None = None
    """Where the lock stands that keeps a second process from starting; ``None``: no lock."""
    manners: Manners = field(default_factory=Manners)
    handler_timeout_s: float = 120.0
    deaf_s: float = DEAF_S
    grace_s: float = 10.0
    """How long running handlers may go on when the bot is stopped."""


@contextlib.contextmanager
def only_process(folder: Path, bot_id: int) -> Iterator[None]:
    """Hold a lock for as long as this process serves the bot."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"telegram-{bot_id}.lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SecondPoller(f"bot {bot_id}") from None
        yield
