"""Waiting that ends at once when the bot is stopped."""

import asyncio

from bot.transport.errors import Stopping


class Shutdown:
    """The stop of the bot, which ends every sleep at once. Tests put a quicker one in its place."""

    def __init__(self) -> None:
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """End all waiting."""
        self._stopping.set()

    def now(self) -> float:
        """Return seconds on a clock that only goes forward."""
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        """Wait; raises `Stopping` if the bot is being stopped, now or meanwhile."""
        if not self._stopping.is_set():
            try:
                async with asyncio.timeout(seconds):
                    await self._stopping.wait()
            except TimeoutError:
                return
        raise Stopping
