"""The page of an evaluation says what its figures mean, and shows the worst mistakes."""

import base64
import re
from collections.abc import Sequence

from evaluation.evaluate import summarise
from evaluation.metrics import Outcome
from evaluation.report import render_report


def outcome(name: str, *, found: str, confidence: float, relevant: str = "a") -> Outcome:
    return Outcome(
        question_id=name,
        question=f"Question {name}?",
        relevant=frozenset(relevant),
        answers=("40 euros",),
        found=tuple(found),
        confidence=confidence,
        kind="quoted" if confidence > 0.5 else "unknown",
        text=f"Reply <{name}>",
        unsupported=0,
        total_ms=1.0,
        dense=tuple(found),
        text_search=tuple(found),
    )


def page(*outcomes: Outcome) -> str:
    return render_report(summarise("set", outcomes, answer_at=0.5), outcomes)


def pictures(html: str) -> Sequence[bytes]:
    return [base64.b64decode(data) for data in re.findall(r"base64,([^\"]+)", html)]


def test_there_are_four_pictures_and_no_other_file() -> None:
    html = page(
        outcome("1", found="ab", confidence=0.9),
        outcome("2", found="ab", confidence=0.2, relevant=""),
    )
    assert [data[:4] for data in pictures(html)] == [b"\x89PNG"] * 4
    assert "http" not in html


def test_the_worst_mistake_comes_first_with_what_was_replied() -> None:
    html = page(
        outcome("mild", found="ba", confidence=0.6),
        outcome("bad", found="ba", confidence=0.9),
        outcome("right", found="ab", confidence=0.99),
    )
    worst = html.partition("Worst mistakes")[2]
    assert worst.index("Question bad?") < worst.index("Question mild?")
    assert "Question right?" not in worst
    assert "quoted: Reply &lt;bad&gt;" in worst


def test_what_is_refused_is_what_customers_were_not_answered() -> None:
    html = page(
        outcome("1", found="ab", confidence=0.9),
        outcome("2", found="ab", confidence=0.2, relevant=""),
        outcome("3", found="ab", confidence=0.6, relevant=""),
    )
    refused = re.search(r"Without answer, refused</th>\s*<td class=\"number\">([\d.]+)", html)
    assert refused is not None
    assert refused[1] == "0.500"


def test_a_set_without_answers_has_no_figures_of_replies() -> None:
    html = page(outcome("1", found="ab", confidence=0.2, relevant=""))
    assert "Reply contains the answer" not in html
    assert "None." in html.partition("Worst mistakes")[2]
