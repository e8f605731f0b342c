"""The token is in no log: target 40."""

import io
import logging
from collections.abc import Iterator

import pytest

from bot.transport.redact import protect_logs, redact
from tests.bot.conftest import StartBot
from tests.bot.fakes import ScriptedDesk
from tests.botapi import TOKEN, BotApi, FaultKind
from tests.tables import dead_letters, in_state


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(levelname)s %(name)s %(message)s"))
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield stream
    root.removeHandler(handler)
    root.setLevel(level)


def test_messages_arguments_and_tracebacks_are_redacted(log: io.StringIO) -> None:
    protect_logs()
    logger = logging.getLogger("tests.redact")
    logger.info("calling https://api.telegram.org/bot%s/getMe", TOKEN)
    try:
        raise ValueError(f"no route to {TOKEN}")
    except ValueError:
        logger.exception("failed for bot%s", TOKEN)
    logger.warning("quoted %s", TOKEN.replace(":", "%3A"))
    shown = log.getvalue()
    assert shown.count("[bot token]") == 4
    assert "ValueError" in shown
    assert TOKEN.split(":")[1] not in shown


def test_other_numbers_stay() -> None:
    assert redact("order 123456789: shipped") == "order 123456789: shipped"


def test_a_broken_log_call_does_not_raise(
    log: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging, "raiseExceptions", False)
    protect_logs()
    logging.getLogger("tests.redact").info("%d %d", 1)


@pytest.mark.anyio
async def test_a_whole_conversation_at_debug_shows_no_token(
    log: io.StringIO,
    start_bot: StartBot,
    telegram: BotApi,
    desk: ScriptedDesk,
    caplog: pytest.LogCaptureFixture,
) -> None:
    desk.answers["poison?"] = RuntimeError(f"https://api.telegram.org/bot{TOKEN}/x")
    ana = telegram.person()
    async with start_bot() as bot:
        for level in ("httpx", "httpcore", "telegram"):
            caplog.set_level(logging.DEBUG, logger=level)
        telegram.fault(FaultKind.DROP_AFTER, "sendMessage")
        telegram.fault(FaultKind.ERROR_HTML, "getUpdates")
        telegram.fault(FaultKind.GARBAGE_DONE, "sendChatAction")
        for text in ("first?", "poison?", "last?"):
            ana.say(text)
        for _ in range(3):
            await ana.next()
        repr(bot)
        dead = await dead_letters(bot.inbox)
        uncertain = await in_state(bot.outbox, "uncertain")
    protect_logs()
    secret = TOKEN.split(":")[1]
    assert len(log.getvalue()) > 1000
    assert secret not in log.getvalue()
    assert secret not in repr(dead) + repr(uncertain)
