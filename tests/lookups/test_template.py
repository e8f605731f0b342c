import datetime as dt
from decimal import Decimal

import pytest

from core.errors import ConfigError
from lookups.template import Reply, shown

TODAY = dt.date(2026, 11, 27)
RECORD = {
    "order": 4711,
    "shipped": "2026-11-26",
    "placed": dt.datetime(2025, 3, 1, 9, 30, tzinfo=dt.UTC),
    "total": Decimal("1249.00"),
    "points": 12500,
    "empty": "",
    "carrier.name": "Posthorn",
    "hostile": "${email} {0.__class__} %s \u202e<b>\n\x00x",
    "email": "mia@x.example",
}


@pytest.mark.parametrize(
    ("language", "template", "text"),
    [
        ("en-GB", "${shipped|date}", "26 November"),
        ("en-US", "${shipped|date}", "November 26"),
        ("en-GB", "${placed|date}", "1 March 2025"),
        ("de", "${shipped|date}, ${total|EUR}", "26. November, 1.249,00\xa0€"),
        ("zh", "${shipped|date}，${total|CNY}", "11月26日，¥1,249.00"),
        ("es", "${shipped|date}", "26 de noviembre"),
        ("ru", "${placed|date}", "1 марта 2025\u202fг."),
        ("de", "${points|number} Punkte, ${order}", "12.500 Punkte, 4711"),
        ("en", "By ${carrier.name} for $5", "By Posthorn for $5"),
        ("en", "${hostile}", "${email} {0.__class__} %s <b> x"),
    ],
)
def test_a_reply_is_written_as_the_language_does(language: str, template: str, text: str) -> None:
    assert Reply({language: template}).render(RECORD, [language], TODAY) == text


@pytest.mark.parametrize(
    "template",
    ["${empty}", "${missing}", "${order|date}", "${carrier.name|EUR}", "${email.__class__}"],
)
def test_a_reply_without_its_values_is_not_given(template: str) -> None:
    assert Reply({"en": template}).render(RECORD, ["en"], TODAY) is None


def test_a_reply_is_only_for_records_that_it_is_for() -> None:
    reply = Reply({"en": "On its way"}, {"status": "shipped"})
    assert reply.render({"status": "Shipped"}, ["en"], TODAY) == "On its way"
    assert reply.render({"status": "lost"}, ["en"], TODAY) is None
    assert reply.render({}, ["en"], TODAY) is None


def test_the_first_language_that_there_is_is_used() -> None:
    reply = Reply({"en-GB": "order", "de": "Bestellung"})
    assert reply.render({}, ["ru", "de"], TODAY) == "Bestellung"
    assert reply.render({}, ["en"], TODAY) == "order"
    assert reply.render({}, ["ru"], TODAY) == "order"


@pytest.mark.parametrize(
    ("language", "template", "reason"),
    [
        ("en", "${a.b()}", "cannot be read"),
        ("en", "${__import__('os')}", "cannot be read"),
        ("en", "${a|b|c}", "cannot be read"),
        ("en", "${total|euros}", "there are date, number and currencies"),
        ("klingonese", "x", "which is no language"),
    ],
)
def test_a_template_that_cannot_be_read_is_refused(
    language: str, template: str, reason: str
) -> None:
    with pytest.raises(ConfigError, match=reason):
        Reply({language: template})


def test_values_are_one_line_of_bounded_length() -> None:
    assert shown("a\n\tb" + "c" * 500) == "a b" + "c" * 197
    assert shown(4711.0) == "4711"
    assert shown(None) == ""


@pytest.mark.parametrize("value", ["NaN", "Infinity", "1e999999"])
def test_a_number_that_is_none_is_not_shown(value: str) -> None:
    assert Reply({"en": "${total|EUR}"}).render({"total": value}, ["en"], TODAY) is None
