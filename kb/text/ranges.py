"""Tell whether a quantity, a month or a weekday of a question lies in a range that a text states.

"Over 30 kg", "90 to 31 days" and "May–Sep" share no word with "my 35 kg dog", "two months before"
and "in July"; what is asked for is in one row of a table all the same.
"""

import itertools
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache, lru_cache

from kb.text.facts import Fact, extract_facts
from kb.text.lexicon import alternatives, fold, lexicon

_SCALES = {
    "week": ("day", 7.0), "month": ("day", 30.0), "year": ("day", 365.0), "hour": ("minute", 60.0),
    "g": ("kg", 0.001), "ton": ("kg", 1000.0), "cm": ("m", 0.01), "mm": ("m", 0.001),
    "ml": ("litre", 0.001),
}  # fmt: skip
_CLOCK = "time of day"
_CYCLES = ("weekday", "month of the year")
_BETWEEN = re.compile(r"\s*(?:[-–—~]|to|bis|[aà]s?|al|alle|hasta|tot|do|до|по|至|到)\s*")
_DAY = r"(?:\s*\d{1,2}(?:st|nd|rd|th|\.|,)?(?:\sde)?\s*)?"
_BETWEEN_MONTHS = re.compile(rf"{_DAY}(?:{_BETWEEN.pattern}|\s(?:bis zum|al|hasta el)\s){_DAY}")
"""Months with days: "1 November to 31 March"."""


@dataclass(frozen=True, slots=True)
class Range:
    """Values of one unit, both ends included."""

    unit: str
    low: float
    high: float

    def holds(self, value: float) -> bool:
        """Tell whether a value lies in it; ranges of months and weekdays may wrap around."""
        if self.low > self.high:
            return value >= self.low or value <= self.high
        return self.low <= value <= self.high


def fit(question: str, text: str, *, days_only: bool = False) -> int:
    """Return 1 if what a question measures lies in a range of the text, -1 if it lies outside.

    0 if the question measures nothing, or the text has no range of that unit. `days_only` looks at
    months and weekdays alone.
    """
    found = 0
    values = dict[str, list[float]]()
    for unit, value in _points(question):
        if days_only and unit not in _CYCLES:
            continue
        values.setdefault(unit, []).append(value)
    for unit, own in values.items():
        ranges = [r for r in _ranges(text) if r.unit == unit]
        if ranges:
            found += 1 if any(r.holds(value) for r in ranges for value in own) else -1
    return (found > 0) - (found < 0)


def measures(text: str) -> set[str]:
    """Return the units of the quantities in a text, one for each measure: "kg" for grams."""
    units = {_SCALES.get(fact.unit, (fact.unit,))[0] for fact in extract_facts(text) if fact.unit}
    return units - {"minute", "workday"} | ({"day"} if units & {"minute", "workday"} else set())


def _points(text: str) -> Iterator[tuple[str, float]]:
    """Yield what a question measures."""
    for fact in extract_facts(text):
        if fact.kind == "weekday":
            yield "weekday", float(min(fact.values))
        elif measured := _measured(fact):
            yield measured[0], _beyond(fact, measured[1])
            if fact.unit:  # "15 years" where ages are given as "3–14"
                yield "", float(min(fact.values))
    for _, _, month in _months(text):
        yield "month of the year", float(month)


@lru_cache(maxsize=2048)
def _ranges(text: str) -> tuple[Range, ...]:
    """Return the ranges that a text states."""
    folded = fold(text)
    facts = extract_facts(text)
    found: list[Range] = []
    pair: Range | None = None
    for fact, after in itertools.zip_longest(facts, facts[1:]):
        ends = pair is not None  # the "8 days" of "30 bis 8 Tage" is not a bound by itself
        joined = after and _BETWEEN.fullmatch(folded[fact.end : after.start])
        pair = _pair(fact, after) if joined else None
        if pair:
            found.append(pair)
        elif fact.kind == "weekday" and not ends:
            found += [Range("weekday", float(day), float(day)) for day in fact.values]
        elif fact.bound and (measured := _measured(fact)):
            unit, value = measured[0], _beyond(fact, measured[1])
            if fact.bound in ("ge", "gt"):
                found.append(Range(unit, value, math.inf))
            elif fact.bound in ("le", "lt", "within") and not ends:
                found.append(Range(unit, 0.0, value))
    months = _months(text)
    for (_, end, month), last in itertools.zip_longest(months, months[1:]):
        joined = last and _BETWEEN_MONTHS.fullmatch(folded[end : last[0]])
        found.append(Range("month of the year", month, last[2] if joined else month))
    return tuple(found)


def _pair(first: Fact, last: Fact) -> Range | None:
    if first.kind == last.kind == "weekday":
        return Range("weekday", float(min(first.values)), float(min(last.values)))
    begin, end = _measured(replace(first, unit=first.unit or last.unit)), _measured(last)
    if begin and end and end[0] == _CLOCK and begin[0] == "":  # "15 bis 18 Uhr"
        begin = (_CLOCK, 60.0 * begin[1])
    if begin is None or end is None or begin[0] != end[0]:
        return None
    low, high = sorted((begin[1], end[1]))
    return Range(end[0], math.nextafter(low, high) if first.bound == "gt" else low, high)


def _measured(fact: Fact) -> tuple[str, float] | None:
    """Return unit and value of a number, with units of time and others as one, or of a time."""
    if len(fact.values) == 1 and fact.kind == "time":
        hour, minute = next(iter(fact.values)).split(":")
        return _CLOCK, 60.0 * int(hour) + int(minute)
    if fact.kind not in ("number", "amount") or len(fact.values) != 1:
        return None
    unit, scale = _SCALES.get(fact.unit, (fact.unit, 1.0))
    return unit, float(min(fact.values)) * scale


def _beyond(fact: Fact, value: float) -> float:
    """Return the end of what is stated: "over 4 m" and "under 4 m" leave out 4 m itself."""
    if fact.bound not in ("gt", "lt"):
        return value
    return math.nextafter(value, math.inf if fact.bound == "gt" else 0.0)


def _months(text: str) -> list[tuple[int, int, int]]:
    """Return start, end and number of the months that a text names by a word."""
    folded = fold(text)
    found = []
    for match in _month_pattern().finditer(folded):
        # "may" and "mar" are words of other meaning where they are not written as names.
        if match[0][0].isupper() or len(match[0]) > 3 or not match[0].isascii():
            number = lexicon().months[match[0].lower().rstrip(".")]
            found.append((match.start(), match.end(), int(number)))
    return found


@cache
def _month_pattern() -> re.Pattern[str]:
    names = alternatives(lexicon().months)
    return re.compile(rf"(?<![^\W\d_])(?:{names})(?![^\W\d_])", re.IGNORECASE)
