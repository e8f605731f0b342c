"""What follows from quoted words by arithmetic, and above all what does not."""

import datetime

import pytest

from kb.answering.sums import follows

TODAY = datetime.date(2026, 11, 21)
PER_DAY = "The kayak costs 18.00 € per day."
CANOE = "Boat: Canoe; Per hour: 11 €; Per day: 42 €; Per week: 190 €; Deposit: 80 €"
RETURN = "You can return it within 30 days of purchase."


def line(question: str, words: str, language: str = "en") -> str:
    return follows(question, words, language, today=TODAY)


@pytest.mark.parametrize(
    ("question", "words", "language", "expected"),
    [
        ("How much for 3 days?", PER_DAY, "en", "3 × 18.00 € = 54.00 €"),
        ("what does it cost for three days", PER_DAY, "en", "3 × 18.00 € = 54.00 €"),
        ("How much is it for 4 hours?", "A sauna is €12 an hour.", "en", "4 × €12 = €48"),
        (
            "How much are 10 km?",
            "Bike: Heron; Price per km: 0.35 EUR",
            "en",
            "10 × 0.35 EUR = 3.50 EUR",
        ),
        ("price for 5 days", "Boat: Heron; Price per day (€): 18", "en", "5 × 18 € = 90 €"),
        ("How much for 2 people?", "Tickets are 9.50 € per person.", "en", "2 × 9.50 € = 19.00 €"),
        ("How much for 3 nights?", "A bed is $40/night.", "en", "3 × $40 = $120"),
        ("How much is a canoe for 3 days?", CANOE, "en", "3 × 42 € = 126 €"),
        ("what do we pay for 3 hours?", CANOE, "en", "3 × 11 € = 33 €"),
        (
            "Ich brauche den Mischer 4 Tage, wie viel macht das?",
            "Gerät: Mischer; Preis pro Tag: 25,50 €; Kaution: 100 €; Rückgabe bis: 17 Uhr",
            "de",
            "4 × 25,50 € = 102,00 €",
        ),
        (
            "Was kostet das für 3 Tage?",
            "Das Kajak kostet 18,50 € pro Tag.",
            "de",
            "3 × 18,50 € = 55,50 €",
        ),
        (
            "Wie viel zahle ich für zwei Wochen?",
            "Rad: Reiher; Preis je Woche: 90 €",
            "de",
            "2 × 90 € = 180 €",
        ),
        (
            "¿Cuánto cuesta por 3 días?",
            "El kayak cuesta 18 € al día.",
            "es",
            "3 × 18 € = 54 €",
        ),
        (
            "Сколько стоит прокат на 3 дня?",
            "Прокат стоит 500 руб в день.",
            "ru",
            "3 × 500 руб = 1500 руб",
        ),
        (
            "Сколько стоит за 4 часа?",
            "Сауна: 900 ₽ за час.",
            "ru",
            "4 × 900 ₽ = 3600 ₽",
        ),
        ("租三天多少钱？", "皮划艇每天18元。", "zh", "3 × 18元 = 54元"),
        ("租3天多少钱", "皮划艇租金：18元/天。", "zh", "3 × 18元 = 54元"),
        ("How much for 3 days?", "皮划艇每天18元。", "zh", "3 × 18元 = 54元"),
    ],
)
def test_a_sum_follows_from_one_price_per_unit(
    question: str, words: str, language: str, expected: str
) -> None:
    assert line(question, words, language) == expected


