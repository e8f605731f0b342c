"""Find the values of a lookup in a message: an order number, an e-mail address, a phone number."""

import hmac
import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

_EMAIL = r"(?<![._%+-])[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}"
_PHONE = r"(?:\+|0)\d[\d ()/.-]{4,16}\d"
KNOWN_PATTERNS = {"email": _EMAIL, "phone": _PHONE}
"""Patterns that have a name. A phone number begins with + or 0, so that it is no order number."""
_BEFORE, _AFTER = r"(?<![0-9A-Za-z@])", r"(?![0-9A-Za-z@])"
"""A value ends where no letter, digit or @ goes on; Chinese is written beside it, unspaced."""
_READ_CHARS = 1000
_COUNTRY_DIGITS = 3
"""Longest country code: +49 170 … and 0170 … are one number."""


@dataclass(frozen=True)
class Parameter:
    """One value that a lookup needs."""

    name: str
    pattern: str
    """A name of `KNOWN_PATTERNS`, or a regular expression, whose first group is the value if it
    has one."""
    ask: Mapping[str, str]
    """Asks the customer for it, by language."""
    proof: bool = False
    """Whether a record is shown only to who gives the value that stands in it."""
    field: str = ""
    """Field of the record that holds it; empty: the parameter's name."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "field", self.field or self.name)

    @cached_property
    def regex(self) -> re.Pattern[str]:
        """Finds a value that stands by itself. Raises `re.error` if the pattern cannot be read."""
        pattern = KNOWN_PATTERNS.get(self.pattern, self.pattern)
        return re.compile(f"{_BEFORE}(?:{pattern}){_AFTER}", re.IGNORECASE)

    def matches(self, text: str) -> list[tuple[int, int, str]]:
        """Return where values stand in a text: start, end, value."""
        return [
            (match.start(), match.end(), (match[1] if self.regex.groups else None) or match[0])
            for match in self.regex.finditer(text)
        ]

    def same(self, given: str, recorded: str) -> bool:
        """Tell whether two spellings are one value. The time it takes does not say how alike."""
        left, right = self.folded(given), self.folded(recorded)
        if self.pattern == "phone":
            short, long = sorted((left, right), key=len)
            if len(long) - len(short) > _COUNTRY_DIGITS:
                return False
            left, right = short, long[len(long) - len(short) :]
        return bool(left) and hmac.compare_digest(left.encode(), right.encode())

    def folded(self, value: str) -> str:
        """Return what all spellings of a value share: no case, blanks, hyphens."""
        plain = tidy(value).casefold()
        if self.pattern == "email":
            return plain.strip()
        if self.pattern == "phone":
            return re.sub(r"\D", "", plain).lstrip("0")
        return "".join(c for c in plain if c.isalnum())


def tidy(text: str) -> str:
    """Return the beginning of a message with plain digits and letters, nothing invisible in it."""
    folded = unicodedata.normalize("NFKC", text[:_READ_CHARS])
    return "".join(
        str(unicodedata.decimal(c)) if c.isdecimal() else c
        for c in folded
        if unicodedata.category(c) not in {"Cf", "Co", "Cs"}
    )


def find_values(
    text: str, parameters: Sequence[Parameter], *, wanted: Collection[str] = ()
) -> tuple[dict[str, str], str]:
    """Return the values that stand in a `tidy` text, the first of each, and the rest of the text.

    No piece of the text is two values. E-mail addresses and phone numbers come first, since other
    patterns fit parts of them; then those `wanted`, in the order of the parameters.
    """
    order = sorted(
        parameters, key=lambda p: (p.pattern not in KNOWN_PATTERNS, p.name not in wanted)
    )
    values: dict[str, str] = {}
    taken: list[tuple[int, int]] = []
    for parameter in order:
        for start, end, value in parameter.matches(text):
            if all(end <= other or stop <= start for other, stop in taken):
                taken.append((start, end))
                values.setdefault(parameter.name, value)
    rest = text
    for start, end in sorted(taken, reverse=True):
        rest = f"{rest[:start]} {rest[end:]}"
    rest = re.sub(r"\s+([?!.,;:])", r"\1", " ".join(rest.split()))
    return values, rest
