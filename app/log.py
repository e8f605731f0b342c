"""Logging: one line an event on standard error, secrets redacted before any handler sees them."""

import logging
import os
import sys
import time
from collections.abc import Callable

from bot.transport.redact import protect_logs

_FORMAT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"
_A_MINUTE = 30
"""Warnings and errors of one place in the code; what a stranger can cause must not fill a disk."""


def set_up_logging() -> None:
    """Send the log to standard error; ANSWERDESK_LOG sets the level (default INFO)."""
    level = os.environ.get("ANSWERDESK_LOG", "INFO").upper()
    logging.basicConfig(level=level, format=_FORMAT, stream=sys.stderr, force=True)
    protect_logs()
    for handler in logging.getLogger().handlers:
        handler.addFilter(RateLimit())
    for name in ("apscheduler", "alembic", "uvicorn"):
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLogger().level))


class RateLimit(logging.Filter):
    """Lets through thirty warnings or errors a minute from one place in the code.

    The first one that passes after that says how many were left out.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._seen: dict[tuple[str, int], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether a record is written."""
        if record.levelno < logging.WARNING:
            return True
        place, now = (record.pathname, record.lineno), self._clock()
        since, count = self._seen.get(place, (now, 0))
        left_out = 0
        if now - since >= 60:
            left_out = max(0, count - _A_MINUTE)
            since, count = now, 0
        self._seen[place] = (since, count + 1)
        if left_out:
            record.msg = f"{record.getMessage()} ({left_out} more like this were left out)"
            record.args = None
        return count < _A_MINUTE
