"""What operators do by hand survives the next version of a file (issue 5, part 5; target 12)."""

import asyncio
import re
import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from core.types import Chunk
from db.curation import Curation, CurationNotFound
from kb.answering.translation import Translator
from kb.ranking.retriever import Retriever
from kb.releases.entries import BadChange, EntryNotFound
from kb.releases.ingestor import IncomingFile
from tests.fakes import DefaultRanker, WordEmbedder
from tests.kb.workshop import Workshop, workshop

pytestmark = pytest.mark.anyio

FAQ = (
    "How do I get a refund?|Within 30 days.|money back\n"
    "How long is delivery?|Three days.\n"
    "Do you repair bicycles?|Yes."
)
LATER = FAQ.replace("Three", "Four") + "\nAre you open?|Always."


@pytest.fixture
async def shop(tmp_path: Path, embedder: WordEmbedder) -> AsyncIterator[Workshop]:
    async with workshop(tmp_path / "data", embedder) as shop:
        await shop.put(faq=FAQ)
        yield shop


async def waiting_in(shop: Workshop) -> list[Curation]:
    return [one for one in await shop.curations.open() if one.state != "active"]


async def entry(shop: Workshop, words: str) -> Chunk:
    (found,) = await shop.entries.find(words)
    return found


async def change(shop: Workshop, words: str, kind: str, text: str = "", **more: str) -> Curation:
    found = await entry(shop, words)
    return await shop.entries.change(found.chunk_id[:8], kind, text=text, **more)  # type: ignore[arg-type]


async def test_all_work_survives_the_next_version_of_the_file(shop: Workshop) -> None:
    await change(shop, "refund", "variant", "return my money")
    await change(shop, "refund", "answer", "Within 60 days.")
    await change(shop, "refund", "negative", "refund of a deposit")
    await change(shop, "bicycles", "disabled")
    await change(shop, "refund", "validity", valid_until="2026-12-31")
    await change(shop, "refund", "note", "ask Ada")
    await change(shop, "refund", "category", "money")
    before = await entry(shop, "refund")
    await shop.put(faq=LATER)
    assert await entry(shop, "refund") == before
    assert before.answer == "Within 60 days."
    assert before.variants == ("money back", "return my money")
    assert before.negatives == ("refund of a deposit",)
    assert (before.valid_until, before.category) == ("2026-12-31", "money")
    assert (await entry(shop, "delivery")).answer == "Four days."
    assert await shop.entries.find("bicycles") == []
    assert await waiting_in(shop) == []
    assert [c.kind for c in await shop.entries.curations.open()] == [
        "variant", "answer", "negative", "disabled", "validity", "note", "category",
    ]  # fmt: skip


async def test_a_change_is_one_release_and_embeds_only_what_is_new(
    shop: Workshop, embedder: WordEmbedder
) -> None:
    embedder.embedded.clear()
    await change(shop, "refund", "variant", "return my money")
    assert embedder.embedded == ["return my money"]
    release = await shop.repository.get(2)
    assert (release.kind, release.note) == ("edit", "variant: How do I get a refund?")
    await change(shop, "refund", "note", "ask Ada")
    assert (await shop.snapshot())[0] == 2, "a note changes no answer"


async def test_the_same_file_again_changes_nothing(shop: Workshop) -> None:
    await change(shop, "refund", "variant", "return my money")
    assert await shop.put(faq=FAQ) == 2
    assert "return my money" in await shop.texts()


async def test_work_that_no_longer_fits_waits_for_review_and_comes_back(shop: Workshop) -> None:
    made = await change(shop, "refund", "variant", "return my money")
    report = await shop.ingestor.ingest(
        [IncomingFile("faq.txt", b"Do you repair bicycles?|Yes.")], dry_run=True
    )
    reason = "'faq.txt' has no entry like 'How do I get a refund?' any more."
    assert report.files[0].unfit == (reason,)
    assert await waiting_in(shop) == []
    await shop.put(faq="Do you repair bicycles?|Yes.")
    (waiting,) = await waiting_in(shop)
    assert (waiting.curation_id, waiting.state, waiting.reason) == (
        made.curation_id,
        "unfit",
        reason,
    )
    assert await shop.put(faq="Do you repair bicycles?|Yes.") == 3, "nothing new to publish"
    await shop.put(faq=FAQ)
    assert await waiting_in(shop) == []
    assert "return my money" in await shop.texts()


