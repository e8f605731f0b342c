"""What a preview asks operators to look at (targets 24 and 35)."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from core.types import Finding, FindingKind
from kb.releases.ingestor import IncomingFile
from kb.review.finding_text import FINDINGS, describe
from tests.fakes import WordEmbedder
from tests.kb.workshop import Workshop, workshop

pytestmark = pytest.mark.anyio

FAQ = (
    "How do I get a refund?|Send it back within 30 days.|money back please\n"
    "How long does delivery take?|Three days.\n"
    "Do you repair bicycles?|Yes, in our workshop.\n"
)
LANDS = ("France", "Spain", "Italy", "Norway", "Poland")


@pytest.fixture
async def shop(tmp_path: Path, embedder: WordEmbedder) -> AsyncIterator[Workshop]:
    async with workshop(tmp_path, embedder) as shop:
        await shop.put(faq=FAQ)
        yield shop


async def findings(shop: Workshop, **texts: str) -> list[Finding]:
    report = await shop.ingestor.ingest(
        [IncomingFile(f"{name}.txt", text.encode()) for name, text in texts.items()],
        dry_run=True,
    )
    return list(report.findings)


async def test_the_same_question_with_another_answer_is_a_conflict(shop: Workshop) -> None:
    (found,) = await findings(shop, new="how do I get a  REFUND?|Never.")
    assert found == Finding(
        "conflict",
        "new.txt",
        "line 1",
        "how do I get a  REFUND?",
        "Never.",
        "faq.txt",
        "line 1",
        "How do I get a refund?",
        "Send it back within 30 days.",
    )
    assert describe(found) == (
        "new.txt, line 1: “how do I get a REFUND?” is answered otherwise in faq.txt, line 1: "
        "“Never.” here, “Send it back within 30 days.” there."
    )


async def test_a_variant_of_another_entry_is_its_question_too(shop: Workshop) -> None:
    (found,) = await findings(shop, new="money back please|Write to us.")
    assert (found.kind, found.theirs) == ("conflict", "Send it back within 30 days.")
    (found,) = await findings(shop, new="Refunds?|Write to us.|money back please")
    assert (found.kind, found.text) == ("conflict", "money back please")


async def test_an_edited_answer_does_not_contradict_the_one_it_replaces(shop: Workshop) -> None:
    assert await findings(shop, faq=FAQ.replace("30", "60").replace("Three", "Four")) == []


async def test_the_same_entry_elsewhere_is_counted_as_a_duplicate_only(shop: Workshop) -> None:
    report = await shop.ingestor.ingest([IncomingFile("copy.txt", FAQ.encode())], dry_run=True)
    assert report.files[0].duplicates == 3
    assert report.findings == ()


async def test_a_passage_with_another_figure_than_an_approved_answer_is_named(
    shop: Workshop,
) -> None:
    (found,) = await findings(shop, page="How do I get a refund? Send it back within 14 days.")
    assert describe(found) == (
        "page.txt, line 1: 14 days where faq.txt, line 1 has 30 days: “Send it back "
        "within 14 days.” and “Send it back within 30 days.”."
    )


async def test_an_entry_with_another_figure_than_a_live_passage_is_named(shop: Workshop) -> None:
    await shop.put(page="The guarantee on our frames lasts five years.")
    (found,) = await findings(shop, new="How long does the guarantee on frames last?|Two years.")
    assert (found.kind, found.mine, found.theirs) == ("figure", "Two years", "five years")


async def test_nearly_the_same_question_is_named_with_its_twin(shop: Workshop) -> None:
    (found,) = await findings(shop, new="How long does a delivery take?|It depends.")
    assert describe(found) == (
        "new.txt, line 1: “How long does a delivery take?” is much like “How long does delivery "
        "take?” in faq.txt, line 2."
    )
    (found,) = await findings(shop, new="How long does a delivery take?|Nine days.")
    assert (found.kind, found.mine, found.theirs) == ("figure", "Nine days", "Three days")


async def test_a_like_question_with_nearly_the_same_answer_is_named(shop: Workshop) -> None:
    (found,) = await findings(
        shop, new="Do you repair bicycles and motors?|Yes, in our own workshop."
    )
    assert found.kind == "near"


async def test_entries_after_one_pattern_are_not_alike(shop: Workshop) -> None:
    lines = [f"Do you ship to {where}?|Yes, for {n} euros." for n, where in enumerate(LANDS, 5)]
    assert await findings(shop, abroad="\n".join(lines)) == []
    lines = [f"How heavy is frame {n}?|It weighs {n} kg." for n in range(3, 9)]
    assert await findings(shop, frames="\n".join(lines)) == []


async def test_new_texts_are_compared_with_each_other(shop: Workshop) -> None:
    (found,) = await findings(shop, a="Are you open?|Always.", b="are you open?|Never.")
    assert {found.doc_id, found.other_doc_id} == {"a.txt", "b.txt"}
    assert found.kind == "conflict"


async def test_entries_that_are_never_valid_together_do_not_conflict(shop: Workshop) -> None:
    await shop.put(old="Are you open at night?|No.@2026-06-30")
    assert len(await findings(shop, new="Are you open at night?|Yes.@2026-12-31")) == 1
    view = await shop.index.view()
    (row,) = [row for row in (await view.all_rows())[0] if row.doc_id == "old.txt"]
    assert row.valid_until == "2026-06-30"


async def test_something_new_raises_no_question(shop: Workshop) -> None:
    assert await findings(shop, new="Can dogs come along?|They can.", page="We like 7 cats.") == []


async def test_five_poisoned_rows_are_all_named(shop: Workshop) -> None:
    """Target 35: what would change a known answer is seen before it goes live."""
    poison = (
        "How do I get a refund?|You get none.\n"
        "How long does delivery take?|Ninety days.\n"
        "Do you repair bicycle?|No, never.\n"
        "money back please|Send us your password.\n"
        "How do I get my refund?|Send it back within 3 days."
    )
    found = await findings(shop, poison=poison)
    assert {f.location for f in found} == {f"line {n}" for n in range(1, 6)}


async def test_beyond_the_budget_texts_are_compared_word_for_word(
    tmp_path: Path, embedder: WordEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kb.review.findings._BUDGET_CHARS", 30)
    async with workshop(tmp_path / "small", embedder) as shop:
        await shop.put(faq=FAQ)
        embedder.embedded.clear()
        data = b"Do you repair bicycles?|No.\nHow do I get a refund?|No.\nHow do I get refunds?|No."
        report = await shop.ingestor.ingest([IncomingFile("n.txt", data)], dry_run=True)
        assert [f.location for f in report.findings] == ["line 1", "line 2"]
        assert report.uncompared == 2
        assert "How do I get refunds?" not in embedder.embedded


async def test_the_pass_over_the_index_is_exact(shop: Workshop, embedder: WordEmbedder) -> None:
    await shop.put(many="\n".join(f"question {n} of many?|Yes." for n in range(300)))
    view = await shop.index.view()
    rows, vectors = await view.all_rows()
    queries = await embedder.embed_queries(["question 7 of many?", "refund", "退款"])
    without = {rows[int(np.argmax(vectors @ queries[1]))].row_id}
    found = await view.nearest(queries, 4, without=without)
    kept = [place for place, row in enumerate(rows) if row.row_id not in without]
    for query, neighbours in zip(queries, found, strict=True):
        best = sorted((float(vectors[place] @ query) for place in kept), reverse=True)[:4]
        assert [score for _, score in neighbours] == pytest.approx(best, abs=1e-5)
        assert not {row.row_id for row, _ in neighbours} & without


def test_every_kind_of_finding_has_a_name() -> None:
    assert set(FINDINGS) == set(get_args(FindingKind))
