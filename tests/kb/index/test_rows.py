"""What the index holds of an entry: its questions, and its answer as a statement."""

import pytest

from core.types import Chunk
from kb.index.rows import Row, chunk_of_rows, embedded_text, is_statement, is_whole, rows_of_chunk
from tests.kb.ranking.memory import entry, page

MOST = 480


def answers(chunk: Chunk) -> list[Row]:
    return [row for row in rows_of_chunk(chunk) if row.role == "answer"]


def test_a_short_answer_is_one_row_with_its_question() -> None:
    (row,) = answers(entry(0, "May I return it?", "send it back", answer="Yes, for 30 days."))
    assert row.text == embedded_text(row) == "May I return it?\nYes, for 30 days."
    assert is_statement(row)
    assert is_whole(row)


def test_answers_are_embedded_like_passages_and_questions_are_not() -> None:
    roles = {row.role: is_statement(row) for row in rows_of_chunk(entry(0, "May I?", "can I"))}
    assert roles == {"question": False, "variant": False, "answer": True}
    assert is_statement(rows_of_chunk(page(0, "Returns are free."))[0])


@pytest.mark.parametrize(
    "answer",
    [
        " ".join(f"Sentence {n} says a little." for n in range(60)),
        "word " * 400,
        "一" * 1300,
        "- first\n- second\n\n" * 60,
    ],
    ids=["sentences", "one sentence", "Chinese", "list"],
)
@pytest.mark.parametrize("question", ["May I return it?", "why " * 200])
def test_a_long_answer_has_several_rows_that_hold_all_of_it(question: str, answer: str) -> None:
    found = answers(entry(0, question, answer=answer))
    assert len(found) > 1
    assert max(len(row.text) for row in found) <= MOST
    start = f"{question[: MOST // 2]}\n"
    assert all(row.text.startswith(start) for row in found)
    if "Sentence" in answer:
        said = " ".join(row.text.removeprefix(start) for row in found)
        assert said.split() == answer.split()
    assert len({row.row_id for row in found}) == len(found)


def test_a_sentence_is_not_cut_where_it_fits_into_a_row() -> None:
    answer = " ".join(f"Sentence {n} says a little." for n in range(60))
    assert all(row.text.endswith(".") for row in answers(entry(0, "May I?", answer=answer)))


def test_rows_give_back_the_entry_that_they_were_made_of() -> None:
    chunk = Chunk(
        "c", "faq.csv", "faq", "May I?", "Yes. " * 300, ("can I",), negatives=("May I not?",)
    )
    assert chunk_of_rows(rows_of_chunk(chunk)) == chunk
