"""Find what may identify a customer in a text. Pure functions.

It errs on the side of finding: an operator checks each find before anything is stored.
"""

import re
from collections.abc import Sequence

_NAME_CHARS = 2
"""Shorter parts of a name occur in other words, too; a single Chinese character counts."""
_FINDS = (
    re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"),  # mail
    re.compile(r"(?<!\w)@\w{3,}"),  # account
    re.compile(r"(?:https?://|www\.|t\.me/)\S+", re.IGNORECASE),
    re.compile(r"(?<![\w.])[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,4})?\b"),  # IBAN
    re.compile(r"\+?\d(?:[ ()/.-]{0,2}\d){5,}"),  # telephone, card
    re.compile(r"\b[A-Za-z]+[-_#]?\d{2,}[\w-]*"),  # an order: AB-1234
    re.compile(r"\d{4,}"),
)


def personal_parts(text: str, *, name: str = "") -> list[str]:
    """Return what may be personal in a text, in order, each once.

    These are mail addresses, accounts, links, telephone, card and order numbers (every number of
    four digits or more), and the parts of the customer's name.
    """
    spans: list[tuple[int, int]] = []
    for pattern in (*_FINDS, *_names(name)):
        for match in pattern.finditer(text):
            if not any(begin < match.end() and match.start() < end for begin, end in spans):
                spans.append(match.span())
    return list(dict.fromkeys(text[begin:end].strip() for begin, end in sorted(spans)))


def _names(name: str) -> Sequence[re.Pattern[str]]:
    return [
        re.compile(
            re.escape(part) if part > "\u2e80" else rf"(?<!\w){re.escape(part)}(?!\w)",
            re.IGNORECASE,
        )
        for part in re.split(r"\W+", name)
        if len(part) >= _NAME_CHARS
    ]
