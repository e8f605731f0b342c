"""Reply templates: fields of a record, dates and amounts as the customer's language writes them.

A template can name fields and formats, nothing else, and what stands in a field is never read as a
template.
"""

import datetime as dt
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import TypeAlias

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_skeleton
from babel.numbers import format_currency, format_decimal, is_currency

from core.errors import ConfigError

Record: TypeAlias = Mapping[str, object]
"""Fields of a row or object as its source gives them; nested names are joined by dots."""

_FIELD = re.compile(r"\$\{([^\W\d]\w*(?:\.\w+)*)(?:\|(\w+))?\}")
_MAX_VALUE_CHARS = 200


class _NotThereError(Exception):
    """A field is empty, or holds no date or number where the template wants one."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What is said of a record."""

    text: Mapping[str, str]
    """Template by language; a key such as ``en-GB`` also says how dates are written."""
    when: Mapping[str, str] = field(default_factory=dict)
    """Values that fields must have for this reply; empty: any."""

    def __post_init__(self) -> None:
        for language, template in self.text.items():
            _check(language, template)

    def render(self, record: Record, languages: Sequence[str], today: dt.date) -> str | None:
        """Return the reply in the first of `languages` that it has, else in its first.

        ``None`` if it is not for this record: another value than in `when`, or an empty field.
        """
        for name, wanted in self.when.items():
            if shown(record.get(name)).casefold() != wanted.casefold():
                return None
        key = choose(self.text, languages)
        locale = Locale.parse(key.replace("-", "_"))
        try:
            return _FIELD.sub(
                lambda match: _value(record.get(match[1]), match[2], locale, today), self.text[key]
            )
        except _NotThereError:
            return None


def choose(texts: Mapping[str, str], languages: Sequence[str]) -> str:
    """Return the key of the first of `languages` that there is, else the first key."""
    by_code = {key.split("-")[0].lower(): key for key in reversed(list(texts))}
    found = (by_code.get(language.split("-")[0].lower()) for language in languages)
    return next((key for key in found if key), next(iter(texts)))


def shown(value: object) -> str:
    """Return a value as text of one line, without control signs; empty for ``None``."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, Decimal):
        value = format(value, "f")
    plain = "".join(c for c in str(value) if c.isspace() or unicodedata.category(c)[0] != "C")
    return " ".join(plain.split())[:_MAX_VALUE_CHARS]


def _check(language: str, template: str) -> None:
    try:
        Locale.parse(language.replace("-", "_"))
    except (ValueError, UnknownLocaleError) as error:
        raise ConfigError(
            f"A lookup has a reply in {language!r}, which is no language: write en, en-GB, zh."
        ) from error
    if "${" in _FIELD.sub("", template):
        raise ConfigError(
            f"A reply of a lookup has a field that cannot be read: {template!r}. "
            "Write ${field}, ${field|date}, ${field|number} or ${field|EUR}."
        )
    for _, style in _FIELD.findall(template):
        if style not in {"", "date", "number"} and not is_currency(style):
            raise ConfigError(
                f"A reply of a lookup has the format {style!r}; there are date, number and "
                "currencies such as EUR."
            )


def _value(value: object, style: str | None, locale: Locale, today: dt.date) -> str:
    text = shown(value)
    if not text:
        raise _NotThereError
    if not style:
        return text
    if style == "date":
        day = _day(value, text)
        if day.year == today.year:
            return format_skeleton("MMMMd", day, locale=locale)
        return format_date(day, "long", locale=locale)
    try:
        number = Decimal(text)
    except InvalidOperation as error:
        raise _NotThereError from error
    if not number.is_finite() or abs(number.adjusted()) > 15:
        raise _NotThereError
    if style == "number":
        return format_decimal(number, locale=locale)
    return format_currency(number, style, locale=locale)


def _day(value: object, text: str) -> dt.date:
    if isinstance(value, dt.datetime):
        return value.date()
    if isinstance(value, dt.date):
        return value
    try:
        return dt.datetime.fromisoformat(text).date()
    except ValueError as error:
        raise _NotThereError from error
