"""Which failures prove that Telegram did not run a method; only then is it called again."""

import httpx
import pytest
from telegram.error import NetworkError, TimedOut

from bot.transport.sender import was_not_sent


@pytest.mark.parametrize(
    ("error", "cause", "certain"),
    [
        (NetworkError("refused"), httpx.ConnectError("refused"), True),
        (TimedOut(), httpx.ConnectTimeout("slow"), True),
        (TimedOut(), httpx.PoolTimeout("busy"), True),
        (NetworkError("proxy"), httpx.ProxyError("no"), True),
        (NetworkError("Bad Gateway, in Telegram's own JSON"), None, True),
        (TimedOut(), None, False),
        (TimedOut(), httpx.ReadTimeout("slow"), False),
        (NetworkError("lost"), httpx.ReadError("lost"), False),
        (NetworkError("lost"), httpx.RemoteProtocolError("lost"), False),
        (NetworkError("no JSON"), ValueError("a gateway's page"), False),
    ],
)
def test_only_what_certainly_did_not_arrive_is_sent_again(
    error: NetworkError, cause: Exception | None, certain: bool
) -> None:
    error.__cause__ = cause
    assert was_not_sent(error) is certain
