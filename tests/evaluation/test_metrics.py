import pytest

from core.types import AnswerKind
from evaluation import metrics
from evaluation.metrics import Outcome


def outcome(
    *,
    relevant: str = "",
    found: str = "",
    confidence: float = 0.5,
    kind: AnswerKind = "faq",
) -> Outcome:
    return Outcome(
        question_id="q",
        question="?",
        relevant=frozenset(relevant.split()),
        answers=(),
        found=tuple(found.split()),
        confidence=confidence,
        kind=kind,
        text="",
        unsupported=0,
        total_ms=0.0,
    )


RUN = [
    outcome(relevant="a", found="a b", confidence=0.9),
    outcome(relevant="a", found="b a", confidence=0.7),
    outcome(relevant="c", found="b a", confidence=0.2),
    outcome(found="b", confidence=0.6),
    outcome(found="a", confidence=0.1),
]


def test_recall_counts_answerable_questions_only() -> None:
    assert metrics.recall_at(RUN, 1) == pytest.approx(1 / 3)
    assert metrics.recall_at(RUN, 2) == pytest.approx(2 / 3)


def test_reciprocal_rank() -> None:
    assert metrics.mrr_at(RUN, 10) == pytest.approx((1 + 1 / 2 + 0) / 3)


def test_auroc_is_the_share_of_ordered_pairs() -> None:
    # (.9 .7 .2) against (.6 .1): 2 + 2 + 1 of 6 pairs.
    assert metrics.auroc(RUN) == pytest.approx(5 / 6)


def test_auroc_needs_both_sorts() -> None:
    assert metrics.auroc(RUN[:3]) is None


def test_operating_point() -> None:
    assert metrics.in_scope_accuracy(RUN, 0.65) == pytest.approx(1 / 3)
    assert metrics.oos_recall(RUN, 0.65) == 1.0
    assert metrics.oos_recall(RUN, 0.5) == 0.5


def test_the_threshold_for_a_recall_is_the_lowest() -> None:
    threshold = metrics.threshold_at(RUN, 0.5)
    assert threshold is not None
    assert metrics.oos_recall(RUN, threshold) == 0.5
    assert threshold < 0.11


def test_calibration_error_of_honest_confidence_is_zero() -> None:
    honest = [outcome(relevant="a", found="a", confidence=1.0)] * 3
    assert metrics.trust(honest).error == 0.0
    boast = [outcome(relevant="a", found="b", confidence=0.95)] * 3
    assert metrics.trust(boast).error == pytest.approx(0.95)


@pytest.mark.parametrize(
    ("text", "gold", "expected"),
    [
        ("It takes 3 days.", "3 days", True),
        ("It takes thirty days.", "3 days", False),
        ("由光荣和 ω-force 开发。", "光荣和ω-force", True),
        ("The answer.", "", False),
    ],
)
def test_contains_gold(text: str, gold: str, expected: bool) -> None:
    assert metrics.contains_gold(text, [gold]) is expected


def test_f1_takes_the_best_gold_answer() -> None:
    assert metrics.f1("the red bicycle", ["blue car", "red bicycle"]) == 1.0
    assert metrics.f1("红色的车", ["红色"]) == pytest.approx(2 * 0.5 * 1 / 1.5)


def test_length_is_in_words_or_characters() -> None:
    assert metrics.length("It takes 3 days.") == 4
    assert metrics.length("需要三天。") == 4
