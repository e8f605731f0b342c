import logging

import pytest

from app.log import RateLimit, set_up_logging
from core.errors import ConfigError


class Clock:
    """Time that a test moves."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def record(line: int, *, level: int = logging.WARNING) -> logging.LogRecord:
    return logging.LogRecord("uvicorn.error", level, "a.py", line, "Invalid %s", ("head",), None)


def test_one_place_cannot_fill_the_log() -> None:
    clock = Clock()
    limit = RateLimit(clock=clock)
    assert sum(bool(limit.filter(record(1))) for _ in range(1000)) == 30
    assert limit.filter(record(2))
    assert sum(bool(limit.filter(record(1, level=logging.INFO))) for _ in range(100)) == 100
    clock.now = 60
    first, second = record(1), record(1)
    assert limit.filter(first)
    assert limit.filter(second)
    assert first.getMessage() == "Invalid head (970 more like this were left out)"
    assert second.getMessage() == "Invalid head"


def test_a_level_that_does_not_exist_is_named_with_those_that_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ANSWERDESK_LOG", "verbose")
    with pytest.raises(ConfigError, match=r"^ANSWERDESK_LOG: there is no level 'VERBOSE'.*DEBUG"):
        set_up_logging()
