"""Compute the sum or the last day that follows from quoted words: 3 × 18.00 € = 54.00 €.

A wrong sum is far worse than none. One is given only where the words have one price, for each unit
that the question counts, or one period, from the day that the question names, and nothing in them
speaks of other prices or periods.
"""

import datetime
import re
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Literal

from babel.dates import format_skeleton
from babel.units import format_unit

from kb.text.facts import Fact, extract_facts
from kb.text.language import detect_language
from kb.text.lexicon import alternatives, fold, lexicon, read_lists
from kb.text.stems import stems

_FILE = Path(__file__).parent / "data" / "sums.yaml"
_DAYS = {"day": 1, "week": 7}
"""Days of the units of a period whose last day is sure; that of months and workdays is not."""
_PERIODS = frozenset({*_DAYS, "workday", "hour", "minute", "month", "year"})
_LENGTHS = {"minute": 1, "hour": 60, "day": 1440, "week": 10080, "month": 43200, "year": 525600}
_BESIDE = frozenset({"link", "code", "time", "weekday"})
"""Facts that say nothing of a price."""
_END = r"(?![^\W\d_\u4e00-\u9fff])"
"""A word of letters ends; Chinese may go on."""


def follows(question: str, words: str, language: str, *, today: datetime.date) -> str:
    """Return the calculation that answers a question with quoted words; empty if none surely does.

    Args:
        question: as the customer asked it.
        words: of the sources, as they stand in the reply.
        language: of the words, ISO 639-1.
        today: tells the year of a date that has none.
    """
    asked, told = fold(question), _with_units(fold(words))
    return _sum(asked, told) or _last_day(asked, told, language, today)


def asks_price(question: str) -> bool:
    """Tell whether a question asks for a price."""
    return _said("price").search(question) is not None


def asks_extreme(question: str) -> Literal["lowest", "highest", ""]:
    """Return which price of several a question asks for: "the cheapest"."""
    if _said("lowest").search(question):
        return "lowest"
    return "highest" if _said("highest").search(question) else ""


@cache
def _said(name: str, part: str = "") -> re.Pattern[str]:
    listed = read_lists(_FILE)[name]
    return re.compile("|".join(map(fold, listed[part] if part else listed)), re.IGNORECASE)


@cache
def _pattern(name: str) -> re.Pattern[str]:
    unit = f"(?P<unit>{alternatives(lexicon().units, around=False)}){_END}"
    per = r"(?:(?<!\w)(?:per|pro|je|por|cada|за|в)\s|[/每])\s?(?:个)?"
    number = r":\s?(?P<number>\d[\d.,]*)(?=\s*(?:[;\n]|\.?$))"
    money = alternatives(lexicon().currencies, around=False)
    spans = alternatives((w for w, u in lexicon().units.items() if u in _PERIODS), around=False)
    patterns = {
        "unit": rf"\s?{unit}",
        "per": rf"{per}{unit}",
        "after": rf"\s?(?:{per}|(?<=\s)(?:an?|al?)\s(?:la\s)?|/\s?|一){unit}",
        "before": rf"(?:{per}|一){unit}(?:\s?\([^)\d]*\))?[^\d;.,\n。；]{{0,12}}$",
        "joined": rf"\s*(?:,?\s*(?:and|und|y|и|per|pro|por|je)\s|[和×x*/每])\s?{unit}",
        "money": rf"(?P<head>[^:;\n]*?)\s*[(\[,]\s?(?:in\s)?(?P<of>{money})[)\]]?{number}",
        "span": rf"(?P<head>(?:[^:;\n]*[\s(])?(?P<of>{spans}){_END}[^:;\n\d]*){number}",
    }
    return re.compile(patterns[name], re.IGNORECASE)


def _with_units(words: str) -> str:
    """Return words with the unit of a column's name behind its cell: "Days to return: 30"."""
    words = _pattern("money").sub(r"\g<head>: \g<number> \g<of>", words)
    return _pattern("span").sub(r"\g<head>: \g<number> \g<of>", words)


def _sum(question: str, words: str) -> str:
    if not asks_price(question) or _said("other_price").search(question):
        return ""
    counted = [fact for fact in extract_facts(question) if fact.certain]
    if len(counted) != 1:
        return ""
    (count,) = counted
    before, after = question[: count.start], question[count.end :]
    named = _pattern("unit").match(after)
    unit = count.unit or (lexicon().units[named["unit"].lower()] if named else "")
    found = _rate(words, unit)
    if count.kind != "number" or found is None or len(count.values) != 1 or "-" in count.text:
        return ""
    price, most = found
    russian = count.bound == "within" and before.lower().endswith("за ")
    aside = _said("after_length").match(after.lstrip()) or re.search(
        f"(?:{_said('before_length').pattern})$", before, re.IGNORECASE
    )
    times = Decimal(next(iter(count.values)))
    if (count.bound and not russian) or aside or times < 2 or times != int(times):
        return ""
    if times * _value(price) > most:
        return ""
    number = _number(price.text)
    decimals = re.search(r"[.,](\d{1,2})$", number)
    total = f"{times * _value(price):.{len(decimals[1]) if decimals else 0}f}"
    total = total.replace(".", ",") if decimals and decimals[0][0] == "," else total
    return f"{int(times)} × {price.text} = {price.text.replace(number, total)}"


