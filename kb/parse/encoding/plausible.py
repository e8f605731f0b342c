"""Tell text from mojibake: what an encoding gave is compared with how languages are written."""

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from kb.text.lexicon import read_lists

_PUNCTUATION = frozenset("“”‘’„‚«»‹›–—―…•·°§©®™€£¥¢±×÷½¼¾²³µ¿¡№\u00a0\u2011†‡−≤≥→←✓º ª")
_CJK_PUNCTUATION = frozenset(
    "、。，！？：；（）「」『』【】《》〈〉〔〕［］～〜・ー々〇※　￥％＋－＝／＆＠＃"
)
_GLUED_SYMBOL = re.compile(
    r"[^\W\d_][^\w\s\x00-\x7f’‘–—‐‑·…\u0300-\u036f\u0591-\u05c7\u0610-\u065f\u0900-\u0903\u093a-\u094f\u0e31-\u0e4e][^\W\d_]|[^\W\d_](?:[€£¥¬§¶±†‡]|[¹²³¼½¾ªº][^\W\d_])"
)
_STRAY = re.compile(r"[¬¶µ∂√∆≈ƒ£¢]|(?:^|\s)[»”][^\W\d_]", re.MULTILINE)
"""Signs that stand for capital letters when Cyrillic is read by the table of another system."""
_FEW = 4
"""Letters of another script below which nothing can be told."""
_WORD = re.compile(r"[^\W\d_]+")