async def test_an_edit_waits_when_the_file_changes_that_answer(shop: Workshop) -> None:
    await change(shop, "refund", "answer", "Within 60 days.")
    await shop.put(faq=FAQ.replace("30", "14"))
    assert (await entry(shop, "refund")).answer == "Within 14 days."
    (waiting,) = await waiting_in(shop)
    await shop.entries.reattach(waiting.curation_id, (await entry(shop, "refund")).chunk_id)
    assert (await entry(shop, "refund")).answer == "Within 60 days."
    assert await waiting_in(shop) == []
    await shop.put(faq=LATER.replace("30", "14"))
    assert (await entry(shop, "refund")).answer == "Within 60 days."


async def test_work_of_a_removed_document_can_be_put_on_another_entry(shop: Workshop) -> None:
    await change(shop, "refund", "variant", "return my money")
    await shop.put(new="What about refunds?|Within 30 days.")
    await shop.ingestor.ingest([], removed=["faq.txt"])
    (waiting,) = await waiting_in(shop)
    assert waiting.reason == "The document 'faq.txt' was taken out."
    target = await entry(shop, "refunds")
    await shop.entries.reattach(waiting.curation_id, target.chunk_id)
    assert (await entry(shop, "refunds")).variants == ("return my money",)
    assert await waiting_in(shop) == []


async def test_taking_a_change_back_restores_what_the_file_says(shop: Workshop) -> None:
    before = (await shop.snapshot())[1]
    first = await change(shop, "refund", "answer", "Within 60 days.")
    second = await change(shop, "refund", "answer", "Within 90 days.")
    hidden = await change(shop, "bicycles", "disabled")
    with pytest.raises(CurationNotFound, match="no operators' change"):
        await shop.entries.take_back(first.curation_id)
    assert (await entry(shop, "refund")).answer == "Within 90 days."
    await shop.entries.take_back(second.curation_id)
    await shop.entries.take_back(hidden.curation_id)
    assert (await shop.snapshot())[1] == before
    assert await shop.entries.curations.open() == []


async def test_a_rollback_undoes_later_work_into_the_review_list(shop: Workshop) -> None:
    kept = await change(shop, "refund", "variant", "return my money")
    later = await change(shop, "refund", "answer", "Within 60 days.")
    await shop.releases.rollback(2)
    assert (await entry(shop, "refund")).answer == "Within 30 days."
    assert (await entry(shop, "refund")).variants == ("money back", "return my money")
    (waiting,) = await waiting_in(shop)
    assert (waiting.text, waiting.state) == (later.text, "undone")
    assert waiting.reason == "Release 2, from before it, was published again."
    assert await shop.put(faq=FAQ) == 4, "what was rolled back to is what the file should give"
    await shop.releases.rollback(3)
    assert (await entry(shop, "refund")).answer == "Within 60 days."
    assert await waiting_in(shop) == []
    assert kept.curation_id in {c.curation_id for c in await shop.entries.curations.open()}
    before = await shop.texts()
    await shop.releases.rollback(4)
    assert (await entry(shop, "refund")).answer == "Within 30 days."
    assert [c.text for c in await waiting_in(shop)] == ["Within 60 days."]
    await shop.put(faq=LATER)
    assert (await entry(shop, "refund")).answer == "Within 30 days."
    assert before == [text for text in await shop.texts() if text != "Are you open?"]


async def test_a_rollback_without_the_index_attaches_the_work_of_that_time(
    shop: Workshop, embedder: WordEmbedder
) -> None:
    await change(shop, "refund", "variant", "return my money")
    expected = await shop.texts()
    await change(shop, "refund", "variant", "give it back")
    await shop.releases.rebuild()
    await shop.releases.prune(20)
    await shop.releases.rollback(2)
    assert await shop.texts() == expected


async def test_work_survives_the_loss_of_the_index(shop: Workshop, embedder: WordEmbedder) -> None:
    await change(shop, "refund", "variant", "return my money")
    await change(shop, "bicycles", "disabled")
    expected = await shop.snapshot()
    shutil.rmtree(shop.folder / "index")
    async with workshop(shop.folder, embedder) as again:
        await again.releases.open_or_rebuild()
        assert await again.snapshot() == expected


