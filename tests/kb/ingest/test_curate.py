"""Operators' own work finds its entry again, or says why not."""

from dataclasses import replace

import pytest

from core.types import Chunk
from db.curation import Anchor, Curation, CurationKind
from kb.index.chunk import chunk_id
from kb.ingest.curate import Attached, attach, digest, expected_work

REFUND = "How do I get a refund?"


def unfit(attached: Attached) -> tuple[str, ...]:
    return tuple(one.reason for one in attached.settled if one.state == "unfit")


def entry(question: str, answer: str = "Yes.", entry_id: str = "", **more: object) -> Chunk:
    made = Chunk(
        chunk_id("faq.csv", question, answer),
        "faq.csv",
        "faq",
        question,
        answer=answer,
        entry_id=entry_id,
    )
    return replace(made, **more)  # type: ignore[arg-type]


def work(
    kind: CurationKind,
    text: str = "",
    *,
    question: str = REFUND,
    answer: str = "Yes.",
    entry_id: str = "",
    until: str = "",
    number: int = 1,
) -> Curation:
    return Curation(
        curation_id=number,
        kind=kind,
        anchor=Anchor("faq.csv", entry_id, question, answer),
        chunk_id=chunk_id("faq.csv", question, answer),
        text=text,
        valid_from="",
        valid_until=until,
        author="",
        created=1.0,
        state="active",
        reason="",
    )


OTHERS = [entry("Do you repair bicycles?"), entry("How long is delivery?", "Three days.")]


def test_each_kind_of_work_changes_its_entry_alone() -> None:
    base = entry(REFUND, variants=("money back",))
    attached = attach(
        [base, *OTHERS],
        [
            work("variant", "return my money", number=1),
            work("negative", "refund of a deposit", number=2),
            work("validity", until="2026-12-31", number=3),
            work("answer", "Within 30 days.", number=4),
            work("note", "ask Ada", number=5),
            work("category", "money", number=6),
        ],
    )
    changed, *rest = attached.chunks
    assert changed == replace(
        base,
        chunk_id=chunk_id("faq.csv", REFUND, "Within 30 days."),
        answer="Within 30 days.",
        variants=("money back", "return my money"),
        negatives=("refund of a deposit",),
        valid_until="2026-12-31",
        category="money",
    )
    assert rest == OTHERS
    assert {one.state for one in attached.settled} == {"active"}
    assert {one.chunk_id for one in attached.settled} == {changed.chunk_id}
    assert {one.anchor.answer for one in attached.settled} == {"Yes."}


def test_a_disabled_entry_is_left_out() -> None:
    attached = attach([entry(REFUND), *OTHERS], [work("disabled")])
    assert list(attached.chunks) == OTHERS
    assert unfit(attached) == ()


@pytest.mark.parametrize(
    "found",
    [
        entry("HOW do I get a  refund?"),
        entry("How can I get my refund?"),
        entry("How do I get a refund?", "Another answer."),
        entry("What about getting refunds, please", "Yes.", "r7"),
        entry("Can I get a refund at all?"),
    ],
    ids=["same text", "similar", "other answer", "same id", "same answer and like question"],
)
def test_a_changed_entry_is_found_again(found: Chunk) -> None:
    others = [replace(other, answer=f"{other.answer} Really.") for other in OTHERS]
    attached = attach([*others, found], [work("variant", "x", entry_id="r7")])
    assert attached.chunks[-1].variants == ("x",)
    (settled,) = attached.settled
    assert (settled.state, settled.anchor.question) == ("active", found.text)


def test_a_row_number_as_id_does_not_lead_to_another_question() -> None:
    moved = [entry("Do you repair bicycles?", entry_id="1"), entry(REFUND, entry_id="2")]
    attached = attach(moved, [work("variant", "x", entry_id="1")])
    assert [chunk.variants for chunk in attached.chunks] == [(), ("x",)]
    attached = attach(moved[:1], [work("variant", "x", entry_id="1", answer="Other.")])
    assert unfit(attached) == (f"'faq.csv' has no entry like '{REFUND}' any more.",)


