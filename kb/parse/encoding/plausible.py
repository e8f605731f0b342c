"""Tell text from mojibake, which has signs and letters where nobody writes them."""

import re
import unicodedata
from functools import cache

_USUAL = frozenset("“”‘’„‚«»‹›–—―…•·°§©®™€£¥¢±×÷½¼¾²³µ¿¡№\u00a0†‡−≤≥→←✓º ª،؛؟٪״׳־")
"""Signs beside letters that people write; those of Chinese, Japanese and Korean are others."""
_LETTER = r"[A-Za-z\u00aa-\u05ff]"
_GLUED_SYMBOL = re.compile(
    rf"{_LETTER}(?:[^\w\s\x00-\x7f’‘–—‐‑·…\u0300-\u036f\u0591-\u05c7]|[¹²³¼½¾ªº]){_LETTER}|"
    rf"{_LETTER}[€£¥¬§¶±†‡]|(?:^|\s)(?:[÷—»”≤≥]{_LETTER}|[ÇÈ](?!\w))",
    re.MULTILINE,
)
_WORD = re.compile(r"[^\W\d_]+")
_USUAL_HAN = (("gb2312", 0xB0, 0xD7), ("big5", 0xA4, 0xC6), ("euc-jp", 0xB0, 0xCF))
_USUAL_SHARE = 0.94
_ODD = 0.05
"""Share of words that may look odd: names, quotes."""


def is_readable(text: str) -> bool:
    """Tell whether a text may be one that people write.

    No sign stands within a word, few words mix scripts, and few have capitals within.
    """
    if _GLUED_SYMBOL.search(text):
        return False
    kinds = {c: unicodedata.category(c) for c in {*text} - _USUAL if c > "\x7e"}
    eastern = any(c > "\u2e80" for c in kinds)
    if any(k in {"Cn", "Co", "Cs", "Cc"} or (k[0] in "SP" and not eastern) for k in kinds.values()):
        return False
    han = [c for c in text if "\u4e00" <= c <= "\u9fff"]
    if han and not any(_usual_of(han, *part) for part in _USUAL_HAN):
        return False
    words = [word for word in _WORD.findall(text) if not word.isascii()]
    mixed = sum(len({*map(_script, word)} - {""}) > 1 for word in words)
    odd = sum(not (word[1:] == word[1:].lower() or word.isupper()) for word in words)
    return mixed <= _ODD * len(words) and odd <= 2 * _ODD * len(words)


def _usual_of(characters: list[str], charset: str, low: int, high: int) -> bool:
    """Tell whether nearly all characters are in the part of a charset that holds common ones."""
    leads = (c.encode(charset, "replace")[0] for c in characters)
    return sum(low <= lead <= high for lead in leads) >= _USUAL_SHARE * len(characters)


@cache
def _script(c: str) -> str:
    """Return the script of a letter; those that are written together are one."""
    script = unicodedata.name(c, "").partition(" ")[0]
    return "CJK" if script in {"HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA"} else script
