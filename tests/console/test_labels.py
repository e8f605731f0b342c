"""The page's own words are complete and understood by the service."""

import re

import pytest

from console.labels import read_labels
from console.pages import HERE
from kb.answering.intent import classify_turn
from kb.answering.texts import TEXT_LANGUAGES, service_text
from tests.placeholders import placeholders


@pytest.mark.parametrize("key", read_labels())
def test_every_label_is_there_in_every_language_with_its_placeholders(key: str) -> None:
    texts = read_labels()[key]
    assert set(texts) == set(TEXT_LANGUAGES)
    assert all(texts.values())
    assert {frozenset(placeholders(text)) for text in texts.values()} == {
        frozenset(placeholders(texts["en"]))
    }


def test_every_label_that_is_asked_for_is_there_and_none_is_left_over() -> None:
    paths = [*HERE.glob("*.py"), *HERE.glob("templates/*.html")]
    code = "".join(path.read_text("utf-8") for path in paths)
    assert set(re.findall(r'\blabels\("(\w+)"', code)) <= set(read_labels())
    assert {key for key in read_labels() if f'"{key}"' not in code} == set()


@pytest.mark.parametrize("language", TEXT_LANGUAGES)
def test_the_wish_for_a_person_is_understood(language: str) -> None:
    assert classify_turn(service_text("talk_to_person", language)) == "person"
