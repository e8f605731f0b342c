"""Forms of one word have one beginning."""

import pytest

from kb.text.stems import stems


@pytest.mark.parametrize(
    "text", ["Freitag", "freitags", "on Fridays", "los viernes", "по пятницам"]
)
def test_a_weekday_is_one_word_in_all_languages(text: str) -> None:
    assert stems(text) == stems("Friday")


def test_a_short_word_is_no_weekday() -> None:
    assert stems("the sun") != stems("Sunday")
