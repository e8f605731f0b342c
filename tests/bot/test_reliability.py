"""Nothing lost, nothing twice, nothing out of order: targets 2 to 7 and 41 in short."""

import asyncio
import itertools
import json
import logging
from typing import Any

import pytest

from bot.conversation.replies import Addressee, message
from bot.telegram_app import TelegramBot
from bot.transport.inbox import PARKED_PER_LANE
from db.base import Database
from db.mishaps import Mishaps
from tests.bot.conftest import StartBot
from tests.bot.fakes import QuickShutdown, ScriptedDesk
from tests.botapi import BotApi, FaultKind
from tests.tables import dead_letters, in_state

pytestmark = [pytest.mark.anyio, pytest.mark.slow]


# --- order -------------------------------------------------------------------------------------


async def test_replies_keep_the_order_of_the_questions(bot: TelegramBot, telegram: BotApi) -> None:
    """Target 3."""
    people = [telegram.person() for _ in range(10)]
    for number in range(8):
        for person in people:
            person.say(f"question {number}?")
    for person in people:
        assert [(await person.next()).text for _ in range(8)] == [
            f"echo: question {number}?" for number in range(8)
        ]


async def test_a_slow_reply_holds_up_its_own_chat_only(
    bot: TelegramBot, telegram: BotApi, desk: ScriptedDesk
) -> None:
    """Target 3."""
    desk.gates["slow?"] = asyncio.Event()
    ana, ben = telegram.person("Ana"), telegram.person("Ben")
    ana.say("slow?")
    ana.say("after it?")
    await desk.started.get()
    ben.say("quick?")
    assert (await ben.next()).text == "echo: quick?"
    assert telegram.sent_to(ana.chat_id) == []
    desk.gates["slow?"].set()
    assert (await ana.next()).text == "echo: slow?"
    assert (await ana.next()).text == "echo: after it?"


async def test_a_button_does_not_wait_behind_a_slow_answer(
    bot: TelegramBot, telegram: BotApi, desk: ScriptedDesk
) -> None:
    desk.knows("returns?", "Yes.")
    desk.gates["slow?"] = asyncio.Event()
    ana = telegram.person()
    ana.say("returns?")
    reply = await ana.next()
    ana.say("slow?")
    await desk.started.get()
    ana.press(reply, "Returns policy")
    assert "within 30 days" in (await ana.next()).text
    desk.gates["slow?"].set()
    assert (await ana.next()).text == "echo: slow?"


# --- arrival -----------------------------------------------------------------------------------


async def test_a_duplicate_update_is_answered_once(
    bot: TelegramBot, telegram: BotApi, desk: ScriptedDesk
) -> None:
    """Target 2."""
    ana = telegram.person()
    update = ana.say("once?")
    await ana.next()
    telegram.repeat(update)
    ana.say("next?")
    assert (await ana.next()).text == "echo: next?"
    assert [a.text for a in desk.asked] == ["once?", "next?"]


async def test_an_update_that_cannot_be_parsed_is_a_dead_letter_and_blocks_nothing(
    bot: TelegramBot, telegram: BotApi
) -> None:
    ana = telegram.person()
    broken = telegram.push_broken({"message": {"message_id": 5, "chat": {"id": ana.chat_id}}})
    ana.say("still there?")
    assert (await ana.next()).text == "echo: still there?"
    (dead,) = await dead_letters(bot.inbox)
    assert dead.update_id == broken
    assert "date" in dead.error
    assert str(ana.chat_id) in dead.payload
    assert len(telegram.called("getUpdates")) < 10


HUGE = 2**63


@pytest.mark.parametrize(
    ("sender", "text"),
    [
        ({"id": 7, "is_bot": False, "first_name": "Eve"}, "half a character \ud83d"),
        ({"id": HUGE, "is_bot": False, "first_name": "Eve"}, "who am I?"),
        ({"id": 7, "is_bot": False, "first_name": "Eve", "extra": [{"deep": -HUGE - 1}]}, "?"),
    ],
    ids=["half character", "number", "deep number"],
)
async def test_an_update_that_no_database_takes_is_a_dead_letter_and_blocks_nothing(
    bot: TelegramBot, telegram: BotApi, sender: dict[str, Any], text: str
) -> None:
    ana = telegram.person()
    chat = {"id": ana.chat_id, "type": "private"}
    message = {"message_id": 5, "date": 1, "chat": chat, "from": sender, "text": text}
    broken = telegram.push_broken({"message": message})
    ana.say("still there?")
    assert (await ana.next()).text == "echo: still there?"
    (dead,) = await dead_letters(bot.inbox)
    assert dead.update_id == broken
    assert json.loads(dead.payload)["message"] == message
    assert len(telegram.called("getUpdates")) < 10


