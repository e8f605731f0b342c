"""The operators' page of entries, over a real knowledge base."""

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from console.knowledge import Editing
from core.errors import AnswerdeskError
from core.types import Answer, Source
from kb.answering.texts import TEXT_LANGUAGES
from kb.answering.translation import TranslationDiffers, Translator
from tests.console.conftest import Builder, records_of
from tests.console.uploads import settled, upload_desk
from tests.fakes import WordEmbedder
from tests.kb.workshop import Workshop, library_of, workshop

pytestmark = pytest.mark.anyio

FAQ = "May I return it?|Within <b>30</b> days.|give it back\nAre you open?|Always."


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Workshop]:
    async with workshop(tmp_path, WordEmbedder()) as opened:
        await opened.put(faq=FAQ)
        yield opened


@pytest.fixture
async def client(builder: Builder, shop: Workshop) -> AsyncIterator[httpx.AsyncClient]:
    builder.records = records_of(shop.database)
    async with (
        upload_desk(shop) as desk,
        builder.client(
            editing=Editing(shop.entries, shop.releases),
            questions=library_of(shop).questions,
            uploads=desk,
            languages=("ru",),
        ) as opened,
    ):
        yield opened


async def test_entries_are_listed_and_searched(client: httpx.AsyncClient) -> None:
    page = (await client.get("/console/knowledge")).text
    assert "Within &lt;b&gt;30&lt;/b&gt; days." in page
    assert "1 more wording " in page
    page = (await client.get("/console/knowledge", params={"q": "open"})).text
    assert "Are you open?" in page
    assert "May I return it?" not in page
    page = (await client.get("/console/knowledge", params={"q": "<kayak>"})).text
    assert "Nothing has these words." in page
    assert 'value="&lt;kayak&gt;"' in page


async def test_entries_say_how_often_they_were_used(
    client: httpx.AsyncClient, shop: Workshop
) -> None:
    (entry,) = await shop.entries.find("open")
    source = Source(entry.chunk_id, entry.doc_id, entry.text, "", entry.answer, 0.9, "")
    given = Answer("faq", entry.answer, "en", confidence=0.9, sources=(source,))
    for language in ("en", "de"):
        told = replace(given, language=language)
        await shop.conversations.record("Open?", told, chat="web:1", channel="web")
    page = (await client.get("/console/knowledge")).text
    assert page.count("used 2 times") == page.count("not used ·") == 1
    page = (await client.get("/console/knowledge", params={"kind": "unused"})).text
    assert "May I return it?" in page
    assert "used 2 times" not in page


async def test_a_change_by_hand_is_taken_back(client: httpx.AsyncClient, shop: Workshop) -> None:
    (entry,) = await shop.entries.find("open")
    made = await shop.entries.change(entry.chunk_id, "answer", text="On Mondays.", author="Ada")
    page = (await client.get("/console/knowledge")).text
    assert "answer: On Mondays." in page
    assert ">Ada</td>" in page
    response = await client.post("/console/changes/undo", data={"number": made.curation_id})
    said = (await client.get(response.headers["location"])).text
    assert "Taken back." in said
    assert "“Are you open?” (faq.txt) is as it was before the change (answer)" in said
    (entry,) = await shop.entries.find("open")
    assert entry.answer == "Always."


async def test_what_no_longer_fits_waits_and_can_be_dropped(
    client: httpx.AsyncClient, shop: Workshop
) -> None:
    (entry,) = await shop.entries.find("open")
    made = await shop.entries.change(entry.chunk_id, "variant", text="opening hours")
    await shop.put(faq="May I return it?|Within 30 days.")
    page = (await client.get("/console/knowledge")).text
    assert "To review" in page
    assert "variant: opening hours" in page
    await client.post("/console/changes/undo", data={"number": made.curation_id})
    assert "To review" not in (await client.get("/console/knowledge")).text


