"""Figures that differ between two texts about the same thing."""

import pytest

from kb.review.conflicts import Difference, Statement, differing_figure


def figures(new: Statement, old: Statement, *, alike: bool = False) -> tuple[str, str] | None:
    found = differing_figure(new, old, alike=alike)
    return None if found is None else (found.mine, found.theirs)


@pytest.mark.parametrize(
    ("new", "old", "expected"),
    [
        (
            "Unused articles can be returned within 90 days.",
            "Unused articles can be returned within 30 days of purchase.",
            ("90 days", "30 days"),
        ),
        ("Shipping abroad costs 12 euros.", "Shipping abroad costs €9.", ("12 euros", "€9")),
        (
            "The shop opens on 3 May 2026.",
            "The shop opens on May 4, 2026.",
            ("3 May 2026", "May 4, 2026"),
        ),
        ("未使用的商品可以在90天内退货。", "未使用的商品可以在30天内退货。", ("90天", "30天")),
        ("Members get 20 % off parts.", "Members get 15 % off all parts.", ("20 %", "15 %")),
    ],
)
def test_a_differing_figure_is_named(new: str, old: str, expected: tuple[str, str]) -> None:
    assert figures(Statement(new), Statement(old)) == expected


@pytest.mark.parametrize(
    ("new", "old"),
    [
        # the same in other words
        ("You have three days to pay.", "You have 3 days to pay."),
        ("Shipping costs EUR 9.00.", "Shipping costs 9 euros."),
        # another thing
        ("The battery charges in 4 hours.", "Our shop is open for 8 hours on Sundays."),
        # another measure
        ("The frame weighs 9 kg without wheels.", "The frame has 9 colours without wheels."),
        # a lower and an upper limit
        ("Orders of at least 50 euros ship free.", "Orders of at most 200 euros ship free."),
        # each has a name of its own
        ("Shipping a parcel to France costs 9 euros.", "Shipping a parcel to Spain costs 7 euros."),
        # the figure stands elsewhere in the other text
        (
            "Returns are free within 30 days.",
            "Returns are free within 60 days for members. Returns are free within 30 days.",
        ),
    ],
)
def test_what_agrees_or_is_about_something_else_is_no_difference(new: str, old: str) -> None:
    assert figures(Statement(new), Statement(old)) is None


def test_the_question_says_what_a_short_answer_is_about() -> None:
    new = Statement("Two years.", "How long is the warranty on frames?")
    old = Statement("The warranty on frames is five years.")
    assert figures(new, old) == ("Two years", "five years")
    assert figures(old, new) == ("five years", "Two years")


def test_answers_to_the_same_question_need_no_common_words() -> None:
    new, old = Statement("90 days, no receipt needed."), Statement("Up to 30 days.")
    assert figures(new, old) is None
    assert figures(new, old, alike=True) == ("90 days", "30 days")


def test_the_sentences_are_named() -> None:
    found = differing_figure(
        Statement("We are nice. Unused goods come back within 90 days."),
        Statement("Unused goods come back within 30 days. Ask us."),
        alike=False,
    )
    assert found == Difference(
        "90 days",
        "30 days",
        "Unused goods come back within 90 days.",
        "Unused goods come back within 30 days.",
    )
