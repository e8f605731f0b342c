"""A customer waits for a person: drafts, what the team sees meanwhile, and the truth."""

from datetime import UTC, datetime

import pytest

from bot.conversation.service import Manners
from bot.telegram_app import TelegramBot
from core.hours import WorkingHours
from core.types import Answer
from db.base import Database
from db.conversations import Conversations
from tests.bot.conftest import StartBot
from tests.bot.fakes import ScriptedDesk
from tests.bot.office import Office
from tests.botapi import BotApi, FaultKind, Received

pytestmark = pytest.mark.anyio


# --- who comes first ----------------------------------------------------------------------------


async def test_an_urgent_customer_is_offered_a_person_first_and_the_card_says_why(
    office: Office, desk: ScriptedDesk
) -> None:
    desk.knows("It smokes!", "This sounds urgent. Unplug it.", urgency="urgent")
    office.ana.say("It smokes!")
    reply = await office.ana.next()
    assert reply.buttons[0] == "🙋 Talk to a person"
    assert reply.buttons.count("🙋 Talk to a person") == 1
    office.ana.press(reply, "Talk")
    await office.ana.next()
    card = await office.agent.next(chat=office.group)
    assert card.text.startswith("🚨 Urgent: danger, fraud or distress\nAna")


async def test_who_waits_already_comes_first_once_it_is_urgent(
    office: Office, desk: ScriptedDesk, telegram: BotApi
) -> None:
    other = telegram.person("Olga")
    handovers = office.bot.handovers
    for who in (other, office.ana):
        who.say("/human")
        await who.next()
        card = await office.agent.next(chat=office.group)
    assert [h.chat_id for h in await handovers.open()] == [other.chat_id, office.ana.chat_id]
    desk.knows("You liars", "I'm sorry about the trouble.", urgency="angry")
    office.ana.say("You liars")
    await telegram.until(lambda: "😠 Angry" in office.agent.current(card).text)
    assert [h.chat_id for h in await handovers.open()] == [office.ana.chat_id, other.chat_id]


# --- drafts -------------------------------------------------------------------------------------


async def draft_card(office: Office, desk: ScriptedDesk) -> Received:
    """Let the customer ask for a person under an answer; return the card with the draft."""
    desk.knows("Can I return it?", "Yes.")
    office.ana.say("Can I return it?")
    office.ana.press(await office.ana.next(), "Talk")
    await office.ana.next()
    return await office.agent.next(chat=office.group)


async def test_an_edited_draft_goes_to_the_customer_only_after_send(
    office: Office, desk: ScriptedDesk, telegram: BotApi
) -> None:
    card = await draft_card(office, desk)
    office.agent.press(card, "Edit draft")
    prompt = await office.agent.next(chat=office.group)
    assert prompt.text.startswith("You may return any item within 30 days.\n\nWrite the answer")
    office.agent.say("Within 40 days.", chat=office.group, thread=card.thread_id)
    shown = await office.agent.next(chat=office.group)
    assert (shown.text, shown.thread_id) == ("Not sent yet:\n\nWithin 40 days.", card.thread_id)
    await telegram.until(lambda: "Draft: Within 40" in office.agent.current(card).text)
    assert "Within 40 days." not in telegram.sent_to(office.ana.chat_id)
    assert not await office.bot.handovers.is_held(office.ana.chat_id)

    office.agent.press(shown, "Send")
    assert (await office.ana.next()).text == "You are talking to a person now."
    assert (await office.ana.next()).text == "Within 40 days."
    assert (await office.agent.next(chat=office.group)).text == "✉ Sent: Within 40 days."
    office.agent.say("Anything else?", chat=office.group, thread=card.thread_id)
    assert (await office.ana.next()).text == "Anything else?"


async def test_a_draft_is_sent_once_however_often_it_is_pressed(
    office: Office, desk: ScriptedDesk, telegram: BotApi
) -> None:
    card = await draft_card(office, desk)
    office.agent.press(card, "Send draft")
    office.agent.press(card, "Send draft")
    assert await office.agent.alert(count=3) == "There is no draft any more."
    sent = telegram.sent_to(office.ana.chat_id)
    assert sent.count("You may return any item within 30 days.") == 1


