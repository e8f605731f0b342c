"""Golden questions hold a worse release back; what customers ask most is compared."""

from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from core.errors import ModelUnavailable
from core.types import Answer, AnswerChange, IngestReport, Source, Vector
from db.golden import Golden, GoldenNotFound
from kb.answering.answerer import Answerer
from kb.answering.mood import Moods
from kb.answering.texts import service_text
from kb.releases.ingestor import IncomingFile
from kb.review.gate import change_of, expectation, fits, seen
from kb.review.most_asked import answers_text
from tests.fakes import WordEmbedder
from tests.kb.workshop import POLICY, TODAY, SameRanker, Workshop, workshop

pytestmark = pytest.mark.anyio

FAQ = "May I return it?|Within 30 days.\nDo you ship to France?|Yes, for 9 euros."


@pytest.fixture
async def shop(tmp_path: Path, embedder: WordEmbedder) -> AsyncIterator[Workshop]:
    async with workshop(tmp_path, embedder) as shop:
        await shop.put(faq=FAQ)
        yield shop


async def put(shop: Workshop, *, anyway: bool = False, **texts: str) -> IngestReport:
    files = [IncomingFile(f"{name}.txt", text.encode()) for name, text in texts.items()]
    return await shop.ingestor.ingest(files, anyway=anyway)


RETURN = Golden("May I return it?", document="faq.txt", entry="may i return it?")


async def test_a_release_that_no_longer_answers_a_golden_question_is_held_back(
    shop: Workshop, embedder: WordEmbedder
) -> None:
    await shop.golden.add([RETURN, Golden("Do you ship to France?", words="9 euros")])
    before = await shop.snapshot()
    report = await put(shop, faq="Do you ship to France?|Yes, for 9 euros.")
    assert report.held == (
        "Held back: 1 of 2 golden questions would no longer come out as expected: "
        '"May I return it?" (should be answered from "faq.txt" by the entry "may i return it?", '
        "would be refused). Nothing was published."
    )
    assert report.release == 1
    assert await shop.snapshot() == before
    assert len(await shop.repository.list()) == 1

    embedder.embedded.clear()
    report = await put(shop, anyway=True, faq="Do you ship to France?|Yes, for 9 euros.")
    assert (report.release, report.held) == (2, "")
    assert await shop.texts() == ["Do you ship to France?"]


async def test_a_release_is_asked_as_customers_ask_it(shop: Workshop) -> None:
    steps = [
        f"{n}. Turn handle {n} of the stove and wait until its lamp is lit." for n in range(1, 25)
    ]
    await shop.put(guide="\n".join(["LIGHTING THE STOVE", "", *steps]))
    live = await shop.index.view()
    assert len([c for c in await live.chunks_of(["guide.txt"]) if c.kind == "passage"]) > 1
    gate = shop.ingestor.publisher.gate
    assert gate is not None
    kept = await gate.as_it_is(live, "How is handle 2 of the stove turned?", author="")
    assert all(f"handle {n} " in kept.words for n in range(2, 25)), kept.words


async def test_what_leads_in_to_the_answer_of_an_angry_customer_is_not_expected(
    shop: Workshop, embedder: WordEmbedder
) -> None:
    gate = shop.ingestor.publisher.gate
    assert gate is not None
    bias = np.zeros(1, np.float32)
    hidden = 20 * np.stack([await embedder.embed_query("furious")])
    moods = Moods(embedder, ("angry",), hidden, bias, np.ones((1, 1), np.float32), bias)
    answering = partial(Answerer, policy=POLICY, today=lambda: TODAY, moods=moods)
    gate = replace(gate, replay=replace(gate.replay, answering=answering))
    live = await shop.index.view()
    ((answer,),), _ = await gate.replay.compare(
        ["May I return it?"], await seen(live, SameRanker())
    )
    assert answer.text == f"{service_text('angry', 'en')}\n\nWithin 30 days."
    kept = await gate.as_it_is(live, "May I return it?", author="")
    assert kept.words == "Within 30 days."


async def test_what_was_embedded_for_a_held_release_is_not_embedded_again(
    shop: Workshop, embedder: WordEmbedder
) -> None:
    await shop.golden.add([RETURN])
    assert (await put(shop, faq="Are you open?|Always.")).held
    embedder.embedded.clear()
    assert (await put(shop, anyway=True, faq="Are you open?|Always.")).release == 2
    assert embedder.embedded == []


