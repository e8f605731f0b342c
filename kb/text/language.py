"""Language detection. Built on first use: 25 MB of memory, 0.2 s once."""

import re
from collections.abc import Mapping
from functools import cache, lru_cache

from lingua import IsoCode639_1, Language, LanguageDetector, LanguageDetectorBuilder

from kb.text.lexicon import lexicon

_LETTERS_AND_CODES = (
    "EN", "ES", "DE", "FR", "IT", "PT", "NL", "PL", "TR", "VI", "ID", "CS", "SV", "RO", "HU",
    "RU", "UK", "BG", "AR", "FA",
)  # fmt: skip
"""Languages that share a script, so that only statistics tell them apart."""

_SCRIPTS = {
    code: re.compile(f"[{letters}]")
    for code, letters in {
        "ja": "\u3041-\u30ff", "ko": "\uac00-\ud7af\u1100-\u11ff",
        "zh": "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff", "th": "\u0e01-\u0e5b",
        "el": "\u0370-\u03ff\u1f00-\u1fff", "he": "\u0590-\u05ff", "hi": "\u0900-\u097f",
        "bn": "\u0980-\u09ff", "ta": "\u0b80-\u0bff", "ka": "\u10a0-\u10ff",
        "hy": "\u0530-\u058f",
    }.items()
}  # fmt: skip
"""Languages identified by their script alone, for the purposes of customer service."""

_FOREIGN_LETTERS = (("[ыэё]", ("uk", "bg")), ("[іїєґ]", ("ru", "bg")), ("ъ", ("uk",)))
"""Cyrillic letters, and languages without them."""

_OPENS = re.compile(r"[¿¡]\s?[^\W\d]")
"""The first words of a question in Spanish and no other language."""

_RUN = r"[^\s\u2e80-\uffef]"
"""Of a run without blanks; Han, kana and hangul stand beside digits and links without one."""
_NOISE = re.compile(
    rf"https?://\S+|www\.\S+|{_RUN}+@{_RUN}+|`[^`]*`|{_RUN}*\d{_RUN}*"
    r"|[@#/][^\W\u2e80-\uffef]+"
)
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")

_SURE = 0.75
"""Confidence below which the user's language code decides, if the script allows it."""
_MOSTLY_COMMON = 0.4
"""Share of small words of one language above which one with less than half as many is hardly
meant."""
_GUESS = 0.6
"""Confidence below which, without a hint, nothing is known: a brand name, a product number."""
_FAR = 300.0
"""How many times as probable by its letters another language must be to speak against one. Of 560
customers' messages of three words or fewer it takes 3 for another language, and finds three of
four in German or Spanish to be no English."""
_ENOUGH = 400
"""Characters that are read: more cost 4 ms a passage and change nothing."""
_FEW = 0.25
"""Share of small words up to which a message is taken for what its letters say, if that is a
language whose small words are not known: Portuguese has some of Spanish."""
_MIN_WORDS = 3
"""With fewer words the user's language code decides unless a common word speaks against it."""


def detect_language(text: str, hint: str = "") -> str:
    """Return the language of `text` as ISO 639-1 (``zh`` for every Chinese).

    `hint` is the user's language code (``pt-BR`` counts as ``pt``); it wins where the text is too
    short to tell and is written in a script of that language. Links, addresses, code and words
    with digits are left aside. Empty only if the text has no letters and there is no hint.
    """
    wanted = hint.replace("_", "-").split("-")[0].lower()
    cleaned = _NOISE.sub(" ", text[:_ENOUGH])
    by_script = _from_script(cleaned)
    if by_script:
        return wanted if by_script == "zh" and wanted == "ja" and len(cleaned) < 8 else by_script
    found = _WORD.findall(cleaned.lower())
    if not found:
        return wanted
    scores = _scores(cleaned, found)
    best = max(scores, key=lambda code: scores[code])
    unsure = scores[best] < _SURE or len(found) < _MIN_WORDS
    if unsure and _OPENS.search(cleaned):
        return "es"
    if wanted and _same_script(wanted, found):
        common = lexicon().common
        foreign = sum(w in common.get(best, ()) for w in found)
        own = sum(w in common.get(wanted, ()) for w in found)
        if own > foreign + 1:
            return wanted
        if unsure and (own or not foreign):
            return wanted if own else _likelier(cleaned, wanted) or wanted
    if scores[best] >= _GUESS:
        return best
    if _is_cyrillic(found):
        return wanted if wanted and _same_script(wanted, found) else "ru"
    return wanted or "en"