async def test_a_negative_example_keeps_its_entry_from_answering(
    shop: Workshop, embedder: WordEmbedder
) -> None:
    retriever = Retriever(embedder, shop.index.view, DefaultRanker().ranker)
    question = "how do I get a refund of my deposit"
    found = (await retriever.retrieve(question)).hits
    assert found[0].chunk.text == "How do I get a refund?"
    await change(shop, "refund", "negative", "how do I get a refund of a deposit")
    hits = (await retriever.retrieve(question)).hits
    assert found[0].chunk.chunk_id not in {hit.chunk.chunk_id for hit in hits}
    still = (await retriever.retrieve("How do I get a refund?")).hits
    assert still[0].chunk.text == "How do I get a refund?"
    view = await shop.index.view()
    rows = [
        *await view.search_dense(await embedder.embed_query("refund of a deposit"), 9),
        *await view.search_text("deposit", 9),
    ]
    assert not [row.text for row in rows if "deposit" in row.text]


async def test_what_makes_no_sense_is_refused(shop: Workshop) -> None:
    refund = (await entry(shop, "refund")).chunk_id
    for kind, text, match in (
        ("variant", "Money  Back", "is asked 'Money Back' already"),
        ("variant", "  ", "The text is empty"),
        ("variant", "x" * 500, "has 500 characters; at most 400 fit"),
        ("negative", "money back", "itself is asked 'money back'"),
        ("answer", "Within 30 days.", "its answer already"),
    ):
        with pytest.raises(BadChange, match=rf"{match}.*Nothing was changed\."):
            await shop.entries.change(refund, kind, text=text)  # type: ignore[arg-type]
    with pytest.raises(BadChange, match="valid from 2027-01-01, but only until 2026-01-01"):
        await shop.entries.change(
            refund, "validity", valid_from="2027-01-01", valid_until="2026-01-01"
        )
    for day in ("2026-99-99", "2026-02-30", "1 May"):
        with pytest.raises(BadChange, match=f"'{day}' is no clear date"):
            await shop.entries.change(refund, "validity", valid_from=day)
    assert (await shop.snapshot())[0] == 1
    assert await shop.entries.curations.open() == []


async def test_a_wording_of_another_entry_is_refused_with_its_name(shop: Workshop) -> None:
    before = await shop.snapshot()
    for text in ("How long is  delivery", "MONEY BACK?"):
        where = "bicycles" if "MONEY" in text else "refund"
        named = "How do I get a refund?" if "MONEY" in text else "How long is delivery?"
        said = rf"is a question of the entry '{re.escape(named)}' \(faq\.txt\).*Nothing was changed"
        with pytest.raises(BadChange, match=said):
            await change(shop, where, "variant", text)
    assert await shop.snapshot() == before
    await change(shop, "bicycles", "validity", valid_until="2026-01-31")
    await change(shop, "refund", "validity", valid_from="2026-02-01")
    await change(shop, "bicycles", "variant", "money back")


async def test_an_edit_of_an_answer_that_is_no_longer_live_is_refused(shop: Workshop) -> None:
    """The number is the version: two editors of one answer cannot overwrite each other unseen."""
    seen = await entry(shop, "refund")
    await shop.entries.change(seen.chunk_id, "answer", text="Within 60 days.")
    with pytest.raises(EntryNotFound, match="An entry whose answer changed has another number"):
        await shop.entries.change(seen.chunk_id, "answer", text="Within 90 days.")
    with pytest.raises(EntryNotFound):
        await shop.entries.get("ab")


async def test_of_two_edits_of_one_answer_at_once_the_second_is_refused(shop: Workshop) -> None:
    key = (await entry(shop, "refund")).chunk_id
    edits = [shop.entries.change(key, "answer", text=f"Within {days} days.") for days in (40, 50)]
    made = await asyncio.gather(*edits, return_exceptions=True)
    (refused,) = [one for one in made if isinstance(one, BaseException)]
    assert isinstance(refused, EntryNotFound)
    (kept,) = [one for one in made if isinstance(one, Curation)]
    assert (await entry(shop, "refund")).answer == kept.text


