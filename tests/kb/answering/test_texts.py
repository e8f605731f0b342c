"""Service texts are complete, and the right language is chosen."""

import re
from pathlib import Path

import pytest
import yaml

from kb.answering.texts import TEXT_KEYS, TEXT_LANGUAGES, TextKey, service_text, text_language

TEXTS = yaml.safe_load(
    (Path(__file__).parents[3] / "kb/answering/data/texts.yaml").read_text("utf-8")
)


def test_file_and_code_name_the_same_texts() -> None:
    assert tuple(TEXTS) == TEXT_KEYS


@pytest.mark.parametrize("key", TEXT_KEYS)
def test_every_text_stands_in_every_language_with_the_same_placeholders(key: TextKey) -> None:
    assert set(TEXTS[key]) == set(TEXT_LANGUAGES)
    assert all(text.strip() for text in TEXTS[key].values())
    placeholders = {tuple(sorted(re.findall(r"{\w+}", text))) for text in TEXTS[key].values()}
    assert len(placeholders) == 1


def test_the_message_decides_then_the_user_then_the_company() -> None:
    assert service_text("sources", "de", "ru", "en") == "Quellen"
    assert service_text("sources", "th", "ru-RU", "en") == "Источники"
    assert service_text("sources", "th", "", "zh_CN") == "来源"
    assert service_text("sources", "th") == "Sources"
    assert text_language("", "pt-BR", "es-419") == "es"


def test_values_are_put_in() -> None:
    assert "Kontor" in service_text("greeting", "de", company="Kontor")
    assert "12 " in service_text("waiting", "zh", seconds=12)


def test_every_text_fits_a_button_or_a_message() -> None:
    for key in ("none_of_these", "talk_to_person"):
        assert all(len(text) <= 32 for text in TEXTS[key].values())