def may_be(text: str, language: str) -> bool:
    """Tell whether a text may be in a language: its script does not forbid it, nor its small words.

    For where a false no costs more than a false yes. `detect_language` takes one English message
    in forty of a shop for another language: "cancel oder", "is EMI available?".
    """
    cleaned = _NOISE.sub(" ", text[:_ENOUGH])
    said = _WORD.findall(cleaned.lower())
    if said and not _from_script(cleaned) and not _same_script(language, said):
        return False
    found = detect_language(text, language)
    if found == language:
        return True
    if not said or _from_script(cleaned):
        return False
    lists = lexicon().stopwords
    own, other = (sum(w in lists.get(code, ()) for w in said) for code in (language, found))
    if found not in lists and own < _FEW * len(said):
        return len(said) <= _MIN_WORDS
    if own or other:
        return own >= other
    told = _OPENS.search(cleaned) or _likelier(cleaned, language)
    return len(said) <= _MIN_WORDS and not told


def is_traditional(text: str) -> bool:
    """Tell whether a Chinese text is in Traditional characters: it has those, no Simplified ones.

    Frequent characters are looked at that only one of the scripts has.
    """
    own, other = lexicon().traditional, lexicon().simplified
    return any(c in own for c in text) and not any(c in other for c in text)


def _from_script(text: str) -> str:
    """Return the language that the script identifies, "" where most words share a script."""
    others = len(re.findall(r"[a-zA-ZÀ-ɏ]+|[Ѐ-ӿ]+|[؀-ۿ]+", text))
    counts = {code: len(pattern.findall(text)) for code, pattern in _SCRIPTS.items()}
    unspaced = counts["ja"] + counts["zh"] + counts["ko"]
    if unspaced and unspaced >= others:
        if counts["ko"] >= counts["ja"] + counts["zh"]:
            return "ko"
        return "ja" if counts["ja"] * 8 >= counts["zh"] and counts["ja"] else "zh"
    best = max(counts, key=lambda code: counts[code])
    return best if counts[best] > 3 * others and counts[best] else ""


def _scores(text: str, found: list[str]) -> dict[str, float]:
    """Add to the detector's confidence (0 to 1) the share of common words."""
    scores = dict(_by_letters(text))
    shares = {
        code: sum(word in common for word in found) / len(found)
        for code, common in lexicon().common.items()
    }
    most = max(shares.values())
    named = len(found) >= _MIN_WORDS and most >= _MOSTLY_COMMON
    for code, share in shares.items():
        # Among so many small words of one language, names alone make it look like another.
        guessed = scores.get(code, 0.0)
        scores[code] = (guessed if share > most / 2 or not named else guessed / 2) + share
    scores["en"] += 0.1  # technical words and brand names look like anything
    for letters, codes in _FOREIGN_LETTERS:
        if re.search(letters, text, re.IGNORECASE):
            scores |= dict.fromkeys(codes, 0.0)
    if not re.search("[іїєґ]", text, re.IGNORECASE):  # one in nine of Ukrainian
        scores["uk"] /= 2
    return scores if max(scores.values()) > 0.1 else dict.fromkeys(scores, 0.0)


def _likelier(text: str, language: str) -> str:
    """Return the language in which a text is far more probable by its letters, if there is one.

    Among those whose small words are known best.
    """
    letters = _by_letters(text)
    best = max(lexicon().stopwords, key=lambda code: letters.get(code, 0.0))
    return best if letters.get(best, 0.0) > _FAR * letters.get(language, 1.0) else ""


@lru_cache(maxsize=100)
def _by_letters(text: str) -> Mapping[str, float]:
    """Return the detector's confidence in each language, 0 to 1."""
    return {
        value.language.iso_code_639_1.name.lower(): value.value
        for value in _detector().compute_language_confidence_values(text)
    }


def _same_script(code: str, found: list[str]) -> bool:
    if code in _SCRIPTS:
        return False
    if _is_cyrillic(found):
        return code in {"ru", "uk", "bg", "be", "sr", "mk", "kk", "ky", "mn", "tg"}
    if any("؀" <= word[0] <= "ۿ" for word in found):
        return code in {"ar", "fa", "ur", "ps", "ku"}
    return code not in {"ru", "uk", "bg", "be", "mk", "ar", "fa", "ur"}


def _is_cyrillic(found: list[str]) -> bool:
    return sum("Ѐ" <= word[0] <= "ӿ" for word in found) * 2 > len(found)


@cache
def _detector() -> LanguageDetector:
    codes = (getattr(IsoCode639_1, code) for code in _LETTERS_AND_CODES)
    chosen = map(Language.from_iso_code_639_1, codes)
    return LanguageDetectorBuilder.from_languages(*chosen).with_low_accuracy_mode().build()