async def test_an_update_of_a_chat_that_cannot_be_is_a_dead_letter(
    bot: TelegramBot, telegram: BotApi
) -> None:
    telegram.push_broken({"message": {"message_id": 5, "date": 1, "chat": {"id": HUGE}}})
    ana = telegram.person()
    ana.say("still there?")
    assert (await ana.next()).text == "echo: still there?"
    (dead,) = await dead_letters(bot.inbox)
    assert (dead.chat_id, dead.error) == (None, "it holds a number of more than 64 bits")


async def test_a_poison_update_is_a_dead_letter_after_three_tries(
    bot: TelegramBot, telegram: BotApi, desk: ScriptedDesk
) -> None:
    """Target 4."""
    desk.answers["poison?"] = RuntimeError("boom")
    ana, ben = telegram.person("Ana"), telegram.person("Ben")
    poison = ana.say("poison?")
    ana.say("fine?")
    ben.say("hello?")
    assert (await ben.next()).text == "echo: hello?"
    texts = {(await ana.next()).text, (await ana.next()).text}
    assert "echo: fine?" in texts
    assert any(text.startswith("Something went wrong on our side") for text in texts)
    assert [a.text for a in desk.asked].count("poison?") == 3
    (dead,) = await dead_letters(bot.inbox)
    assert (dead.update_id, dead.error) == (poison, "RuntimeError: boom")
    assert "poison?" in dead.payload


async def test_an_operator_has_a_dead_letter_handled_and_an_uncertain_message_sent_again(
    bot: TelegramBot, telegram: BotApi, desk: ScriptedDesk, database: Database
) -> None:
    """As the console's page of what went wrong does it; once, however often it is pressed."""
    desk.answers["poison?"] = RuntimeError("boom")
    mishaps = Mishaps(database)
    ana = telegram.person()
    ana.say("poison?")
    assert (await ana.next()).text.startswith("Something went wrong on our side")
    (letter,) = await mishaps.dead_letters(limit=9)
    assert letter.starts
    assert await mishaps.counts() == (1, 0)
    del desk.answers["poison?"]
    assert await bot.recovery.handle_again(letter.seq)
    assert (await ana.next()).text == "echo: poison?"
    assert not await bot.recovery.handle_again(letter.seq)

    (stored,) = await bot.outbox.add([message(Addressee(ana.chat_id), "Are you there?")])
    await bot.outbox.finish(stored.outbox_id, "uncertain", error="timed out")
    (send,) = await mishaps.uncertain_sends(limit=9)
    assert send.error == "timed out"
    assert await bot.recovery.send_again(send.outbox_id)
    assert (await ana.next()).text == "Are you there?"
    assert not await bot.recovery.send_again(send.outbox_id)
    assert not await mishaps.drop_send(send.outbox_id)
    assert await mishaps.counts() == (0, 0)


async def test_a_handler_that_hangs_is_ended(
    start_bot: StartBot, telegram: BotApi, desk: ScriptedDesk
) -> None:
    """Target 4."""
    desk.gates["hang?"] = asyncio.Event()
    ana = telegram.person()
    async with start_bot(handler_timeout_s=1) as bot:
        ana.say("hang?")
        ana.say("and this?")
        texts = {(await ana.next()).text, (await ana.next()).text}
        assert "echo: and this?" in texts
        (dead,) = await dead_letters(bot.inbox)
        assert "did not end within 1 s" in dead.error


async def test_a_trouble_that_passes_is_tried_again(
    bot: TelegramBot, telegram: BotApi, desk: ScriptedDesk
) -> None:
    failures = iter([RuntimeError("once"), RuntimeError("twice")])
    ask = desk.ask

    async def flaky(text: str, **rest: object) -> object:
        for failure in failures:
            raise failure
        return await ask(text, **rest)  # type: ignore[arg-type]

    desk.ask = flaky  # type: ignore[method-assign, assignment]
    ana = telegram.person()
    ana.say("again?")
    assert (await ana.next()).text == "echo: again?"
    assert await dead_letters(bot.inbox) == []