async def test_uploads_and_edits_at_once_lose_nothing(shop: Workshop) -> None:
    """Target 12: eight uploaders of the same FAQ beside an operator who adds variants."""

    async def upload(number: int) -> None:
        for turn in range(3):
            await shop.ingestor.ingest(
                [IncomingFile("faq.txt", f"{FAQ}\nturn {turn} of {number}?|Yes.".encode())]
            )

    async def edit() -> None:
        for number in range(4):
            await change(shop, "refund", "variant", f"wording {number}")

    await asyncio.gather(*map(upload, range(8)), edit())
    release, rows, _ = await shop.snapshot()
    refund = await entry(shop, "refund")
    assert set(refund.variants) == {"money back", *(f"wording {n}" for n in range(4))}
    assert await waiting_in(shop) == []
    (document,) = await shop.documents(release)
    assert document.chunks == 4
    assert len({row.chunk_id for row in rows.values()}) == 4
    await shop.put(faq=LATER)
    assert set((await entry(shop, "refund")).variants) == set(refund.variants)


async def test_work_that_a_rollback_makes_fit_again_waits_no_more(shop: Workshop) -> None:
    await change(shop, "refund", "translation", "30 Tage.", language="de")
    translated = (await shop.repository.list())[0].number
    await change(shop, "refund", "answer", "Within 60 days.")
    assert [c.kind for c in await waiting_in(shop)] == ["translation"]
    await shop.releases.rollback(translated)
    assert [c.kind for c in await waiting_in(shop)] == ["answer"]


async def test_a_translation_goes_with_its_answer(shop: Workshop) -> None:
    refund = await entry(shop, "refund")
    await change(shop, "refund", "translation", "Innerhalb von 30 Tagen.", language="de")
    await change(shop, "refund", "translation", "30 días.", language="es")
    await change(shop, "refund", "translation", "30 Tage.", language="de")

    async def german() -> str:
        return await shop.curations.translation((await entry(shop, "refund")).chunk_id, "de")

    assert await german() == "30 Tage."
    for wrong in ("en", "xx", "german"):
        with pytest.raises(BadChange):
            await change(shop, "refund", "translation", "In 30 days.", language=wrong)
    await change(shop, "refund", "answer", "Within 60 days.")
    assert await german() == ""
    waiting = await waiting_in(shop)
    assert [c.language for c in waiting] == ["es", "de"]
    now = await entry(shop, "refund")
    await shop.entries.reattach(waiting[1].curation_id, now.chunk_id)
    assert await german() == "30 Tage."
    await shop.releases.rollback(4)
    assert await entry(shop, "refund") == refund
    assert await german() == "30 Tage."


class Scripted(Translator):
    """Writes one text whatever it is to translate."""

    def __init__(self, text: str) -> None:
        self.text = text

    async def draft(self, answer: str, *, source: str, target: str) -> str:
        return self.text


async def test_a_draft_is_shown_to_nobody_before_it_is_approved(shop: Workshop) -> None:
    entries = replace(shop.entries, translator=Scripted("Innerhalb von 30 Tagen."))
    (refund,) = await entries.find("refund")
    releases = len(await shop.repository.list())
    draft = await entries.draft(refund.chunk_id, "de", author="ann")
    assert (draft.kind, draft.text, draft.author) == ("draft", "Innerhalb von 30 Tagen.", "ann")
    assert await shop.curations.translation(refund.chunk_id, "de") == ""
    await shop.entries.change(refund.chunk_id, "variant", text="money back please")
    assert [c.kind for c in await entries.curations.open()] == ["draft", "variant"]
    assert len(await shop.repository.list()) == releases + 1, "a draft is no release"
    await entries.change(refund.chunk_id, "translation", text=draft.text, language="de")
    assert await shop.curations.translation(refund.chunk_id, "de") == "Innerhalb von 30 Tagen."
    assert [c.kind for c in await entries.curations.open()] == ["variant", "translation"]


async def test_a_draft_waits_for_review_when_its_answer_changes(shop: Workshop) -> None:
    entries = replace(shop.entries, translator=Scripted("30 Tage."))
    (refund,) = await entries.find("refund")
    first = await entries.draft(refund.chunk_id, "de")
    second = await entries.draft(refund.chunk_id, "de")
    assert [c.curation_id for c in await entries.curations.open()] == [second.curation_id]
    assert first.curation_id != second.curation_id
    await entries.change(refund.chunk_id, "answer", text="Two weeks.")
    (stale,) = await waiting_in(shop)
    assert "changed since it was translated" in stale.reason
    assert (await entries.take_back(stale.curation_id)).kind == "draft"
    with pytest.raises(BadChange, match="Nothing here drafts translations"):
        await shop.entries.draft((await entries.find("refund"))[0].chunk_id, "de")
