"""Notice when the bot no longer hears: a refused token, a second poller, a poller that died."""

import asyncio
import logging

from bot.transport.errors import BadToken, BotStopped, Deaf, SecondPoller, Stopping
from bot.transport.shutdown import Shutdown

logger = logging.getLogger(__name__)

DEAF_S = 900.0
"""Longer than a usual outage at Telegram, which the poller outlasts by itself."""

_YOUNG_S = 60.0
_CONFLICTS = 2
_CHECK_S = 5.0


class Watchdog:
    """Looks at the status of every getUpdates and ends the bot when it cannot hear any more."""

    def __init__(self, shutdown: Shutdown, *, deaf_s: float = DEAF_S) -> None:
        self._shutdown = shutdown
        self._deaf_s = deaf_s
        self._started = shutdown.now()
        self._last_good = self._started
        self._conflicts = 0
        self._last_status = 0
        self.username = "this bot"
        self.ended: asyncio.Future[BotStopped] = asyncio.get_running_loop().create_future()
        """Has a result as soon as the bot can no longer serve."""

    def on_status(self, status: int) -> None:
        """Take note of the HTTP status of a getUpdates."""
        self._last_status = status
        if status == 200:
            self._last_good = self._shutdown.now()
        elif status in (401, 404):
            self.end(BadToken(status))
        elif status == 409:
            self._on_conflict()

    def end(self, reason: BotStopped) -> None:
        """Say that the bot can no longer serve."""
        if not self.ended.done():
            logger.critical("%s", reason)
            self.ended.set_result(reason)

    async def watch(self) -> None:
        """Check regularly until the bot is stopped."""
        while not self.ended.done():
            try:
                await self._shutdown.sleep(min(_CHECK_S, self._deaf_s / 2))
            except Stopping:
                return
            silent = self._shutdown.now() - self._last_good
            if silent > self._deaf_s:
                why = f"last status {self._last_status}" if self._last_status else "no connection"
                self.end(Deaf(silent, why))

    def _on_conflict(self) -> None:
        """The younger of two pollers gives way; the older one keeps its customers."""
        self._conflicts += 1
        if self._shutdown.now() - self._started > _YOUNG_S:
            logger.warning("%s", SecondPoller(self.username))
        elif self._conflicts >= _CONFLICTS:
            self.end(SecondPoller(self.username))
