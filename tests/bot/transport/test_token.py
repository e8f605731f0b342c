import pytest

from bot.transport.errors import BadToken
from bot.transport.token import TelegramUnreachable, check_token
from tests.botapi import TOKEN, BotApi

pytestmark = pytest.mark.anyio


async def test_a_good_token_names_its_bot(telegram: BotApi) -> None:
    assert (await check_token(TOKEN, base_url=telegram.base_url)).startswith("belongs to @")


async def test_a_refused_token_is_not_repeated(telegram: BotApi) -> None:
    wrong = "999999:" + "x" * 35
    with pytest.raises(BadToken, match="Telegram refuses the bot token") as caught:
        await check_token(wrong, base_url=telegram.base_url)
    assert wrong not in str(caught.value)


async def test_a_malformed_token_needs_no_network() -> None:
    with pytest.raises(BadToken, match="malformed"):
        await check_token("hello", base_url="http://127.0.0.1:9/bot")


async def test_no_network_is_told_from_a_bad_token() -> None:
    with pytest.raises(TelegramUnreachable, match="cannot be reached"):
        await check_token(TOKEN, base_url="http://127.0.0.1:9/bot")
