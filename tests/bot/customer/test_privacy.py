"""A customer's own data: target 36."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest

from bot.conversation.replies import Addressee, message
from bot.telegram_app import TelegramBot
from core.types import Answer
from db.base import Database
from db.conversations import Conversations
from db.erasure import ErasureList
from db.inbox import NewUpdate
from tests.bot.conftest import StartBot
from tests.bot.fakes import RETURNS, ScriptedDesk
from tests.botapi import BotApi, FaultKind
from tests.database import failing_delete
from tests.tables import dead_letters, in_state

pytestmark = pytest.mark.anyio

CANARY = "canary-7f3a91"


async def test_mydata_is_a_file_with_everything(bot: TelegramBot, telegram: BotApi) -> None:
    ana = telegram.person("Ana")
    ana.say("/start from-shop")
    await ana.next()
    ana.say("Where is my parcel?")
    await ana.next()
    ana.say("/mydata")
    sent = await ana.next()
    data = json.loads(telegram.world.files[sent.raw["document"]["file_id"]].data)
    assert data["name"] == "Ana"
    assert data["start_payload"] == "from-shop"
    assert data["conversation"] == [
        {"question": "Where is my parcel?", "answer": "echo: Where is my parcel?"}
    ]


async def test_forgetting_leaves_no_byte(
    start_bot: StartBot,
    telegram: BotApi,
    desk: ScriptedDesk,
    database: Database,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Dead letters, uncertain messages and what a person was asked for included."""
    caplog.set_level("INFO")
    conversations = Conversations(database)
    await conversations.record(
        CANARY, Answer("unknown", CANARY, "en"), chat="telegram:5", channel="telegram"
    )
    ana = telegram.person(CANARY, user_id=5)
    desk.answers[f"{CANARY} poison?"] = RuntimeError("boom")
    desk.forget = conversations.forget  # type: ignore[method-assign]
    async with start_bot() as bot:
        telegram.fault(FaultKind.DROP_AFTER, "sendMessage")
        for text in (f"{CANARY} one?", f"{CANARY} poison?", f"/human {CANARY}"):
            ana.say(text)
            await ana.next()
        await telegram.until(lambda: bot.queue.waiting == 0)
        assert any(CANARY.encode() in f.read_bytes() for f in tmp_path.glob("answerdesk.db*"))
        ana.say("/forget")
        question = await ana.next()
        ana.press(question, "Delete everything")
        assert (await ana.next()).text == "Everything you wrote here has been deleted."
        await telegram.call("sendMessage", count=5)
        left = [f for f in tmp_path.rglob("*") if f.is_file() and CANARY.encode() in f.read_bytes()]
        assert left == []
    async with start_bot():
        pass
    left = [f for f in tmp_path.rglob("*") if f.is_file() and CANARY.encode() in f.read_bytes()]
    assert left == []
    assert CANARY not in caplog.text


async def test_forgetting_reaches_what_the_team_was_told(
    start_bot: StartBot,
    telegram: BotApi,
    desk: ScriptedDesk,
    tmp_path: Path,
) -> None:
    """Also the cards and drafts that did not arrive, which keep their text."""
    gus, ana = telegram.person("Gus"), telegram.person("Ana")
    group = telegram.group("Team", forum=True)
    desk.answers[f"{CANARY}?"] = replace(
        Answer("faq", f"{CANARY} yes", "en"), sources=(replace(RETURNS, quote=CANARY),)
    )

    def files() -> list[Path]:
        found = (f for f in tmp_path.rglob("*") if f.is_file())
        return [f for f in found if CANARY.encode() in f.read_bytes()]

    async with start_bot() as bot:
        await bot.operators.add(gus.user_id, "agent", name="Gus")
        await bot.team.set_group(group)
        ana.say(f"{CANARY}?")
        ana.press(await ana.next(), "Talk")
        await ana.next()
        card = await gus.next(chat=group)
        telegram.fault(FaultKind.DROP_AFTER, "sendMessage", chat_id=group, times=2)
        gus.press(card, "Edit draft")
        await gus.next(chat=group)
        gus.say(f"{CANARY} edited", chat=group, thread=card.thread_id)
        await gus.next(chat=group)
        await telegram.until(lambda: "edited" in gus.current(card).text)
        assert len(await in_state(bot.outbox, "uncertain")) == 2
        assert files()
        ana.say("/forget")
        ana.press(await ana.next(), "Delete everything")
        assert "deleted" in (await ana.next()).text
        await telegram.until(lambda: bot.queue.waiting == 0)
    assert files() == []


