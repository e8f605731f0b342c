"""Contradictions and duplicates of everything that is live."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from core.types import Finding
from kb.review.findings import Inspector, gravest
from tests.fakes import WordEmbedder
from tests.kb.ranking.memory import ScriptedReader
from tests.kb.workshop import Workshop, workshop

pytestmark = pytest.mark.anyio


@pytest.fixture
async def shop(tmp_path: Path, embedder: WordEmbedder) -> AsyncIterator[Workshop]:
    async with workshop(tmp_path, embedder) as shop:
        yield shop


async def audit(shop: Workshop) -> list[Finding]:
    compared: list[tuple[int, int]] = []
    found = await shop.entries.audit(lambda done, total: compared.append((done, total)))
    assert not compared or compared[-1][0] == compared[-1][1] > 0
    return list(gravest(found))


async def test_an_empty_base_has_no_contradictions(shop: Workshop) -> None:
    assert await audit(shop) == []


async def test_an_entry_and_a_document_that_differ_in_a_figure_are_found(shop: Workshop) -> None:
    await shop.put(
        faq="How long does the guarantee on frames last?|Two years.",
        page="The guarantee on our frames lasts five years.",
    )
    (found,) = await audit(shop)
    assert (found.kind, {found.mine, found.theirs}) == ("figure", {"Two years", "five years"})
    live = await shop.entries.named([found.chunk_id, found.other_chunk_id])
    assert {chunk.doc_id for chunk in live} == {"faq.txt", "page.txt"}


async def test_a_figure_in_other_words_is_found_where_the_reader_says_that_it_answers(
    shop: Workshop, embedder: WordEmbedder
) -> None:
    await shop.put(
        faq="Is there parking?|Behind the hall are 40 spaces.",
        page="Cars stand in the yard; parking has 25 spaces.",
    )
    before = await audit(shop)
    reader = ScriptedReader(liked="Cars")
    ingestor = replace(shop.entries.ingestor, inspector=Inspector(embedder, reader))
    (found,) = await audit(replace(shop, entries=replace(shop.entries, ingestor=ingestor)))
    assert before == []
    assert (found.mine, found.theirs) == ("40", "25")
    assert found.text == "Behind the hall are 40 spaces."
    assert found.other_text == "Cars stand in the yard; parking has 25 spaces."


async def test_yes_and_no_to_one_question_in_other_words_are_found(shop: Workshop) -> None:
    await shop.put(
        faq="May I bring my dog to the workshop?|Yes, dogs are welcome.",
        old="May I bring the dog to the workshop?|No, we have cats.",
        lands="Do you ship to France?|Yes, we do.\nDo you ship to Spain?|No, we do not.",
    )
    (found,) = await audit(shop)
    assert (found.kind, {found.doc_id, found.other_doc_id}) == ("conflict", {"faq.txt", "old.txt"})


async def test_entries_after_one_pattern_do_not_differ(shop: Workshop) -> None:
    lines = [
        f"How do I order part number {n}?|Write to our shop, name part {n}." for n in (1, 2, 6)
    ]
    await shop.put(parts="\n".join(lines))
    assert await audit(shop) == []


async def test_an_entry_that_two_documents_have_is_a_duplicate(shop: Workshop) -> None:
    await shop.put(one="Are you open at night?|No, never.", two="Are you open at night?|No, never.")
    (found,) = await audit(shop)
    assert found.kind == "near"
