"""Card numbers and passwords in what customers write, which nobody else needs to read."""

import re
from itertools import combinations_with_replacement
from pathlib import Path

import yaml

_HIDDEN = "•"
_SHOWN_DIGITS = 4
_DIGITS = re.compile(r"\d+")
_LEAST_DIGITS = 14
_RUN = re.compile(r"(?<![\d+])\d+(?:[ \u00a0.-]{1,2}\d+)*")
_CARD = re.compile(
    r"3[47]\d{13}|3(?:0[0-5]|[689]\d)\d{11}|(?:2[2-7]|35|[456]\d)\d{14,17}", re.ASCII
)
"""Lengths by first digits (ISO/IEC 7812): American Express, Diners, then all others. No telephone
of 13 digits, no IMEI, whose last digit is Luhn's too."""
_NAMES = (
    *("password", "passwd", "pwd", "pw", "passcode", "passphrase", "pin", "cvv", "cvc"),
    *("passwort", "kennwort"),
    *("contraseña", "clave", "mot de passe", "senha", "пароль", "密码", "口令"),
)
_SECRET = re.compile(
    rf"(?:\b(?:{'|'.join(_NAMES[:-2])})\d?\b|{'|'.join(_NAMES[-2:])})"
    r"(?:(?: [^\W\d]+){0,3} ?[:=：] ?"  # "password for my account: …"
    r"|(?:(?: [^\W\d]+){0,3}(?: is| ist| lautet| es| это| —| –| -)|是|为)?[ ]?(?=[^\s，。；、]*\d))"
    r"([^\s，。；、]+)",
    re.IGNORECASE,
)
"""What is named a secret, unless `_is_said`: after a colon any word, else one that has a digit, so
that "my password is wrong" stays."""
_LEADS = frozenset(
    yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text("utf-8"))["leads"].split()
)
"""What leads in or says something of a secret, and is none."""
_ARTICLE = re.compile(r"\s+(?:the|an?|der|die|das|dem|den|el|la|los|las|le|les)\b", re.IGNORECASE)
_HAN = re.compile(r"[\u3400-\u9fff]+")
_COUNT = re.compile(r"\d{1,2}(?:-[^\W\d]+)?")


def mask(text: str) -> str:
    """Return a text with card numbers cut to their last four digits, and without passwords.

    Nothing grows, and what is masked already stays as it is.
    """
    if len("".join(_DIGITS.findall(text))) >= _LEAST_DIGITS:
        text = _RUN.sub(lambda run: _without_card(run[0]), text)
    lowered = text.lower()
    if any(name in lowered for name in _NAMES):  # much faster than the pattern
        text = _SECRET.sub(_without_secret, text)
    return text


def _without_card(run: str) -> str:
    """Mask the longest card number in groups of digits, wherever in them it begins and ends."""
    groups = list(_DIGITS.finditer(run))
    found = [
        (first.start(), last.end())
        for first, last in combinations_with_replacement(groups, 2)
        if _is_card(run[first.start() : last.end()])
    ]
    if not found:
        return run
    start, end = max(found, key=lambda place: place[1] - place[0])
    shown = "".join(_DIGITS.findall(run[start:end]))[-_SHOWN_DIGITS:]
    return f"{run[:start]}{_HIDDEN * 4} {shown}{_without_card(run[end:])}"


def _is_card(text: str) -> bool:
    digits = "".join(str(int(digit)) for run in _DIGITS.findall(text) for digit in run)
    if not _CARD.fullmatch(digits):
        return False
    doubled = (2 * int(digit) for digit in digits[-2::-2])
    return (sum(map(int, digits[::-2])) + sum(n - 9 * (n > 9) for n in doubled)) % 10 == 0


def _is_said(match: re.Match[str]) -> bool:
    """Tell whether what follows the name of a secret is words about it: "PIN: what is that?"."""
    word = match[1].strip(".,;:!?…()\"'«»“”¿¡").casefold()
    if word in _LEADS or _HAN.fullmatch(word) or _COUNT.fullmatch(word):
        return True
    return word.isalpha() and _ARTICLE.match(match.string, match.end()) is not None


def _without_secret(match: re.Match[str]) -> str:
    if _is_said(match):
        return match[0]
    hidden = _HIDDEN * min(4, len(match[1]))
    return match[0][: match.start(1) - match.start()] + hidden
