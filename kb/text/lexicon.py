"""The word lists of `data/lexicon.yaml`, prepared for look-up."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

_FILE = Path(__file__).parent / "data" / "lexicon.yaml"

_FRACTION = re.compile(r"(\d?)([¼½¾⅓⅔⅛])")
_FRACTIONS = {"¼": ".25", "½": ".5", "¾": ".75", "⅓": ".33", "⅔": ".67", "⅛": ".125"}
INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufe00-\ufe0f]")
_WIDE_COMMA = re.compile(r"(?<![０-９])，")
_SAME = str.maketrans({c: "-" for c in "‐‑‒–—―−〜～"} | {c: "'" for c in "’‘ʼ`´"})

_BEGINS = {
    said: re.compile(rf"\W*(?:(?:{spaced})(?=\s?[,.!:;–—])|(?:{han})(?=[，。！,]))", re.IGNORECASE)
    for said, spaced, han in (
        ("yes", "yes|ja|s[ií]|oui|sì|sim|да", "是的?|对|有|可以|能|会"),
        ("no", "no|nein|non|não|нет", "不是?|没有|不可以|不能|不会"),
    )
}


@cache
def read_lists(file: Path) -> dict[str, Any]:
    """Read a file of texts and word lists, once; ``no`` and ``88`` are read as text."""
    lists: dict[str, Any] = yaml.load(file.read_text("utf-8"), yaml.BaseLoader)
    return lists


def fold(text: str) -> str:
    """Return `text` with one way of writing dashes, apostrophes, fractions and full-width forms.

    Letters keep their case. Facts are found in folded text.
    """
    text = _FRACTION.sub(lambda m: (m[1] or "0") + _FRACTIONS[m[2]], text)
    text = _WIDE_COMMA.sub(", ", text)  # else "2015，300人" would read as one number
    text = unicodedata.normalize("NFKC", INVISIBLE.sub("", text))
    return text.translate(_SAME)


def yes_or_no(answer: str) -> str:
    """Return the ``yes`` or ``no`` that an answer begins with; else nothing."""
    return next((said for said, begin in _BEGINS.items() if begin.match(answer)), "")


def is_cjk(char: str) -> bool:
    """Tell whether a character is Han or kana: written without blanks between words."""
    return "\u3040" <= char <= "\u30ff" or "\u3400" <= char <= "\u9fff" or "豈" <= char <= "\ufaff"


def alternatives(phrases: Iterable[str], *, around: bool = True) -> str:
    """Return a pattern of all phrases, longest first; words are matched whole, also beside Han.

    Phrases with the same kind of ends share one look-around, which keeps the pattern fast: the
    regular expression engine can then reject a place by its first character.
    """
    groups: dict[tuple[int, bool, bool], list[str]] = {}
    for phrase in phrases:
        ends = around and _spaced(phrase[0]), _spaced(phrase[-1])
        groups.setdefault((-len(phrase.split()), *ends), []).append(phrase)
    parts = []
    for (_, before, after), listed in sorted(groups.items(), key=lambda group: group[0][0]):
        inner = "|".join(re.escape(phrase) for phrase in sorted(listed, key=len, reverse=True))
        parts.append(f"{_NOT_AFTER * before}(?:{inner}){_NOT_BEFORE * after}")
    return "|".join(parts) or "(?!)"


_CJK = r"\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
_NOT_AFTER, _NOT_BEFORE = rf"(?<![^\W{_CJK}])", rf"(?![^\W{_CJK}])"


def _spaced(char: str) -> bool:
    return char.isalnum() and not is_cjk(char)


@dataclass(frozen=True, slots=True)
class Lexicon:
    """All lists, folded and in lower case."""

    units: Mapping[str, str]
    currencies: Mapping[str, str]
    magnitudes: Mapping[str, int]
    percent: frozenset[str]
    numbers: Mapping[str, int]
    weak_numbers: frozenset[str]
    months: Mapping[str, int]
    unclear_months: frozenset[str]
    weekdays: Mapping[str, str]
    bounds_before: Mapping[str, str]
    bounds_after: Mapping[str, str]
    stopwords: Mapping[str, frozenset[str]]
    """By language: those that the word lists have."""
    common: Mapping[str, frozenset[str]]
    """Function words by language, by which a short message is identified."""
    abbreviations: Mapping[str, frozenset[str]]
    counters: frozenset[str]
    no_numbers: frozenset[str]
    traditional: frozenset[str]
    simplified: frozenset[str]
    """Chinese characters that only one of the two scripts has."""


@cache
def lexicon() -> Lexicon:
    """Read the lists, once."""
    raw = read_lists(_FILE)
    stopwords = {k: frozenset(_words(v.split())) for k, v in raw["stopwords"].items()}
    common = {k: frozenset(_words(v.split())) for k, v in raw["common"].items()}
    lists = ("percent", "weak_numbers", "unclear_months", "no_numbers")
    characters = ("counters", "traditional", "simplified")
    meanings = ("units", "currencies", "weekdays", "bounds_before", "bounds_after")
    plain: dict[str, Any] = {name: _meanings(raw[name]) for name in meanings}
    plain |= {name: frozenset(_words(raw[name])) for name in lists}
    plain |= {name: frozenset(raw[name]) - {" "} for name in characters}
    return Lexicon(
        **plain,
        magnitudes={w: int(k) for w, k in _meanings(raw["magnitudes"]).items()},
        numbers={w: int(k) for w, k in _meanings(raw["numbers"]).items()},
        months={w: int(k) for w, k in _meanings(raw["months"]).items()},
        stopwords=stopwords,
        abbreviations={k: frozenset(v.split()) for k, v in raw["abbreviations"].items()},
        common={k: words | stopwords.get(k, frozenset()) for k, words in common.items()},
    )


def _words(listed: Iterable[str]) -> list[str]:
    return [fold(word).lower() for word in listed]


def _meanings(groups: Mapping[str, Iterable[str]]) -> dict[str, str]:
    return {w: key for key, listed in groups.items() for w in _words(listed)}
