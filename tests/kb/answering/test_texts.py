"""Service texts are complete, and the right language is chosen."""

import re
from pathlib import Path
from typing import get_args

import pytest
import yaml

from core.config import Config
from kb.answering.texts import (
    TEXT_LANGUAGES,
    TextKey,
    in_script_of,
    service_text,
    text_language,
)
from kb.text.language import is_traditional

TEXTS = yaml.safe_load(
    (Path(__file__).parents[3] / "kb/answering/data/texts.yaml").read_text("utf-8")
)


def test_file_and_code_name_the_same_texts() -> None:
    assert tuple(TEXTS) == get_args(TextKey)


@pytest.mark.parametrize("key", get_args(TextKey))
def test_every_text_stands_in_every_language_with_the_same_placeholders(key: TextKey) -> None:
    assert set(TEXTS[key]) == {*TEXT_LANGUAGES, "zh-Hant"}
    assert all(text.strip() for text in TEXTS[key].values())
    placeholders = {tuple(sorted(re.findall(r"{\w+}", text))) for text in TEXTS[key].values()}
    assert len(placeholders) == 1


def test_the_message_decides_then_the_user_then_the_company() -> None:
    assert service_text("sources", "de", "ru", "en") == "Quellen"
    assert service_text("sources", "th", "ru-RU", "en") == "Источники"
    assert service_text("sources", "th", "", "zh_CN") == "来源"
    assert service_text("sources", "th") == "Sources"
    assert text_language("", "uk-UA", "es-419") == "es"


def test_who_reads_traditional_chinese_gets_it() -> None:
    assert service_text("source", "zh", "zh-TW") == service_text("source", "zh-hant") == "來源"
    assert service_text("source", "zh", "zh-CN") == "来源"


@pytest.mark.parametrize("key", ["unknown", "rest_unknown", "hedge", "greeting"])
def test_service_texts_are_in_the_script_of_the_question(key: TextKey) -> None:
    simplified, traditional = (service_text(key, c, company="店") for c in ("zh", "zh-TW"))
    for around in ("{}", "每天9点开门。\n\n{}", "{}\n\n運費9元，来源不明。"):
        reply = around.format(simplified)
        assert in_script_of("你們幾點開門？", reply) == around.format(traditional)
        assert in_script_of("你们几点开门？", reply) == reply
        assert in_script_of("9:00?", reply, "zh-HK") == around.format(traditional)


@pytest.mark.parametrize(
    ("text", "traditional"),
    [("你們門市星期天幾點開門？", True), ("怎麼退貨", True), ("你们几点开门", False),
     ("可以退款吗", False), ("10:00", False), ("頭條 和 头条", False)],
)  # fmt: skip
def test_traditional_characters_are_told(text: str, traditional: bool) -> None:
    assert is_traditional(text) == traditional


def test_values_are_put_in() -> None:
    assert "Kontor" in service_text("greeting", "de", company="Kontor")
    assert "12 " in service_text("waiting", "zh", seconds=12)


def test_every_text_fits_a_button_or_a_message() -> None:
    for key in ("none_of_these", "talk_to_person"):
        assert all(len(text) <= 32 for text in TEXTS[key].values())


def test_a_company_may_speak_each_language_that_there_are_texts_in() -> None:
    assert Config().company.languages == TEXT_LANGUAGES
