"""How the bot ends: a second poller, a refused token, silence, a full disk and a stop."""

import asyncio
import time
from datetime import UTC, datetime

import pytest
from telegram import Chat, Message, Update

from bot.telegram_app import TelegramBot, TelegramSettings
from bot.transport.errors import BadToken, Deaf, SecondPoller
from bot.transport.inbox import InboxQueue
from core.errors import StorageError
from db.base import Database
from db.inbox import Inbox, NewUpdate
from tests.bot.conftest import StartBot
from tests.bot.fakes import QuickShutdown, ScriptedDesk
from tests.botapi import TOKEN, BotApi, FaultKind

pytestmark = [pytest.mark.anyio, pytest.mark.slow]


async def test_of_two_pollers_the_younger_one_ends(start_bot: StartBot, telegram: BotApi) -> None:
    """Target 7."""
    async with start_bot(shutdown=QuickShutdown(1000)) as older:
        await older.shutdown.sleep(61)
        async with start_bot(shutdown=QuickShutdown(1)) as younger:
            started = time.monotonic()
            with pytest.raises(SecondPoller, match="@answerdesk_test_bot"):
                await younger.wait()
            assert time.monotonic() - started < 5
        ana = telegram.person()
        ana.say("still served?")
        assert (await ana.next()).text == "echo: still served?"
        assert not older.watchdog.ended.done()


async def test_a_refused_token_at_start(start_bot: StartBot, telegram: BotApi) -> None:
    wrong = "7000000001:" + "B" * 35
    with pytest.raises(BadToken, match=r"refuses the bot token \(401\)") as caught:
        async with start_bot(token=wrong):
            pass
    assert wrong not in str(caught.value)
    assert caught.value.__cause__ is None


async def test_a_malformed_token(start_bot: StartBot) -> None:
    with pytest.raises(BadToken, match="malformed"):
        async with start_bot(token="hello"):
            pass


async def test_a_token_revoked_later_ends_the_bot(bot: TelegramBot, telegram: BotApi) -> None:
    telegram.fault(FaultKind.UNAUTHORIZED, "getUpdates")
    telegram.person().say("hello?")
    with pytest.raises(BadToken, match="401"):
        async with asyncio.timeout(10):
            await bot.wait()


async def test_a_bot_that_hears_nothing_for_long_ends(
    start_bot: StartBot, telegram: BotApi
) -> None:
    async with start_bot(deaf_s=200) as bot:
        telegram.down = True
        telegram.end_polls()
        with pytest.raises(Deaf, match="Nothing could be received from Telegram"):
            async with asyncio.timeout(10):
                await bot.wait()
        telegram.down = False


async def test_an_unreachable_telegram_at_start_is_waited_for(
    start_bot: StartBot, telegram: BotApi
) -> None:
    telegram.fault(FaultKind.DROP_BEFORE, "getMe", times=3)
    ana = telegram.person()
    ana.say("hello?")
    async with start_bot():
        assert (await ana.next()).text == "echo: hello?"


async def test_stopping_lets_a_running_answer_end(
    start_bot: StartBot, telegram: BotApi, desk: ScriptedDesk
) -> None:
    ana = telegram.person()
    gate = desk.gates["last?"] = asyncio.Event()
    async with start_bot():
        ana.say("last?")
        await desk.started.get()
        asyncio.get_running_loop().call_later(0.1, gate.set)
    assert telegram.sent_to(ana.chat_id) == ["echo: last?"]


async def test_a_closed_queue_lets_nothing_in(database: Database) -> None:
    """The application's end waits until its queue is empty, and nobody takes from it any more."""
    flooding: list[Update] = []
    inbox = Inbox(database, bot_id=1)
    queue = InboxQueue(inbox, on_flood=flooding.append)
    chat = Chat(5, "private")
    first, second, third = (
        Update(n, Message(n, datetime.now(UTC), chat, text="hello")) for n in range(3)
    )
    await queue.put(first)
    await queue.put(second)
    assert await queue.get() is first
    queue.close()
    queue.release(first)
    await queue.put(third)
    assert queue.empty()
    assert len(await inbox.pending()) == 3
    assert not flooding


async def test_stopping_while_a_customer_floods_ends_and_loses_nothing(
    start_bot: StartBot, telegram: BotApi, desk: ScriptedDesk
) -> None:
    """What waits behind the message in work stays stored, and is answered at the next start."""
    desk.gates["m0"] = asyncio.Event()
    ana = telegram.person("Ana", user_id=5)
    async with asyncio.timeout(60):
        async with start_bot() as bot:
            for number in range(20):
                ana.say(f"m{number}")
            await desk.started.get()
            await telegram.until(lambda: bot.queue.waiting == 19)
        desk.gates.clear()
        async with start_bot():
            assert [(await ana.next()).text for _ in range(20)] == [
                f"echo: m{number}" for number in range(20)
            ]


async def test_a_full_disk_confirms_nothing(bot: TelegramBot, telegram: BotApi) -> None:
    """What could not be stored is fetched again from Telegram."""
    store, failures = bot.inbox.store, iter([StorageError("disk full"), StorageError("disk full")])

    async def full(updates: list[NewUpdate]) -> set[int]:
        for failure in failures:
            raise failure
        return await store(updates)

    bot.inbox.store = full  # type: ignore[method-assign, assignment]
    ana = telegram.person()
    ana.say("hello?")
    assert (await ana.next()).text == "echo: hello?"


async def test_a_number_is_new_again_after_some_days(
    start_bot: StartBot, telegram: BotApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Telegram's numbers start anew after a quiet week."""
    ana = telegram.person()
    async with start_bot() as bot:
        update = ana.say("hello?")
        await ana.next()
    await bot.tidy()
    assert await bot.queue.store([(update, {}, "")]) == set()
    now = time.time()
    monkeypatch.setattr("bot.telegram_app.time.time", lambda: now + 4 * 86400)
    await bot.tidy()
    assert await bot.queue.store([(update, {}, "")]) == {update}


def test_settings_do_not_show_the_token() -> None:
    assert TOKEN not in repr(TelegramSettings(token=TOKEN))
