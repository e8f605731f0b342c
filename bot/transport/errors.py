"""Why the Telegram side ends."""

from core.errors import AnswerdeskError, ConfigError


class BotStopped(AnswerdeskError):
    """The bot can no longer serve; the process should end and be started again or mended."""


class BadToken(ConfigError, BotStopped):
    """Telegram does not know the token. The token itself is never part of the message."""

    def __init__(self, code: int | None = None) -> None:
        how = f"Telegram refuses the bot token ({code})" if code else "The bot token is malformed"
        super().__init__(f"{how}. Take the current one from @BotFather and set TELEGRAM_BOT_TOKEN.")


class SecondPoller(BotStopped):
    """Another process receives this bot's messages."""

    def __init__(self, username: str) -> None:
        super().__init__(
            f"Another process already receives the messages of {username}. "
            "Stop it first: one process per bot token."
        )


class Deaf(BotStopped):
    """No message could be received for too long."""

    def __init__(self, seconds: float, reason: str) -> None:
        super().__init__(
            f"Nothing could be received from Telegram for {seconds:.0f} s ({reason}). "
            "Check the network and telegram.base_url; the messages wait at Telegram for a day."
        )


class TooLate(AnswerdeskError):
    """A button cannot be pressed any more; the text is shown to who pressed it."""


class Stopping(AnswerdeskError):
    """The bot is being stopped; what is not finished stays stored for the next start."""

    def __init__(self) -> None:
        super().__init__("The bot is being stopped.")