@pytest.mark.parametrize(
    "question",
    [
        "How much is it?",
        "How much for a day?",
        "How much for 2 weeks?",
        "How much for 3 days for 2 people?",
        "How much for 3 or 4 days?",
        "How much for 3 days from 5 May?",
        "How much for more than 3 days?",
        "How much for up to 3 days?",
        "How much for about 3 days?",
        "How much is a 3-day ticket?",
        "How much must I pay if I cancel 3 days before?",
        "How much do I pay 3 days before?",
        "How much did I pay 3 days ago?",
        "What deposit do you charge for 3 days, how much?",
        "How much do I pay if I am 3 days late?",
        "I had it for 3 days, may I bring it back?",
        "Is 60 € the price for 3 days?",
        "How much for 2.5 days?",
        "How much does day 3 cost?",
        "How much every 3 days?",
        "Was kostet die Stornierung 3 Tage vorher?",
        "Wie viel kostete es vor 3 Tagen?",
        "¿Cuánto costaba hace 3 días?",
        "Сколько стоило 3 дня назад?",
        "三天票多少钱？",
        "提前3天取消多少钱？",
        "每3天多少钱？",
    ],
)
def test_a_question_that_counts_something_else_has_no_sum(question: str) -> None:
    assert line(question, PER_DAY) == ""
    assert line(question, "皮划艇每天18元。", "zh") == ""


@pytest.mark.parametrize(
    "words",
    [
        "The kayak costs 18 €.",
        "The kayak costs 18 € per hour.",
        "The kayak costs from 18 € per day.",
        "The kayak costs about 18 € per day.",
        "The kayak costs up to 18 € per day.",
        "The kayak costs 18 € per day, 90 € per week.",
        "The kayak costs 18 € per day. The deposit is 50 €.",
        "The kayak costs 18 € per person and day.",
        "The kayak costs 18 € per person per day.",
        "Per person, the kayak costs 18 € per day.",
        "The kayak costs 18 € a day per person.",
        "The kayak costs 18 € per 2 days.",
        "The first day costs 18 €.",
        "The kayak costs 18 € per day for members.",
        "The kayak costs 18 € per day at weekends.",
        "The kayak costs 18 € per day, from the 4th day 15 % less.",
        "The kayak costs 18 € per day (at least 5 days).",
        "The kayak costs 18 € per day, but less in winter.",
        "Each further day costs 18 € per day.",
        "The kayak costs 18 € per day, weekly prices on request.",
        "The kayak costs 18 € per day + VAT.",
        "The kayak costs 18 € per day until 31 August 2026.",
        "The kayak costs 18 or 20 € per day.",
        "The kayak costs 1.800 € per day.",
        "The kayak costs 18–20 € per day.",
        "A day ticket is 18 €.",
        "Open 9 to 5 per day.",
        "Boat: Heron; Price per day: 18 €\nBoat: Swan; Price per day: 22 €",
        "Boat: Heron; Price per day: 18 €; From 3 days: 15 €",
        "Boat: Heron; Price per day: 18 €; Per week: 50 €",
        "Boat: Heron; Price per day: 18 €; Cleaning: 30 €",
        "Boat: Heron; Price per day: 18 €; Per person: 4 €",
        "Boat: Heron; Price per day: 18 €; Shortest hire: 4 days",
        "Boat: Heron; Price per day (€): 18; Minimum days: 4",
        "Das Kajak kostet 18 € pro Tag, ab dem vierten Tag günstiger.",
        "Das Kajak kostet ab 18 € pro Tag.",
        "Das Kajak kostet 18 € pro Tag, Wochenpreise auf Anfrage.",
        "Das Kajak kostet 18 € pro Person und Tag.",
        "El kayak cuesta 18 € por persona y día.",
        "El kayak cuesta desde 18 € al día.",
        "Байдарка стоит от 500 руб в день.",
        "Байдарка стоит 500 руб в день, следующий день дешевле.",
        "皮划艇每人每天18元。",
        "皮划艇每天18元起。",
        "皮划艇首日每天18元。",
        "皮划艇每天18元，周末另加。",
    ],
)
def test_words_with_another_price_unit_or_case_have_no_sum(words: str) -> None:
    for question in ("How much for 3 days?", "租3天多少钱"):
        assert line(question, words) == ""