_LETTERS = read_lists(Path(__file__).parent / "data" / "letters.yaml")
_FREQUENT = {script: frozenset(letters) - {" "} for script, letters in _LETTERS["frequent"].items()}
_SCRIPTS = {script: re.compile(f"[{own}]") for script, own in _LETTERS["scripts"].items()}
_MISPLACED = {language: re.compile(own) for language, own in _LETTERS["misplaced"].items()}
_BORROWED = frozenset("éèêáàâíîóôúûñçüöäåøæ")
"""Letters of foreign names in any language."""
_STRAY_LATIN = re.compile(r"(?:^|\s)[ÇÈ](?:\s|$)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Reading:
    """How well a text reads."""

    plausible: bool
    """Every character is one that a language writes, in places where it writes it."""
    language: str = ""
    """ISO 639-1 of a language whose letters suffice; empty if only the script is known."""
    frequency: float = 1.0
    """Share of the letters that are among the most frequent of the language."""


_NO = Reading(plausible=False, frequency=0.0)


def read_as(text: str, encoding: str = "") -> list[Reading]:
    """Return the ways in which `text` reads as one that people write; none if it is mojibake.

    `encoding` is the one that gave the text: a double-byte one is expected to give its own common
    characters.
    """
    foreign = [c for c in text if c > "\x7f" and c not in _PUNCTUATION]
    if not foreign:
        return [] if _GLUED_SYMBOL.search(text) else [Reading(plausible=True)]
    if any(unicodedata.category(c) in {"Cn", "Co", "Cs", "Cc"} for c in foreign):
        return []
    letters = [c for c in foreign if unicodedata.category(c)[0] in "LM"]
    if not letters:
        return []
    script = Counter(map(_script_of, letters)).most_common(1)[0][0]
    readers = {"cjk": _cjk, "cyrillic": _cyrillic, "latin": _latin}
    if script in readers:
        found = readers[script](text, foreign, encoding)
    else:
        found = [_one_block(script, foreign, letters, text)]
    return [reading for reading in found if reading.plausible]


@cache
def _script_of(c: str) -> str:
    return next((script for script, own in _SCRIPTS.items() if own.match(c)), "other")


def _one_block(language: str, foreign: list[str], letters: list[str], text: str) -> Reading:
    inside = sum(_script_of(c) == language for c in foreign)
    if _GLUED_SYMBOL.search(text.replace("·", "÷")):
        return _NO
    if len(letters) < _FEW:
        return _NO
    if language == "other" or inside < 0.97 * len(foreign) or _mixed_words(text):
        return _NO
    wrong = len(_MISPLACED[language].findall(text)) if language in _MISPLACED else 0
    if wrong > 0.01 * len(letters) or (language == "el" and not _usual_case(text)):
        return _NO
    return Reading(plausible=True, language=language)


def _mixed_words(text: str) -> bool:
    """Tell whether words mix scripts, as they do when bytes are read by the wrong table."""
    mixed = total = 0
    for word in _WORD.findall(text):
        if not word.isascii():
            total += 1
            mixed += len({_script_of(c) if c > "\x7f" else "ascii" for c in word}) > 1
    return mixed > 0.05 * total


def _usual_case(text: str) -> bool:
    """Tell whether words are lower case, Capitalised or UPPER CASE."""
    odd = total = 0
    for word in _WORD.findall(text):
        if not word.isascii():
            total += 1
            odd += not (word[1:].islower() or word.isupper() or len(word) == 1)
    return odd <= 0.1 * total


def _latin(text: str, foreign: list[str], _encoding: str) -> list[Reading]:
    if _GLUED_SYMBOL.search(text) or not _usual_case(text):
        return []
    if _STRAY_LATIN.search(text):
        return []
    lowered = [c.lower() if c != "İ" else c for c in foreign]
    found: list[Reading] = []
    for language, alphabet in _LETTERS["latin"].items():
        own = sum(c in alphabet for c in lowered)
        borrowed = all(c in alphabet or c in _BORROWED for c in lowered)
        if borrowed and own >= 0.9 * len(lowered):
            found.append(Reading(plausible=True, language=language))
    return found


def _cyrillic(text: str, foreign: list[str], _encoding: str) -> list[Reading]:
    if _mixed_words(text) or not _usual_case(text) or _GLUED_SYMBOL.search(text):
        return []
    if len(foreign) < _FEW or _STRAY.search(text) or text.count("«") != text.count("»"):
        return []
    lowered = [c.lower() for c in foreign]
    frequency = sum(c in _FREQUENT["cyrillic"] for c in lowered) / len(lowered)
    if frequency < 0.55:
        return []
    return [
        Reading(plausible=True, language=language, frequency=frequency)
        for language, alphabet in _LETTERS["cyrillic"].items()
        if sum(c in alphabet for c in lowered) >= 0.99 * len(lowered)
    ]


def _cjk(_text: str, foreign: list[str], encoding: str) -> list[Reading]:
    letters = [c for c in foreign if c not in _CJK_PUNCTUATION and not "\uff01" <= c <= "\uff5e"]
    if not letters:
        return []
    hangul = sum("\uac00" <= c <= "\ud7a3" for c in letters)
    kana = sum("\u3041" <= c <= "\u30ff" for c in letters)
    han = [c for c in letters if "\u4e00" <= c <= "\u9fff"]
    if hangul + kana + len(han) < 0.97 * len(letters):
        return []
    if hangul:
        if hangul < 0.9 * len(letters) or not _shares(letters, "euc-kr", "\xb0", "\xfd"):
            return []
        frequency = sum(c in _FREQUENT["hangul"] for c in letters) / len(letters)
        return [
            Reading(plausible=frequency > 0.15 or hangul < 6, language="ko", frequency=frequency)
        ]
    frequency = sum(c in _FREQUENT["han"] for c in han) / len(letters)
    found: list[Reading] = []
    japanese = encoding in {"cp932", "euc-jp", "iso2022_jp", ""}
    if japanese and _shares(han, "euc-jp", "\xb0", "\xcf"):
        usual = frequency + kana / len(letters)
        found.append(Reading(plausible=kana > 0 or usual > 0.3, language="ja", frequency=usual))
    if kana <= 0.1 * len(letters):
        simplified = encoding in {"gb18030", "hz", ""} and _shares(han, "gb2312", "\xb0", "\xd7")
        traditional = encoding in {"big5hkscs", "cp950", ""} and _shares(
            han, "big5", "\xa4", "\xc6"
        )
        enough = frequency > 0.25
        if simplified or traditional:
            found.append(Reading(plausible=enough, language="zh", frequency=frequency))
    return found


def _shares(characters: list[str], charset: str, low: str, high: str) -> bool:
    """Tell whether nearly all characters are in the part of a charset that holds common ones."""
    inside = 0
    for c in characters:
        try:
            lead = c.encode(charset)[0]
        except UnicodeEncodeError:
            continue
        inside += ord(low) <= lead <= ord(high)
    return inside >= 0.94 * len(characters)