def _rate(words: str, unit: str) -> tuple[Fact, Decimal] | None:
    """Return the only price for a unit, and what a longer time costs; ``None`` if none is sure.

    A row of a table may have prices for other lengths of time and a deposit beside it.
    """
    cells = words.split("; ")
    prices = [_price_per(cell) for cell in cells]
    own = [price for price, per in filter(None, prices) if per == unit]
    if len(own) != 1 or _said("tiers").search(words) or "\n" in words:
        return None
    longer = [Decimal("Infinity")]
    for cell, found in zip(cells, prices, strict=True):
        if found is None:
            facts = [f for f in extract_facts(cell) if f.certain and f.kind not in _BESIDE]
            deposit = _said("deposit").search(cell) and all(f.kind == "amount" for f in facts)
            if facts and not deposit:
                return None
        elif found[1] != unit:
            if not {unit, found[1]} <= _LENGTHS.keys():
                return None
            if _LENGTHS[found[1]] > _LENGTHS[unit]:
                longer.append(_value(found[0]))
    return own[0], min(longer)


def _price_per(words: str) -> tuple[Fact, str] | None:
    """Return the only price of some words, and the unit that it is for."""
    facts = [fact for fact in extract_facts(words) if fact.certain and fact.kind not in _BESIDE]
    if len(facts) != 1 or facts[0].kind != "amount" or len(facts[0].values) != 1:
        return None
    price = facts[0]
    if (price.bound and price.bound != "within") or not _number(price.text):
        return None
    after = _pattern("after").match(words, price.end)
    found = after or _pattern("before").search(words[: price.start])
    if found is None or len(_pattern("per").findall(words)) > 1:
        return None
    if _pattern("joined").match(words, after.end() if after else price.end):
        return None
    return price, lexicon().units[found["unit"].lower()]


def _value(fact: Fact) -> Decimal:
    return Decimal(next(iter(fact.values)))


def _number(text: str) -> str:
    """Return the only number of a text as it is written; empty if it may be read in two ways."""
    found = re.findall(r"\d(?:[\d.,]*\d)?", text)
    return found[0] if len(found) == 1 and re.fullmatch(r"\d+(?:[.,]\d{1,2})?", found[0]) else ""


def _last_day(question: str, words: str, language: str, today: datetime.date) -> str:
    asked, told = extract_facts(question), extract_facts(words)
    days = [fact for fact in asked if fact.kind == "date"]
    periods = [fact for fact in told if fact.unit in _PERIODS]
    foreign = language not in lexicon().stopwords or detect_language(question, language) != language
    if not _said("until").search(question) or foreign or len(days) != 1 or len(periods) != 1:
        return ""
    (day,), (period,) = days, periods
    dated = any(f.kind == "date" for f in told) or any(f.unit in _PERIODS for f in asked)
    if dated or period.unit not in _DAYS or len(period.values) != 1 or len(day.values) != 1:
        return ""
    clause = _clause(words, period)
    if any(f.certain and f.kind == "number" and not f.unit for f in extract_facts(clause)):
        return ""
    about = not period.bound and set(stems(question)) & set(stems(clause))
    event, start = _events(question), _events(clause)
    if period.bound not in ("within", "le") and not about:
        return ""
    if len(event) != 1 or event == {"other"} or (start and start != event):
        return ""
    if not start and _said("since").match(words[period.end :].lstrip(" 内之以")):
        return ""
    return _counted(day, period, language, today)


def _clause(words: str, fact: Fact) -> str:
    """Return the sentence or cell that a fact stands in."""
    begin = max(words.rfind(mark, 0, fact.start) for mark in (". ", "; ", "\n", "。", "；"))
    end = re.compile(r"[.;](?=\s|$)|[\n。；]").search(words, fact.end)
    return words[begin + 1 : end.start() if end else len(words)]


def _events(text: str) -> set[str]:
    return {name for name in read_lists(_FILE)["events"] if _said("events", name).search(text)}


def _counted(named: Fact, period: Fact, language: str, today: datetime.date) -> str:
    year, month, date = next(iter(named.values)).split("/")
    count = Decimal(next(iter(period.values)))
    if "-" in (month, date) or count != int(count) or not 0 < count < 1000:
        return ""
    years = [int(year)] if year != "-" else [today.year - 1, today.year, today.year + 1]
    try:
        firsts = [datetime.date(one, int(month), int(date)) for one in years]
    except ValueError:  # no such day: 31 February
        return ""
    lasts = [day + datetime.timedelta(int(count) * _DAYS[period.unit]) for day in firsts]
    if len({(last.month, last.day) for last in lasts}) > 1:
        return ""  # it depends on a leap day
    locale = "en_GB" if language == "en" else language
    # Babel has no long form in Chinese.
    form: Literal["short", "long"] = "short" if language == "zh" else "long"
    length = format_unit(int(count), f"duration-{period.unit}", form, locale=locale)
    shape = "yMMMMd" if year != "-" else "MMMMd"
    first, last = (format_skeleton(shape, day, locale=locale) for day in (firsts[0], lasts[0]))
    return f"{first} + {length} = {last}"
