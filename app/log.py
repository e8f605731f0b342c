"""Logging: one line an event on standard error, secrets redacted before any handler sees them."""

import logging
import os
import sys

from bot.redact import protect_logs

_FORMAT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"


def set_up_logging() -> None:
    """Send the log to standard error; ANSWERDESK_LOG sets the level (default INFO)."""
    level = os.environ.get("ANSWERDESK_LOG", "INFO").upper()
    logging.basicConfig(level=level, format=_FORMAT, stream=sys.stderr, force=True)
    protect_logs()
    for name in ("apscheduler", "alembic", "uvicorn"):
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLogger().level))
