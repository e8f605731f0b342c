"""Facts in different notations are the same fact."""

import pytest

from kb.text.facts import extract_facts, read_han


def facts(text: str) -> list[tuple[str, str, str, str]]:
    return [
        (fact.kind, "|".join(sorted(fact.values)), fact.unit, fact.bound)
        for fact in extract_facts(text)
        if fact.certain
    ]


@pytest.mark.parametrize(
    "texts",
    [
        (
            "30 days",
            "thirty days",
            "30天",
            "三十天",
            "３０ days",
            "30 Tage",
            "treinta días",
            "30 дней",
        ),
        ("€4.90", "4,90 €", "EUR 4.90", "4,90 Euro", "4.90欧元"),
        ("20 %", "20 percent", "20％", "百分之二十", "20 Prozent", "20 por ciento", "20 процентов"),
        ("24 December 2025", "December 24, 2025", "24.12.2025", "2025-12-24", "2025年12月24日"),
        ("18:00", "6 pm", "18 Uhr", "下午6点", "6:00 p.m."),
        ("Monday", "montags", "周一", "星期一", "lunes", "понедельник"),
        ("1.5 million", "1,5 Mio.", "150万", "1500000", "1.500.000"),
        ("at least 18 years old", "至少18岁", "mindestens 18 Jahre alt"),
        ("at most 3 kg", "最多3kg的", "最多3公斤的"),
        ("3 business days", "3个工作日", "drei Werktage", "3 рабочих дня"),
        ("https://www.shop.example/a/", "shop.example/a"),
        ("AB-1234", "AB1234"),
    ],
)
def test_one_fact_in_many_notations(texts: tuple[str, ...]) -> None:
    found = [facts(text) for text in texts]
    assert found[0]
    assert all(other == found[0] for other in found), found


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("3 days", "3 business days"),
        ("€3", "$3"),
        ("at least 3", "more than 3"),
        ("3 months", "3 weeks"),
        ("1.5", "15"),
        ("6 am", "6 pm"),
        ("2024-12-24", "2025-12-24"),
    ],
)
def test_different_facts(left: str, right: str) -> None:
    assert facts(left) != facts(right)


def test_words_that_are_no_numbers() -> None:
    assert facts("One of them is here, ein Hund, una casa, 一般, 统一, 万一") == []
    assert facts("one year, ein Tag, 一年") != []


def test_both_readings_of_a_separator_are_kept() -> None:
    (fact,) = extract_facts("1.000")
    assert fact.values == {"1", "1000"}


def test_offsets_are_those_of_the_folded_text() -> None:
    (fact,) = extract_facts("Within 30 days, please")
    assert "Within 30 days, please"[fact.start : fact.end] == "30 days"


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("三百零五", 305),
        ("二〇一五", 2015),
        ("十二", 12),
        ("两万三千", 23000),
        ("一亿", 10**8),
        ("千万", None),
    ],
)
def test_chinese_numbers(written: str, number: int | None) -> None:
    assert read_han(written) == number


@pytest.mark.parametrize(
    "text", ["Call 0351 2345678.", "电话号码是0351 2345678。", "拨0351 2345678转"]
)
def test_a_phone_number_is_one_fact_beside_letters_of_any_script(text: str) -> None:
    assert [(f.kind, f.text) for f in extract_facts(text)] == [("code", "0351 2345678")]
