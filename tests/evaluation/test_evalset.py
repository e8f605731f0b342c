import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from evaluation.evalset import EvalSetError, Options, load_evalset


def lines(*rows: Mapping[str, object]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


@pytest.fixture
def faq_set(tmp_path: Path) -> Path:
    (tmp_path / "faq.jsonl").write_text(
        lines(
            {"id": "a", "question": "A?", "answer": "1", "lang": "en"},
            {"id": "b", "question": "B?", "answer": "2", "lang": "en"},
        )
    )
    (tmp_path / "queries.jsonl").write_text(
        lines(
            {"id": "q1", "query": "a", "relevant": ["a"], "lang": "en"},
            {"id": "q2", "query": "b", "relevant": ["b"], "lang": "de"},
            {"id": "q3", "query": "c", "relevant": [], "lang": "en"},
        )
    )
    (tmp_path / "holdout.json").write_text('{"removed": ["b"]}')
    return tmp_path


def test_a_faq_set_names_its_entries(faq_set: Path) -> None:
    built = load_evalset(faq_set)
    assert [sorted(q.relevant) for q in built.questions] == [["a"], ["b"], []]
    assert built.answerable == 2
    assert list(built.files) == ["faq.jsonl"]


def test_held_out_entries_leave_their_questions_without_answer(faq_set: Path) -> None:
    built = load_evalset(faq_set, Options(hold_out=True))
    assert [sorted(q.relevant) for q in built.questions] == [["a"], [], []]
    assert b'"B?"' not in built.files["faq.jsonl"]


def test_questions_of_one_language(faq_set: Path) -> None:
    assert [q.question_id for q in load_evalset(faq_set, Options(ask="de")).questions] == ["q2"]


def test_a_sample_is_the_same_each_time(faq_set: Path) -> None:
    first, again = (load_evalset(faq_set, Options(sample=2)) for _ in range(2))
    assert len(first.questions) == 2
    assert first.questions == again.questions


def test_passages_in_one_language_and_questions_in_another(tmp_path: Path) -> None:
    (tmp_path / "passages.en.jsonl").write_text(lines({"id": "p", "text": "T", "lang": "en"}))
    (tmp_path / "questions.zh.jsonl").write_text(
        lines({"id": "q", "question": "问", "answers": ["T"], "doc": "p", "lang": "zh"})
    )
    built = load_evalset(tmp_path, Options(ask="zh", kb="en"))
    assert built.questions[0].relevant == {"p"}
    assert not built.by_document


def test_documents_in_a_folder_are_named_by_their_path(tmp_path: Path) -> None:
    (tmp_path / "docs" / "guide").mkdir(parents=True)
    (tmp_path / "docs" / "guide" / "a.md").write_text("# A")
    (tmp_path / "questions.jsonl").write_text(
        lines({"id": "q", "question": "A?", "answers": [], "doc": "guide/a.md", "lang": "en"})
    )
    built = load_evalset(tmp_path)
    assert built.by_document
    assert built.questions[0].relevant == {"guide/a.md"}


def test_half_of_the_passages_are_held_out_without_a_list(tmp_path: Path) -> None:
    ids = [f"p{n}" for n in range(40)]
    (tmp_path / "passages.jsonl").write_text(lines(*({"id": i, "text": i} for i in ids)))
    (tmp_path / "questions.jsonl").write_text(
        lines(*({"id": i, "question": "?", "answers": ["x"], "doc": i} for i in ids))
    )
    built = load_evalset(tmp_path, Options(hold_out=True))
    kept = built.files["passages.jsonl"].count(b"\n")
    assert 10 < kept < 30
    assert built.answerable == kept


def test_a_folder_that_is_no_set_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(EvalSetError, match=r"it needs faq\.jsonl with queries\.jsonl"):
        load_evalset(tmp_path)


def test_a_missing_language_names_those_there_are(tmp_path: Path) -> None:
    (tmp_path / "faq.de.jsonl").write_text("")
    with pytest.raises(EvalSetError, match="has no faq in 'ru'; it has de"):
        load_evalset(tmp_path, Options(kb="ru"))


def test_a_question_is_asked_again_without_what_answers_it(faq_set: Path) -> None:
    built = load_evalset(faq_set, Options(leave_out=True))
    twins = [q for q in built.questions if q.without]
    assert [(q.text, sorted(q.without), q.relevant) for q in twins] == [
        ("a", ["a"], frozenset()),
        ("b", ["b"], frozenset()),
    ]
    assert len(built.questions) == 5
