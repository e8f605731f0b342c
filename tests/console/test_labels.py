"""The page's own words are complete and understood by the service."""

import string

import pytest

from console.labels import LABEL_KEYS, Labels, read_labels
from kb.answering.intent import classify_turn
from kb.answering.texts import TEXT_LANGUAGES


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("key", LABEL_KEYS)
def test_every_label_is_there_in_every_language_with_its_placeholders(key: str) -> None:
    texts = read_labels()[key]
    assert set(texts) == set(TEXT_LANGUAGES)
    assert all(texts.values())
    assert {frozenset(placeholders(text)) for text in texts.values()} == {
        frozenset(placeholders(texts["en"]))
    }


def test_no_label_is_left_over() -> None:
    assert set(read_labels()) == set(LABEL_KEYS)


@pytest.mark.parametrize("language", TEXT_LANGUAGES)
def test_the_wish_for_a_person_is_understood(language: str) -> None:
    assert classify_turn(Labels(language).talk_to_person) == "person"
