"""Find what must be right in a text: numbers, amounts, dates, times, addresses, links, codes.

Each is brought to one notation, so that "three days", "3 Tage" and "三天" are the same fact.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cache, lru_cache
from typing import Literal, TypeAlias

from kb.text.lexicon import alternatives, fold, is_cjk, lexicon

FactKind: TypeAlias = Literal[
    "number", "amount", "percent", "date", "time", "weekday", "link", "code"
]


@dataclass(frozen=True, slots=True)
class Fact:
    """One checkable item of a text."""

    kind: FactKind
    text: str
    """As written in the folded text."""
    start: int
    end: int
    """Where, unit included, in the text as `kb.text.lexicon.fold` returns it."""
    values: frozenset[str]
    """The item in one notation. More than one where it can be read in several ways (``1.000``)."""
    unit: str = ""
    """``day``, ``kg`` …; the currency of an amount; empty if none is known."""
    bound: str = ""
    """Its bound: ``ge gt le lt within about``; empty if it has none."""
    certain: bool = True
    """False for words that may be no number at all (German "ein")."""


_EMAIL = r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"
_ADDRESS = r"[^\s<>\"'()\[\]{}|，。；、！？）】》」]"
_LINK = re.compile(
    rf"{_EMAIL}|(?:https?://|www\.){_ADDRESS}+"
    # Anything of the form of a host name: better one word too many checked than a link too few.
    rf"|(?<![\w@.-])(?:[\w-]{{2,}}\.)+[a-z]{{2,}}(?:/{_ADDRESS}*)?(?![\w@-])"
)
_TIME = re.compile(
    r"(?<![\d.,:])(?P<zh>上午|下午|早上|晚上|凌晨|傍晚|中午)?(?P<h>\d{1,2})(?:"
    r":(?P<m>[0-5]\d)(?::[0-5]\d)?(?:\s?(?P<half>[ap]\.?m\b\.?)|\s?uhr\b)?"
    r"|\s?(?P<half2>[ap]\.?m\b\.?)|\s?uhr\b|\s?[点點时](?![分之的间])(?:整|钟)?)(?!\d)"
)
_PHONE = re.compile(
    r"(?<![^\W\u2e80-\uffef])(?<![.,])(?:\+\s?\d|\(?0)[\d\s()/-]{5,}\d(?![^\W\u2e80-\uffef]|[%€$£])"
)
_CODE = re.compile(r"(?<![\w-])(?=[a-z.-]*\d)(?=[\d.-]*[a-z])[a-z\d]+(?:[-.][a-z\d]+)*(?![\w-])")
_ORDINAL = re.compile(r"\d+(?:º|ª|s|-?[a-z]{1,3}|-[a-z]{4,})")
_NAME = re.compile(r"(?<=[a-zа-я,] )[A-ZÀ-ÞА-ЯЁ](?:[^\W\u2e80-\uffef]|['-]){2,}")
"""Ends where Chinese follows, which needs no blank between."""
_BOUNDED = frozenset({"number", "amount", "percent", "date", "time"})


@lru_cache(maxsize=2048)
def extract_facts(text: str) -> tuple[Fact, ...]:
    """Return the facts of a text in order. `text` need not be folded; offsets refer to its fold."""
    folded = fold(text)
    left = "".join(c.lower() if len(c.lower()) == 1 else c for c in folded)
    found: list[Fact] = []
    for read in (_links, _dates, _times, _codes, _weekdays, _quantities):
        for kind, start, end, values, unit, certain in read(left):
            bound = _bound(left, start, end) if kind in _BOUNDED else ""
            facts = Fact(kind, folded[start:end], start, end, values, unit, bound, certain=certain)
            found.append(facts)
            left = left[:start] + "\0" * (end - start) + left[end:]
    return tuple(sorted(found, key=lambda fact: fact.start))


def agree(fact: Fact, other: Fact) -> bool:
    """Tell whether two facts say the same; one that says less than the other agrees with it."""
    if "date" in (fact.kind, other.kind):
        mine, its = ([v.split("/") for v in _as_dates(f)] for f in (fact, other))
        return any(all(a in ("-", b) for a, b in zip(x, y, strict=True)) for x in mine for y in its)
    if not fact.values & other.values:
        return False
    measured = {fact.kind, other.kind} <= {"number", "amount", "percent"}
    return (fact.kind == other.kind or measured) and fact.unit in ("", other.unit)


def names_in(text: str) -> list[str]:
    """Return the words with a capital inside a sentence."""
    return _NAME.findall(fold(text))


def without_facts(text: str) -> str:
    """Return the rest of a text, folded."""
    folded = fold(text)
    for fact in extract_facts(text):
        folded = folded[: fact.start] + " " * (fact.end - fact.start) + folded[fact.end :]
    return folded


# --- one kind after the other ------------------------------------------------------------------

_Found: TypeAlias = Iterator[tuple[FactKind, int, int, frozenset[str], str, bool]]


def _links(left: str) -> _Found:
    for match in _LINK.finditer(left):
        bare = re.sub(r"^(?:https?://)?(?:www\.)?", "", match[0]).rstrip("/.,;:!?")
        yield "link", match.start(), match.end(), frozenset({bare}), "", True


def _dates(left: str) -> _Found:
    taken: list[tuple[int, int]] = []
    for pattern, either in _date_patterns():
        for match in pattern.finditer(left):
            values = frozenset(_date_values(match.groupdict(), either=either))
            if values and not any(a < match.end() and match.start() < b for a, b in taken):
                taken.append(match.span())
                yield "date", match.start(), match.end(), values, "", True


def _date_values(parts: dict[str, str | None], *, either: bool) -> Iterator[str]:
    year, month, day = (parts.get(name) or "" for name in ("year", "month", "day"))
    if month and not month.isdigit():
        month = str(lexicon().months[month.rstrip(".")])
    for m, d in [(month, day)] + [(day, month)] * (either and bool(month and day)):
        if (not m or 1 <= int(m) <= 12) and (not d or 1 <= int(d) <= 31):
            yield "/".join(str(int(value)) if value else "-" for value in (year, m, d))


def _times(left: str) -> _Found:
    for match in _TIME.finditer(left):
        hour, minute = int(match["h"]), int(match["m"] or 0)
        half = (match["half"] or match["half2"] or match["zh"] or "").replace(".", "").strip()
        if half in {"pm", "下午", "晚上", "傍晚"} and hour < 12:
            hour += 12
        if half in {"am", "上午", "早上", "凌晨"} and hour == 12:
            hour = 0
        if hour <= 24:
            values = frozenset({f"{hour:02}:{minute:02}"})
            yield "time", match.start(), match.end(), values, "", True


def _codes(left: str) -> _Found:
    for match in _PHONE.finditer(left):
        digits = re.sub(r"\D", "", match[0])
        if 7 <= len(digits) <= 16:
            yield "code", match.start(), match.end(), frozenset({digits}), "", True
    words = lexicon()
    for match in _CODE.finditer(left):
        unit = re.fullmatch(r"\d[\d.,]*-?([a-z]+)", match[0])
        if not _ORDINAL.fullmatch(match[0]) and not (
            unit and unit[1] in {*words.units, *words.magnitudes, *words.currencies}
        ):
            values = frozenset({match[0].replace("-", "")})
            yield "code", match.start(), match.end(), values, "", True


def _weekdays(left: str) -> _Found:
    for match in _weekday_pattern().finditer(left):
        day = lexicon().weekdays[match[0]]
        yield "weekday", match.start(), match.end(), frozenset({day}), "", True


def _quantities(left: str) -> _Found:
    words = lexicon()
    for match in _quantity_pattern().finditer(left):
        values = _number_values(match["number"])
        if match["magnitude"]:
            values = {v * words.magnitudes[match["magnitude"].rstrip(".")] for v in values}
        readings = frozenset(format(value.normalize(), "f") for value in values)
        currency = match["before"] or match["after"]
        kind: FactKind = "amount" if currency else "number"
        unit = words.units.get((match["unit"] or "").rstrip("."), "")
        if match["percent"] or match["zhpercent"]:
            kind, unit = "percent", "%"
        elif currency:
            unit = words.currencies[currency.rstrip(".")]
        certain = bool(unit or match["magnitude"]) or _is_number(match["number"], left, match)
        if readings:
            yield kind, match.start(), match.end(), readings, unit, certain


def _as_dates(fact: Fact) -> list[str]:
    if fact.kind == "date":
        return list(fact.values)
    bare = fact.kind == "number" and fact.unit in ("", "year")
    return [f"{v}/-/-" for v in fact.values if bare and re.fullmatch(r"[12]\d{3}", v)]


def _bound(left: str, start: int, end: int) -> str:
    if before := _before_pattern().search(left[max(0, start - 40) : start]):
        return lexicon().bounds_before[before[1] or before[2]]
    after = _after_pattern().match(left[end : end + 24])
    return lexicon().bounds_after[after[1]] if after else ""


@cache
def _before_pattern() -> re.Pattern[str]:
    words = lexicon().bounds_before
    # A word may come between: "at least the 3rd", "more than EUR 20", "至少购买5件".
    article = r"(?:the|a|an|der|die|das|dem|den|el|la|los|las|us)\s"
    han = alternatives(word for word in words if len(word) > 1 and is_cjk(word[0]))
    spaced = rf"({alternatives(words)})\s*(?:{article})?[\s\"(]*$"
    return re.compile(rf"{spaced}|({han})[\u4e00-\u9fff]{{1,3}}$")


@cache
def _after_pattern() -> re.Pattern[str]:
    return re.compile(rf"\s?({alternatives(lexicon().bounds_after, around=False)})")


@cache
def _weekday_pattern() -> re.Pattern[str]:
    return re.compile(alternatives(lexicon().weekdays))


@cache
def _date_patterns() -> tuple[tuple[re.Pattern[str], bool], ...]:
    """Return patterns, the longest first, and whether day and month may be exchanged."""
    month = f"(?P<month>{alternatives(lexicon().months)})"
    alone = alternatives(lexicon().months.keys() - lexicon().unclear_months)
    day, year, number = r"(?P<day>\d{1,2})", r"(?P<year>[12]\d{3})", r"(?P<month>\d{1,2})"
    nth, of = r"(?:st|nd|rd|th|\.|º)?", r"\s(?:of\s|de\s|del\s)?"
    first, last = r"(?<![\d.,/-])", r"(?![\d/-]|[.,]\d)"
    return (
        (re.compile(rf"{first}{year}[-/.]{number}[-/.]{day}{last}"), False),
        (re.compile(rf"{first}{day}\.\s?{number}\.(?:\s?{year})?(?!\d)"), False),
        (re.compile(rf"{first}{number}[/-]{day}[/-]{year}{last}"), True),
        (re.compile(rf"{first}{year}\s?年\s?{number}\s?月(?:\s?{day}\s?[日号])?"), False),
        (re.compile(rf"{first}{number}\s?月(?:\s?{day}\s?[日号]|(?!\d))"), False),
        (re.compile(rf"{first}{year}\s?年(?![间内以之])"), False),
        (re.compile(rf"{first}{day}{nth}{of}{month}(?:\.?,?{of}{year}{last})?"), False),
        (re.compile(rf"{month}\.?\s{day}{nth}(?:,?\s{year})?{last}"), False),
        (re.compile(rf"{month}\.?,?{of}{year}{last}"), False),
        (re.compile(f"(?P<month>{alone})"), False),
    )


# --- reading numbers ---------------------------------------------------------------------------

_DIGITS = r"\d+(?:[.,' ]\d{3}(?!\d))*(?:[.,]\d+)?"
_HAN_DIGITS = {c: i for i, c in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2, "壹": 1}
_HAN_SCALES = {"十": 10, "百": 100, "千": 1000, "万": 10_000, "亿": 100_000_000}
_HAN = "[零〇一二两三四五六七八九十百千万亿]+"


@cache
def _quantity_pattern() -> re.Pattern[str]:
    words = lexicon()
    lists = (words.numbers, words.currencies, words.units, words.magnitudes, words.percent)
    word, currency, unit, magnitude, percent = (alternatives(one, around=False) for one in lists)
    return re.compile(
        rf"(?P<zhpercent>百分之)?(?:(?<![^\W\d_])(?P<before>{currency})\s?)?"
        rf"(?P<number>(?<![\d.,]){_DIGITS}|(?<![^\W_])(?:{word})(?:(?:\s|-|\sand\s)(?:{word}))*|{_HAN})"
        rf"(?:\s?(?P<magnitude>{magnitude})(?![^\W_\u3040-\u9fff])\.?)?"
        rf"(?:\s?(?P<percent>{percent})|\s?(?P<after>{currency})|[\s-]?(?P<unit>{unit}))?"
    )


def _number_values(written: str) -> set[Decimal]:
    if written[0].isdigit():
        return _read_digits(re.sub(r"[ ']", "", written))
    if is_cjk(written[0]) or written[0] == "〇":
        value = read_han(written)
        return {Decimal(value)} if value is not None else set()
    total = 0
    for token in re.split(r"[\s-]+", written):
        value = lexicon().numbers.get(token, 0)
        total = total * 100 if value == 100 and total else total + value
    return {Decimal(total)}


def _read_digits(bare: str) -> set[Decimal]:
    """Read digits in every notation: ``1.000`` is a thousand, or one with three decimals."""
    marks = re.sub(r"\d", "", bare)
    whole, _, decimals = bare.rpartition(marks[-1]) if marks else (bare, "", "")
    joined = Decimal(re.sub(r"\D", "", bare))
    if not marks or (len(marks) > 1 and len(set(marks)) == 1):
        return {joined}
    decimal = Decimal(f"{re.sub(r'[.,]', '', whole)}.{decimals}")
    return (
        {decimal, joined}
        if len(marks) == 1 and len(decimals) == 3 and whole.strip("0")
        else {decimal}
    )


def read_han(written: str) -> int | None:
    """Read a Chinese number (``三百零五``, ``二〇一五``); ``None`` if it is none."""
    if all(c in _HAN_DIGITS for c in written):
        return int("".join(str(_HAN_DIGITS[c]) for c in written))
    if not any(c in _HAN_DIGITS for c in written) and written[0] != "十":
        return None
    total = section = digit = 0
    for char in written:
        scale = _HAN_SCALES.get(char, 0)
        if not scale:
            digit = _HAN_DIGITS[char]
            continue
        if scale >= 10_000:
            total, section = (total + section + digit) * scale, 0
        else:
            section += (digit or (1 if scale == 10 else 0)) * scale
        digit = 0
    return total + section + digit


def _is_number(number: str, text: str, match: re.Match[str]) -> bool:
    """Tell whether a number without a unit is meant as one."""
    if number[0].isdigit():
        return True
    if not is_cjk(number[0]) and number[0] != "〇":
        return number not in lexicon().weak_numbers
    if len(number) > 1:
        return number not in lexicon().no_numbers
    # One character: 一般, 三明治, 统一 are words; before a counter it is a number.
    before, after = text[max(0, match.start() - 1) : match.start()], text[match.end() :][:1]
    return (
        number not in "一十百千万亿零〇"
        and after in lexicon().counters
        and before not in {"第", ""}
    )
