"""Is the bot's token good? For `answerdesk doctor`."""

import re

from telegram import Bot
from telegram.error import Forbidden, InvalidToken, TelegramError

from bot.transport.errors import BadToken
from bot.transport.redact import protect_logs, redact
from core.errors import AnswerdeskError

TOKEN = re.compile(r"\d{6,12}:[A-Za-z0-9_-]{30,}")


class TelegramUnreachable(AnswerdeskError):
    """Telegram did not answer."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"Telegram cannot be reached ({reason}). Check the network, or telegram.base_url."
        )
        self.reason = reason


async def check_token(token: str, *, base_url: str = "") -> str:
    """Ask Telegram who the token belongs to; return a sentence.

    Raises:
        BadToken: if it is malformed or refused.
        TelegramUnreachable: if Telegram does not answer.
    """
    if not TOKEN.fullmatch(token):
        raise BadToken
    protect_logs()
    bot = Bot(token, base_url=base_url) if base_url else Bot(token)
    try:
        async with bot:
            return f"belongs to @{bot.username}"
    except (InvalidToken, Forbidden):
        raise BadToken(401) from None
    except TelegramError as trouble:
        raise TelegramUnreachable(redact(str(trouble))) from None