@pytest.mark.parametrize(
    ("question", "words", "language", "expected"),
    [
        (
            "I bought it on 3 May, until when may I return it?",
            RETURN,
            "en",
            "3 May + 30 days = 2 June",
        ),
        (
            "Bought on 3 May, until when may I return it?",
            "Product: Bicycles; Days to return: 30; Condition: ridden less than 10 km",
            "en",
            "3 May + 30 days = 2 June",
        ),
        (
            "I bought it on 20 December 2026, can I still return it?",
            RETURN,
            "en",
            "20 Dec 2026 + 30 days = 19 Jan 2027",
        ),
        (
            "It arrived on 3 May, how long can I send it back?",
            "Send it back within 2 weeks of delivery.",
            "en",
            "3 May + 2 weeks = 17 May",
        ),
        (
            "Am 3. Mai gekauft, bis wann kann ich es zurückgeben?",
            "Sie können es innerhalb von 30 Tagen nach dem Kauf zurückgeben.",
            "de",
            "3. Mai + 30 Tage = 2. Juni",
        ),
        (
            "Lo compré el 3 de mayo, ¿hasta cuándo puedo devolverlo?",
            "Puede devolverlo dentro de 30 días desde la compra.",
            "es",
            "3 de mayo + 30 días = 2 de junio",
        ),
        (
            "Купил 3 мая, до какого числа можно вернуть?",
            "Вернуть можно в течение 30 дней со дня покупки.",
            "ru",
            "3 мая + 30 дней = 2 июня",
        ),
        (
            "5月3日买的，最晚什么时候能退？",
            "购买后30天内可以退货。",
            "zh",
            "5月3日 + 30天 = 6月2日",
        ),
    ],
)
def test_a_last_day_follows_from_one_period(
    question: str, words: str, language: str, expected: str
) -> None:
    assert line(question, words, language) == expected


@pytest.mark.parametrize(
    "question",
    [
        "Until when may I return it?",
        "I bought it on 3 May. Where is your shop?",
        "I bought it in May, until when may I return it?",
        "I bought it on 3 May or on 5 May, until when may I return it?",
        "I bought it on 03/05/2026, until when may I return it?",
        "I bought it on 31 February, until when may I return it?",
        "It arrived on 3 May, until when may I return it?",
        "I ordered it on 3 May, until when may I return it?",
        "I bought it on 1 May and it arrived on 3 May, until when may I return it?",
        "Bought and delivered on 3 May, until when may I return it?",
        "I bought it on 3 May, is it too late after 40 days, until when may I return it?",
        "I need it until 3 May, until when may I return it?",
        "Am 3. Mai gekauft, bis wann kann ich es zurückgeben?",
    ],
)
def test_a_question_without_one_day_to_count_from_has_no_last_day(question: str) -> None:
    assert line(question, RETURN) == ""


@pytest.mark.parametrize(
    "words",
    [
        "You can return it.",
        "You can return it within 30 days of delivery.",
        "You can return it within 30 days of the invoice.",
        "You can return it within 30 days of the end of the month.",
        "You can return it within 30 days. Sale items within 14 days.",
        "You can return it within 30 working days of purchase.",
        "You can return it within 24 hours of purchase.",
        "You can return it after 30 days.",
        "You can return it at least 30 days.",
        "You can return it within less than 30 days.",
        "You can return it until 31 January 2027, within 30 days of purchase.",
        "You can return it within 14 to 30 days of purchase.",
        "You can return it within 3 months of purchase.",
        "You can return it within 2 years of purchase.",
        "Refunds take 5 days.",
        "Within one and a half months of purchase.",
        "Product: Bicycles; Days to return: 30; Guarantee: 2 years",
        "Product: Bicycles; Days to return: 30\nProduct: Tyres; Days to return: 14",
    ],
)
def test_words_without_one_period_from_that_day_have_no_last_day(words: str) -> None:
    assert line("I bought it on 3 May, until when may I return it?", words) == ""


def test_a_last_day_that_depends_on_a_leap_day_needs_the_year() -> None:
    question = "I bought it on 15 February, until when may I return it?"
    assert line(question, RETURN) == "15 February + 30 days = 17 March"
    assert follows(question, RETURN, "en", today=datetime.date(2028, 3, 1)) == ""
    assert line("I bought it on 15 February 2028, until when may I return it?", RETURN) == (
        "15 Feb 2028 + 30 days = 16 Mar 2028"
    )