async def test_a_note_while_a_draft_is_edited_stays_inside(
    office: Office, desk: ScriptedDesk, telegram: BotApi
) -> None:
    card = await draft_card(office, desk)
    office.agent.press(card, "Edit draft")
    await office.agent.next(chat=office.group)
    office.agent.say("// wait, I ask Ben", chat=office.group, thread=card.thread_id)
    office.agent.say("Within 50 days.", chat=office.group, thread=card.thread_id)
    assert "50 days" in (await office.agent.next(chat=office.group)).text
    assert "Ben" not in str(telegram.sent_to(office.ana.chat_id))


async def test_a_colleague_who_did_not_press_edit_writes_to_the_customer(
    office: Office, desk: ScriptedDesk, telegram: BotApi
) -> None:
    card = await draft_card(office, desk)
    ben = telegram.person("Ben")
    await office.bot.operators.add(ben.user_id, "agent", name="Ben")
    office.agent.press(card, "Edit draft")
    await office.agent.next(chat=office.group)
    ben.say("Hello Ana.", chat=office.group, thread=card.thread_id)
    await office.ana.next()
    assert (await office.ana.next()).text == "Hello Ana."


async def test_a_restart_keeps_a_draft_that_is_being_edited(
    start_bot: StartBot, telegram: BotApi, desk: ScriptedDesk
) -> None:
    group = telegram.group("Team", forum=True)
    gus, ana = telegram.person("Gus"), telegram.person("Ana")
    async with start_bot() as bot:
        await bot.team.set_group(group)
        await bot.operators.add(gus.user_id, "agent", name="Gus")
        card = await draft_card(Office(bot, telegram, group, gus, ana), desk)
        gus.press(card, "Edit draft")
        await gus.next(chat=group)
    async with start_bot():
        gus.say("Within 40 days.", chat=group, thread=card.thread_id)
        shown = await gus.next(chat=group)
        assert shown.text == "Not sent yet:\n\nWithin 40 days."
    async with start_bot():
        gus.press(shown, "Send")
        await ana.next()
        assert (await ana.next()).text == "Within 40 days."


# --- while the customer waits -------------------------------------------------------------------


async def test_the_topic_sees_what_is_said_while_the_customer_waits(
    office: Office, telegram: BotApi
) -> None:
    card = await office.called()
    asked = office.ana.say("Is it dear?")
    assert (await office.ana.next()).text == "echo: Is it dear?"
    copied, turn = [await office.agent.next(chat=office.group) for _ in range(2)]
    assert (copied.text, turn.text) == ("Is it dear?", "🤖 echo: Is it dear?")
    assert {copied.thread_id, turn.thread_id} == {card.thread_id}
    photo = {"photo": [{**telegram.world.add_file("p", b"x"), "width": 9, "height": 9}]}
    office.ana.send(photo)
    assert "can't see pictures" in (await office.ana.next()).text
    assert "photo" in (await office.agent.next(chat=office.group)).raw
    office.ana.edit(asked, "Is it cheap?")
    await telegram.until(lambda: office.agent.current(copied).text == "Is it cheap?")


async def test_a_restart_loses_nothing_of_what_the_topic_is_to_see(
    start_bot: StartBot, telegram: BotApi
) -> None:
    group = telegram.group("Team", forum=True)
    gus, ana = telegram.person("Gus"), telegram.person("Ana")
    async with start_bot() as bot:
        await bot.team.set_group(group)
        await bot.operators.add(gus.user_id, "agent", name="Gus")
        await Office(bot, telegram, group, gus, ana).called()
        telegram.fault(FaultKind.ERROR_JSON, "copyMessage", times=1000)
        ana.say("Is it dear?")
        await ana.next()
        await telegram.call("copyMessage")
    telegram.faults.clear()
    async with start_bot():
        assert (await gus.next(chat=group)).text == "Is it dear?"
        assert (await gus.next(chat=group)).text == "🤖 echo: Is it dear?"


