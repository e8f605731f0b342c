"""Dates and times as a spreadsheet shows them: the format codes of ECMA-376, part 1, 18.8.31."""

import datetime as dt
import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from locale import windows_locale
from typing import TypeAlias

from babel import Locale, UnknownLocaleError

Moment: TypeAlias = dt.date | dt.time | dt.timedelta

_TOKEN = re.compile(
    r'"(?P<text>[^"]*)"?|\\(?P<escaped>.)|_.|\*.|\[\$[^\]-]*-(?P<tag>[^\]]*)\]|'
    r"\[(?P<elapsed>h+|m+|s+)\]|\[[^\]]*\]|(?P<half>AM/PM|A/P|上午/下午)|(?P<name>m{3,}|d{3,})|"
    r"(?P<number>y+|m+|d+|h+|s+)|(?P<decimals>\.0+)|(?P<era>[gbe]+)|(?P<plain>.)",
    re.IGNORECASE | re.DOTALL,
)
_UNSETTLED = re.compile(r"mm-dd-yy|m/d/yy h:mm|.*\[\$-(?:F[48]00|x-sys).*", re.I | re.DOTALL)
"""What stands for the settings of the reader's program: a short or long date, a time."""
_MINUTE = "n"


def format_moment(value: Moment, code: str, language: Callable[[], str]) -> str:
    """Return a date, a time of day or a length of time as its format shows it.

    Names of months and the sign between numbers are those of the language that the code names,
    otherwise of `language`. What the code leaves to the reader's program, and years of an era, are
    written as by `iso_moment`.
    """
    code = code.split(";")[0][:500]
    tokens = _tokens(code)
    kinds = {kind for kind, _ in tokens}
    numbers = _numbers(value, half="half" in kinds)
    known = all(text[0] in numbers for kind, text in tokens if kind in {"number", "name"})
    timed = kinds & {"number", "name", "elapsed"}
    if not (known and timed) or "era" in kinds or _UNSETTLED.fullmatch(code):
        return iso_moment(value)
    tag = next((text for kind, text in tokens if kind == "tag"), "")
    dated = ("number", "d") in tokens or ("number", "dd") in tokens
    seconds = _seconds(value)
    out = "-" if seconds < 0 else ""
    for kind, text in tokens:
        match kind:
            case "number" | "elapsed":
                number = numbers[("[" if kind == "elapsed" else "") + text[0]]
                out += f"{number:0{len(text)}}"[-2 if text in {"y", "yy"} else 0 :]
            case "name":
                assert isinstance(value, dt.date)
                out += _name(value, text, locale_of(tag, language), dated=dated)
            case "decimals":
                out += f"{abs(seconds) % 1:.{len(text) - 1}f}"[1:]
            case "half":
                out += text.upper().split("/")[seconds >= 12 * 3600]
            case "plain" if text == "/" and "d" in numbers:
                pattern = locale_of(tag, language).date_formats["short"].pattern
                out += re.sub(r"[\w\s]", "", pattern)[:1] or "/"
            case "tag":
                pass
            case _:
                out += text
    return out.strip()


def iso_moment(value: Moment) -> str:
    """Return a date or time in the one way that nobody reads as another: 2026-12-31 09:00."""
    if isinstance(value, dt.timedelta) or type(value) is dt.date:
        return str(value)
    if isinstance(value, dt.datetime) and value.time() == dt.time():
        return value.date().isoformat()
    shortest = "seconds" if _seconds(value) % 60 else "minutes"
    return value.isoformat(timespec=shortest).replace("T", " ")  # type: ignore[call-arg]


@lru_cache(maxsize=256)
def _tokens(code: str) -> Sequence[tuple[str, str]]:
    """Return kind and text of each part of a code; an ``m`` beside hours or seconds is a minute."""
    found = [(m.lastgroup, m[m.lastgroup]) for m in _TOKEN.finditer(code) if m.lastgroup]
    units = [text[0].lower() for kind, text in found if kind in {"number", "name", "elapsed"}]
    at, tokens = -1, []
    for kind, text in found:
        if kind in {"number", "name", "elapsed"}:
            at += 1
            text = text.lower()
            if kind == "number" and text[0] == "m":
                beside = "h" in units[max(at - 1, 0) : at] or "s" in units[at + 1 : at + 2]
                text = _MINUTE * len(text) if beside else text
        tokens.append((kind, text))
    return tokens


def _seconds(value: Moment) -> float:
    """Return the length of time, or what has passed of the day."""
    if isinstance(value, dt.timedelta):
        return value.total_seconds()
    if isinstance(value, dt.time | dt.datetime):
        return value.hour * 3600 + value.minute * 60 + value.second + value.microsecond / 1e6
    return 0


def _numbers(value: Moment, *, half: bool) -> dict[str, int]:
    """Return what each letter of a code stands for; ``[h`` and its like are whole lengths."""
    whole = int(abs(_seconds(value)))
    hour = whole // 3600 % 24
    numbers = {
        "[h": whole // 3600, "[m": whole // 60, "[s": whole,
        "h": (hour % 12 or 12) if half else hour, _MINUTE: whole // 60 % 60, "s": whole % 60,
    }  # fmt: skip
    if isinstance(value, dt.date):
        numbers |= {"y": value.year, "m": value.month, "d": value.day}
    return numbers


def _name(day: dt.date, text: str, locale: Locale, *, dated: bool) -> str:
    names, number = (locale.months, day.month) if text[0] == "m" else (locale.days, day.weekday())
    form = names["format" if dated else "stand-alone"]["abbreviated" if len(text) == 3 else "wide"]
    return str(form[number])[: 1 if len(text) == 5 else None].rstrip(".")


def locale_of(tag: str, language: Callable[[], str]) -> Locale:
    """Return the language of a code's tag (``407`` or ``de-DE``), otherwise `language`."""
    name = tag.split("-x-")[0]
    if re.fullmatch(r"[0-9A-Fa-f]{1,8}", name):
        number = int(name, 16) & 0xFFFF
        name = windows_locale.get(number) or windows_locale.get(0x400 | number & 0x3FF, "")
    for known in (name.replace("-", "_"), language()):
        try:
            return Locale.parse(known)
        except (UnknownLocaleError, ValueError, TypeError):
            continue
    return Locale("en")