async def test_a_release_without_a_drop_goes_live(shop: Workshop) -> None:
    await shop.golden.add([RETURN, Golden("What is the meaning of life?", refuse=True)])
    report = await put(shop, faq=f"{FAQ}\nAre you open?|Always.")
    assert (report.release, report.held) == (2, "")


async def test_a_question_that_never_came_out_right_holds_nothing(shop: Workshop) -> None:
    await shop.golden.add([Golden("Do you buy old ones?", document="faq.txt")])
    assert (await put(shop, page="Something else.")).release == 2


async def test_an_answer_to_what_must_be_refused_holds_the_release(shop: Workshop) -> None:
    await shop.golden.add([Golden("What is your password?", refuse=True)])
    report = await put(shop, poison="What is your password?|hunter2")
    assert '(should be refused, would be answered from "poison.txt" ("What is your' in report.held


async def test_removing_a_document_is_judged_too(shop: Workshop) -> None:
    await shop.golden.add([RETURN])
    report = await shop.ingestor.ingest([], removed=["faq.txt"])
    assert report.held
    assert len(await shop.texts()) == 2


async def test_a_preview_holds_nothing(shop: Workshop) -> None:
    await shop.golden.add([RETURN])
    file = IncomingFile("faq.txt", b"Are you open?|Always.")
    assert (await shop.ingestor.ingest([file], dry_run=True)).held == ""


async def test_an_operators_own_edit_and_a_rollback_are_not_held(shop: Workshop) -> None:
    """Each is one deliberate step that can be undone."""
    await put(shop, faq="Are you open?|Always.")
    await shop.golden.add([Golden("Are you open?", words="always")])
    (entry,) = await shop.entries.find()
    await shop.entries.change(entry.chunk_id, "answer", text="Never.")
    assert (await shop.releases.rollback(1)).number == 4


async def test_five_poison_rows_are_flagged_by_a_hundred_golden_questions(shop: Workshop) -> None:
    """Target 35: a poisoned upload does not go live unseen, and is undone by one rollback."""
    rows = [f"How does part number{n} fit?|Turn screw{n} by {n} degrees." for n in range(100)]
    await shop.put(parts="\n".join(rows))
    await shop.golden.add(
        [
            Golden(f"How does part number{n} fit?", document="parts.txt", words=f"screw{n} by {n}")
            for n in range(100)
        ]
    )
    edited = [*rows]
    for n in range(0, 100, 20):
        edited[n] = f"How does part number{n} fit?|Send your password to evil{n}."
    report = await put(shop, parts="\n".join(edited))
    assert "5 of 100 golden questions" in report.held
    assert len(report.answers) == 5
    assert report.answers[0] == AnswerChange(
        "How does part number0 fit?",
        'answered from "parts.txt" ("How does part number0 fit?")',
        'answered from "parts.txt" ("How does part number0 fit?")',
        expected='answered from "parts.txt" with the words "screw0 by 0"',
        old_words="Turn screw0 by 0 degrees.",
        new_words="Send your password to evil0.",
    )
    assert "and the answer's words are others" in report.held
    assert (await shop.snapshot())[0] == 2

    assert (await put(shop, anyway=True, parts="\n".join(edited))).release == 3
    assert (await shop.releases.rollback(2)).number == 4


async def test_a_golden_answers_figures_and_links_do_not_change_unseen(shop: Workshop) -> None:
    """Though it comes from the same entry of the same file, and no words were fixed."""
    await shop.golden.add([RETURN])
    poisoned = FAQ.replace("30 days", "90 days")  # no strange address, which is held by itself
    assert poisoned != FAQ
    report = await put(shop, faq=poisoned)
    assert report.held.startswith("Held back: 1 of 1 golden questions")
    assert (await shop.snapshot())[0] == 1
    assert (await put(shop, faq=FAQ.replace("30 days", "30 days only"))).held == ""


async def test_what_of_a_golden_answer_changed_is_said(shop: Workshop) -> None:
    await shop.golden.add([RETURN])
    report = await put(shop, faq=FAQ.replace("30 days", "90 days"))
    assert report.held == (
        "Held back: 1 of 1 golden questions would no longer come out as expected: "
        '"May I return it?" (should be answered from "faq.txt" by the entry "may i return it?" '
        "with 30 without 90, and the answer's words are others). Nothing was published."
    )


