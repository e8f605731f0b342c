"""The loopback Bot API does what Telegram does, and notices what Telegram would not accept."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup, MessageEntity, error

from tests.botapi import TOKEN, BotApi, FaultKind

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def durations_as_timedelta(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PTB_TIMEDELTA", "true")


@pytest.fixture
async def telegram() -> AsyncIterator[BotApi]:
    async with BotApi() as api:
        yield api


@pytest.fixture
async def bot(telegram: BotApi) -> AsyncIterator[Bot]:
    async with Bot(
        TOKEN, base_url=telegram.base_url, base_file_url=telegram.base_file_url
    ) as ready:
        yield ready


async def test_a_message_reaches_the_bot_and_its_reply_the_customer(
    telegram: BotApi, bot: Bot
) -> None:
    ana = telegram.person("Ana", language="es")
    ana.say("hola")
    (update,) = await bot.get_updates()
    assert update.message
    assert update.message.text == "hola"
    assert update.message.from_user
    assert update.message.from_user.language_code == "es"
    await update.message.reply_text("buenas")
    assert (await ana.next()).text == "buenas"


async def test_updates_come_again_until_their_offset_confirms_them(
    telegram: BotApi, bot: Bot
) -> None:
    ana = telegram.person()
    first, second = ana.say("1"), ana.say("2")
    assert [u.update_id for u in await bot.get_updates()] == [first, second]
    assert [u.update_id for u in await bot.get_updates(offset=second)] == [second]
    assert await bot.get_updates(offset=second + 1) == ()
    telegram.repeat(first)
    assert [u.update_id for u in await bot.get_updates(offset=second + 1)] == [first]


async def test_long_polling_waits_for_a_message(telegram: BotApi, bot: Bot) -> None:
    poll = asyncio.create_task(bot.get_updates(timeout=10))
    await telegram.call("getUpdates")
    telegram.person().say("late")
    (update,) = await poll
    assert update.message
    assert update.message.text == "late"


async def test_a_second_poller_ends_the_first_with_409(telegram: BotApi, bot: Bot) -> None:
    first = asyncio.create_task(bot.get_updates(timeout=10))
    await telegram.call("getUpdates")
    async with Bot(TOKEN, base_url=telegram.base_url) as second:
        assert await second.get_updates(timeout=0) == ()
    with pytest.raises(error.Conflict):
        await first


async def test_buttons_are_pressed_and_answered_once(telegram: BotApi, bot: Bot) -> None:
    ana = telegram.person()
    keyboard = InlineKeyboardMarkup([[InlineKeyboardButton("Yes", callback_data="y")]])
    await bot.send_message(ana.chat_id, "Sure?", reply_markup=keyboard)
    ana.press(await ana.next(), "Yes")
    (update,) = await bot.get_updates()
    assert update.callback_query
    assert update.callback_query.data == "y"
    await update.callback_query.answer("Thanks")
    assert await ana.alert() == "Thanks"
    with pytest.raises(error.BadRequest, match=r"(?i)query is too old"):
        await update.callback_query.answer("again")


async def test_files_go_both_ways(telegram: BotApi, bot: Bot) -> None:
    ana = telegram.person()
    ana.upload("faq.csv", b"question,answer\n", caption="new prices")
    (update,) = await bot.get_updates()
    assert update.message
    assert update.message.document
    file = await update.message.document.get_file()
    assert bytes(await file.download_as_bytearray()) == b"question,answer\n"
    await bot.send_document(ana.chat_id, b"report", filename="report.txt", caption="done")
    sent = await ana.next()
    assert sent.raw["document"]["file_name"] == "report.txt"


async def test_topics_live_and_die(telegram: BotApi, bot: Bot) -> None:
    group = telegram.group("Team", forum=True)
    topic = await bot.create_forum_topic(group, "Ana")
    thread = topic.message_thread_id
    await bot.send_message(group, "card", message_thread_id=thread)
    await bot.close_forum_topic(group, thread)
    await bot.reopen_forum_topic(group, thread)
    await bot.edit_forum_topic(group, thread, name="Ana B")
    assert telegram.world.topics[group, thread].name == "Ana B"
    await bot.delete_forum_topic(group, thread)
    with pytest.raises(error.BadRequest, match=r"(?i)message thread not found"):
        await bot.send_message(group, "card", message_thread_id=thread)


@pytest.mark.parametrize(
    ("kind", "expected", "stands"),
    [
        (FaultKind.FLOOD, error.RetryAfter, False),
        (FaultKind.ERROR_JSON, error.NetworkError, False),
        (FaultKind.ERROR_HTML, error.NetworkError, False),
        (FaultKind.ERROR_HTML_DONE, error.NetworkError, True),
        (FaultKind.DROP_BEFORE, error.NetworkError, False),
        (FaultKind.DROP_AFTER, error.NetworkError, True),
        (FaultKind.RESET_AFTER, error.NetworkError, True),
        (FaultKind.GARBAGE_DONE, error.TelegramError, True),
        (FaultKind.UNAUTHORIZED, error.InvalidToken, False),
        (FaultKind.FORBIDDEN, error.Forbidden, False),
        (FaultKind.BAD_REQUEST, error.BadRequest, False),
    ],
)
async def test_faults_before_and_after_the_message_is_stored(
    telegram: BotApi,
    bot: Bot,
    kind: FaultKind,
    expected: type[error.TelegramError],
    stands: bool,
) -> None:
    ana = telegram.person()
    telegram.fault(kind, "sendMessage")
    with pytest.raises(expected):
        await bot.send_message(ana.chat_id, "hello", read_timeout=2)
    assert telegram.sent_to(ana.chat_id) == (["hello"] if stands else [])
    await bot.send_message(ana.chat_id, "again")
    assert telegram.sent_to(ana.chat_id)[-1] == "again"


async def test_telegrams_limits_hold(telegram: BotApi, bot: Bot) -> None:
    chat = telegram.person().chat_id
    with pytest.raises(error.BadRequest, match="too long"):
        await bot.send_message(chat, "😀" * 2049)
    with pytest.raises(error.BadRequest, match=r"(?i)can't parse entities"):
        await bot.send_message(chat, "ab", entities=[MessageEntity("bold", 1, 2)])
    with pytest.raises(error.BadRequest, match=r"(?i)BUTTON_DATA_INVALID"):
        await bot.send_message(
            chat,
            "ab",
            reply_markup=InlineKeyboardMarkup(
                [[InlineKeyboardButton("long", callback_data="x" * 65)]]
            ),
        )
    sent = await bot.send_message(chat, "same")
    with pytest.raises(error.BadRequest, match=r"(?i)message is not modified"):
        await sent.edit_text("same")
    with pytest.raises(error.BadRequest, match=r"(?i)chat not found"):
        await bot.send_message(1, "to nobody")


async def test_drafts_are_for_private_chats_and_vanish_with_the_message(
    telegram: BotApi, bot: Bot
) -> None:
    ana = telegram.person()
    await bot.send_message_draft(ana.chat_id, 1, "Your ord")
    assert telegram.world.drafts[ana.chat_id] == "Your ord"
    await bot.send_message(ana.chat_id, "Your order is on its way.")
    assert ana.chat_id not in telegram.world.drafts
    with pytest.raises(error.BadRequest, match=r"(?i)TEXTDRAFT_PEER_INVALID"):
        await bot.send_message_draft(telegram.group("Team"), 1, "x")


async def test_a_wrong_token_is_401(telegram: BotApi) -> None:
    with pytest.raises(error.InvalidToken):
        async with Bot("1:wrong", base_url=telegram.base_url):
            pass


async def test_a_request_that_the_bot_api_does_not_know_fails_the_test() -> None:
    api = BotApi()
    await api.__aenter__()
    ana = api.person()
    async with httpx.AsyncClient(headers={"Connection": "close"}) as client:
        url = f"{api.base_url}{TOKEN}/sendMessage"
        reply = await client.post(url, data={"chat_id": ana.chat_id, "text": "a", "bold": "true"})
        assert reply.status_code == 400
    with pytest.raises(AssertionError, match=r"sendMessage has no field \['bold'\]"):
        await api.__aexit__(None, None, None)
