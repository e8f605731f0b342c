"""A preview says which answers would be others, before anything is written."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.errors import ModelUnavailable
from core.types import Answer, AnswerChange, IngestReport, Vector
from db.golden import Golden
from kb.index.rows import rows_of_chunk
from kb.releases.ingestor import IncomingFile
from kb.review.most_asked import answers_text
from kb.review.overlay import Overlay
from tests.fakes import WordEmbedder
from tests.kb.workshop import TODAY, Workshop, library_of, workshop

pytestmark = pytest.mark.anyio

FAQ = "May I return it?|Within 30 days.\nDo you ship to France?|Yes, for 9 euros."


@pytest.fixture
async def shop(tmp_path: Path, embedder: WordEmbedder) -> AsyncIterator[Workshop]:
    async with workshop(tmp_path, embedder) as shop:
        await shop.put(faq=FAQ)
        yield shop


async def preview(shop: Workshop, removed: tuple[str, ...] = (), **texts: str) -> IngestReport:
    files = [IncomingFile(f"{name}.txt", text.encode()) for name, text in texts.items()]
    return await shop.ingestor.ingest(files, removed=removed, dry_run=True)


async def ask(shop: Workshop, question: str, *, times: int = 1) -> None:
    for _ in range(times):
        await shop.conversations.record(
            question, Answer("faq", "Yes.", "en"), chat="web:1", channel="web"
        )


RETURN = 'answered from "faq.txt" ("May I return it?")'


async def test_a_preview_says_what_becomes_of_what_customers_ask(shop: Workshop) -> None:
    await ask(shop, "may i return it?", times=4)
    await ask(shop, "Warranty Peru?")
    await ask(shop, "Do you ship to France?")
    before = await shop.snapshot()
    report = await preview(
        shop,
        faq="May I return it?|Within 60 days.\nDo you ship to France?|Yes, for 9 euros.",
        peru="Warranty Peru?|No.",
    )
    assert report.asked == 3
    assert report.answers == (
        AnswerChange(
            "", RETURN, RETURN, asked=4, old_words="Within 30 days.", new_words="Within 60 days."
        ),
        AnswerChange(
            "", "refused", 'answered from "peru.txt" ("Warranty Peru?")', asked=1, new_words="No."
        ),
    )
    assert answers_text(report) == [
        "2 answers may change. Of the 3 most frequent recent questions, these would be answered "
        "differently:",
        f"- asked 4 times: {RETURN}, then with another text: “Within 30 days.” → “Within 60 days.”",
        '- asked 1 time: refused, then answered from "peru.txt" ("Warranty Peru?"): “No.”',
    ]
    (wanted, _) = report.answers
    named = answers_text(report, {wanted.answer_ids[0]: "may i return it?"})
    assert f"- asked 4 times: “may i return it?” · {RETURN}, then with" in named[1]
    assert await shop.snapshot() == before
    assert len(await shop.repository.list()) == 1


async def test_a_proposed_entry_is_tried_on_what_it_is_to_answer(shop: Workshop) -> None:
    report = await library_of(shop).answers.add(
        "Warranty Peru?", "No.", dry_run=True, asked=[("Berlin opening hours?", 1, 7)]
    )
    assert answers_text(report, {7: "Berlin opening hours?"})[:2] == [
        "“Warranty Peru?”: refused, then answered from "
        '"team-answers.csv" ("team-answers.csv"): “Warranty Peru?,No.”',
        "“Berlin opening hours?”: refused, as before",
    ]
    assert not any("Berlin" in line for line in answers_text(report)), "it was erased meanwhile"
    assert "Berlin" not in repr(report)


async def test_what_a_preview_says_is_what_applying_brings(shop: Workshop) -> None:
    await ask(shop, "May I return it?", times=2)
    await ask(shop, "Do you ship to France?")
    await ask(shop, "Are you open on Sundays?")
    faq = "May I return it?|No.\nAre you open on Sundays?|No, closed."
    files = [IncomingFile("faq.txt", faq.encode())]
    asked = []
    foreseen = await shop.ingestor.ingest(
        files, dry_run=True, on_progress=lambda progress: asked.append(progress.asked)
    )
    assert asked[-6:] == [(done, 6) for done in range(1, 7)], "each is asked twice"
    came = await shop.ingestor.ingest(files)
    assert foreseen.answers == came.answers
    assert len(came.answers) == 3


async def test_a_preview_names_golden_questions_that_would_hold_it_back(shop: Workshop) -> None:
    await shop.golden.add(
        [
            Golden("May I return it?", words="30 days"),
            Golden("Do you ship to France?", words="9 euros"),
            Golden("Warranty Peru?", refuse=True),
        ]
    )
    report = await preview(
        shop, faq="May I return it?|Never.\nDo you ship to France?|Yes! 9 euros."
    )
    assert (report.golden_asked, report.held) == (3, "")
    held, changed = report.golden
    assert (held.question, held.expected) == (
        "May I return it?",
        'answered with the words "30 days"',
    )
    assert (changed.question, changed.expected) == ("Do you ship to France?", "")
    assert answers_text(report)[1:] == [
        f"- golden question “May I return it?”: {RETURN}, then with another text: “Within 30 "
        'days.” → “Never.” (should be answered with the words "30 days": would be held back)',
        "- golden question “Do you ship to France?”: answered from "
        '"faq.txt" ("Do you ship to France?"), then with another text: “Yes, for 9 euros.” → '
        "“Yes! 9 euros.”",
    ]


async def test_taking_a_document_out_is_foreseen_too(shop: Workshop) -> None:
    await ask(shop, "May I return it?")
    report = await preview(shop, removed=("faq.txt",))
    assert [change.after for change in report.answers] == ["refused"]


async def test_nothing_is_asked_where_nothing_changes_or_is_known(
    shop: Workshop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await preview(shop, faq="Are you open?|Always.")).asked == 0, "nobody asked anything"
    await ask(shop, "May I return it?")
    assert (await preview(shop, faq=FAQ)).asked == 0, "nothing would change"
    report = await preview(shop, other="Something else.")
    assert answers_text(report) == [
        "For the 1 most frequent recent question, no answer would change."
    ]
    async with workshop(tmp_path / "new", WordEmbedder()) as new:
        await ask(new, "May I return it?")
        assert (await preview(new, faq=FAQ)).asked == 0, "there is no release yet"


async def test_without_the_model_the_preview_is_there_all_the_same(
    shop: Workshop, embedder: WordEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    await ask(shop, "May I return it?")

    async def down(text: str) -> Vector:
        raise ModelUnavailable("The model is down.")

    monkeypatch.setattr(embedder, "embed_query", down)
    report = await preview(shop, faq="May I return it?|Never.")
    assert (report.asked, report.files[0].changed) == (0, 1)


async def test_a_preview_goes_on_while_somebody_publishes(shop: Workshop) -> None:
    await ask(shop, "May I return it?")
    async with shop.publisher.locked():
        report = await preview(shop, faq="May I return it?|Never.")
    assert len(report.answers) == 1


async def test_an_overlay_finds_what_the_release_will_find(shop: Workshop) -> None:
    """Rows that stay, are new, or are gone; entries outside their days are left out."""
    live = await shop.index.view()
    old, _ = await live.all_rows()
    await shop.put(
        faq="Do you ship to France?|Yes, for 9 euros.\nDo you ship to Spain?|Yes.|ship to Madrid",
        expired="Do you ship to Peru?|No.@2026-11-19",
        manual="Ships to France leave on Mondays.",
    )
    release = await shop.index.view()
    rows, vectors = await release.all_rows()
    known = {row.row_id: row.digest for row in old}
    written = [p for p, row in enumerate(rows) if known.get(row.row_id) != row.digest]
    kept = {row.row_id for row in rows} - {rows[p].row_id for p in written}
    overlay = Overlay(
        live, [rows[p] for p in written], vectors[written], without=known.keys() - kept
    )
    assert await overlay.count() == len(rows)
    question = "ship to France"
    vector = await shop.embedder.embed_query(question)
    for today in ("", TODAY.isoformat()):
        there = await release.search_dense(vector, 10, today=today)
        here = await overlay.search_dense(vector, 10, today=today)
        assert [(h.row_id, h.chunk, h.text, h.role) for h in here] == [
            (h.row_id, h.chunk, h.text, h.role) for h in there
        ]
        assert np.allclose([h.score for h in here], [h.score for h in there], atol=1e-5)
        found = await release.search_text(question, 10, today=today)
        assert {h.row_id for h in await overlay.search_text(question, 10, today=today)} == {
            h.row_id for h in found
        }
    sample = await overlay.sample(most=10)
    assert {row.row_id for row in sample.rows} == {row.row_id for row in rows}
    assert len(sample.vectors) == len(rows)


async def test_an_overlay_keeps_objections_and_takes_new_ones(shop: Workshop) -> None:
    (entry,) = await shop.entries.find("return")
    await shop.entries.change(entry.chunk_id, "negative", text="Return of the king")
    live = await shop.index.view()
    (other,) = await shop.entries.find("France")
    (row,) = [
        row
        for row in rows_of_chunk(replace(other, negatives=("French ships",)))
        if row.role == "negative"
    ]
    vector = await shop.embedder.embed_query("French ships")
    overlay = Overlay(live, [row], vector[None], without=())
    assert (await overlay.objections(vector))[other.chunk_id] == pytest.approx(1)
    assert entry.chunk_id in await overlay.objections(vector)
    assert len(await overlay.search_dense(vector, 10)) == 2, "no search finds an objection"