async def test_a_topic_that_was_deleted_while_the_customer_waits_is_made_again(
    office: Office, telegram: BotApi
) -> None:
    card = await office.called()
    telegram.world.topics[office.group, card.thread_id].deleted = True
    office.ana.say("Is it dear?")
    await office.ana.next()
    again = await office.agent.next(chat=office.group)
    assert again.thread_id != card.thread_id
    assert "👤 Is it dear?\n🤖 echo: Is it dear?" in again.text


async def test_a_waiting_customer_is_not_offered_a_person_again(
    office: Office, desk: ScriptedDesk
) -> None:
    await office.called()
    desk.answers["It is a birthday present"] = Answer("unknown", "I don't know.", "en")
    office.ana.say("It is a birthday present")
    reply = await office.ana.next()
    assert reply.text.startswith("I don't know that, but I have added it to your request.")
    assert reply.buttons == []
    assert (await office.agent.next(chat=office.group)).text == "It is a birthday present"
    assert (await office.agent.next(chat=office.group)).text == f"🤖 {reply.text}"


# --- nobody, or not now -------------------------------------------------------------------------


async def test_without_a_team_nothing_is_promised_and_the_question_is_kept(
    bot: TelegramBot, telegram: BotApi, database: Database
) -> None:
    ana, gus = telegram.person("Ana"), telegram.person("Gus")
    ana.say("/human Is my lamp safe?")
    assert (await ana.next()).text.startswith("There is nobody here yet who could take over.")
    (kept,) = await Conversations(database).open_questions()
    assert (kept.question, kept.chat) == ("Is my lamp safe?", f"telegram:{ana.chat_id}")

    code = await bot.operators.new_code("owner")
    gus.say(f"/operator {code}")
    assert "1 customer is waiting for a person" in (await gus.next()).text
    group = telegram.group("Team", forum=True)
    gus.say("/here", chat=group)
    assert "This is our group now" in (await gus.next(chat=group)).text
    assert "Asked: Is my lamp safe?" in (await gus.next(chat=group)).text


async def test_asking_in_words_without_a_team_is_answered_as_honestly(
    bot: TelegramBot, telegram: BotApi, desk: ScriptedDesk
) -> None:
    desk.answers["human please"] = Answer(
        "smalltalk", "I have passed this on.", "en", intent="person"
    )
    ana = telegram.person("Ana")
    ana.say("human please")
    assert (await ana.next()).text.startswith("There is nobody here yet")


@pytest.mark.parametrize(
    ("language", "says"),
    [("en", "back on Monday at 09:00 (UTC)"), ("zh", "将于星期一 09:00（UTC）回来")],
)
async def test_outside_working_hours_the_customer_is_told_when_the_team_is_back(
    start_bot: StartBot,
    telegram: BotApi,
    monkeypatch: pytest.MonkeyPatch,
    language: str,
    says: str,
) -> None:
    sunday = datetime(2026, 11, 22, 12, tzinfo=UTC).timestamp()
    monkeypatch.setattr("bot.customer.handover_requests.now", lambda: sunday)
    manners = Manners(merge_s=0, hours=WorkingHours.parse(["mon-fri 09:00-17:00"], "UTC"))
    ana = telegram.person("Ana", language=language)
    async with start_bot(manners=manners) as bot:
        await bot.operators.add(5, "agent", name="Gus")
        ana.say("/human")
        assert says in (await ana.next()).text
        assert [h.chat_id for h in await bot.handovers.open()] == [ana.chat_id]


async def test_a_second_rating_counts_and_a_new_conversation_has_none(
    office: Office, telegram: BotApi
) -> None:
    card = await office.taken()
    office.agent.say("/close", chat=office.group, thread=card.thread_id)
    office.ana.press(await office.ana.next(), "★★")
    await telegram.until(lambda: "Rated ★★☆☆☆" in office.agent.current(card).text)
    assert "Rated" not in (await office.called()).text
