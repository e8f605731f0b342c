"""Find what must not be wrong in a text: numbers, amounts, dates, times, addresses, links, codes.

Each is brought to one notation, so that "three days", "3 Tage" and "三天" are the same fact.
Names are not here: telling them needs the passage (`kb.evidence`).
"""

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache
from typing import Literal, TypeAlias

from kb.lexicon import Lexicon, alternatives, fold, is_cjk, lexicon

FactKind: TypeAlias = Literal[
    "number", "amount", "percent", "date", "time", "weekday", "email", "phone", "link", "code"
]


@dataclass(frozen=True, slots=True)
class Fact:
    """One checkable item of a text."""

    kind: FactKind
    text: str
    """As it stands in the folded text."""
    start: int
    end: int
    """Where, unit included, in the text as `kb.lexicon.fold` returns it."""
    values: frozenset[str]
    """The item in one notation. More than one where it can be read in several ways (``1.000``)."""
    unit: str = ""
    """``day``, ``kg`` …; the currency of an amount; empty if none is known."""
    bound: str = ""
    """What limits it: ``ge gt le lt within about``, ``lo hi`` in a range; empty if nothing does."""
    certain: bool = True
    """False for words that may be no number at all (German "ein")."""


# --- links, addresses, phones, codes -----------------------------------------------------------

_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+", re.ASCII)
_LINK = re.compile(
    r"(?:https?://|www\.)[^\s<>\"'()\[\]{}|，。；、！？）】》」]+"
    # Anything of the form of a host name: better one word too many checked than a link too few.
    r"|(?<![\w@.-])(?:[\w-]{2,}\.)+[^\W\d_]{2,}(?:/[^\s<>\"'()\[\]{}|，。；、！？）】》」]*)?(?![\w@-])",
    re.IGNORECASE,
)
_LOST_BLANK = re.compile(r"^[^\W\d_]*[^\W\d_A-ZА-Я]\.(?!Com|Org|Net)[A-ZА-ЯÀ-Þ][^\W\d_]*$")
"""Two sentences without a blank between them ("the end.Then"): no host name."""
_PHONE = re.compile(r"(?<![\w.,])(?:\+\s?\d|\(\d|\d)[\d\s()/.-]{5,}\d(?![\w%€$£])")
_CODE = re.compile(
    r"(?<![\w-])(?=[A-Za-z0-9.-]*\d)(?=[A-Za-z0-9.-]*[A-Za-z])[A-Za-z0-9]+"
    r"(?:-[A-Za-z0-9]+|\.\d[A-Za-z0-9]*)*(?![\w-])"
)
_ORDINAL = re.compile(r"\d+(?:º|ª|s|-?[a-z]{1,3}|-[a-z]{4,})", re.IGNORECASE)
_MODEL_CODE = re.compile(r"[A-Z]{1,3}-?\d|\d+-?[A-Z]", re.ASCII)


def extract_facts(text: str) -> list[Fact]:
    """Return the facts of a text in order. `text` need not be folded; offsets refer to its fold."""
    return _Scan(fold(text)).facts()


