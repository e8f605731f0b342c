"""What a customer sees."""

import asyncio

import pytest

from bot.conversation.service import Manners
from bot.telegram_app import TelegramBot
from core.types import Answer, Choice, Source
from tests.bot.conftest import StartBot
from tests.bot.fakes import ScriptedDesk
from tests.botapi import BotApi

pytestmark = pytest.mark.anyio


async def test_a_question_is_answered_with_its_source(
    bot: TelegramBot, telegram: BotApi, desk: ScriptedDesk
) -> None:
    desk.knows("Can I return it?", "Yes, within **30 days**.")
    ana = telegram.person(language="de")
    ana.say("Can I return it?")
    reply = await ana.next()
    assert reply.text == "Yes, within **30 days**."
    assert "entities" not in reply.raw
    assert reply.buttons == [
        "📄 Returns policy, page 3",
        "👍",
        "👎",
        "🙋 Talk to a person",
    ]
    call = telegram.called("sendMessage")[0]
    assert call.params["link_preview_options"] == '{"is_disabled": true}'
    assert desk.asked[0].chat == f"telegram:{ana.chat_id}"
    assert desk.asked[0].language_code == "de"


async def test_typing_is_shown_until_the_answer_is_there(
    bot: TelegramBot, telegram: BotApi, desk: ScriptedDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.transport.typing.BEGIN_S", 0.0)
    desk.gates["slow?"] = asyncio.Event()
    ana = telegram.person()
    ana.say("slow?")
    call = await telegram.call("sendChatAction")
    assert call.params["action"] == "typing"
    desk.gates["slow?"].set()
    await ana.next()


async def test_typing_is_not_shown_for_an_answer_that_is_there_soon(
    bot: TelegramBot, telegram: BotApi, desk: ScriptedDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Target 21: each such call costs as much as a tenth of a reply."""
    monkeypatch.setattr("bot.transport.typing.BEGIN_S", 60.0)
    desk.knows("quick?", "Yes.")
    ana = telegram.person()
    for _ in range(2):
        ana.say("quick?")
        await ana.next()
    assert not telegram.called("sendChatAction")


async def test_of_a_crowd_only_some_are_shown_typing(
    bot: TelegramBot, telegram: BotApi, desk: ScriptedDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.transport.typing._MOST", 1)
    monkeypatch.setattr("bot.transport.typing.BEGIN_S", 0.0)
    desk.gates["slow?"] = asyncio.Event()
    desk.knows("quick?", "Yes.")
    first, second = telegram.person(), telegram.person()
    first.say("slow?")
    await telegram.call("sendChatAction")
    second.say("quick?")
    await second.next()
    assert len(telegram.called("sendChatAction")) == 1
    desk.gates["slow?"].set()
    await first.next()


async def test_a_source_button_shows_the_passage_with_file_and_date(
    bot: TelegramBot, telegram: BotApi, desk: ScriptedDesk
) -> None:
    desk.knows("Can I return it?", "Yes.")
    ana = telegram.person()
    ana.say("Can I return it?")
    ana.press(await ana.next(), "Returns policy")
    passage = await ana.next()
    assert passage.text == (
        "Returns policy\nreturns.md, page 3 · as of 2026-10-01\n\n"
        "You may return any item within 30 days."
    )
    assert await ana.alert() == ""


async def test_buttons_work_after_a_restart(
    start_bot: StartBot, telegram: BotApi, desk: ScriptedDesk
) -> None:
    desk.knows("Can I return it?", "Yes.")
    ana = telegram.person()
    async with start_bot():
        ana.say("Can I return it?")
        reply = await ana.next()
    async with start_bot():
        ana.press(reply, "Returns policy")
        assert "within 30 days" in (await ana.next()).text


async def test_an_unknown_answer_offers_a_person_and_nothing_to_judge(
    bot: TelegramBot, telegram: BotApi, desk: ScriptedDesk
) -> None:
    await bot.operators.add(5, "agent", name="Gus")
    desk.answers["Meaning of life?"] = Answer("unknown", "I don't know.", "en")
    ana = telegram.person()
    ana.say("Meaning of life?")
    reply = await ana.next()
    assert reply.buttons == ["🙋 Talk to a person"]
    ana.press(reply, "Talk")
    assert (await ana.next()).text.startswith("I have passed this on")
    (waiting,) = await bot.handovers.open()
    assert (waiting.chat_id, waiting.reason) == (ana.chat_id, "Meaning of life?")


async def test_asking_for_a_person_in_words_calls_one(
    bot: TelegramBot, telegram: BotApi, desk: ScriptedDesk
) -> None:
    desk.answers["human please"] = Answer(
        "smalltalk", "I have passed this on.", "en", intent="person"
    )
    ana = telegram.person()
    ana.say("human please")
    reply = await ana.next()
    assert reply.buttons == []
    assert [h.chat_id for h in await bot.handovers.open()] == [ana.chat_id]
    assert reply.text != "I have passed this on."
    assert list(desk.given.values()) == [reply.text], "operators read what was sent"


async def test_choices_are_buttons_and_the_pressed_one_is_answered(
    bot: TelegramBot, telegram: BotApi, desk: ScriptedDesk
) -> None:
    await bot.operators.add(5, "agent", name="Gus")
    choices = (Choice("c1", "How do I block my card?"), Choice("c2", "How do I order a card?"))
    desk.answers["card"] = Answer("faq", "Perhaps: yes.", "en", choices=choices, hedged=True)
    ana = telegram.person()
    ana.say("card")
    reply = await ana.next()
    assert reply.buttons == [
        "How do I block my card?",
        "How do I order a card?",
        "None of these",
        "👍",
        "👎",
        "🙋 Talk to a person",
    ]
    ana.press(reply, "order a card")
    assert (await ana.next()).text == "echo: How do I order a card?"
    ana.press(reply, "None of these")
    again = await ana.next()
    assert again.text.startswith("I have noted your question")
    assert again.buttons == ["🙋 Talk to a person"]


async def test_none_of_these_under_an_unsure_answer_makes_the_question_open(
    bot: TelegramBot, telegram: BotApi, desk: ScriptedDesk
) -> None:
    choices = (Choice("c1", "How do I order a card?"),)
    desk.answers["card"] = Answer("faq", "Perhaps: yes.", "en", choices=choices, hedged=True)
    ana = telegram.person()
    ana.say("card")
    reply = await ana.next()
    assert "None of these" in reply.buttons
    ana.press(reply, "None of these")
    assert (await ana.next()).text.startswith("I have noted your question")
    assert desk.judged == [(1, False, "not_my_question")]


@pytest.mark.parametrize(("button", "helpful"), [("👍", True), ("👎", False)])
async def test_a_verdict_is_stored_and_its_buttons_go(
    bot: TelegramBot, telegram: BotApi, desk: ScriptedDesk, button: str, helpful: bool
) -> None:
    desk.knows("Can I return it?", "Yes.")
    ana = telegram.person()
    ana.say("Can I return it?")
    reply = await ana.next()
    ana.press(reply, button)
    await telegram.call("editMessageReplyMarkup")
    assert desk.judged == [(1, helpful, "")]
    buttons = ana.current(reply).buttons
    assert button not in buttons
    assert ("Outdated" in buttons) is not helpful


async def test_after_a_thumbs_down_the_reason_is_stored(
    bot: TelegramBot, telegram: BotApi, desk: ScriptedDesk
) -> None:
    desk.knows("Can I return it?", "Yes.")
    ana = telegram.person()
    ana.say("Can I return it?")
    reply = await ana.next()
    ana.press(reply, "👎")
    await telegram.call("editMessageReplyMarkup")
    ana.press(ana.current(reply), "Outdated")
    await telegram.call("editMessageReplyMarkup", count=2)
    assert desk.judged[-1] == (1, False, "outdated")
    assert "Outdated" not in ana.current(reply).buttons
    assert await ana.alert(count=2) == "Thank you for your feedback."


async def test_an_edited_question_changes_the_answer_in_place(
    bot: TelegramBot, telegram: BotApi, desk: ScriptedDesk
) -> None:
    ana = telegram.person()
    asked = ana.say("Do you ship to Spain?")
    reply = await ana.next()
    ana.edit(asked, "Do you ship to France?")
    await telegram.call("editMessageText")
    assert ana.current(reply).text == "echo: Do you ship to France?"
    assert telegram.sent_to(ana.chat_id) == ["echo: Do you ship to France?"]
    ana.press(ana.current(reply), "👎")
    await telegram.call("editMessageReplyMarkup")
    assert desk.judged == [(2, False, "")]


async def test_short_messages_in_a_row_are_one_question(
    start_bot: StartBot, telegram: BotApi, desk: ScriptedDesk
) -> None:
    async with start_bot(manners=Manners(merge_s=1.5)):
        ana = telegram.person()
        ana.say("hi")
        ana.say("my parcel")
        ana.say("where is it?")
        assert (await ana.next()).text == "echo: hi\nmy parcel\nwhere is it?"
    assert [a.text for a in desk.asked] == ["hi\nmy parcel\nwhere is it?"]


async def test_a_short_message_alone_is_answered_after_the_wait(
    start_bot: StartBot, telegram: BotApi
) -> None:
    async with start_bot(manners=Manners(merge_s=0.05)):
        ana = telegram.person()
        ana.say("hi")
        assert (await ana.next()).text == "echo: hi"


async def test_commands_in_the_customers_language(bot: TelegramBot, telegram: BotApi) -> None:
    await bot.operators.add(5, "agent", name="Gus")
    ana = telegram.person(language="de")
    ana.say("/start shop-berlin")
    assert "Acme" in (text := (await ana.next()).text)
    assert text.startswith("Hallo!")
    assert (await bot.chats.record(ana.chat_id))["start_payload"] == "shop-berlin"
    ana.say("/help")
    assert "👍" in (await ana.next()).text
    ana.say("/privacy")
    assert "/forget" in (await ana.next()).text
    ana.say("/human")
    assert "Mensch" in (await ana.next()).text


async def test_the_companys_own_welcome_greets_whose_language_it_is_in(
    start_bot: StartBot, telegram: BotApi
) -> None:
    async with start_bot(manners=Manners(merge_s=0, welcome={"de": "Moin {name}!"})):
        for language, greeting in (("de-AT", "Moin {name}!"), ("en", "Hello! Ask me")):
            customer = telegram.person(language=language)
            customer.say("/start")
            assert (await customer.next()).text.startswith(greeting)


async def test_a_chosen_language_stays(
    bot: TelegramBot, telegram: BotApi, desk: ScriptedDesk
) -> None:
    ana = telegram.person(language="de")
    ana.say("/language")
    offer = await ana.next()
    assert offer.buttons[:2] == ["English", "中文"]
    ana.press(offer, "中文")
    await telegram.call("editMessageText")
    assert ana.current(offer).text == "好的，我会使用中文。"
    ana.say("/help")
    assert "来源" in (await ana.next()).text
    ana.say("Wo ist mein Paket?")
    await ana.next()
    assert desk.asked[-1].language_code == "zh"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ({"voice": {"duration": 3}}, "voice messages"),
        ({"photo": None}, "pictures"),
        ({"location": {"latitude": 1.0, "longitude": 2.0}}, "only read text"),
    ],
)
async def test_what_the_bot_cannot_read_gets_a_friendly_sentence(
    bot: TelegramBot, telegram: BotApi, desk: ScriptedDesk, content: dict[str, object], says: str
) -> None:
    file = telegram.world.add_file("x", b"x")
    if "voice" in content:
        content = {"voice": {**file, "duration": 3}}
    if "photo" in content:
        content = {"photo": [{**file, "width": 9, "height": 9}]}
    ana = telegram.person()
    ana.send(content)
    assert says in (await ana.next()).text
    assert desk.asked == []


async def test_a_pictures_caption_is_the_question(bot: TelegramBot, telegram: BotApi) -> None:
    ana = telegram.person()
    photo = {**telegram.world.add_file("x", b"x"), "width": 9, "height": 9}
    ana.send({"photo": [photo], "caption": "Is this one in stock?"})
    assert (await ana.next()).text == "echo: Is this one in stock?"


async def test_in_a_group_the_bot_answers_only_when_addressed(
    bot: TelegramBot, telegram: BotApi, desk: ScriptedDesk
) -> None:
    group = telegram.group("Customers")
    ana = telegram.person()
    ana.say("nice weather", chat=group)
    ana.say("@answerdesk_test_bot do you ship to Spain?", chat=group)
    reply = await ana.next(chat=group)
    assert reply.text == "echo: do you ship to Spain?"
    assert reply.raw["reply_to_message"]["text"].startswith("@answerdesk")
    ana.say("and to France?", chat=group, reply_to=reply.raw)
    assert (await ana.next(chat=group)).text == "echo: and to France?"
    assert len(desk.asked) == 2


async def test_a_long_answer_comes_in_parts_with_the_buttons_under_the_last(
    bot: TelegramBot, telegram: BotApi, desk: ScriptedDesk
) -> None:
    desk.knows("all?", "\n\n".join(f"Paragraph {n}. " + "word " * 120 for n in range(12)))
    ana = telegram.person()
    ana.say("all?")
    parts = [await ana.next(), await ana.next()]
    assert all(len(part.text) <= 4096 for part in parts)
    assert parts[0].buttons == []
    assert "👍" in parts[1].buttons


async def test_a_composed_answer_has_no_link_that_its_source_lacks(
    bot: TelegramBot, telegram: BotApi, desk: ScriptedDesk
) -> None:
    source = Source("c", "d.md", "T", "", "See https://acme.example/returns for more.", 1, "")
    text = "See https://acme.example/returns or https://evil.example/x and www.evil.example."
    desk.knows("link?", text, kind="composed", sources=(source,))
    ana = telegram.person()
    ana.say("link?")
    assert (await ana.next()).text == "See https://acme.example/returns or … and …."


async def test_an_old_question_is_answered_with_an_apology(
    start_bot: StartBot, telegram: BotApi
) -> None:
    ana = telegram.person()
    update = ana.say("Where is my parcel?")
    telegram.world.pending[update]["message"]["date"] -= 3600
    async with start_bot():
        first = await ana.next()
        assert first.text == "Sorry that you had to wait. About “Where is my parcel?”:"
        assert (await ana.next()).text == "echo: Where is my parcel?"


async def test_channels_bots_and_anonymous_admins_are_not_answered(
    bot: TelegramBot, telegram: BotApi, desk: ScriptedDesk
) -> None:
    group = telegram.group("Customers")
    admin = telegram.person("Admin", user_id=1087968824)
    admin.user["is_bot"] = True
    admin.send(
        {"text": "@answerdesk_test_bot hi", "sender_chat": telegram.world.chats[group]}, chat=group
    )
    ana = telegram.person()
    ana.say("hello?")
    await ana.next()
    assert [a.text for a in desk.asked] == ["hello?"]


async def test_expired_buttons_say_so(bot: TelegramBot, telegram: BotApi) -> None:
    ana = telegram.person()
    ana.say("hello?")
    reply = await ana.next()
    ana.press_data(reply, "src:7")
    assert "no longer works" in await ana.alert()
    ana.press_data(reply, "nonsense")
    assert await ana.alert(count=2) == "This button is not for you."
