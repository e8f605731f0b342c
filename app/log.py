"""Logging: one line an event on standard error, secrets redacted on every handler."""

import logging
import os
import sys
from collections.abc import Callable

_FORMAT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"


def set_up_logging(redaction: Callable[[], logging.Filter]) -> None:
    """Send the log to standard error; ANSWERDESK_LOG sets the level (default INFO)."""
    level = os.environ.get("ANSWERDESK_LOG", "INFO").upper()
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter(_FORMAT))
    handler.addFilter(redaction())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    # Both name full URLs at INFO, and Telegram's hold the token.
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in ("apscheduler", "uvicorn.access"):
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLogger().level))
