"""Numbers as a spreadsheet shows them: the format codes of ECMA-376, part 1, 18.8.31.

Which separators a reader sees depends on the reader's program: they are those of the language.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from fractions import Fraction
from functools import lru_cache

from kb.parse.formats.moment_format import locale_of

_TOKEN = re.compile(
    r'"(?P<text>[^"]*)"?|\\(?P<escaped>.)|_(?P<gap>.)|\*.|\[(?P<bracket>[^\]]*)\]|'
    r"(?P<general>General)|(?P<exponent>E[+-])|(?P<mark>[0#?.,%/@])|(?P<plain>.)",
    re.IGNORECASE | re.DOTALL,
)
_POINT, _GROUP = "\ufdd3", "\ufdd4"
"""Noncharacters, in the place of the signs of a language."""
_CURRENCY = re.compile(r"\$([^-]*)")
_CONDITION = re.compile(r"(<=|>=|<>|<|>|=)\s*(-?\d+(?:\.\d+)?)")


@dataclass(frozen=True, slots=True)
class _Section:
    """One of the up to four parts of a code, between semicolons."""

    parts: tuple[tuple[str, str], ...]
    """Kind and text: ``text`` to be written, ``mark`` (``0 # ? . , % / @``), ``exponent``,
    ``general``."""
    condition: tuple[str, Decimal] | None = None

    def has(self, *marks: str) -> bool:
        return any(kind != "text" and text in marks for kind, text in self.parts)


def format_number(value: float, code: str, language: Callable[[], str] = lambda: "en") -> str:
    """Return a number as its format shows it; empty where the format shows nothing.

    `language` gives the signs between thousands and before decimals; others' are English.
    """
    try:
        number = Decimal(repr(value))
    except InvalidOperation:
        return str(value)
    if not number.is_finite():
        return str(value)
    section, magnitude = _choose(number, _sections(code))
    written = _written(section, magnitude)
    if _POINT in written or _GROUP in written:
        decimal, group = _separators(language())
        written = written.replace(_POINT, decimal).replace(_GROUP, group)
    return " ".join(written.split())


@lru_cache
def _separators(language: str) -> tuple[str, str]:
    symbols = locale_of("", lambda: language).number_symbols["latn"]
    return symbols["decimal"], symbols["group"]


def format_text(text: str, code: str) -> str:
    """Return a text as its format shows it: ``"Art. "@`` writes something before it."""
    sections = _sections(code)
    section = sections[3] if len(sections) == 4 else sections[0]
    if len(sections) != 4 and not section.has("@"):
        return text
    return "".join(text if t == "@" and kind == "mark" else t for kind, t in section.parts)


@lru_cache(maxsize=1024)
def _sections(code: str) -> tuple[_Section, ...]:
    sections: list[_Section] = []
    parts: list[tuple[str, str]] = []
    condition: tuple[str, Decimal] | None = None
    for token in _TOKEN.finditer(code[:500]):
        kind, text = token.lastgroup, token[token.lastgroup] if token.lastgroup else ""
        if kind == "plain" and text == ";":
            sections.append(_Section(tuple(parts), condition))
            parts, condition = [], None
        elif kind == "bracket":
            if match := _CURRENCY.match(text):
                parts.append(("text", match[1]))
            elif match := _CONDITION.fullmatch(text):
                condition = match[1], Decimal(match[2])
        elif kind in {"general", "exponent", "mark"}:
            parts.append((kind, text))
        elif kind == "gap":
            parts.append(("text", " "))
        elif kind is not None:
            parts.append(("text", text))
    return (*sections, _Section(tuple(parts), condition))


def _choose(number: Decimal, sections: Sequence[_Section]) -> tuple[_Section, Decimal]:
    """Return the section for a number, and the number as this section writes it."""
    for section in sections[:3]:
        if section.condition is not None and _meets(number, *section.condition):
            return section, number
    if any(section.condition is not None for section in sections):
        return next((s for s in sections if s.condition is None), sections[-1]), number
    if number == 0 and len(sections) > 2:
        return sections[2], number
    if number < 0 and len(sections) > 1:
        return sections[1], -number
    return sections[0], number


def _meets(number: Decimal, sign: str, other: Decimal) -> bool:
    return {
        "<": number < other, ">": number > other, "=": number == other,
        "<=": number <= other, ">=": number >= other, "<>": number != other,
    }[sign]  # fmt: skip


def _written(section: _Section, number: Decimal) -> str:
    if section.has("General", "general", "@") or not section.has("0", "#", "?"):
        general = _general(number)
        return "".join(
            general if kind == "general" or text == "@" else text
            for kind, text in section.parts
            if kind in {"text", "general"} or text == "@"
        )
    ratio = section.has("/")
    places = [
        i
        for i, (kind, text) in enumerate(section.parts)
        if _is_digit(kind, text) or (ratio and text.isdigit())
    ]
    first, last = places[0], places[-1]
    percent = sum(part == ("mark", "%") for part in section.parts)
    thousands = 0
    while (follows := last + 1 + thousands) < len(section.parts):
        if section.parts[follows] != ("mark", ","):
            break
        thousands += 1
    number = number.scaleb(2 * percent - 3 * thousands)
    before = "".join(t for k, t in section.parts[:first] if k == "text" or t == "%")
    after = "".join(t for k, t in section.parts[last + 1 :] if k == "text" or t == "%")
    sign = "-" if number < 0 else ""
    body = _body(section.parts[first : last + 1], abs(number))
    if not body.strip(f"0{_POINT},:/- ") and sign:
        sign = ""
    return f"{sign}{before}{body}{after}"


def _is_digit(kind: str, text: str) -> bool:
    return kind == "exponent" or (kind == "mark" and text in "0#?.")


def _general(number: Decimal) -> str:
    whole = number.to_integral_value()
    return f"{float(number):.15g}".replace(".", _POINT) if number != whole else f"{whole:f}"


def _body(parts: Sequence[tuple[str, str]], number: Decimal) -> str:
    marks = [text for kind, text in parts if kind != "text"]
    if "/" in marks:
        return _fraction(parts, number)
    for at, (kind, text) in enumerate(parts):
        if kind == "exponent":
            places = [text if kind == "mark" else "" for kind, text in parts[:at]]
            behind_point = places[places.index(".") :] if "." in places else []
            decimals = sum(place in {"0", "#", "?"} for place in behind_point)
            mantissa, _, power = f"{number:.{decimals}E}".partition("E")
            digits = sum(t == "0" for k, t in parts[at:] if k == "mark")
            sign = "-" if power.startswith("-") else "+" if text.endswith("+") else ""
            mantissa = mantissa.replace(".", _POINT)
            return f"{mantissa}E{sign}{power.lstrip('+-').zfill(digits)}"
    point = next((i for i, part in enumerate(parts) if part == ("mark", ".")), len(parts))
    behind = [text for kind, text in parts[point + 1 :] if kind == "mark" and text in "0#?"]
    rounded = number.quantize(Decimal(1).scaleb(-len(behind)), rounding=ROUND_HALF_UP)
    whole, _, decimals_ = f"{rounded:f}".partition(".")
    out = _whole_part(parts[:point], whole)
    if point == len(parts):
        return out
    kept = len(decimals_)
    while kept and decimals_[kept - 1] == "0" and behind[kept - 1] != "0":
        kept -= 1
    digits_ = iter(decimals_[:kept])
    tail = "".join(
        next(digits_, "") if kind == "mark" else text for kind, text in parts[point + 1 :]
    )
    return f"{out}{_POINT}{tail}" if tail else out


def _whole_part(parts: Sequence[tuple[str, str]], whole: str) -> str:
    """Fill the places before the point from the right; what is too long stands at the first."""
    grouped = ("mark", ",") in parts
    digits = "" if whole == "0" else whole
    least = sum(part == ("mark", "0") for part in parts)
    digits = digits.zfill(least) if least else digits
    if grouped:
        digits = re.sub(r"(?<=\d)(?=(?:\d{3})+$)", _GROUP, digits)
        parts = [part for part in parts if part != ("mark", ",")]
    if all(kind == "mark" for kind, _ in parts):
        return digits
    out = ""
    left = digits
    count = sum(kind == "mark" for kind, _ in parts)
    for kind, text in reversed(parts):
        if kind != "mark":
            out = text + out
            continue
        count -= 1
        taken = left if not count else left[-1:]
        left = left[: len(left) - len(taken)]
        out = taken + out
    return out


def _fraction(parts: Sequence[tuple[str, str]], number: Decimal) -> str:
    text = "".join(t for _, t in parts)
    top, _, below = text.rpartition("/")
    whole = re.search(r"[0#?]+\s+(?=[0#?]+\s*$)", top) is not None
    fixed = re.match(r"\s*(\d*[1-9]\d*)", below)
    value = Fraction(number)
    if fixed:
        top_number, bottom = round(value * int(fixed[1])), int(fixed[1])
    else:
        near = value.limit_denominator(10 ** max(len(re.findall(r"[0#?]", below)), 1) - 1)
        top_number, bottom = near.numerator, near.denominator
    if not whole:
        return f"{top_number}/{bottom}"
    units, rest = divmod(top_number, bottom)
    if not rest:
        return str(units)
    return f"{units} {rest}/{bottom}" if units else f"{rest}/{bottom}"
