"""The bot's own words are complete, and those that the code asks for."""

import re
from pathlib import Path

import bot
from bot.conversation.texts import LANGUAGE_NAMES, _texts
from tests.placeholders import placeholders

CODE = "".join(path.read_text("utf-8") for path in Path(bot.__path__[0]).rglob("*.py"))


def test_every_text_is_there_in_every_language_with_its_placeholders() -> None:
    for key, texts in _texts().items():
        assert set(texts) == set(LANGUAGE_NAMES), key
        assert all(texts.values()), key
        assert len({frozenset(placeholders(text)) for text in texts.values()}) == 1, key


def test_every_text_that_is_asked_for_is_there_and_none_is_left_over() -> None:
    assert set(re.findall(r'bot_text\(\s*"(\w+)"', CODE)) <= set(_texts())
    assert {key for key in _texts() if f'"{key}"' not in CODE} == set()
