"""How somebody becomes an operator, and stops being one."""

import json
import logging
import re

import pytest

from bot.telegram_app import TelegramBot
from db.operators import MAX_FAILURES
from tests.bot.conftest import StartBot
from tests.bot.office import become_owner
from tests.botapi import BotApi

pytestmark = pytest.mark.anyio


async def test_the_first_owner_comes_in_by_the_code_printed_at_start(
    start_bot: StartBot, telegram: BotApi, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    ana, ben = telegram.person("Ana"), telegram.person("Ben")
    async with start_bot() as bot:
        found = re.search(r"/operator (\S+)", caplog.text)
        assert found
        code = ana.say(f"/operator {found[1]}")
        assert (await ana.next()).text.startswith("Welcome. Your role is owner")
        message_id = telegram.pushed[code]["message"]["message_id"]
        assert (ana.chat_id, message_id) not in telegram.world.messages
        assert await bot.operators.role_of(ana.user_id) == "owner"
        ben.say(f"/operator {found[1]}")
        assert "wrong, already used" in (await ben.next()).text
        assert await bot.operators.role_of(ben.user_id) is None
    caplog.clear()
    async with start_bot():
        assert "/operator" not in caplog.text


async def test_an_owner_invites_and_removes(bot: TelegramBot, telegram: BotApi) -> None:
    ana, ben = telegram.person("Ana"), telegram.person("Ben")
    await become_owner(bot, ana)
    ana.say("/invite editor")
    invitation = (await ana.next()).text
    code = invitation.split("/operator ")[1]
    ben.say(f"/operator {code}")
    assert "Your role is editor" in (await ben.next()).text
    ben.say("/team")
    assert (await ben.next()).buttons == []
    ana.say("/team")
    shown = await ana.next()
    assert shown.buttons == ["Remove Ben"]
    ana.press(shown, "Remove Ben")
    assert await ana.alert() == "Removed."
    assert await bot.operators.role_of(ben.user_id) is None
    ben.say("/team")
    assert "Write your question" in (await ben.next()).text


async def test_the_last_owner_cannot_be_removed(bot: TelegramBot, telegram: BotApi) -> None:
    ana = telegram.person("Ana")
    await become_owner(bot, ana)
    assert not await bot.operators.remove(ana.user_id)
    assert await bot.operators.role_of(ana.user_id) == "owner"


async def test_guessing_codes_is_stopped(bot: TelegramBot, telegram: BotApi) -> None:
    eve = telegram.person("Eve")
    for number in range(MAX_FAILURES):
        assert await bot.operators.redeem(f"guess {number}", user_id=eve.user_id, name="") is None
    right = await bot.operators.new_code("owner")
    assert await bot.operators.redeem(right, user_id=eve.user_id, name="") is None
    assert await bot.operators.redeem(right, user_id=eve.user_id + 1, name="") == "owner"


async def test_an_old_code_is_refused(
    bot: TelegramBot, telegram: BotApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = await bot.operators.new_code("owner")
    import time

    now = time.time()
    monkeypatch.setattr("db.operators.time.time", lambda: now + 3601)
    assert await bot.operators.redeem(code, user_id=5, name="") is None


async def test_a_code_is_not_made_in_a_group(bot: TelegramBot, telegram: BotApi) -> None:
    ana = telegram.person("Ana")
    await become_owner(bot, ana)
    group = telegram.group("Team", forum=True)
    ana.say("/here", chat=group)
    assert "This is our group now" in (await ana.next(chat=group)).text
    ana.say("/invite agent", chat=group)
    assert "in our private chat" in (await ana.next(chat=group)).text


@pytest.mark.parametrize(
    ("forum", "admin", "says"),
    [(False, True, "This is no forum"), (True, False, "Make me an administrator")],
)
async def test_a_group_that_does_not_serve_says_why(
    bot: TelegramBot, telegram: BotApi, forum: bool, admin: bool, says: str
) -> None:
    ana = telegram.person("Ana")
    await become_owner(bot, ana)
    group = telegram.group("Team", forum=forum, bot_is_admin=admin)
    ana.say("/here", chat=group)
    assert says in (await ana.next(chat=group)).text
    assert await bot.team.group() == 0


async def test_each_sees_the_commands_that_are_theirs(bot: TelegramBot, telegram: BotApi) -> None:
    ana, ben = telegram.person("Ana"), telegram.person("Ben")
    await become_owner(bot, ana)
    group = telegram.group("Team", forum=True)
    ana.say("/here", chat=group)
    await ana.next(chat=group)

    def menu(chat_id: int) -> list[str]:
        """Return the commands that stand in a chat's own menu now."""
        names: list[str] = []
        for call in telegram.calls:
            if json.loads(call.params.get("scope", "{}")).get("chat_id") == chat_id:
                commands = json.loads(call.params.get("commands", "[]"))
                names = [command["command"] for command in commands]
        return names

    await telegram.until(lambda: "take" in menu(group))
    assert menu(ana.chat_id)[:3] == ["unanswered", "team", "invite"]
    await bot.operators.add(ben.user_id, "agent", name="Ben")
    ana.say("/here", chat=group)
    await telegram.until(lambda: menu(ben.chat_id)[:3] == ["unanswered", "team", "help"])
    ana.say("/team")
    ana.press(await ana.next(), "Remove Ben")
    await telegram.until(lambda: menu(ben.chat_id) == [])
    assert "unanswered" not in str(telegram.called("setMyCommands")[0].params)