async def test_an_earlier_release_is_published_again(
    client: httpx.AsyncClient, shop: Workshop
) -> None:
    await shop.conversations.record(
        "Are you open?", Answer("faq", "Always.", "en"), chat="web:1", channel="web"
    )
    await shop.put(faq="Other?|Other.")
    await shop.put(guide="Keep the lamp dry.")
    asked, again = [await client.get("/console/release?number=1") for _ in range(2)]
    assert asked.headers["location"] == again.headers["location"], "one comparison goes on"
    preview = await settled(client, asked)
    assert "Gone: guide.txt" in preview
    assert "As they were then: faq" in preview
    order = ("1 question of customers", ">Now: ", ">Then: ", "Always.")
    assert sorted(order, key=preview.find) == [*order], preview[preview.find("customers") :][:900]
    assert '<a href="/console/conversation?answer=1">Are you open?</a>' in preview
    assert "Are you open?" not in await shop.texts()
    begun = await client.post("/console/releases/rollback", data={"number": "1"})
    page = await settled(client, begun)
    assert "<strong>Release 4 is live.</strong>" in page
    assert "Are you open?" in await shop.texts()
    assert "content of release 1" in (await client.get("/console/knowledge")).text
    assert "This release is live." in (await client.get("/console/release?number=4")).text
    failed = await client.post("/console/releases/rollback", data={"number": "4"})
    page = await settled(client, failed)
    assert "Release 4 is live already. Nothing was changed." in page
    assert page.count("Nothing was changed.") == 1


@pytest.mark.parametrize("number", ["77", "", "-1", "１", "9" * 40, "x"])
async def test_what_does_not_exist_is_said_in_a_sentence(
    client: httpx.AsyncClient, number: str
) -> None:
    response = await client.post("/console/releases/rollback", data={"number": number})
    assert response.status_code == 404
    assert "does not exist; the newest is 1." in response.text
    response = await client.post("/console/changes/undo", data={"number": number})
    assert response.status_code == 409
    assert "There is no operators&#39; change" in response.text


async def test_passages_are_found_too_and_by_document(
    client: httpx.AsyncClient, shop: Workshop
) -> None:
    await shop.put(guide="Keep the lamp <dry>.\nNever open it.")
    page = (await client.get("/console/knowledge", params={"q": "OPEN"})).text
    assert "Are you open?" in page
    assert "Never open it." in page
    page = (await client.get("/console/knowledge", params={"q": "open", "kind": "passage"})).text
    assert "Are you open?" not in page
    page = (await client.get("/console/knowledge", params={"document": "guide.txt"})).text
    assert "2 found." in page
    passage = re.findall(r"/console/entry\?id=(\w+)", page)[0]
    page = (await client.get("/console/entry", params={"id": passage})).text
    assert "Keep the lamp &lt;dry&gt;." in page
    assert "A passage is changed in its document" in page


async def edit(client: httpx.AsyncClient, shop: Workshop, **fields: str) -> httpx.Response:
    """Change the entry about opening; return what the console says."""
    (entry,) = await shop.entries.find("you open")
    form = {"id": entry.chunk_id, **fields}
    return await client.post("/console/entries/change", data=form)


async def test_an_entry_is_edited_with_history_and_undo(
    client: httpx.AsyncClient, shop: Workshop
) -> None:
    await edit(client, shop, kind="variant", text="opening hours")
    await edit(client, shop, kind="negative", text="open a tin")
    await edit(client, shop, kind="validity", until="2026-12-31")
    await edit(client, shop, kind="category", text="hours")
    response = await edit(client, shop, kind="answer", text="On <Mondays>.")
    page = (await client.get(response.headers["location"])).text
    (entry,) = await shop.entries.find("you open")
    assert entry.answer == "On <Mondays>."
    assert entry.variants == ("opening hours",)
    assert entry.negatives == ("open a tin",)
    assert (entry.valid_until, entry.category) == ("2026-12-31", "hours")
    assert "On &lt;Mondays&gt;." in page
    assert page.count("· console") == 5
    change = re.findall(r'name="number" value="(\d+)"', page)[0]
    await client.post("/console/changes/undo", data={"number": change})
    (entry,) = await shop.entries.find("you open")
    assert entry.answer == "Always."
    page = (await client.get("/console/entry", params={"id": entry.chunk_id})).text
    assert "taken back or replaced" in page


