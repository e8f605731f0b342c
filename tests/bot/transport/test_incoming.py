"""Whether a message in a group is for the bot."""

import pytest
from telegram import Update

from bot.transport.incoming import Me, is_addressed, read

ME = Me(7, "shop_bot")


def heard(text: str) -> tuple[bool, str]:
    """Return whether the bot is addressed in a group, and what it reads."""
    message = {
        "message_id": 1, "date": 0, "text": text, "chat": {"id": -5, "type": "group", "title": "g"},
        "from": {"id": 3, "is_bot": False, "first_name": "Ana"},
    }  # fmt: skip
    incoming = read(Update.de_json({"update_id": 1, "message": message}), username=ME.username)
    assert incoming is not None
    return is_addressed(incoming, ME), incoming.text


@pytest.mark.parametrize(
    "text", ["@shop_bot when?", "when, @Shop_Bot?", "(@shop_bot) when", "请问@shop_bot"]
)
def test_its_name_addresses_the_bot(text: str) -> None:
    addressed, rest = heard(text)
    assert addressed
    assert "shop_bot" not in rest.lower()


@pytest.mark.parametrize(
    "text",
    ["@shop_bot2 when?", "@shop_bot_test deploy", "write to hello@shop_bot.example", "@shop_bot-2",
     "https://a.example/@shop_bot"],
)  # fmt: skip
def test_a_name_that_only_begins_like_its_own_does_not(text: str) -> None:
    assert heard(text) == (False, text)
