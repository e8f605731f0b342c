"""Forms of one word have one beginning."""

import pytest

from kb.text.stems import in_common, stems


@pytest.mark.parametrize(
    "text", ["Freitag", "freitags", "on Fridays", "los viernes", "по пятницам"]
)
def test_a_weekday_is_one_word_in_all_languages(text: str) -> None:
    assert stems(text) == stems("Friday")


def test_a_short_word_is_no_weekday() -> None:
    assert stems("the sun") != stems("Sunday")


@pytest.mark.parametrize(
    ("found", "question"),
    [
        ("erwachsene", "Was zahle ich als Erwachsener?"),
        ("взрослый", "Сколько стоит для взрослого?"),
        ("friday", "Sind Sie freitags da?"),
    ],
)
def test_a_word_is_found_in_its_other_forms(found: str, question: str) -> None:
    assert in_common([found, "kinder"], question) == {found}