class _Scan:
    """One pass over a folded text; what one kind of fact has taken is hidden from the next."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._left = text.lower()
        if len(self._left) != len(text):  # "İ" grows when lowered
            self._left = "".join(c.lower() if len(c.lower()) == 1 else c for c in text)
        self._found: list[Fact] = []
        self._words = lexicon()

    def facts(self) -> list[Fact]:
        for match in _EMAIL.finditer(self._left):
            self._take("email", match.start(), match.end(), {match[0].strip(".-")})
        for match in _LINK.finditer(self._left):
            if _LOST_BLANK.search(self._text[match.start() : match.end()]):
                continue
            bare = re.sub(r"^(?:https?://)?(?:www\.)?", "", match[0]).rstrip("/.,;:!?")
            self._take("link", match.start(), match.end(), {bare})
        self._dates()
        self._times()
        self._phones()
        self._codes()
        for start, end, day in self._words.weekdays.find(self._left):
            self._take("weekday", start, end, {day})
        self._quantities()
        return _join_ranges(sorted(self._found, key=lambda fact: fact.start), self._text)

    def _take(
        self,
        kind: FactKind,
        start: int,
        end: int,
        values: set[str],
        *,
        unit: str = "",
        certain: bool = True,
    ) -> None:
        bound = self._bound(start, end) if kind in _BOUNDED else ""
        text = self._text[start:end]
        self._found.append(
            Fact(kind, text, start, end, frozenset(values), unit, bound, certain=certain)
        )
        self._left = self._left[:start] + "\0" * (end - start) + self._left[end:]

    def _bound(self, start: int, end: int) -> str:
        before = _before_pattern().search(self._left[max(0, start - 40) : start])
        if before:
            return self._words.bounds_before[before[1] or before[2]]
        after = _after_pattern().match(self._left[end : end + 24])
        return self._words.bounds_after[after[1]] if after else ""

    # --- dates and times ---------------------------------------------------------------------

    def _dates(self) -> None:
        for pattern, order in _date_patterns():
            for match in pattern.finditer(self._left):
                readings = set(self._readings(match.groupdict(), order))
                if readings:
                    self._take("date", match.start(), match.end(), readings)

    def _readings(self, parts: dict[str, str | None], order: str) -> Iterator[str]:
        year = parts.get("year") or ""
        month, day = parts.get("month") or "", parts.get("day") or ""
        if month and not month.isdigit():
            month = str(self._words.months[month.rstrip(".")])
        choices = [(month, day)]
        if order == "either" and month and day:
            choices.append((day, month))
        for m, d in choices:
            if (not m or 1 <= int(m) <= 12) and (not d or 1 <= int(d) <= 31):
                yield f"{int(year) if year else '-'}/{int(m) if m else '-'}/{int(d) if d else '-'}"

    def _times(self) -> None:
        for match in _TIME.finditer(self._left):
            hour, minute = int(match["h"] or match["h2"] or match["h3"]), int(match["m"] or 0)
            said = match["half"] or match["half2"] or match["zh"] or match["zh3"] or ""
            half = said.replace(".", "").strip()
            if hour > 24 or minute > 59:
                continue
            if half in {"pm", "下午", "晚上", "傍晚"} and hour < 12:
                hour += 12
            if half in {"am", "上午", "早上", "凌晨"} and hour == 12:
                hour = 0
            self._take("time", match.start(), match.end(), {f"{hour:02}:{minute:02}"})

    # --- phones and codes --------------------------------------------------------------------

    def _phones(self) -> None:
        for match in _PHONE.finditer(self._left):
            digits = re.sub(r"\D", "", match[0])
            grouped = re.fullmatch(r"\d{1,3}(?:[ .]\d{3})+|\d+(?:\.\d+)?|\d+-\d+", match[0])
            plain = grouped and not match[0].startswith(("+", "0")) and len(digits) < 10
            years = re.fullmatch(r"[12]\d{3}\s?[-/]\s?[12]?\d{3}", match[0])
            if len(digits) < 7 or plain or years or len(digits) > 16:
                continue
            values = {digits, digits.lstrip("0")}
            self._take("phone", match.start(), match.end(), values)

    def _codes(self) -> None:
        for match in _CODE.finditer(self._left):
            written = self._text[match.start() : match.end()]
            if _ORDINAL.fullmatch(written) and not _MODEL_CODE.fullmatch(written[:3].rstrip("-")):
                continue
            if not re.search(r"[a-z]", match[0]) or self._is_quantity(match[0]):
                continue
            self._take("code", match.start(), match.end(), {match[0].replace("-", "")})

    def _is_quantity(self, token: str) -> bool:
        split = re.fullmatch(r"\d+-?([a-z]+)", token)
        words = self._words
        return split is not None and (
            split[1] in words.units or split[1] in words.magnitudes or split[1] in words.currencies
        )

    # --- numbers, amounts, percentages --------------------------------------------------------

    def _quantities(self) -> None:
        for match in _quantity_pattern().finditer(self._left):
            number = match["number"]
            values = _number_values(number, self._words)
            if not values:
                continue
            magnitude = match["magnitude"]
            if magnitude:
                values = {v * self._words.magnitudes[magnitude.rstrip(".")] for v in values}
            readings = {_plain(v) for v in values}
            if match["percent"] or match["zhpercent"]:
                self._take("percent", match.start(), match.end(), readings, unit="%")
                continue
            currency = match["before"] or match["after"]
            if currency:
                unit = self._words.currencies[currency.rstrip(".")]
                self._take("amount", match.start(), match.end(), readings, unit=unit)
                continue
            unit = self._words.units.get((match["unit"] or "").rstrip("."), "")
            certain = bool(unit or magnitude) or _certain(number, self._words, match.string, match)
            self._take("number", match.start(), match.end(), readings, unit=unit, certain=certain)


_BETWEEN = re.compile(r"\s*(?:-|to|bis|a|hasta|до|至|到|~|and|und|y|и)\s*[€$£¥]?", re.IGNORECASE)
_BETWEEN_ONLY = re.compile(r"(?:between|zwischen|entre|между)\s[€$£¥]?$", re.IGNORECASE)
_MEASURED = frozenset({"number", "amount", "percent"})


def _join_ranges(facts: list[Fact], text: str) -> list[Fact]:
    """Give both ends of a range its unit (``3-5 days``) and mark them ``lo`` and ``hi``."""
    joined = list(facts)
    for i, (low, high) in enumerate(itertools.pairwise(facts)):
        if not (low.kind in _MEASURED and high.kind in _MEASURED and high.certain):
            continue
        between = _BETWEEN.fullmatch(text[low.end : high.start])
        a_pair = between and re.search(r"and|und|\by\b|и", between[0])
        if not between or (a_pair and not _BETWEEN_ONLY.search(text[: low.start])):
            continue
        unit = high.unit or low.unit
        if not unit or (low.unit and high.unit and low.unit != high.unit):
            continue
        kind = high.kind if high.unit else low.kind
        joined[i] = replace(joined[i], kind=kind, unit=unit, bound="lo", certain=True)
        joined[i + 1] = replace(high, kind=kind, unit=unit, bound="hi")
    return joined


_BOUNDED = frozenset({"number", "amount", "percent", "date", "time"})


def _plain(value: Decimal) -> str:
    return format(value.normalize(), "f")


@cache
def _before_pattern() -> re.Pattern[str]:
    words = lexicon().bounds_before
    listed = alternatives(words)
    # A word may stand between: "at least the 3rd", "more than EUR 20", "至少购买5件".
    spaced = rf"({listed})\s*(?:(?:the|a|an|der|die|das|dem|den|el|la|los|las|us)\s)?[\s\"(]*$"
    han = alternatives(word for word in words if len(word) > 1 and is_cjk(word[0]))
    return re.compile(rf"{spaced}|({han})[\u4e00-\u9fff]{{1,3}}$")


@cache
def _after_pattern() -> re.Pattern[str]:
    return re.compile(rf"\s?({alternatives(lexicon().bounds_after, around=False)})")


@cache
def _date_patterns() -> tuple[tuple[re.Pattern[str], str], ...]:
    month = f"(?P<month>{alternatives(lexicon().months)})"
    day = r"(?P<day>\d{1,2})"
    year = r"(?P<year>[12]\d{3})"
    nth, of = r"(?:st|nd|rd|th|\.|º)?", r"\s(?:of\s|de\s|del\s)?"
    first, last = r"(?<![\d.,/-])", r"(?![\d/-]|[.,]\d)"
    return tuple(
        (re.compile(pattern), order)
        for pattern, order in (
            (rf"{first}{year}-(?P<month>\d{{1,2}})-{day}{last}", "given"),
            (rf"{first}{year}[/.](?P<month>\d{{1,2}})[/.]{day}{last}", "given"),
            (rf"{first}{day}\.\s?(?P<month>\d{{1,2}})\.\s?{year}{last}", "given"),
            (rf"{first}(?P<month>\d{{1,2}})[/-]{day}[/-]{year}{last}", "either"),
            (rf"{first}{day}\.(?P<month>\d{{1,2}})\.(?!\d)", "given"),
            (rf"{first}{year}\s?年\s?(?P<month>\d{{1,2}})\s?月(?:\s?{day}\s?[日号])?", "given"),
            (rf"{first}(?P<month>\d{{1,2}})\s?月\s?{day}\s?[日号]", "given"),
            (rf"{first}(?P<month>\d{{1,2}})\s?月(?!\d)", "given"),
            (rf"{first}{year}\s?年(?![间内以之])", "given"),
            (rf"{first}{day}{nth}{of}{month}\.?,?{of}{year}{last}", "given"),
            (rf"{month}\.?\s{day}{nth},?\s{year}{last}", "given"),
            (rf"{month}\.?,?{of}{year}{last}", "given"),
            (rf"{first}{day}{nth}{of}{month}", "given"),
            (rf"{month}\s{day}{nth}{last}", "given"),
            (_month_names(), "given"),
        )
    )


_UNCLEAR_MONTHS = frozenset(
    ("may", "march", "mar", "jan", "sep", "mai", "dec", "nov", "apr", "august", "dez", "jun", "jul")
)


def _month_names() -> str:
    """Return a pattern of month names that mean nothing else where they stand alone."""
    names = [m for m in lexicon().months if m not in _UNCLEAR_MONTHS]
    return f"(?P<month>{alternatives(names)})"


_TIME = re.compile(
    r"(?<![\d.,:])(?:"
    r"(?P<zh>上午|下午|早上|晚上|凌晨|傍晚|中午)?(?P<h>\d{1,2}):(?P<m>[0-5]\d)(?::[0-5]\d)?"
    r"(?:\s?(?P<half>[ap]\.?m\b\.?)|\s?uhr\b)?"
    r"|(?P<h2>\d{1,2})(?:\s?(?P<half2>[ap]\.?m\b\.?)|\s?uhr\b)"
    r"|(?P<zh3>上午|下午|早上|晚上|凌晨|傍晚|中午)?(?P<h3>\d{1,2})\s?[点點时](?![分之的间])(?:整|钟)?"
    r")(?!\d)"
)

# --- reading numbers ---------------------------------------------------------------------------

_DIGITS = r"\d+(?:[.,' ]\d{3}(?!\d))*(?:[.,]\d+)?"
_HAN_DIGITS = {c: i for i, c in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2, "壹": 1}
_HAN_SCALES = {"十": 10, "百": 100, "千": 1000, "万": 10_000, "亿": 100_000_000}
_HAN = "[零〇一二两三四五六七八九十百千万亿]+"


@cache
def _quantity_pattern() -> re.Pattern[str]:
    words = lexicon()
    word = alternatives(words.numbers, around=False)
    currency = alternatives(words.currencies, around=False)
    unit = alternatives(words.units, around=False)
    magnitude = alternatives(words.magnitudes, around=False)
    percent = alternatives(words.percent, around=False)
    return re.compile(
        rf"(?P<zhpercent>百分之)?(?:(?<![^\W\d_])(?P<before>{currency})\s?)?"
        rf"(?P<number>(?<![\d.,]){_DIGITS}|(?<![^\W_])(?:{word})(?:(?:\s|-|\sand\s)(?:{word}))*|{_HAN})"
        rf"(?:\s?(?P<magnitude>{magnitude})(?![^\W_\u3040-\u9fff])\.?)?"
        rf"(?:\s?(?P<percent>{percent})"
        rf"|\s?(?P<after>{currency})"
        rf"|[\s-]?(?P<unit>{unit}))?"
    )


def _number_values(written: str, words: Lexicon) -> set[Decimal]:
    if written[0].isdigit():
        return _read_digits(written)
    if is_cjk(written[0]) or written[0] == "〇":
        value = read_han(written)
        return {Decimal(value)} if value is not None else set()
    total = current = 0
    for token in re.split(r"[\s-]+", written):
        if token == "and":
            continue
        value = words.numbers[token]
        if value == 100 and current:
            current *= 100
        else:
            current += value
    total += current
    return {Decimal(total)}


def _read_digits(written: str) -> set[Decimal]:
    """Read digits in every notation: ``1.000`` is a thousand, or one with three decimals."""
    bare = written.replace(" ", "").replace("'", "")
    marks = re.sub(r"\d", "", bare)
    if not marks:
        return {Decimal(bare)}
    if len(set(marks)) == 2:
        whole, decimals = bare[: bare.rindex(marks[-1])], bare[bare.rindex(marks[-1]) + 1 :]
        return {Decimal(re.sub(r"[.,]", "", whole) + "." + decimals)}
    if len(marks) > 1:
        return {Decimal(re.sub(r"[.,]", "", bare))}
    whole, decimals = bare.split(marks)
    decimal = Decimal(f"{whole}.{decimals}")
    if len(decimals) == 3 and whole.strip("0"):
        return {decimal, Decimal(whole + decimals)}
    return {decimal}


def read_han(written: str) -> int | None:
    """Read a Chinese number (``三百零五``, ``二〇一五``); `None` if it is none."""
    if all(c in _HAN_DIGITS for c in written):
        return int("".join(str(_HAN_DIGITS[c]) for c in written))
    if not any(c in _HAN_DIGITS for c in written) and written[0] != "十":
        return None
    total = section = digit = 0
    for char in written:
        if char in _HAN_DIGITS:
            digit = _HAN_DIGITS[char]
            continue
        scale = _HAN_SCALES[char]
        if scale >= 10_000:
            total = (total + section + digit) * scale
            section = digit = 0
        else:
            section += (digit or (1 if scale == 10 else 0)) * scale
            digit = 0
    return total + section + digit


def _certain(number: str, words: Lexicon, text: str, match: re.Match[str]) -> bool:
    """Tell whether a number without a unit is meant as one."""
    if number[0].isdigit():
        return True
    if not is_cjk(number[0]) and number[0] != "〇":
        return number not in words.weak_numbers
    if len(number) > 1:
        return number not in {"一一", "万一", "千万", "十分", "三三两两", "百万"}
    # One character: 一般, 三明治, 统一 are words; before a counter it is a number.
    after = text[match.end() : match.end() + 1]
    before = text[max(0, match.start() - 1) : match.start()]
    return number not in "一十百千万亿零〇" and after in _COUNTERS and before not in {"第", ""}


_COUNTERS = frozenset("个位名次种件张本台部条只人名场座所间家辆款项支队套期届倍层")
