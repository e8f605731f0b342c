"""Which failures prove that Telegram did not run a method; only then is it called again."""

from typing import Any, cast

import httpx
import pytest
from telegram.error import Forbidden, NetworkError, TimedOut

from bot.transport.sender import Rows, Sender, was_not_sent
from bot.transport.shutdown import Shutdown


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


@pytest.mark.anyio
async def test_a_change_that_telegram_forbids_is_not_done_and_not_tried_again() -> None:
    asked = []

    class Bot:
        async def delete_message(self, *message: int) -> None:
            asked.append(message)
            raise Forbidden("bot was blocked by the user")

    async def offers(_: int, rows: Rows) -> Rows:
        return rows

    nothing = cast(Any, None)
    sender = Sender(cast(Any, Bot()), nothing, nothing, shutdown=Shutdown(), offers=offers)
    assert not await sender.delete(1, 2)
    assert asked == [(1, 2)]