async def test_what_an_earlier_run_did_not_finish_is_answered_first(
    start_bot: StartBot, telegram: BotApi, desk: ScriptedDesk
) -> None:
    ana = telegram.person()
    desk.gates["interrupted?"] = asyncio.Event()
    async with start_bot():
        ana.say("interrupted?")
        ana.say("waiting?")
        await desk.started.get()
    assert telegram.sent_to(ana.chat_id) == []
    desk.gates.clear()
    async with start_bot() as bot:
        assert (await ana.next()).text == "echo: interrupted?"
        assert (await ana.next()).text == "echo: waiting?"
        await telegram.call("sendMessage", count=2)
    assert await bot.inbox.pending() == []


async def test_an_update_in_which_the_process_died_often_is_a_dead_letter(
    start_bot: StartBot, telegram: BotApi, desk: ScriptedDesk
) -> None:
    ana = telegram.person()
    async with start_bot() as bot:
        pass
    update = ana.say("deadly?")
    await bot.queue.store([(update, {"update_id": update, **telegram.pushed[update]}, "")])
    for _ in range(5):  # after the first, which is counted when it is stored
        await bot.inbox.start(update)
    async with start_bot() as bot:
        ana.say("hello?")
        assert (await ana.next()).text == "echo: hello?"
        (dead,) = await dead_letters(bot.inbox)
        assert dead.error == "the process ended 6 times while it was handled"
    assert [a.text for a in desk.asked] == ["hello?"]


async def test_an_innocent_update_in_progress_at_many_deaths_is_answered(
    start_bot: StartBot, telegram: BotApi, desk: ScriptedDesk
) -> None:
    """It was being handled whenever something else ended the process."""
    people = [telegram.person(f"P{n}") for n in range(5)]
    async with start_bot() as bot:
        pass
    updates = [person.say("innocent?") for person in people]
    for update in updates:
        await bot.queue.store([(update, {"update_id": update, **telegram.pushed[update]}, "")])
        for _ in range(4):
            await bot.inbox.start(update)
    desk.most_at_once = 0
    async with start_bot() as bot:
        for person in people:
            assert (await person.next()).text == "echo: innocent?"
        assert await dead_letters(bot.inbox) == []
    assert desk.most_at_once == 1


async def test_a_flooding_customer_is_told_once_and_others_are_served(
    bot: TelegramBot, telegram: BotApi, desk: ScriptedDesk
) -> None:
    """Target 41."""
    desk.gates["flood 0?"] = asyncio.Event()
    ana, ben = telegram.person("Ana"), telegram.person("Ben")
    for number in range(PARKED_PER_LANE + 21):
        ana.say(f"flood {number}?")
    assert "faster than I can answer" in (await ana.next()).text
    ben.say("hello?")
    assert (await ben.next()).text == "echo: hello?"
    assert bot.queue.waiting == PARKED_PER_LANE
    desk.gates["flood 0?"].set()
    replies = [(await ana.next()).text for _ in range(PARKED_PER_LANE + 1)]
    assert replies == [f"echo: flood {n}?" for n in range(PARKED_PER_LANE + 1)]


# --- departure ---------------------------------------------------------------------------------


async def test_a_message_that_may_have_been_sent_is_uncertain_and_not_repeated(
    bot: TelegramBot, telegram: BotApi
) -> None:
    """Target 5."""
    ana = telegram.person()
    telegram.fault(FaultKind.DROP_AFTER, "sendMessage")
    ana.say("first?")
    ana.say("second?")
    assert [(await ana.next()).text for _ in range(2)] == ["echo: first?", "echo: second?"]
    await telegram.call("sendMessage", count=2)
    assert telegram.sent_to(ana.chat_id) == ["echo: first?", "echo: second?"]
    (uncertain,) = await in_state(bot.outbox, "uncertain")
    assert uncertain.params["text"] == "echo: first?"
    assert uncertain.error


@pytest.mark.parametrize(
    "kind", [FaultKind.DROP_BEFORE, FaultKind.ERROR_HTML, FaultKind.GARBAGE_DONE]
)
async def test_every_ambiguous_end_is_uncertain(
    bot: TelegramBot, telegram: BotApi, kind: FaultKind
) -> None:
    """Target 5."""
    ana = telegram.person()
    telegram.fault(kind, "sendMessage")
    ana.say("first?")
    ana.say("second?")
    await telegram.call("sendMessage", count=2)
    assert [m.params["text"] for m in await in_state(bot.outbox, "uncertain")] == ["echo: first?"]


