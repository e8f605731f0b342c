"""The features of candidates mean the same for entries and passages."""

from dataclasses import replace

import numpy as np
import pytest

from core.types import Chunk
from kb.ranking.candidates import Candidate
from kb.ranking.evidence import CERTAINTY, FEATURES, Evidence, certainty
from kb.ranking.features import Rarity, stem_bags
from tests.kb.ranking.memory import entry, page

QUESTION = "How long does the kettle guarantee last?"
TEXT = "The kettle guarantee lasts two years."


def of(chunk: Chunk, *, stated: float = 0.5, asked: float = 0.5, statement: str = "") -> Candidate:
    questions = (chunk.text,) if chunk.kind == "faq" else ()
    return Candidate(chunk, stated, asked, statement or chunk.text, questions)


def features(*candidates: Candidate, evidence: Evidence | None = None) -> dict[str, list[float]]:
    """Return the columns by name."""
    found = (evidence or Evidence()).of(QUESTION, candidates)
    assert found.shape == (len(candidates), len(FEATURES))
    return {name: found[:, place].tolist() for place, name in enumerate(FEATURES)}


def test_nearness_of_an_answer_and_of_a_passage_is_the_same_column() -> None:
    found = features(
        of(entry(0, "Warranty?"), stated=0.6, asked=0.9), of(page(1, TEXT), stated=0.6)
    )
    assert found["stated"] == pytest.approx([0.6, 0.6])
    assert found["lift"] == pytest.approx([0.3, 0.0]), "only an entry's question can be nearer"
    assert found["entry"] == [1, 0]


def test_the_same_statement_has_the_same_letters_and_words_in_an_entry_and_a_passage() -> None:
    found = features(
        of(entry(0, "Warranty?", answer=TEXT), statement=TEXT), of(page(1, TEXT), statement=TEXT)
    )
    assert found["letters"][0] == found["letters"][1] > 0
    assert found["words"][0] == found["words"][1] > 0


def test_only_an_entry_has_a_question_of_its_own_and_the_nearest_one_counts() -> None:
    both = Candidate(entry(0, "Warranty?"), 0.5, 0.5, "x", ("Warranty?", QUESTION))
    found = features(both, of(page(1, QUESTION)))
    assert found["own_letters"] == pytest.approx([1, 0])
    assert found["own_words"] == pytest.approx([1, 0])


def test_a_text_in_another_language_than_the_question_is_told_apart() -> None:
    found = features(
        of(replace(page(0, "Die Garantie gilt zwei Jahre."), language="de")),
        of(replace(page(1, TEXT), language="en")),
        of(replace(page(2, TEXT), language="")),
    )
    assert found["foreign"] == [1, 0, 0]


def test_the_question_of_an_entry_in_another_language_counts_where_it_is_very_near() -> None:
    german = replace(entry(0, "Wie lange gilt die Garantie?"), language="de")
    found = features(
        of(german, asked=0.8), of(german, asked=0.6), of(entry(1, "Guarantee?"), asked=0.8)
    )
    assert found["foreign_asked"] == pytest.approx([0.1, 0, 0])


def test_words_of_the_question_are_looked_for_in_title_text_and_answer() -> None:
    found = features(
        of(page(0, "Two years.", "Kettle › Guarantee")),
        of(entry(1, "Which guarantee?", answer="On the kettle: two years.")),
        of(page(2, "Parcels leave at noon.")),
    )
    assert found["words"][0] == found["words"][1] > found["words"][2] == 0


def test_a_rare_word_counts_more_than_one_that_every_text_has() -> None:
    words = Rarity.of([stem_bags([*(f"kettle {n}" for n in range(50)), "guarantee"])])
    found = features(
        of(page(0, "the kettle")), of(page(1, "the guarantee")), evidence=Evidence(words=words)
    )
    assert found["words"][1] > 2 * found["words"][0] > 0


def test_the_certainty_looks_at_the_best_candidate_and_its_share_of_the_odds() -> None:
    rows = np.zeros((3, len(FEATURES)), np.float32)
    rows[1] = np.arange(1, len(FEATURES) + 1)
    scores = np.log(np.asarray([0.5, 2.0, 1.4], np.float32))
    named = dict(zip(CERTAINTY, certainty(rows, scores, 3).tolist(), strict=True))
    assert named["score"] == pytest.approx(np.log(2))
    assert named["share"] == pytest.approx(2 / (0.5 + 2 + 1.4 + 0.1))
    assert named["words"] == rows[1, FEATURES.index("words")]
    assert named["asked_words"] == pytest.approx(np.log(4))


def test_a_candidate_alone_shares_the_odds_with_none_of_these() -> None:
    row = np.zeros((1, len(FEATURES)), np.float32)
    unlikely, likely = (certainty(row, np.asarray([s], np.float32), 1)[1] for s in (-5.0, 5.0))
    assert unlikely < 0.1
    assert likely > 0.99