@pytest.mark.parametrize("entry_id", ["", "2"])
def test_a_question_about_something_else_is_not_taken_for_it(entry_id: str) -> None:
    """In the file's next version the entry is gone and the next one has its row number."""
    sails = entry("Is there a spring sale on sails?", "Yes on sails.", entry_id)
    snorkels = "Is there a winter sale on snorkels?"
    done = work("variant", "snorkel discount", question=snorkels, answer="Yes.", entry_id=entry_id)
    attached = attach([sails], [done])
    assert attached.chunks == (sails,)
    assert unfit(attached) == (f"'faq.csv' has no entry like '{snorkels}' any more.",)


def test_of_two_like_entries_none_is_guessed() -> None:
    twins = [entry("How do I get a refund now?", "A."), entry("How do I get a refund here?", "B.")]
    attached = attach(twins, [work("variant", "x")])
    assert list(attached.chunks) == twins
    assert len(unfit(attached)) == 1


def test_an_edited_answer_waits_when_the_file_changed_its_own() -> None:
    attached = attach([entry(REFUND, "Within 14 days.")], [work("answer", "Within 30 days.")])
    assert attached.chunks[0].answer == "Within 14 days."
    assert unfit(attached) == (
        f"The answer to '{REFUND}' changed in 'faq.csv' itself since it was edited.",
    )


def test_an_edit_that_the_file_took_over_fits() -> None:
    edit = work("answer", "Within 30 days.")
    attached = attach([entry(REFUND, "Within 30 days.")], [edit])
    assert unfit(attached) == ()
    assert attached.chunks[0] == entry(REFUND, "Within 30 days.")


def test_a_negative_example_that_the_file_asks_for_itself_waits() -> None:
    base = entry(REFUND, variants=("deposit",))
    attached = attach([base], [work("negative", "Deposit")])
    assert attached.chunks == (base,)
    assert unfit(attached) == ("'faq.csv' itself asks 'Deposit' for this entry now.",)


def test_an_edit_that_makes_two_entries_equal_leaves_one() -> None:
    twin = entry(REFUND, "No.", variants=("b",))
    attached = attach([entry(REFUND, variants=("a",)), twin], [work("answer", "No.")])
    (left,) = attached.chunks
    assert (left.answer, left.variants) == ("No.", ("a", "b"))


def test_work_that_was_undone_is_left_alone() -> None:
    undone = replace(work("disabled"), state="undone")
    assert attach([entry(REFUND)], [undone]) == attach([entry(REFUND)], [])


def test_passages_keep_their_place() -> None:
    passage = Chunk("p", "faq.csv", "passage", REFUND)
    attached = attach([passage, entry(REFUND)], [work("variant", "x")])
    assert attached.chunks[0] == passage
    assert attached.chunks[1].variants == ("x",)


def test_the_hash_says_whether_a_document_must_be_published_again() -> None:
    variant, note = work("variant", "x"), work("note", "y", number=2)
    assert attach([entry(REFUND)], [variant, note]).work == digest([variant])
    assert expected_work([variant, note]) == {"faq.csv": digest([variant])}
    assert expected_work([note]) == {}
    assert expected_work([replace(variant, state="unfit")]) == {}
    assert digest([variant]) != digest([replace(variant, text="z")])


def test_a_translation_waits_once_the_answer_is_another_one() -> None:
    german = work("translation", "Ja.", number=1)
    attached = attach([entry(REFUND)], [german])
    assert attached.chunks == (entry(REFUND),)
    assert unfit(attached) == ()
    stale = (f"The answer to '{REFUND}' of 'faq.csv' changed since it was translated.",)
    assert unfit(attach([entry(REFUND, "No.")], [german])) == stale
    edit = work("answer", "No.", number=2)
    assert unfit(attach([entry(REFUND)], [german, edit])) == stale, "an operator changed it"
    later = work("translation", "Nein.", answer="No.", number=3)
    attached = attach([entry(REFUND)], [edit, later])
    assert unfit(attached) == ()
    assert attached.settled[1].chunk_id == chunk_id("faq.csv", REFUND, "No.")
    assert attached.settled[1].anchor.answer == "No."
