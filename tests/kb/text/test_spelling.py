"""Typing errors in questions."""

import pytest

from kb.text.spelling import corrected, vocabulary

KNOWN = vocabulary(["Our Quayside store takes Gutscheine.", "Every voucher, any voucher: vouches"])


@pytest.mark.parametrize(
    ("language", "question", "read"),
    [
        ("en", "wen can I drop my parcle at quyside?", "wen can I drop my parcel at quayside?"),
        ("en", "ORDR 4711 is alte", "order 4711 is late"),
        ("de", "Wo bekomme ich einen Gutshcein?", "Wo bekomme ich einen Gutschein?"),
        ("es", "¿Tienen gastos en Quaside?", "¿Tienen gastos en Quaside?"),
        ("es", "¿hay gastos en quaside?", "¿hay gastos en quayside?"),
    ],
)
def test_a_word_that_nobody_knows_is_read_as_the_known_word_beside_it(
    language: str, question: str, read: str
) -> None:
    assert corrected(question, language, KNOWN) == read


def test_a_word_of_the_knowledge_base_comes_before_those_of_the_language() -> None:
    assert corrected("a vouchee", "en", vocabulary([])) == "a vouched"
    assert corrected("a vouchee", "en", KNOWN) == "a voucher"


@pytest.mark.parametrize(
    "question",
    [
        "Do you repair the Skodda?",  # a name
        "write to bob@exmaple.com, see exmaple.com/helo or #hashtg",
        "the quayside store",  # as it stands in the base
        "colors for rabbits",  # correct English
        "a labradoodle",  # nothing is near
        "ab-cdefg x4yyyy",  # a code
        "",
    ],
)
def test_what_may_be_meant_as_it_is_stays(question: str) -> None:
    assert corrected(question, "en", KNOWN) == question


def test_a_question_word_with_an_accent_is_no_error_of_another_one() -> None:
    known = vocabulary(["¿Cuándo llega mi pedido?"])
    assert corrected("¿cuánto cuesta?", "es", known) == "¿cuánto cuesta?"


@pytest.mark.parametrize("language", ["zh", "ja", "tr", "fa", ""])
def test_without_a_dictionary_nothing_is_corrected(language: str) -> None:
    assert corrected("quyside 什么时候", language, KNOWN) == "quyside 什么时候"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_hyphen_is_set_as_the_knowledge_base_has_it(language: str) -> None:
    known = vocabulary(["Is there Wi-Fi?", "Our ebike and check-in"])
    read = "is there wi-fi for an ebike at check-in"
    assert corrected("is there wifi for an e-bike at checkin", language, known) == read
