"""Keep bot tokens out of every log record, whoever writes it and at whatever level.

python-telegram-bot and httpx put the token into addresses, representations and error texts.
"""

import logging
import re
from collections.abc import Callable

_TOKEN = re.compile(r"(?<!\d)\d{6,12}(?::|%3A)[A-Za-z0-9_-]{30,}")
_HIDDEN = "[bot token]"
_formatter = logging.Formatter()


def redact(text: str) -> str:
    """Return the text with everything that looks like a bot token replaced."""
    return _TOKEN.sub(_HIDDEN, text)


def protect_logs() -> None:
    """Redact every record from now on, before any handler sees it; calling it twice is harmless.

    Records are cleaned where they are made, so that handlers added later are covered as well.
    """
    factory = logging.getLogRecordFactory()
    if not isinstance(factory, _Redacting):
        logging.setLogRecordFactory(_Redacting(factory))
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)


class _Redacting:
    def __init__(self, make: Callable[..., logging.LogRecord]) -> None:
        self._make = make

    def __call__(self, *args: object, **kwargs: object) -> logging.LogRecord:
        record = self._make(*args, **kwargs)
        message = _message(record)
        clean = redact(message)
        if clean != message:
            record.msg, record.args = clean, None
        if record.exc_info and record.exc_info[0] is not None:
            trace = _formatter.formatException(record.exc_info)
            if (clean := redact(trace)) != trace:
                # Formatters print `exc_text` if it is there; the exception would show the token.
                record.exc_info, record.exc_text = None, clean
        if record.stack_info:
            record.stack_info = redact(record.stack_info)
        return record


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except (TypeError, ValueError, KeyError):
        return str(record.msg)  # a wrong format string; logging reports it itself