async def test_an_entry_is_switched_off_and_on(client: httpx.AsyncClient, shop: Workshop) -> None:
    response = await edit(client, shop, kind="disabled")
    page = (await client.get(response.headers["location"])).text
    assert await shop.entries.find("you open") == []
    change = re.findall(r'name="number" value="(\d+)"', page)[0]
    await client.post("/console/changes/undo", data={"number": change})
    assert len(await shop.entries.find("you open")) == 1


async def test_the_second_of_two_operators_is_told_and_keeps_their_text(
    client: httpx.AsyncClient, shop: Workshop
) -> None:
    (entry,) = await shop.entries.find("you open")
    form = {"id": entry.chunk_id, "kind": "answer"}
    await client.post("/console/entries/change", data=form | {"text": "On Mondays."})
    response = await client.post("/console/entries/change", data=form | {"text": "On Fridays."})
    assert response.status_code == 409
    assert "Somebody has changed or removed this entry meanwhile" in response.text
    assert "On Fridays." in response.text
    response = await client.post(
        "/console/entries/change",
        data=form | {"text": "On Fridays.", "document": entry.doc_id, "question": entry.text},
    )
    assert "Here is the entry as it is now, with what you wrote in the form." in response.text
    assert ">On Fridays.</textarea>" in response.text
    assert ">On Mondays.</p>" in response.text
    (entry,) = await shop.entries.find("you open")
    assert entry.answer == "On Mondays."


async def test_what_was_refused_stays_in_its_own_form(
    client: httpx.AsyncClient, shop: Workshop
) -> None:
    text = "When are you open? " * 25
    response = await edit(client, shop, kind="variant", text=text)
    assert f'name="text" maxlength="400" required value="{text}"' in response.text
    assert ">Always.</textarea>" in response.text


async def test_the_languages_of_the_company_are_offered_first(
    client: httpx.AsyncClient, shop: Workshop
) -> None:
    (entry,) = await shop.entries.find("you open")
    page = (await client.get(f"/console/entry?id={entry.chunk_id}")).text
    first, others = re.findall("<optgroup.*?</optgroup>", page)
    assert re.findall('value="(..)"', first) == list(dict.fromkeys(("ru", *TEXT_LANGUAGES)))
    assert len(re.findall("<option", others)) > 100


@pytest.mark.parametrize(
    ("fields", "status", "says"),
    [
        ({"kind": "answer", "text": "Always."}, 409, "That is its answer already."),
        ({"kind": "variant", "text": " "}, 409, "The text is empty."),
        ({"kind": "validity", "from": "soon"}, 409, "&#39;soon&#39; is no clear date"),
        ({"kind": "other"}, 422, "other&#39; is unknown: choose one of variant, answer"),
    ],
)
async def test_a_change_that_makes_no_sense_is_refused(
    client: httpx.AsyncClient, shop: Workshop, fields: dict[str, str], status: int, says: str
) -> None:
    response = await edit(client, shop, **fields)
    assert response.status_code == status
    assert says in response.text
    assert (await shop.snapshot())[0] == 1


async def test_an_entry_is_added_after_its_preview(
    client: httpx.AsyncClient, shop: Workshop
) -> None:
    form = {"question": "Is it heavy?", "answer": ""}
    response = await client.post("/console/entries/add", data=form)
    assert response.status_code == 409
    assert "The answer is empty." in response.text
    response = await client.post("/console/entries/add", data=form | {"answer": "No."})
    assert response.headers["location"].startswith("/console/upload?number=")


async def test_another_site_cannot_change_anything(
    client: httpx.AsyncClient, shop: Workshop
) -> None:
    await shop.put(faq="Other?|Other.")
    response = await client.post(
        "/console/releases/rollback",
        data={"number": "1"},
        headers={"origin": "https://evil.example"},
    )
    assert response.status_code == 403
    assert (await shop.snapshot())[0] == 2


async def test_a_long_answer_in_any_script_is_taken(
    client: httpx.AsyncClient, shop: Workshop
) -> None:
    response = await edit(client, shop, kind="answer", text="营" * 20_000)
    assert response.status_code == 303