async def test_an_answer_that_is_being_made_neither_arrives_nor_stays(
    start_bot: StartBot,
    telegram: BotApi,
    desk: ScriptedDesk,
    database: Database,
    tmp_path: Path,
) -> None:
    """Nor do the messages that wait behind it; what comes afterwards is answered."""
    conversations = Conversations(database)
    desk.forget = conversations.forget  # type: ignore[method-assign]
    gate = desk.gates[f"{CANARY} slow?"] = asyncio.Event()
    erased = tmp_path / "erased.txt"
    async with start_bot(erasures=ErasureList(erased)) as bot:
        ana = telegram.person("Ana")
        ana.say("/forget")
        question = await ana.next()
        ana.say(f"{CANARY} slow?")
        assert await desk.started.get() == f"{CANARY} slow?"
        ana.say(f"{CANARY} waiting?")
        await telegram.until(lambda: bot.queue.waiting == 1)
        ana.press(question, "Delete everything")
        assert (await ana.next()).text == "Everything you wrote here has been deleted."
        gate.set()
        ana.say("hello again?")
        assert (await ana.next()).text == "echo: hello again?"
        await telegram.until(lambda: bot.queue.waiting == 0)
    assert [asked.text for asked in desk.asked] == [f"{CANARY} slow?", "hello again?"]
    left = [f for f in tmp_path.rglob("*") if f.is_file() and CANARY.encode() in f.read_bytes()]
    assert left == []
    assert len(ErasureList(erased).read()) == 1


async def test_forgetting_reaches_the_desk_which_keeps_what_was_looked_up(
    start_bot: StartBot, telegram: BotApi, desk: ScriptedDesk, database: Database
) -> None:
    async with start_bot(conversations=Conversations(database)):
        ana = telegram.person("Ana")
        ana.say("Where is my order 4711?")
        await ana.next()
        ana.say("/forget")
        ana.press(await ana.next(), "Delete everything")
        assert "deleted" in (await ana.next()).text
    assert desk.asked == []


async def test_an_erasure_that_fails_midway_goes_on_until_nothing_is_left(
    start_bot: StartBot,
    telegram: BotApi,
    desk: ScriptedDesk,
    database: Database,
    tmp_path: Path,
) -> None:
    """Whichever of its writes fails; the customer is not told before."""
    conversations = Conversations(database)
    desk.forget = conversations.forget  # type: ignore[method-assign]
    said = Answer("unknown", CANARY, "en")
    number, deletes = 0, ["the first"]
    async with start_bot(erasures=ErasureList(tmp_path / "erased.txt")) as bot:
        ana = telegram.person("Ana")
        chat = f"telegram:{ana.chat_id}"
        while len(deletes) > number:
            number += 1
            await conversations.record(CANARY, said, chat=chat, channel="telegram")
            ana.say(f"/human {CANARY}")
            await ana.next()
            ana.say("/forget")
            question = await ana.next()
            await telegram.until(lambda: bot.queue.waiting == 0)
            with failing_delete(database, number) as deletes:
                ana.press(question, "Delete everything")
                assert (await ana.next()).text == "Everything you wrote here has been deleted."
            files = (f for f in tmp_path.rglob("*") if f.is_file())
            assert [f for f in files if CANARY.encode() in f.read_bytes()] == [], deletes
    assert number > 5


async def test_forgetting_reaches_buttons_drafts_and_dead_letters_of_the_team(
    bot: TelegramBot, telegram: BotApi, desk: ScriptedDesk, tmp_path: Path
) -> None:
    gus, ana = telegram.person("Gus"), telegram.person("Ana")
    await bot.operators.add(gus.user_id, "agent", name="Gus")
    ana.say(f"{CANARY}?")
    await ana.next()
    shown = message(Addressee(gus.chat_id), "Link it?", context={"question": f"{CANARY}?"})
    other = message(Addressee(gus.chat_id), "Link it?", context={"question": "another?"})
    (sent, kept) = await bot.sender.deliver([shown, other])
    await bot.outbox.add([message(Addressee(gus.chat_id), f"Draft: {CANARY}?")])
    await bot.inbox.store([NewUpdate(9_000_001, gus.chat_id, f'{{"text": "{CANARY}?"}}', "boom")])
    await bot.audit.record(gus.user_id, "button reply", str(ana.chat_id))
    ana.say("/forget")
    ana.press(await ana.next(), "Delete everything")
    assert "deleted" in (await ana.next()).text
    await telegram.until(lambda: bot.queue.waiting == 0)
    assert [entry.details for entry in await bot.audit.recent()] == [""]
    found = await bot.outbox.find(gus.chat_id, sent.message_id or 0)
    assert found is not None
    assert found.context == {}
    found = await bot.outbox.find(gus.chat_id, kept.message_id or 0)
    assert found is not None
    assert found.context == {"question": "another?"}
    queued = await in_state(bot.outbox, "queued")
    assert [one for one in queued if one.chat_id == gus.chat_id] == []
    assert await dead_letters(bot.inbox) == []


async def test_nobody_erases_for_somebody_else(bot: TelegramBot, telegram: BotApi) -> None:
    ana, eve = telegram.person("Ana"), telegram.person("Eve")
    ana.say("/forget")
    question = await ana.next()
    eve.press(question, "Delete everything")
    await eve.alert()
    ana.say("hello?")
    await ana.next()
    assert await bot.chats.name(ana.chat_id) == "Ana"


async def test_in_a_group_nothing_is_erased(bot: TelegramBot, telegram: BotApi) -> None:
    group = telegram.group("Customers")
    ana = telegram.person("Ana")
    for command in ("/forget", "/mydata"):
        ana.say(f"{command}@answerdesk_test_bot", chat=group)
        assert "in our private chat" in (await ana.next(chat=group)).text
