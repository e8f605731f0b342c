"""Logging: one line an event on standard error, secrets redacted before any handler sees them."""

import json
import logging
import os
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Literal

from bot.transport.redact import protect_logs
from core.errors import ConfigError
from core.request import request_id

_FORMAT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"
_A_MINUTE = 30
"""Warnings and errors of one place in the code; what a stranger can cause must not fill a disk."""


_OURS = ("app", "bot", "console", "core", "db", "jobs", "kb", "lookups", "models", "sources")


def set_up_logging(form: Literal["text", "json"] = "text") -> None:
    """Send the log to standard error; ANSWERDESK_LOG sets the level (default INFO).

    It is the level of our own lines. Libraries write warnings only: below, they write what a
    customer said (messages of Telegram, parameters of statements).

    Raises:
        ConfigError: if there is no such level.
    """
    level = os.environ.get("ANSWERDESK_LOG", "INFO").upper()
    if level not in (levels := logging.getLevelNamesMapping()):
        known = ", ".join(name for name in levels if name != "NOTSET")
        raise ConfigError(f"ANSWERDESK_LOG: there is no level {level!r}; write one of {known}.")
    logging.basicConfig(level=level, stream=sys.stderr, force=True)
    protect_logs()
    for handler in logging.getLogger().handlers:
        handler.addFilter(RateLimit())
        handler.setFormatter(JsonLines() if form == "json" else TextLines(_FORMAT))
    for name in _OURS:
        logging.getLogger(name).setLevel(level)
    logging.getLogger().setLevel(max(logging.WARNING, logging.getLogger().level))


class TextLines(logging.Formatter):
    """A line for people; the request it belongs to is in brackets."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        """Return the line without its traceback."""
        line = super().formatMessage(record)
        return f"{line} [{request}]" if (request := request_id()) else line


class JsonLines(logging.Formatter):
    """A line is a JSON object: time, level, logger, message, request, error (the traceback)."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if request := request_id():
            line["request"] = request
        if record.exc_text:  # redacted (`bot.transport.redact`)
            line["error"] = record.exc_text
        elif record.exc_info and record.exc_info[0] is not None:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


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
