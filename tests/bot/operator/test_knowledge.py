"""Files in the chat: preview, apply, undo; on the real knowledge base."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.telegram_app import TelegramBot
from core.errors import ModelUnavailable
from db.golden import Golden
from kb.parse.sandbox.parser_process import ParserProcess
from kb.releases.upload import Library
from tests.bot.conftest import StartBot
from tests.bot.fakes import ScriptedDesk
from tests.botapi import BotApi, FaultKind, Person, Received
from tests.fakes import WordEmbedder
from tests.kb.workshop import Workshop, library_of, workshop

pytestmark = pytest.mark.anyio

FIRST = b"Can I return it?|Yes, within 30 days.\nDo you ship?|Yes.\n"
SECOND = b"Can I return it?|Yes, within 60 days.\nDo you ship?|Yes.\nAre you open?|Always.\n"


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Workshop]:
    async with workshop(tmp_path / "shop", WordEmbedder()) as opened:
        yield opened


@pytest.fixture
def editor(telegram: BotApi) -> Person:
    return telegram.person("Eddi")


@pytest.fixture
def serve(start_bot: StartBot, shop: Workshop, editor: Person) -> Any:
    @asynccontextmanager
    async def start(library: Library | None = None) -> AsyncIterator[TelegramBot]:
        library = library or library_of(shop)
        async with start_bot(database=shop.database, library=library) as bot:
            await bot.operators.add(editor.user_id, "editor", name="Eddi")
            yield bot

    return start


async def shown(telegram: BotApi, person: Person, message: Received, word: str) -> Received:
    """Wait until a message has a word in it."""
    await telegram.until(lambda: word in person.current(message).text, what=word)
    return person.current(message)


async def test_a_file_is_previewed_applied_and_undone(
    serve: Any, telegram: BotApi, shop: Workshop, editor: Person
) -> None:
    await shop.put(faq=FIRST.decode())
    async with serve():
        editor.upload("faq.txt", SECOND)
        message = await editor.next()
        assert message.text == "Reading faq.txt …"
        preview = await shown(telegram, editor, message, "Applying")
        assert preview.text == (
            "📄 faq.txt: 1 new, 1 changed, 1 unchanged\n\n"
            "Applying adds 1 new text. Nothing is changed yet."
        )
        assert (await shop.snapshot())[0] == 1

        editor.press(preview, "Apply")
        live = await shown(telegram, editor, message, "is live")
        assert live.text.startswith("Release 2 is live")
        assert live.buttons == ["↩ Undo release 2"]
        assert "Are you open?" in await shop.texts()

        editor.press(live, "Undo")
        undone = await shown(telegram, editor, message, "Undone")
        assert undone.text == "Undone. Release 3 has the content of release 1 again."
        assert undone.buttons == []
        assert "Are you open?" not in await shop.texts()


async def test_what_golden_questions_hold_back_is_published_by_a_second_button(
    serve: Any, telegram: BotApi, shop: Workshop, editor: Person
) -> None:
    await shop.put(faq=FIRST.decode())
    await shop.golden.add([Golden("Can I return it?", words="30 days")])
    async with serve():
        editor.upload("faq.txt", SECOND)
        message = await editor.next()
        editor.press(await shown(telegram, editor, message, "Applying adds"), "Apply")
        held = await shown(telegram, editor, message, "Held back")
        assert held.text.startswith(
            '⛔ Held back: 1 of 1 golden questions would no longer come out as expected: "Can I'
        )
        assert held.buttons == ["⚠️ Publish anyway", "Cancel"]
        assert (await shop.snapshot())[0] == 1

        editor.press(held, "Publish anyway")
        live = await shown(telegram, editor, message, "is live")
        assert live.buttons == ["↩ Undo release 2"]
        assert "Are you open?" in await shop.texts()


async def test_what_golden_questions_hold_back_can_be_cancelled(
    serve: Any, telegram: BotApi, shop: Workshop, editor: Person
) -> None:
    await shop.put(faq=FIRST.decode())
    await shop.golden.add([Golden("Can I return it?", words="30 days")])
    async with serve():
        editor.upload("faq.txt", SECOND)
        message = await editor.next()
        editor.press(await shown(telegram, editor, message, "Applying adds"), "Apply")
        editor.press(await shown(telegram, editor, message, "Held back"), "Cancel")
        await shown(telegram, editor, message, "Cancelled")
        assert (await shop.snapshot())[0] == 1


async def test_a_cancelled_preview_changes_nothing(
    serve: Any, telegram: BotApi, shop: Workshop, editor: Person
) -> None:
    async with serve():
        editor.upload("faq.txt", FIRST)
        message = await editor.next()
        preview = await shown(telegram, editor, message, "Applying")
        editor.press(preview, "Cancel")
        await shown(telegram, editor, message, "Nothing was changed")
        editor.press_data(preview, preview.data("Apply"))
        assert await editor.alert(count=2) == "This preview is no longer open."
    assert (await shop.snapshot())[0] == 0


async def test_a_file_without_changes_has_nothing_to_apply(
    serve: Any, telegram: BotApi, shop: Workshop, editor: Person
) -> None:
    await shop.put(faq=FIRST.decode())
    async with serve():
        editor.upload("faq.txt", FIRST)
        preview = await shown(telegram, editor, await editor.next(), "Nothing to apply")
        assert preview.buttons == []


async def test_a_preview_names_what_contradicts_an_approved_entry(
    serve: Any, telegram: BotApi, shop: Workshop, editor: Person
) -> None:
    await shop.put(faq=FIRST.decode())
    async with serve():
        editor.upload("news.txt", b"Can I return it?|No.")
        preview = await shown(telegram, editor, await editor.next(), "Nothing is changed yet")
        assert preview.text == (
            "📄 news.txt: 1 new\n\n"
            "Please look at:\n"
            "⚠️ news.txt, line 1: “Can I return it?” is answered otherwise in faq.txt, line 1: "
            "“No.” here, “Yes, within 30 days.” there.\n\n"
            "Nothing is changed yet."
        )


async def test_a_preview_fits_into_one_message(
    serve: Any, telegram: BotApi, shop: Workshop, editor: Person
) -> None:
    questions = [f"Is question {n} answered{', really' * 60}?" for n in range(30)]
    await shop.put(faq="\n".join(f"{question}|Yes." for question in questions))
    async with serve():
        editor.upload("no.txt", "\n".join(f"{question}|No." for question in questions).encode())
        preview = await shown(telegram, editor, await editor.next(), "Nothing is changed yet")
        assert len(preview.text) <= 4096
        assert "… and 24 more findings" in preview.text


async def test_an_album_is_one_preview(
    serve: Any, telegram: BotApi, shop: Workshop, editor: Person
) -> None:
    async with serve():
        for name in ("a.txt", "b.txt", "c.txt"):
            editor.upload(name, f"What is {name}?|A file.".encode(), album="7")
        message = await editor.next()
        assert message.text == "Reading a.txt, b.txt, c.txt …"
        preview = await shown(telegram, editor, message, "Applying adds 3 new texts")
        editor.press(preview, "Apply")
        await shown(telegram, editor, message, "Release 1 is live")
    assert len(await shop.texts()) == 3


async def test_a_file_that_cannot_be_read_says_why_and_the_others_go_on(
    serve: Any, telegram: BotApi, shop: Workshop, editor: Person
) -> None:
    async with serve():
        editor.upload("bad.txt", b"BROKEN", album="7")
        editor.upload("good.txt", FIRST, album="7")
        preview = await shown(telegram, editor, await editor.next(), "good.txt: 2 new")
        assert "❌ 'bad.txt': it is broken. Send another one." in preview.text


async def test_a_file_over_telegrams_limit_says_where_to_put_it(
    serve: Any, telegram: BotApi, editor: Person
) -> None:
    async with serve():
        editor.upload("big.csv", b"x" * 20_000_001)
        text = (await editor.next()).text
        assert "20 MB only, and big.csv is larger" in text
        assert "answerdesk ingest" in text
    assert telegram.called("getFile") == []


async def test_a_customers_file_is_not_taken(
    serve: Any, telegram: BotApi, shop: Workshop, desk: ScriptedDesk
) -> None:
    ana = telegram.person("Ana")
    async with serve():
        ana.upload("faq.txt", FIRST)
        assert "only read text" in (await ana.next()).text
        ana.upload("faq.txt", FIRST, caption="Is this right?")
        assert (await ana.next()).text == "echo: Is this right?"
    assert telegram.called("getFile") == []


async def test_undo_is_refused_when_somebody_published_since(
    serve: Any, telegram: BotApi, shop: Workshop, editor: Person
) -> None:
    await shop.put(faq=FIRST.decode())
    async with serve():
        editor.upload("faq.txt", SECOND)
        message = await editor.next()
        editor.press(await shown(telegram, editor, message, "Applying"), "Apply")
        live = await shown(telegram, editor, message, "is live")
        await shop.put(other="Something else")
        editor.press(live, "Undo")
        assert await editor.alert(count=2) == (
            "Release 3 was published since. To go back to release 1, without anything that came "
            "after it, publish that one again: on the console, under Knowledge, Releases."
        )


async def test_a_preview_older_than_the_live_document_is_made_anew(
    serve: Any, telegram: BotApi, shop: Workshop, editor: Person
) -> None:
    await shop.put(faq=FIRST.decode())
    async with serve():
        editor.upload("faq.txt", SECOND)
        message = await editor.next()
        first = await shown(telegram, editor, message, "Nothing is changed yet")
        await shop.put(faq="Do you ship?|No.")
        editor.press(first, "Apply")
        again = await shown(telegram, editor, message, "faq.txt changed since the last preview")
        assert "with release 2: here is a new one" in again.text
        assert (await shop.snapshot())[0] == 2
        editor.press(again, "Apply")
        await shown(telegram, editor, message, "Release 3 is live")


async def test_a_name_with_a_path_is_only_a_name(
    serve: Any, telegram: BotApi, shop: Workshop, editor: Person
) -> None:
    async with serve():
        editor.upload("../../etc/faq\x00.txt", FIRST)
        assert (await editor.next()).text == "Reading faq.txt …"


async def test_trouble_with_the_model_is_told_and_nothing_is_changed(
    serve: Any, telegram: BotApi, shop: Workshop, editor: Person
) -> None:
    class Failing:
        async def ingest(self, *_: object, **__: object) -> Any:
            raise ModelUnavailable("The embedding model is down.")

    failing: Any = Failing()
    async with serve(replace(library_of(shop), ingestor=failing)):
        editor.upload("faq.txt", FIRST)
        failed = await shown(telegram, editor, await editor.next(), "down")
        assert failed.text == "Nothing was changed. The embedding model is down."


async def test_what_a_restart_interrupted_is_taken_up_again(
    serve: Any, telegram: BotApi, shop: Workshop, editor: Person
) -> None:
    fault = telegram.fault(FaultKind.SLOW, "getFile")
    async with serve():
        editor.upload("faq.txt", FIRST)
        message = await editor.next()
        await telegram.call("getFile")
    fault.gate.set()
    async with serve():
        preview = await shown(telegram, editor, message, "Applying")
        again = telegram.fault(FaultKind.SLOW, "getFile")
        editor.press(preview, "Apply")
        await telegram.call("getFile", count=3)
    again.gate.set()
    async with serve():
        await shown(telegram, editor, message, "Release 1 is live")


async def test_reports_of_jobs_reach_those_who_may_change_the_knowledge(
    serve: Any, telegram: BotApi, editor: Person
) -> None:
    agent = telegram.person("Agnes")
    async with serve() as bot:
        await bot.operators.add(agent.user_id, "agent", name="Agnes")
        await bot.tell_team("refresh, held: docs would lose 9 of 10 documents.")
        assert (await editor.next()).text == "refresh, held: docs would lose 9 of 10 documents."
        assert telegram.inbox(agent.chat_id).empty()


@pytest.fixture
async def reading_shop(tmp_path: Path) -> AsyncIterator[Workshop]:
    async with workshop(tmp_path / "reading", WordEmbedder(), parser=ParserProcess()) as opened:
        yield opened


TITLED = b"Title;Body\nDo you ship?;Yes, daily.\nAre you open?;Always.\nIs it new?;No.\n"


async def test_columns_with_unknown_names_are_chosen_by_a_button(
    start_bot: StartBot, telegram: BotApi, reading_shop: Workshop, editor: Person
) -> None:
    library = library_of(reading_shop)
    async with start_bot(database=reading_shop.database, library=library) as bot:
        await bot.operators.add(editor.user_id, "editor", name="Eddi")
        editor.upload("list.csv", TITLED)
        message = await editor.next()
        preview = await shown(telegram, editor, message, "No two columns")
        assert preview.buttons[:2] == [
            "Questions: Title, answers: Body", "Questions: Body, answers: Title",
        ]  # fmt: skip
        editor.press(preview, "Questions: Title")
        again = await shown(telegram, editor, message, "3 new")
        assert "No two columns" not in again.text
        editor.press(again, "Apply")
        await shown(telegram, editor, message, "is live")
        assert "Do you ship?" in await reading_shop.texts()
