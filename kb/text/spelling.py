"""Correct typing errors of a question, in words that neither its language nor the base has."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import lru_cache

from spellchecker import SpellChecker

from kb.text.lexicon import fold

_HYPHENED = re.compile(r"(?<![\w@#/.'-])[^\W\d_]{1,30}(?:-[^\W\d_]{1,30})?(?![\w@/'-]|\.\w)")
_KNOWN = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)+|[^\W\d_]{4,}")
_WORD = re.compile(r"(?<![\w@#/.'-])[^\W\d_]{4,}(?![\w@/'-]|\.\w)")
"""Words of at least four letters that belong to no code, address or compound."""
_INFLECTED = frozenset(("en", "de", "fr", "it", "pt", "nl", "ru", "ar"))
"""Languages whose dictionary has inflected forms. What the Spanish one lacks ("gastos") is read as
a word of the knowledge base, or stays."""
_LANGUAGES = _INFLECTED | {"es"}


def vocabulary(texts: Iterable[str]) -> Counter[str]:
    """Count the words of texts, in lower case, that `corrected` takes as known."""
    return Counter(word.lower() for text in texts for word in _KNOWN.findall(fold(text)))


def corrected(question: str, language: str, known: Mapping[str, int]) -> str:
    """Return a question with each unknown word replaced by a known one that is one error away.

    A word of the knowledge base comes before one of the dictionary, two letters that changed
    places before other errors, a frequent word before a rare one. Names stay: what begins with a
    capital within a sentence, but for German. Without a dictionary for the language (ISO 639-1)
    nothing is corrected but hyphens: "wifi" where the knowledge base has "Wi-Fi".

    `known`: the words of the knowledge base, see `vocabulary`.
    """
    question = _HYPHENED.sub(lambda match: _as_known(match[0], known), question)
    if language not in _LANGUAGES:
        return question
    dictionary = _dictionary(language)

    def correct(match: re.Match[str]) -> str:
        word = fold(match[0]).lower()
        name = match.start() > 0 and match[0].istitle() and language != "de"
        if name or word in known or word in dictionary or _bare(word) in dictionary:
            return match[0]
        near = dictionary.edit_distance_1(word)

        def likely(other: str) -> tuple[bool, bool, int, str]:
            turned = sorted(other) == sorted(word)
            return other in known, turned, known.get(other, dictionary[other]), other

        others = dictionary.known(near) if language in _INFLECTED else set[str]()
        best = max(near & known.keys() | others, key=likely, default=word)
        return best.capitalize() if match[0].istitle() else best

    return _WORD.sub(correct, question)


def _as_known(word: str, known: Mapping[str, int]) -> str:
    """Return a word spelt with or without a hyphen, as in the knowledge base."""
    lower = fold(word).lower()
    if lower in known:
        return word
    parted = (f"{lower[:at]}-{lower[at:]}" for at in range(1, len(lower)))
    return next((one for one in (lower.replace("-", ""), *parted) if one in known), word)


def _bare(word: str) -> str:
    """Return a word without accents: the Spanish dictionary has "cuanto" for "cuánto"."""
    return "".join(c for c in unicodedata.normalize("NFD", word) if not unicodedata.combining(c))


@lru_cache(maxsize=4)
def _dictionary(language: str) -> SpellChecker:
    """Load the words of a language, once: up to half a second, 2 to 43 MB."""
    return SpellChecker(language, distance=1)