async def test_an_answer_is_corrected_where_it_came_from(
    client: httpx.AsyncClient, shop: Workshop
) -> None:
    (entry,) = await shop.entries.find("return")
    source = Source(entry.chunk_id, "faq", "May I return it?", "", "Within 30 days.", 0.9, "")
    given = Answer("faq", "Within 30 days.", "en", sources=(source,))
    question = "My order 4711, may I return it?"
    answer = await shop.conversations.record(question, given, chat="web:1", channel="web")
    response = await client.get(f"/console/correct?answer={answer}", follow_redirects=True)
    assert response.url.path == "/console/entry"
    assert response.text.count(f'value="{question}"') == 2, "as a wording, and as not for"
    unknown = Answer("unknown", "I don't know.", "en")
    answer = await shop.conversations.record("A <kayak>?", unknown, chat="web:1", channel="web")
    response = await client.get(f"/console/correct?answer={answer}", follow_redirects=True)
    assert response.url.path == "/console/knowledge"
    assert "required>A &lt;kayak&gt;?</textarea>" in response.text
    assert (await client.get("/console/correct?answer=99")).status_code == 404


async def test_an_answer_is_translated_once_somebody_asked_for_it_in_another_language(
    client: httpx.AsyncClient, shop: Workshop
) -> None:
    (entry,) = await shop.entries.find("open")
    source = Source(entry.chunk_id, "faq", entry.text, "", entry.answer, 1.0, "")
    answer = Answer("faq", "Nur auf Englisch: Always.", "de", confidence=0.9, sources=(source,))
    await shop.conversations.record("Wann ist auf?", answer, chat="web:1", channel="web")
    page = (await client.get("/console/knowledge")).text
    assert "To translate" in page
    assert ">German</td>" in page
    fields = {"id": entry.chunk_id, "kind": "translation", "text": "Ab 9.", "language": "de"}
    response = await client.post("/console/entries/change", data=fields)
    assert response.status_code == 303
    page = (await client.get(response.headers["location"])).text
    assert '<p class="report" lang="de">Ab 9.</p>' in page
    assert "German · " in page
    assert "To translate" not in (await client.get("/console/knowledge")).text


class Scripted(Translator):
    """Drafts what a test gives it, or says why not."""

    def __init__(self) -> None:
        self.result: str | AnswerdeskError = ""

    async def draft(self, answer: str, *, source: str, target: str) -> str:
        if isinstance(self.result, AnswerdeskError):
            raise self.result
        return self.result


async def test_a_draft_is_approved_where_the_entry_is_shown(
    builder: Builder, shop: Workshop
) -> None:
    translator = Scripted()
    (entry,) = await shop.entries.find("return")
    async with (
        upload_desk(shop) as desk,
        builder.client(
            editing=Editing(replace(shop.entries, translator=translator), shop.releases),
            questions=library_of(shop).questions,
            uploads=desk,
        ) as client,
    ):
        form = {"id": entry.chunk_id, "language": "de"}
        translator.result = TranslationDiffers("In 14 <Tagen>.", ["it lacks 30"])
        response = await client.post("/console/entries/draft", data=form)
        assert response.status_code == 409
        assert "The draft differs from the answer: it lacks 30. Nothing was" in response.text
        assert "required>In 14 &lt;Tagen&gt;.</textarea>" in response.text
        assert '<option value="de" selected>' in response.text
        translator.result = "Innerhalb von 30 Tagen."
        response = await client.post("/console/entries/draft", data=form)
        page = (await client.get(response.headers["location"])).text
        assert 'lang="de">Innerhalb von 30 Tagen.</textarea>' in page
        assert "Nobody is shown it yet" in page
        assert await shop.curations.translation(entry.chunk_id, "de") == ""
        approved = form | {"kind": "translation", "text": "Innerhalb von 30 Tagen."}
        response = await client.post("/console/entries/change", data=approved)
        page = (await client.get(response.headers["location"])).text
        assert '<p class="report" lang="de">Innerhalb von 30 Tagen.</p>' in page
        assert "Nobody is shown it yet" not in page
        assert await shop.curations.translation(entry.chunk_id, "de") == "Innerhalb von 30 Tagen."
