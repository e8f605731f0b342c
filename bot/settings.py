"""How to reach Telegram and behave there."""

from dataclasses import dataclass, field

from bot.conversation.service import Manners
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
    manners: Manners = field(default_factory=Manners)
    handler_timeout_s: float = 120.0
    deaf_s: float = DEAF_S
    grace_s: float = 10.0
    """How long running handlers may go on when the bot is stopped."""
