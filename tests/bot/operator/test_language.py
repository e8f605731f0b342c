"""What operators read in Telegram, in their own language; in the group in the company's."""

import pytest

from bot.conversation.service import Manners
from bot.telegram_app import TelegramBot
from db.accounts import Accounts
from db.base import Database
from tests.bot.conftest import StartBot
from tests.bot.office import Office, become_owner
from tests.botapi import BotApi

pytestmark = pytest.mark.anyio


async def test_an_operator_reads_the_language_of_their_app(
    bot: TelegramBot, telegram: BotApi
) -> None:
    li = telegram.person("Li", language="zh-hans")
    li.say("/operator wrong")
    assert (await li.next()).text.startswith("邀请码错误")
    li.say(f"/operator {await bot.operators.new_code('owner')}")
    assert (await li.next()).text.startswith("欢迎。您的角色是所有者，可以执行所有操作。")
    li.say("/team")
    assert (await li.next()).text.startswith(f"Li · 所有者 · {li.user_id}\n\n还没有群组")
    ben = telegram.person("Ben")
    await become_owner(bot, ben)


async def test_what_an_operator_chose_counts_more(
    bot: TelegramBot, telegram: BotApi, database: Database
) -> None:
    accounts = Accounts(database)
    li = telegram.person("Li", language="ru")
    await accounts.invite("Li", "owner")
    (own,) = await accounts.list()
    li.say(f"/operator {await bot.operators.new_code('owner', account_id=own.account_id)}")
    assert (await li.next()).text.startswith("Welcome.")
    await bot.chats.choose_language(li.chat_id, "zh")
    li.say("/team")
    assert "所有者" in (await li.next()).text
    await accounts.set_language(own.account_id, "en")
    li.say("/team")
    assert "owner" in (await li.next()).text


async def test_the_group_reads_the_companys_language(start_bot: StartBot, telegram: BotApi) -> None:
    async with start_bot(manners=Manners(company="Acme", language="zh", merge_s=0)) as bot:
        group = telegram.group("Team", forum=True)
        await bot.team.set_group(group)
        agent = telegram.person("Gus")
        await bot.operators.add(agent.user_id, "agent", name="Gus")
        office = Office(bot, telegram, group, agent, telegram.person("Ana"))
        card = await office.called()
        assert "Ana · en · 🙋 等待人工" in card.text
        assert card.buttons == ["✋ 接管", "✔ 结束"]
        agent.press(card, "✋ 接管")
        assert (await office.ana.next()).text == "You are talking to a person now."