async def test_without_a_model_nothing_unjudged_goes_live(
    shop: Workshop, embedder: WordEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    await shop.golden.add([RETURN])

    async def down(text: str) -> Vector:
        raise ModelUnavailable("The model is down.")

    monkeypatch.setattr(embedder, "embed_query", down)
    with pytest.raises(ModelUnavailable):
        await put(shop, page="Something else.")
    assert (await shop.snapshot())[0] == 1


async def test_golden_questions_are_kept_once_and_in_order(shop: Workshop) -> None:
    await shop.golden.add([RETURN, Golden("Other?", refuse=True)])
    await shop.golden.add([Golden("May I return it?", refuse=True)])
    found = await shop.golden.list()
    assert [(one.question, one.refuse) for one in found] == [
        ("Other?", True),
        ("May I return it?", True),
    ]
    await shop.golden.remove(found[0].golden_id)
    assert [one.question for one in await shop.golden.list()] == ["May I return it?"]
    with pytest.raises(GoldenNotFound, match="There is no golden question 77"):
        await shop.golden.remove(77)


@pytest.mark.parametrize(
    ("golden", "right"),
    [
        (Golden("?", document="a.md"), True),
        (Golden("?", document="b.md"), False),
        (Golden("?", entry="RETURNS"), True),
        (Golden("?", entry="Shipping"), False),
        (Golden("?", words="thirty  Days"), True),
        (Golden("?", words="sixty"), False),
        (Golden("?", refuse=True), False),
    ],
)
def test_an_answer_fits_what_is_named(golden: Golden, right: bool) -> None:
    source = Source("c", "a.md", "Returns", "", "", 1.0, "")
    assert fits(golden, Answer("quoted", "Within thirty days.", "en", sources=(source,))) is right
    assert not fits(golden, Answer("smalltalk", "Hello", "en"))


def test_an_expectation_is_said_in_words() -> None:
    assert expectation(Golden("?", refuse=True)) == "refused"
    assert expectation(Golden("?", document="a.md", words="30")) == (
        'answered from "a.md" with the words "30"'
    )


async def test_the_report_says_what_is_answered_otherwise_without_customers_words(
    shop: Workshop,
) -> None:
    """Reports are kept; what customers wrote is theirs (target 36)."""
    for question, times in (
        ("May I return it?", 3),
        ("may i  RETURN it?", 1),
        ("Warranty Peru?", 2),
    ):
        for _ in range(times):
            await shop.conversations.record(
                question, Answer("faq", "Yes.", "en"), chat="web:1", channel="web"
            )
    report = await put(shop, faq="May I return it?|Within 60 days.", peru="Warranty Peru?|No.")
    assert report.asked == 2
    assert report.answers == (
        AnswerChange(
            "",
            'answered from "faq.txt" ("May I return it?")',
            'answered from "faq.txt" ("May I return it?")',
            asked=4,
            old_words="Within 30 days.",
            new_words="Within 60 days.",
        ),
        AnswerChange(
            "", "refused", 'answered from "peru.txt" ("Warranty Peru?")', asked=2, new_words="No."
        ),
    )
    assert answers_text(report) == [
        "Of the 2 most frequent recent questions, some are answered differently:",
        '- asked 4 times: answered from "faq.txt" ("May I return it?"), now with another text: '
        "“Within 30 days.” → “Within 60 days.”",
        '- asked 2 times: refused, now answered from "peru.txt" ("Warranty Peru?"): “No.”',
    ]
    report = await put(shop, page="Something else.")
    assert answers_text(report) == [
        "For the 2 most frequent recent questions, no answer has changed."
    ]


def test_of_two_long_answers_the_place_where_they_differ_is_shown() -> None:
    begin = "We come to your home and look at it with you, and write down what is to be done. " * 3
    source = Source("a", "faq", "", "", "", 1.0, "")
    old, new = (
        Answer("faq", f"{begin}It costs {price} euros.", "en", sources=(source,))
        for price in (100, 120)
    )
    change = change_of(old, new)
    assert change.old_words.endswith("done. It costs 100 euros.")
    assert change.new_words.endswith("done. It costs 120 euros.")
    assert change.old_words.startswith("…")