async def test_what_telegram_says_it_did_not_run_is_sent_again(
    bot: TelegramBot, telegram: BotApi
) -> None:
    ana = telegram.person()
    telegram.fault(FaultKind.ERROR_JSON, "sendMessage", times=3, status=500)
    ana.say("hello?")
    assert (await ana.next()).text == "echo: hello?"
    assert telegram.sent_to(ana.chat_id) == ["echo: hello?"]


async def test_429_is_obeyed_and_stops_no_other_chat(telegram: BotApi, start_bot: StartBot) -> None:
    """Target 5."""
    speed = 20.0
    ana, ben = telegram.person("Ana"), telegram.person("Ben")
    async with start_bot(shutdown=QuickShutdown(speed)):
        telegram.fault(FaultKind.FLOOD, "sendMessage", chat_id=ana.chat_id, retry_after=10)
        ana.say("hello?")
        refused = await telegram.call("sendMessage", chat_id=ana.chat_id)
        ben.say("hi?")
        await ben.next()
        assert telegram.sent_to(ana.chat_id) == []
        assert (await ana.next()).text == "echo: hello?"
        again = telegram.called("sendMessage", ana.chat_id)[1]
        assert (again.at - refused.at) * speed >= 10


async def until_logged(caplog: pytest.LogCaptureFixture, text: str, *, count: int) -> None:
    """Wait until so many records with a text were written from now on."""
    seen = asyncio.Semaphore(0)

    def note(record: logging.LogRecord) -> bool:
        if text in record.getMessage():
            seen.release()
        return True

    caplog.handler.addFilter(note)
    try:
        async with asyncio.timeout(30):
            for _ in range(count):
                await seen.acquire()
    finally:
        caplog.handler.removeFilter(note)  # the handler is that of all tests


async def test_after_an_outage_everything_is_answered(
    bot: TelegramBot, telegram: BotApi, desk: ScriptedDesk, caplog: pytest.LogCaptureFixture
) -> None:
    """Target 6."""
    people = [telegram.person(f"P{n}") for n in range(10)]
    desk.gates["before?"] = asyncio.Event()
    for person in people:
        person.say("before?")
        await desk.started.get()
    await telegram.go_away()
    for person in people:
        for number in range(3):
            person.say(f"during {number}?")
    desk.gates["before?"].set()
    await until_logged(caplog, "Receiving from Telegram", count=2)
    assert telegram.called("sendMessage") == []
    await telegram.come_back()
    for person in people:
        assert (await person.next()).text == "echo: before?"
        for number in range(3):
            assert (await person.next()).text == f"echo: during {number}?"
    for person in people:
        times = [call.at for call in telegram.called("sendMessage", person.chat_id)]
        gaps = [(b - a) * 200 for a, b in itertools.pairwise(times)]
        assert all(gap >= 0.99 for gap in gaps), gaps


async def test_a_customer_who_blocked_the_bot_costs_one_call(
    bot: TelegramBot, telegram: BotApi
) -> None:
    ana, ben = telegram.person("Ana"), telegram.person("Ben")
    telegram.fault(FaultKind.FORBIDDEN, "sendMessage", chat_id=ana.chat_id)
    ana.say("hello?")
    await telegram.call("sendMessage", chat_id=ana.chat_id)
    ben.say("hello?")
    await ben.next()
    (failed,) = await in_state(bot.outbox, "failed")
    assert "blocked" in failed.error.lower()


async def test_a_group_that_became_a_supergroup_gets_its_answer(
    bot: TelegramBot, telegram: BotApi
) -> None:
    old, new = telegram.group("Team"), telegram.group("Team")
    ana = telegram.person()
    ana.say("@answerdesk_test_bot hello?", chat=old)
    telegram.world.chats[old]["migrated_to"] = new
    assert (await ana.next(chat=new)).text == "echo: hello?"


async def test_a_message_of_an_earlier_run_is_sent(
    start_bot: StartBot, telegram: BotApi, desk: ScriptedDesk
) -> None:
    """A crash between storing a reply and sending it."""
    ana = telegram.person()
    async with start_bot() as bot:
        pass
    update = ana.say("asked?")
    await bot.queue.store([(update, {"update_id": update, **telegram.pushed[update]}, "")])
    await bot.outbox.add([message(Addressee(ana.chat_id), "stored reply")], update_id=update)
    await bot.outbox.add([message(Addressee(ana.chat_id), "news")])
    async with start_bot():
        assert {(await ana.next()).text, (await ana.next()).text} == {"stored reply", "news"}
    assert desk.asked == []
