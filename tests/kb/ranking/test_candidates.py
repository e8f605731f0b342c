"""Rows of several searches become candidates, one for each entry or passage."""

import math
from collections.abc import Sequence
from dataclasses import replace

from core.types import Chunk
from kb.ranking.candidates import MOST, Candidate, Reading, gather
from tests.kb.ranking.memory import Found, entry, page

RETURNS = entry(0, "May I return it?", "send it back", answer="Yes, within 30 days.")
PARTS = ("May I return it?\nYes, within 30 days.", "May I return it?\nWe pay the postage.")
TERMS = page(1, "Returns are free.", "Terms")


def asked(chunk: Chunk, text: str, score: float) -> Found:
    return Found(chunk, text, "question", score)


def stated(chunk: Chunk, text: str, score: float) -> Found:
    return Found(chunk, text, "passage" if chunk.kind == "passage" else "answer", score)


def one(
    own: Sequence[Found] = (), answers: Sequence[Found] = (), text: Sequence[Found] = ()
) -> Candidate:
    """Return the first candidate of an entry or passage."""
    return gather(own, answers, text)[0]


def test_the_rows_of_an_entry_are_one_candidate_with_its_nearest_question_and_answer() -> None:
    own = [asked(RETURNS, "send it back", 0.9), asked(RETURNS, "May I return it?", 0.6)]
    answers = [stated(RETURNS, PARTS[1], 0.7), stated(RETURNS, PARTS[0], 0.5)]
    (found,) = gather(own, answers, [])
    assert (found.asked, found.stated, found.score) == (0.9, 0.7, 0.9)
    assert found.statement == PARTS[1], "the nearest part of the answer is what the reader reads"
    assert found.questions == ("send it back", "May I return it?")


def test_a_passage_has_no_question_and_is_read_with_its_title() -> None:
    rows = [stated(TERMS, TERMS.text, 0.8)]
    (found,) = gather(rows, rows, rows)
    assert (found.asked, found.stated) == (0.8, 0.8)
    assert found.statement == "Terms\nReturns are free."
    assert found.questions == ()


def test_what_stands_in_several_files_is_one_candidate() -> None:
    copy = replace(RETURNS, chunk_id="copy", doc_id="copy.csv")
    own = [asked(RETURNS, "send it back", 0.9), asked(copy, "send it back", 0.9)]
    answers = [stated(copy, PARTS[0], 0.7), stated(RETURNS, PARTS[0], 0.7)]
    (found,) = gather(own, answers, [Found(copy, PARTS[0], "answer", 3.0)])
    assert (found.asked, found.stated, found.questions) == (0.9, 0.7, ("send it back",))
    other = replace(copy, answer="No.")
    assert len(gather([*own, asked(other, "send it back", 0.8)], answers, [])) == 2


def test_the_same_words_under_two_headings_are_two_candidates() -> None:
    bikes = [
        Chunk(bike, "a.md", "passage", "20 EUR a day.", title=f"Prices › {bike}") for bike in "AB"
    ]
    rows = [Found(bike, bike.text, "passage", 0.8) for bike in bikes]
    assert len(gather(rows, rows, [])) == 2


def test_what_only_one_search_found_is_as_near_as_the_last_of_the_other() -> None:
    own = [asked(RETURNS, "send it back", 0.9), stated(TERMS, TERMS.text, 0.3)]
    answers = [stated(TERMS, TERMS.text, 0.3), stated(page(2, "Post."), "Post.", 0.2)]
    by_id = {found.chunk.chunk_id: found for found in gather(own, answers, [])}
    assert (by_id["c0"].asked, by_id["c0"].stated) == (0.9, 0.2)


def test_an_entry_whose_answer_was_not_found_is_read_from_its_beginning() -> None:
    long = entry(0, "May I return it?", answer="Yes. " * 200)
    found = one([asked(long, "May I return it?", 0.9)])
    assert found.statement == f"May I return it?\n{long.answer}"[:480]


def test_full_text_search_adds_candidates_and_the_part_of_the_answer_that_it_found() -> None:
    own = [stated(TERMS, TERMS.text, 0.6)]
    text = [Found(RETURNS, PARTS[1], "answer", 7.5), Found(RETURNS, PARTS[0], "answer", 3.0)]
    by_id = {found.chunk.chunk_id: found for found in gather(own, own, text)}
    found = by_id["c0"]
    assert (found.stated, found.asked) == (0.6, 0.6), "a score of words is no nearness"
    assert found.statement == PARTS[1]
    assert found.questions == ("May I return it?",)


def test_candidates_come_nearest_first_and_only_the_nearest() -> None:
    rows = [stated(page(n, f"page {n}"), f"page {n}", n / 100) for n in reversed(range(MOST + 5))]
    found = gather(rows, rows, [])
    assert len(found) == MOST
    assert [c.chunk.chunk_id for c in found[:2]] == [f"p{MOST + 4}", f"p{MOST + 3}"]
    assert gather(rows, rows, list(reversed(rows))) == found


def test_nothing_found_is_no_candidate() -> None:
    assert gather([], [], []) == []


def test_what_is_read_of_a_candidate_are_its_sentences_and_rows_under_their_heading() -> None:
    text = "Fees\n\nPlan: Basic; Price: 10 EUR\nPlan: Plus; Price: 20 EUR\n\nPay at the desk. Ask!"
    leaf = page(1, text, "Club › Membership")
    entry_ = entry(1, "Can I pay by card?", answer="Yes. The desk has a reader.")
    of_page, of_entry = (one(answers=[stated(chunk, chunk.text, 0.5)]) for chunk in (leaf, entry_))
    assert of_page.sentences() == [
        "Membership\nPlan: Basic; Price: 10 EUR",
        "Membership\nPlan: Plus; Price: 20 EUR",
        "Membership\nPay at the desk.",
        "Membership\nAsk!",
    ]
    assert of_entry.sentences() == [
        "Can I pay by card?\nYes.",
        "Can I pay by card?\nThe desk has a reader.",
    ]


def test_a_candidate_of_no_sentence_counts_as_a_whole() -> None:
    assert Reading(1.5, ()).features() == (1.5, 1.5)
    assert Reading(0.0, (("a", 1.0), ("b", 1.0))).features() == (0.0, 1 + math.log(2))
