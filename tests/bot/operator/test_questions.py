"""Open questions: listed, answered, dismissed; on the real knowledge base and the real parser."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.telegram_app import TelegramBot
from core.types import Answer, Urgency
from db.conversations import Conversations
from kb.parse.sandbox.parser_process import ParserProcess
from kb.releases.ingestor import IncomingFile
from tests.bot.conftest import StartBot
from tests.botapi import BotApi, Person, Received
from tests.fakes import WordEmbedder
from tests.kb.workshop import Workshop, library_of, workshop

pytestmark = pytest.mark.anyio

NORWAY = "Do you ship to Norway?"


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Workshop]:
    async with workshop(tmp_path / "shop", WordEmbedder(), parser=ParserProcess()) as opened:
        await opened.put(about="question,answer\nAre you open?,Always.\n")
        yield opened


@pytest.fixture
async def bot(start_bot: StartBot, shop: Workshop) -> AsyncIterator[TelegramBot]:
    async with start_bot(database=shop.database, library=library_of(shop)) as running:
        yield running


@pytest.fixture
async def editor(bot: TelegramBot, telegram: BotApi) -> Person:
    person = telegram.person("Eddi")
    await bot.operators.add(person.user_id, "editor", name="Eddi")
    return person


async def ask_in_vain(
    shop: Workshop, who: Person | None, question: str, *, urgency: Urgency = ""
) -> int:
    return await Conversations(shop.database).record(
        question,
        Answer("unknown", "I don't know.", "en", urgency=urgency),
        chat=f"telegram:{who.chat_id}" if who else "web:1",
        channel="telegram",
    )


async def shown(telegram: BotApi, person: Person, message: Received, word: str) -> Received:
    """Wait until a message has a word in it."""
    await telegram.until(lambda: word in person.current(message).text, what=word)
    return person.current(message)


async def entries(shop: Workshop) -> dict[str, str]:
    _, rows, _ = await shop.snapshot()
    return {row.text: row.answer for row in rows.values()}


async def proposed(telegram: BotApi, editor: Person, *, press: str, text: str) -> Received:
    """Answer a question of the list; return the preview of the entry."""
    editor.say("/unanswered")
    editor.press(await editor.next(), press)
    assert "Write the answer now" in (await editor.next()).text
    editor.say(text)
    return await shown(telegram, editor, await editor.next(), "This would be stored")


@pytest.mark.parametrize("order", ["", " newest"])
async def test_urgent_and_angry_customers_come_before_others_with_the_reason(
    telegram: BotApi, shop: Workshop, editor: Person, order: str
) -> None:
    ana = telegram.person("Ana")
    await ask_in_vain(shop, ana, "The lamp is on fire", urgency="urgent")
    await ask_in_vain(shop, ana, "You are thieves", urgency="angry")
    await ask_in_vain(shop, ana, NORWAY)
    await ask_in_vain(shop, None, "to Norway do you ship")
    editor.say(f"/unanswered{order}")
    text = (await editor.next()).text
    places = [text.index(word) for word in ("on fire", "🚨", "thieves", "😠", "Norway")]
    assert places == sorted(places)


async def test_the_list_groups_what_means_the_same_most_asked_first(
    telegram: BotApi, shop: Workshop, editor: Person
) -> None:
    ana = telegram.person("Ana")
    await ask_in_vain(shop, ana, NORWAY)
    await ask_in_vain(shop, None, "to Norway do you ship")
    await ask_in_vain(shop, ana, "Is the shop dog friendly?")
    editor.say("/unanswered")
    page = await editor.next()
    assert page.text.startswith("Open questions: 3, in 2 groups; most asked first.\n\n1. “to Norw")
    assert "en · 2 times, last on 20" in page.text
    assert f"also “{NORWAY}”" in page.text
    assert page.buttons[-1] == "Newest first"
    editor.press(page, "Newest first")
    newest = await shown(telegram, editor, page, "newest first")
    assert "\n1. “Is the shop dog friendly?”" in newest.text


async def test_buttons_that_a_role_may_not_press_are_not_shown(
    bot: TelegramBot, telegram: BotApi, shop: Workshop
) -> None:
    await ask_in_vain(shop, None, NORWAY)
    vera, alan = telegram.person("Vera"), telegram.person("Alan")
    await bot.operators.add(vera.user_id, "viewer", name="Vera")
    await bot.operators.add(alan.user_id, "agent", name="Alan")
    vera.say("/unanswered")
    page = await vera.next()
    assert page.buttons == ["Newest first"]
    vera.press(page, "Newest first")
    assert (await shown(telegram, vera, page, "newest first")).buttons == ["Most asked first"]
    alan.say("/unanswered")
    page = await alan.next()
    assert page.buttons == ["✍ 1 Answer", "🗑 1 Not ours", "Newest first"]
    preview = await proposed(telegram, alan, press="1 Answer", text="Yes.")
    assert preview.buttons == ["Cancel", "✏ Question", "✏ Answer"]
    alan.press(preview, "Cancel")
    await shown(telegram, alan, preview, "Cancelled. Nothing was changed.")


async def test_many_questions_have_pages(telegram: BotApi, shop: Workshop, editor: Person) -> None:
    words = ["one", "two", "three", "four", "five", "six", "seven", "eight"]
    for word in words:
        await ask_in_vain(shop, None, f"What about {word * 2}?")
    editor.say("/unanswered newest")
    page = await editor.next()
    assert "Here 1 to 6 of 8." in page.text
    editor.press(page, "▶")
    second = await shown(telegram, editor, page, "Here 7 to 8 of 8.")
    assert "8. “What about oneone?”" in second.text
    assert "8 Not ours" in str(second.buttons)


async def test_without_open_questions_the_list_says_so(editor: Person) -> None:
    editor.say("/unanswered")
    page = await editor.next()
    assert (page.text, page.buttons) == ("No open questions.", [])


async def test_an_answer_becomes_an_entry_and_the_customers_are_told(
    bot: TelegramBot, telegram: BotApi, shop: Workshop, editor: Person
) -> None:
    ana = telegram.person("Ana")
    await ask_in_vain(shop, ana, NORWAY)
    await ask_in_vain(shop, ana, "Do you ship to Norway")
    preview = await proposed(telegram, editor, press="1 Answer", text="Yes, for **9 euros**.")
    assert preview.text == (
        "This would be stored, word for word, and shown to every customer who asks:\n\n"
        "❓ Do you ship to Norway\n\n💬 Yes, for **9 euros**.\n\n"
        "📄 team-answers.csv: 1 new\n\n"
        "“Do you ship to Norway”: refused, then answered from "
        '"team-answers.csv" ("Do you ship to Norway"): “Yes, for **9 euros**.”\n'
        "1 answer may change. Of the 2 most frequent recent "
        "questions, these would be answered differently:\n"
        '- asked 1 time: refused, then answered from "team-answers.csv" ("Do you ship to Norway"): '
        "“Yes, for **9 euros**.”\n"
        "\n"
        "Applying adds 1 new text. Nothing is changed yet."
    )
    assert preview.buttons == ["✅ Apply", "Cancel", "✏ Question", "✏ Answer"]
    assert "Do you ship to Norway" not in await entries(shop)

    editor.press(preview, "Apply")
    live = await shown(telegram, editor, preview, "is live")
    assert "Open questions answered: 2." in live.text
    assert (await entries(shop))["Do you ship to Norway"] == "Yes, for **9 euros**."
    assert live.buttons == ["📣 Tell the customer who asked", "↩ Undo release 2"]

    editor.press(live, "Tell")
    told = await ana.next()
    assert told.text == "You asked: “Do you ship to Norway”. Now there is an answer:"
    assert (await ana.next()).text == "Yes, for **9 euros**."
    editor.press_data(live, live.data("Tell"))
    assert await editor.alert(count=4) == "They have been told already."
    assert telegram.sent_to(ana.chat_id)[2:] == []

    editor.press(editor.current(live), "Undo")
    await shown(telegram, editor, live, "Undone")
    editor.say("/unanswered")
    assert "Open questions: 2" in (await editor.next()).text
    assert "Do you ship to Norway" not in await entries(shop)


async def test_what_may_be_personal_is_confirmed_by_who_sees_it(
    telegram: BotApi, shop: Workshop, editor: Person
) -> None:
    ana = telegram.person("Ana Lund")
    await ask_in_vain(shop, ana, "Lund here, where is order 48213?")
    ana.say("hello?")
    await ana.next()
    preview = await proposed(telegram, editor, press="1 Answer", text="On its way.")
    assert "⚠ It may tell who the customer is: “Lund”, “48213”." in preview.text
    assert preview.buttons == ["It may be stored as it stands", "✏ Question", "✏ Answer", "Cancel"]
    number = preview.data("It may").partition(":")[2]
    editor.press_data(preview, f"apply:{number}")
    assert "Confirm first" in await editor.alert(count=2)

    editor.press(preview, "Question")
    assert "without anything personal" in (await editor.next()).text
    editor.say("Where is my order?")
    edited = await shown(telegram, editor, await editor.next(), "This would be stored")
    assert "❓ Where is my order?" in edited.text
    assert "⚠" not in edited.text
    editor.press(edited, "Apply")
    await shown(telegram, editor, edited, "is live")
    assert (await entries(shop))["Where is my order?"] == "On its way."


async def test_confirmed_text_is_stored_and_editing_asks_again(
    telegram: BotApi, shop: Workshop, editor: Person
) -> None:
    await ask_in_vain(shop, None, "Is your number 0341 123456?")
    preview = await proposed(telegram, editor, press="1 Answer", text="Yes.")
    editor.press(preview, "It may")
    await telegram.until(lambda: "✅ Apply" in editor.current(preview).buttons, what="Apply")
    editor.press(editor.current(preview), "Answer")
    await editor.next()
    editor.say("Yes, or 0341 654321.")
    edited = await shown(telegram, editor, await editor.next(), "654321")
    await shown(telegram, editor, edited, "⚠")
    editor.press(editor.current(edited), "It may")
    await telegram.until(lambda: "✅ Apply" in editor.current(edited).buttons, what="Apply")
    editor.press(editor.current(edited), "Apply")
    await shown(telegram, editor, edited, "is live")
    assert (await entries(shop))["Is your number 0341 123456?"] == "Yes, or 0341 654321."


async def test_what_is_not_ours_leaves_the_list(
    telegram: BotApi, shop: Workshop, editor: Person
) -> None:
    await ask_in_vain(shop, None, "Who won the match?")
    await ask_in_vain(shop, None, NORWAY)
    editor.say("/unanswered newest")
    page = await editor.next()
    editor.press(page, "2 Not ours")
    left = await shown(telegram, editor, page, "Open questions: 1")
    assert "match" not in left.text
    editor.press_data(page, page.data("2 Not ours"))
    assert await editor.alert(count=2) == "It was dealt with already."


async def test_never_mind_lets_the_next_message_be_a_question(
    telegram: BotApi, shop: Workshop, editor: Person
) -> None:
    await ask_in_vain(shop, None, NORWAY)
    editor.say("/unanswered")
    editor.press(await editor.next(), "1 Answer")
    prompt = await editor.next()
    editor.press(prompt, "Never mind")
    await shown(telegram, editor, prompt, "nothing was changed")
    editor.say("Do you sell lamps?")
    assert (await editor.next()).text == "echo: Do you sell lamps?"


async def test_a_restart_keeps_what_an_operator_was_asked_to_write(
    start_bot: StartBot, telegram: BotApi, shop: Workshop
) -> None:
    eddi = telegram.person("Eddi")
    await ask_in_vain(shop, None, NORWAY)
    async with start_bot(database=shop.database, library=library_of(shop)) as bot:
        await bot.operators.add(eddi.user_id, "editor", name="Eddi")
        eddi.say("/unanswered")
        eddi.press(await eddi.next(), "1 Answer")
        await eddi.next()
    async with start_bot(database=shop.database, library=library_of(shop)):
        eddi.say("Yes.")
        await shown(telegram, eddi, await eddi.next(), f"❓ {NORWAY}\n\n💬 Yes.")


async def test_an_answer_that_is_too_long_says_so(
    telegram: BotApi, shop: Workshop, editor: Person
) -> None:
    await ask_in_vain(shop, None, NORWAY)
    editor.say("/unanswered")
    editor.press(await editor.next(), "1 Answer")
    await editor.next()
    editor.say("x" * 2501)
    assert (await editor.next()).text.startswith("The answer has 2501 characters; an entry")


async def test_forgetting_a_customer_takes_their_question_off_the_list(
    bot: TelegramBot, telegram: BotApi, shop: Workshop, editor: Person
) -> None:
    ana = telegram.person("Ana")
    await ask_in_vain(shop, ana, NORWAY)
    preview = await proposed(telegram, editor, press="1 Answer", text="Yes.")
    await Conversations(shop.database).forget(f"telegram:{ana.chat_id}")
    ana.say("/forget")
    ana.press(await ana.next(), "Delete everything")
    assert "deleted" in (await ana.next()).text
    editor.press(preview, "Apply")
    assert await editor.alert(count=3) == "This preview is no longer open."
    editor.say("/unanswered")
    assert (await editor.next()).text == "No open questions."


# --- an operator's answer in a topic ---------------------------------------------------------


async def answered(bot: TelegramBot, telegram: BotApi, editor: Person) -> tuple[Person, Received]:
    """Let a customer call a person, and an operator answer; return customer and card."""
    group = telegram.group("Team", forum=True)
    await bot.team.set_group(group)
    ana = telegram.person("Ana")
    ana.say("/human Do you engrave\nlamps?")
    await ana.next()
    card = await editor.next(chat=group)
    editor.say("Yes, for 5 euros.", chat=group, thread=card.thread_id)
    await ana.next()
    assert (await ana.next()).text == "Yes, for 5 euros."
    await telegram.until(lambda: "💾 Save as FAQ" in editor.current(card).buttons, what="Save")
    return ana, editor.current(card)


async def test_an_answer_in_a_topic_is_saved_as_an_entry_and_undone(
    bot: TelegramBot, telegram: BotApi, shop: Workshop, editor: Person
) -> None:
    _, card = await answered(bot, telegram, editor)
    group = card.raw["chat"]["id"]
    editor.press(card, "Save as FAQ")
    preview = await shown(telegram, editor, await editor.next(chat=group), "This would be stored")
    assert preview.thread_id == card.thread_id
    assert "❓ Do you engrave lamps?\n\n💬 Yes, for 5 euros." in preview.text
    editor.press(preview, "Question")
    await editor.next(chat=group)
    editor.say("Can a lamp be engraved?", chat=group, thread=card.thread_id)
    edited = await shown(telegram, editor, await editor.next(chat=group), "❓ Can a lamp")
    editor.press(edited, "Apply")
    live = await shown(telegram, editor, edited, "is live")
    assert (await entries(shop))["Can a lamp be engraved?"] == "Yes, for 5 euros."
    editor.press(live, "Undo")
    await shown(telegram, editor, live, "Undone")
    assert "Can a lamp be engraved?" not in await entries(shop)


async def test_save_takes_the_answer_that_it_replies_to(
    bot: TelegramBot, telegram: BotApi, shop: Workshop, editor: Person
) -> None:
    _, card = await answered(bot, telegram, editor)
    where = {"chat": card.raw["chat"]["id"], "thread": card.thread_id}
    first = telegram.pushed[editor.say("It takes a week.", **where)]["message"]
    editor.say("Good bye.", **where)
    editor.say("/save", reply_to=first, **where)
    proposed = await editor.next(chat=where["chat"])
    preview = await shown(telegram, editor, proposed, "This would be stored")
    assert "💬 It takes a week." in preview.text
    editor.say("/save", **where)
    proposed = await editor.next(chat=where["chat"])
    await shown(telegram, editor, proposed, "💬 Good bye.")


async def test_an_agent_may_propose_and_not_apply(
    bot: TelegramBot, telegram: BotApi, shop: Workshop, editor: Person
) -> None:
    _, card = await answered(bot, telegram, editor)
    gus = telegram.person("Gus")
    await bot.operators.add(gus.user_id, "agent", name="Gus")
    group = card.raw["chat"]["id"]
    gus.press(card, "Save as FAQ")
    preview = await shown(telegram, gus, await gus.next(chat=group), "This would be stored")
    gus.press(preview, "Apply")
    assert await gus.alert(count=2) == "This button is not for you."
    editor.press(preview, "Apply")
    await shown(telegram, editor, preview, "is live")


@pytest.mark.parametrize("with_group", [True, False])
async def test_what_an_agent_proposes_in_a_private_chat_reaches_an_editor(
    bot: TelegramBot, telegram: BotApi, shop: Workshop, editor: Person, with_group: bool
) -> None:
    await ask_in_vain(shop, None, NORWAY)
    gus, group = telegram.person("Gus"), 0
    await bot.operators.add(gus.user_id, "agent", name="Gus")
    if with_group:
        group = telegram.group("Team", forum=True)
        await bot.team.set_group(group)
    gus.say("/unanswered")
    gus.press(await gus.next(), "1 Answer")
    await gus.next()
    gus.say("Yes, we do.")
    assert (await gus.next()).text == "Thank you. An editor looks at it and can apply it."
    arrived = await editor.next(chat=group) if group else await editor.next()
    preview = await shown(telegram, editor, arrived, "This would be stored")
    assert "💬 Yes, we do." in preview.text
    editor.press(preview, "Apply")
    await shown(telegram, editor, preview, "is live")
    assert (await entries(shop))[NORWAY] == "Yes, we do."


async def open_hours(shop: Workshop, answer: str = "Always.") -> None:
    table = f"question,answer\nAre you open?,{answer}\n".encode()
    report = await shop.ingestor.ingest([IncomingFile("hours.csv", table)])
    assert not report.files[0].error


async def test_a_question_is_linked_to_the_nearest_entry_and_unlinked(
    bot: TelegramBot, telegram: BotApi, shop: Workshop, editor: Person
) -> None:
    await open_hours(shop)
    await ask_in_vain(shop, telegram.person("Ana"), "Are you open on Sunday?")
    editor.say("/unanswered")
    page = await editor.next()
    assert "nearest entry: “Are you open?”" in page.text
    editor.press(page, "1 Link")
    proposal = await editor.next()
    assert "❓ Are you open on Sunday?\n\n📄 Are you open?\n\n💬 Always." in proposal.text
    editor.press(proposal, "Link")
    linked = await shown(telegram, editor, proposal, "is now a way to ask")
    assert "Open questions answered: 1." in linked.text
    assert (await entries(shop))["Are you open on Sunday?"] == "Always."
    editor.press(linked, "Undo")
    await shown(telegram, editor, proposal, "Undone.")
    assert "Are you open on Sunday?" not in await entries(shop)
    editor.say("/unanswered")
    assert "Are you open on Sunday?" in (await editor.next()).text


async def test_a_link_with_a_customers_number_is_confirmed_and_can_be_dropped(
    telegram: BotApi, shop: Workshop, editor: Person
) -> None:
    await open_hours(shop)
    await ask_in_vain(shop, telegram.person("Ana"), "Are you open for order 471182?")
    editor.say("/unanswered")
    editor.press(await editor.next(), "1 Link")
    proposal = await editor.next()
    assert "⚠ It may tell who the customer is: “471182”." in proposal.text
    assert proposal.buttons == ["It may be stored as it stands: link", "Cancel"]
    editor.press(proposal, "Cancel")
    await shown(telegram, editor, proposal, "Not linked. Nothing was changed.")
    assert "Are you open for order 471182?" not in await entries(shop)


async def test_a_link_to_an_entry_that_is_gone_changes_nothing(
    telegram: BotApi, shop: Workshop, editor: Person
) -> None:
    await open_hours(shop)
    await ask_in_vain(shop, None, "Are you open on Sunday?")
    editor.say("/unanswered")
    editor.press(await editor.next(), "1 Link")
    proposal = await editor.next()
    await open_hours(shop, "Not on Mondays.")
    editor.press(proposal, "Link")
    await shown(telegram, editor, proposal, "means no live entry")
    assert "Are you open on Sunday?" not in await entries(shop)
