"""A person takes over, in a topic of the team's group."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from bot.telegram_app import TelegramBot
from core.types import Answer, Draft
from db.accounts import Accounts
from db.base import Database
from db.conversations import Conversations
from db.drafts import Drafts
from tests.bot.conftest import StartBot
from tests.bot.fakes import ScriptedDesk
from tests.bot.office import Office
from tests.botapi import BotApi, FaultKind, Received

pytestmark = pytest.mark.anyio


async def test_a_call_makes_a_topic_with_a_card(office: Office, desk: ScriptedDesk) -> None:
    office.ana.say("My lamp does not work, what now?")
    await office.ana.next()
    card = await office.called()
    topic = office.telegram.world.topics[office.group, card.thread_id]
    assert topic.name.startswith("Ana · ")
    assert "Ana · en" in card.text
    assert "Asked: it is broken" in card.text
    assert "👤 My lamp does not work, what now?" in card.text
    assert card.buttons == ["✋ Take over", "✔ Close"]


async def test_no_topic_is_made_before_a_person_is_needed(office: Office, telegram: BotApi) -> None:
    office.ana.say("hello?")
    await office.ana.next()
    assert telegram.called("createForumTopic") == []


async def test_messages_go_both_ways_and_the_bot_is_silent(
    office: Office, desk: ScriptedDesk
) -> None:
    card = await office.taken()
    asked = len(desk.asked)
    office.ana.say("Can you help me?")
    copied = await office.agent.next(chat=office.group)
    assert (copied.text, copied.thread_id) == ("Can you help me?", card.thread_id)
    office.agent.say("Of course.", chat=office.group, thread=card.thread_id)
    assert (await office.ana.next()).text == "Of course."
    assert len(desk.asked) == asked


async def test_a_conversation_is_taken_answered_and_given_back_from_the_console(
    office: Office, desk: ScriptedDesk
) -> None:
    card = await office.called()
    asked, topics = len(desk.asked), office.bot.topics
    number = office.ana.user_id
    assert await topics.reply_to_chat(number, "We send a new one.", language="en") == ""
    assert (await office.ana.next()).text == "You are talking to a person now."
    assert (await office.ana.next()).text == "We send a new one."
    copy = await office.agent.next(chat=office.group)
    assert (copy.text, copy.thread_id) == ("✉ From the console: We send a new one.", card.thread_id)
    office.ana.say("Thanks a lot!")
    assert (await office.agent.next(chat=office.group)).text == "Thanks a lot!"
    office.agent.say("// a friend", chat=office.group, thread=card.thread_id)
    office.agent.say("You are welcome.", chat=office.group, thread=card.thread_id)
    assert (await office.ana.next()).text == "You are welcome."
    office.agent.say("/canned", chat=office.group, thread=card.thread_id)
    assert (await office.agent.next(chat=office.group)).text.startswith("None yet.")
    await topics.give_chat_back(number)
    assert (await office.ana.next()).text.startswith("I'm answering again")
    said = await office.bot.handovers.said(f"telegram:{number}")
    assert [(one.author, one.text) for one in said] == [
        ("team", "We send a new one."),
        ("customer", "Thanks a lot!"),
        ("note", "a friend"),
        ("team", "You are welcome."),
    ]
    assert len(desk.asked) == asked


async def test_a_customer_who_called_nobody_is_taken_from_the_console(office: Office) -> None:
    office.ana.say("hello?")
    await office.ana.next()
    await office.bot.topics.take_chat(office.ana.user_id, language="en")
    assert (await office.ana.next()).text == "You are talking to a person now."
    assert await office.bot.handovers.is_held(office.ana.user_id)


HELD = "When do you open?"


async def held(
    office: Office, desk: ScriptedDesk, database: Database, question: str = HELD
) -> Received:
    """Let the answer to a question be held; return its draft as the team is shown it."""
    answer = Answer("held", "Wait.", "en", draft=Draft("At nine, every day.", "faq.csv", "Shop"))
    number = await Conversations(database).record(
        question, answer, chat=f"telegram:{office.ana.user_id}", channel="telegram"
    )
    desk.answers[question] = replace(answer, draft=None, answer_id=number)
    office.ana.say(question)
    told = await office.ana.next()
    assert told.text.startswith("I have passed this on")
    assert told.buttons == []
    while (shown := await office.agent.next(chat=office.group)).buttons[:1] != ["✉ Send"]:
        pass
    assert "At nine, every day." in shown.text
    assert question in shown.text
    return shown


async def agreement(database: Database) -> dict[str, int]:
    ((_, counts),) = (await Drafts(database).agreement(since=0)).items()
    return dict(counts)


async def test_a_held_answer_is_sent_once_and_the_bot_goes_on(
    office: Office, desk: ScriptedDesk, database: Database
) -> None:
    draft = await held(office, desk, database)
    office.agent.press(draft, "Send")
    assert (await office.ana.next()).text == "At nine, every day."
    assert (await office.agent.next(chat=office.group)).text == "✉ Sent: At nine, every day."
    office.agent.press(draft, "Send")
    assert (await office.agent.alert(count=2)) == "Somebody has dealt with this draft."
    assert await agreement(database) == {"as_is": 1}
    assert await office.bot.handovers.open() == []
    office.ana.say("And on Sundays?")
    assert (await office.ana.next()).text == "echo: And on Sundays?"


async def test_a_held_answer_is_edited_before_it_is_sent(
    office: Office, desk: ScriptedDesk, database: Database
) -> None:
    draft = await held(office, desk, database)
    office.agent.press(draft, "Edit")
    asked = await office.agent.next(chat=office.group)
    assert asked.text.startswith("At nine, every day.")
    office.agent.say("At ten, every day.", chat=office.group, thread=draft.thread_id)
    edited = await office.agent.next(chat=office.group)
    assert edited.text == "Not sent yet:\n\nAt ten, every day."
    office.agent.press(edited, "Send")
    assert (await office.ana.next()).text == "At ten, every day."
    assert await agreement(database) == {"edited": 1}


async def test_a_held_answer_is_discarded_and_a_person_writes(
    office: Office, desk: ScriptedDesk, database: Database
) -> None:
    first = await held(office, desk, database)
    second = await held(office, desk, database, "And when do you close?")
    office.agent.press(second, "Discard")
    assert (await office.agent.alert()).startswith("Discarded.")
    office.agent.say("Please call us.", chat=office.group, thread=first.thread_id)
    assert (await office.ana.next()).text == "You are talking to a person now."
    assert (await office.ana.next()).text == "Please call us."
    office.agent.say("/canned", chat=office.group, thread=first.thread_id)
    while not (await office.agent.next(chat=office.group)).text.startswith("None yet."):
        pass  # copies of what the customer asked
    assert await agreement(database) == {"discarded": 1, "own": 1}


async def test_a_held_answer_is_sent_from_the_console(
    office: Office, desk: ScriptedDesk, database: Database
) -> None:
    await held(office, desk, database)
    (waiting,) = await Drafts(database).waiting(f"telegram:{office.ana.user_id}")
    number = waiting.answer_id
    send = office.bot.topics.send_draft_to_chat
    assert await send(office.ana.user_id, "At nine, every day.", draft=number) == ""
    assert (await office.ana.next()).text == "At nine, every day."
    assert await agreement(database) == {"as_is": 1}


async def test_without_a_group_each_operator_is_shown_a_held_answer(
    office: Office, desk: ScriptedDesk, database: Database
) -> None:
    await office.bot.team.set_group(0)
    answer = Answer("held", "Wait.", "en", draft=Draft("At nine.", "faq.csv", ""))
    number = await Conversations(database).record(
        HELD, answer, chat=f"telegram:{office.ana.user_id}", channel="telegram"
    )
    desk.answers[HELD] = replace(answer, draft=None, answer_id=number)
    office.ana.say(HELD)
    assert (await office.ana.next()).text.startswith("I have passed this on")
    office.agent.press(await office.agent.next(), "Send")
    assert (await office.ana.next()).text == "At nine."


async def test_pictures_go_both_ways(office: Office, telegram: BotApi) -> None:
    card = await office.taken()
    photo = {"photo": [{**telegram.world.add_file("p", b"x"), "width": 9, "height": 9}]}
    office.ana.send(photo | {"caption": "look"})
    assert "photo" in (await office.agent.next(chat=office.group)).raw
    office.agent.send(photo, chat=office.group, thread=card.thread_id)
    assert "photo" in (await office.ana.next()).raw


async def test_the_team_is_not_shown_card_numbers(office: Office, telegram: BotApi) -> None:
    await office.taken()
    asked = office.ana.say("Take 4111 1111 1111 1111 please")
    copied = await office.agent.next(chat=office.group)
    assert copied.text == "Take •••• 1111 please"
    office.ana.edit(asked, "Take 5555 5555 5555 4444")
    await telegram.until(lambda: office.agent.current(copied).text == "Take •••• 4444")
    photo = {"photo": [{**telegram.world.add_file("p", b"x"), "width": 9, "height": 9}]}
    office.ana.send(photo | {"caption": "password: hunter2"})
    assert (await office.agent.next(chat=office.group)).raw["caption"] == "password: ••••"


async def test_a_note_stays_inside(office: Office, telegram: BotApi) -> None:
    card = await office.taken()
    office.agent.say("// a difficult customer", chat=office.group, thread=card.thread_id)
    office.agent.say("Hello Ana.", chat=office.group, thread=card.thread_id)
    assert (await office.ana.next()).text == "Hello Ana."
    assert not any("difficult" in text for text in telegram.sent_to(office.ana.chat_id))


async def test_writing_in_the_topic_takes_over(office: Office) -> None:
    card = await office.called()
    office.agent.say("I am Gus.", chat=office.group, thread=card.thread_id)
    assert (await office.ana.next()).text == "You are talking to a person now."
    assert (await office.ana.next()).text == "I am Gus."
    assert await office.bot.handovers.is_held(office.ana.chat_id)


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        (FaultKind.FORBIDDEN, "⚠ This was not delivered: Forbidden"),
        (FaultKind.DROP_AFTER, "⚠ This may not have arrived: "),
    ],
)
async def test_an_operator_learns_that_a_message_did_not_arrive(
    office: Office, telegram: BotApi, kind: FaultKind, says: str
) -> None:
    card = await office.taken()
    telegram.fault(kind, "copyMessage")
    office.agent.say("Hello Ana.", chat=office.group, thread=card.thread_id)
    note = await office.agent.next(chat=office.group)
    assert note.text.startswith(says)
    assert note.thread_id == card.thread_id


async def test_edits_are_mirrored_both_ways(office: Office, telegram: BotApi) -> None:
    card = await office.taken()
    written = office.agent.say("In 3 days.", chat=office.group, thread=card.thread_id)
    reply = await office.ana.next()
    office.agent.edit(written, "In 4 days.")
    await telegram.until(lambda: office.ana.current(reply).text == "In 4 days.")
    asked = office.ana.say("Realy?")
    copied = await office.agent.next(chat=office.group)
    office.ana.edit(asked, "Really?")
    await telegram.until(lambda: office.agent.current(copied).text == "Really?")


async def test_given_back_the_bot_answers_again(office: Office, desk: ScriptedDesk) -> None:
    card = await office.taken()
    office.agent.press(office.agent.current(card), "Give back")
    assert (await office.ana.next()).text.startswith("I'm answering again")
    office.ana.say("Do you ship?")
    assert (await office.ana.next()).text == "echo: Do you ship?"


async def test_closing_asks_for_a_rating_and_reopening_goes_on(
    office: Office, telegram: BotApi
) -> None:
    card = await office.taken()
    office.agent.say("/close", chat=office.group, thread=card.thread_id)
    goodbye = await office.ana.next()
    assert goodbye.text == "This conversation is closed. How was it?"
    assert telegram.world.topics[office.group, card.thread_id].closed
    office.ana.press(goodbye, "★★★★★")
    await telegram.until(lambda: office.ana.current(goodbye).text == "Thank you!")
    office.agent.say("/reopen", chat=office.group, thread=card.thread_id)
    assert (await office.ana.next()).text == "You are talking to a person now."
    assert not telegram.world.topics[office.group, card.thread_id].closed


async def test_a_later_call_uses_the_same_topic(office: Office, telegram: BotApi) -> None:
    card = await office.taken()
    office.agent.say("/close", chat=office.group, thread=card.thread_id)
    await office.ana.next()
    again = await office.called()
    assert again.thread_id == card.thread_id
    assert len(telegram.called("createForumTopic")) == 1


async def test_a_deleted_topic_is_made_again(office: Office, telegram: BotApi) -> None:
    card = await office.taken()
    telegram.world.topics[office.group, card.thread_id].deleted = True
    office.ana.say("Still there?")
    new_card = await office.agent.next(chat=office.group)
    copied = await office.agent.next(chat=office.group)
    assert new_card.thread_id == copied.thread_id != card.thread_id
    assert copied.text == "Still there?"


async def test_a_banned_customer_is_not_read(
    office: Office, desk: ScriptedDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = await office.taken()
    office.agent.say("/ban", chat=office.group, thread=card.thread_id)
    assert "Banned" in (await office.agent.next(chat=office.group)).text
    asked = len(desk.asked)
    finished, finish = asyncio.Event(), office.bot.inbox.finish

    async def watched(*update_ids: int, note: str = "") -> None:
        await finish(*update_ids, note=note)
        if last in update_ids:
            finished.set()

    monkeypatch.setattr(office.bot.inbox, "finish", watched)
    office.ana.say("hello?")
    last = office.ana.say("/help")
    await finished.wait()  # conversations do not wait for each other
    office.agent.say("/unban", chat=office.group, thread=card.thread_id)
    assert "No longer banned" in (await office.agent.next(chat=office.group)).text
    office.ana.say("and now?")
    assert (await office.ana.next()).text == "echo: and now?"
    assert len(desk.asked) == asked + 1


async def test_the_draft_is_sent_with_a_button(office: Office, desk: ScriptedDesk) -> None:
    desk.knows("Can I return it?", "Yes.")
    office.ana.say("Can I return it?")
    office.ana.press(await office.ana.next(), "Talk")
    await office.ana.next()
    card = await office.agent.next(chat=office.group)
    assert "Draft: You may return any item within 30 days." in card.text
    office.agent.press(card, "Send draft")
    assert (await office.ana.next()).text == "You are talking to a person now."
    assert (await office.ana.next()).text == "You may return any item within 30 days."


async def test_a_conversation_is_assigned_in_its_topic(office: Office, database: Database) -> None:
    accounts = Accounts(database)
    for name, role in (("Ada Lovelace", "agent"), ("Vic", "viewer")):
        await accounts.invite(name, role)  # type: ignore[arg-type]
    card = await office.called()
    chat = f"telegram:{office.ana.user_id}"

    async def told(command: str) -> str:
        office.agent.say(command, chat=office.group, thread=card.thread_id)
        return (await office.agent.next(chat=office.group)).text

    assert (await told("/assign")).startswith("Assigned to nobody.\n\n/assign me, /assign @NAME")
    assert await told("/assign @ada lovelace") == "Assigned to Ada Lovelace."
    assert (await accounts.assigned([chat]))[chat].name == "Ada Lovelace"
    assert "Assigned to Ada Lovelace." in office.agent.current(card).text
    assert (await told("/assign")).startswith("Assigned to Ada Lovelace.\n\n")
    refused = "No account 'Vic' may talk to customers. These may: Ada Lovelace."
    assert await told("/assign Vic") == refused
    assert "not linked with an account" in await told("/assign me")
    assert await told("/assign nobody") == "Assigned to nobody."
    assert await accounts.assigned([chat]) == {}
    ada = await accounts.named("ada lovelace")
    assert ada
    code = await office.bot.operators.new_code("agent", account_id=ada.account_id)
    await office.bot.operators.redeem(code, user_id=office.agent.user_id, name="Ada")
    assert await told("/assign me") == "Assigned to Ada Lovelace."


async def test_canned_replies(office: Office) -> None:
    card = await office.taken()
    where: dict[str, Any] = {"chat": office.group, "thread": card.thread_id}
    office.agent.say("/canned thanks =Thank you for your patience.", **where)
    assert "Stored as 'thanks'" in (await office.agent.next(chat=office.group)).text
    office.agent.say("/canned", **where)
    assert (
        "thanks: Thank you for your patience." in (await office.agent.next(chat=office.group)).text
    )
    office.agent.say("/canned thanks", **where)
    assert (await office.ana.next()).text == "Thank you for your patience."


async def test_somebody_else_in_the_topic_is_not_passed_on(
    office: Office, telegram: BotApi, desk: ScriptedDesk
) -> None:
    card = await office.taken()
    stranger = telegram.person("Stranger")
    stranger.say("@answerdesk_test_bot buy this", chat=office.group, thread=card.thread_id)
    office.agent.say("Hello.", chat=office.group, thread=card.thread_id)
    assert (await office.ana.next()).text == "Hello."
    assert "buy this" not in str(desk.asked)


async def test_an_answer_in_the_making_is_not_sent_once_a_person_took_over(
    office: Office, desk: ScriptedDesk, telegram: BotApi
) -> None:
    card = await office.called()
    desk.gates["slow?"] = asyncio.Event()
    office.ana.say("slow?")
    while await desk.started.get() != "slow?":
        pass
    office.agent.press(card, "Take over")
    assert (await office.ana.next()).text == "You are talking to a person now."
    desk.gates["slow?"].set()
    assert (await office.agent.next(chat=office.group)).text == "slow?"
    assert "echo: slow?" not in telegram.sent_to(office.ana.chat_id)


async def test_without_a_group_the_operators_are_written_to_and_reply(
    bot: TelegramBot, telegram: BotApi
) -> None:
    gus, ana = telegram.person("Gus"), telegram.person("Ana")
    await bot.operators.add(gus.user_id, "agent", name="Gus")
    ana.say("/human my lamp")
    called = await gus.next()
    assert "Ana asks for a person: “my lamp”" in called.text
    assert "/here" in called.text
    await ana.next()
    gus.press(called, "Reply")
    assert "Your next message here is sent." in (await gus.next()).text
    gus.say("Turn it around.")
    assert (await ana.next()).text == "🙋 Turn it around."
    assert (await gus.next()).text.startswith("Sent.")
    gus.press(called, "Reply")
    assert await gus.alert(count=2) == "Somebody has answered, or they are gone."
    ana.say("/human it still does not work")
    assert "it still does not work" in (await gus.next()).text


async def test_a_call_that_could_not_be_passed_on_is_at_the_next_start(
    start_bot: StartBot, telegram: BotApi
) -> None:
    group = telegram.group("Team", forum=True)
    gus, ana = telegram.person("Gus"), telegram.person("Ana")
    telegram.fault(FaultKind.ERROR_JSON, "createForumTopic")
    async with start_bot() as bot:
        await bot.operators.add(gus.user_id, "agent", name="Gus")
        await bot.team.set_group(group)
        ana.say("/human my lamp")
        await ana.next()
        await telegram.call("createForumTopic")
    async with start_bot():
        assert "Asked: my lamp" in (await gus.next(chat=group)).text


async def test_forgetting_deletes_the_topic(office: Office, telegram: BotApi) -> None:
    card = await office.called()
    office.ana.say("/forget")
    office.ana.press(await office.ana.next(), "Delete everything")
    assert "deleted" in (await office.ana.next()).text
    assert telegram.world.topics[office.group, card.thread_id].deleted
    assert await office.bot.handovers.get(office.ana.chat_id) is None


async def test_the_card_says_what_the_bot_found_and_how_the_conversation_stands(
    office: Office, desk: ScriptedDesk, telegram: BotApi
) -> None:
    desk.knows("Can I return it?", "Yes.")
    office.ana.say("Can I return it?")
    office.ana.press(await office.ana.next(), "Talk")
    await office.ana.next()
    card = await office.agent.next(chat=office.group)
    assert "Found: Returns policy, page 3 (90% sure)" in card.text
    assert "🙋 waits for a person" in card.text
    office.agent.press(card, "Take over")
    await telegram.until(lambda: "✋ Gus has it" in office.agent.current(card).text)
    office.agent.press(office.agent.current(card), "Close")
    await telegram.until(lambda: "✔ closed" in office.agent.current(card).text)
    assert office.agent.current(card).buttons == []
    await office.ana.next()
    office.ana.press(await office.ana.next(), "★★★★")
    await telegram.until(lambda: "Rated ★★★★☆" in office.agent.current(card).text)
