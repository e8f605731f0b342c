"""Words, sentences and n-grams of any language. Pure functions, no state."""

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping
from functools import lru_cache

from sentencex import get_sentence_boundaries

from kb.text.lexicon import INVISIBLE, lexicon

_CJK = (
    "\u3040-\u30ff"  # kana
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"  # Han
    "\uac00-\ud7af"  # Hangul
    "\U00020000-\U0003134f"  # Han, rare
)
_CJK_CHAR = re.compile(f"[{_CJK}]")
_WORD = re.compile(rf"[{_CJK}]|[^\W_{_CJK}]+(?:(?:(?<=\d)[.,/](?=\d)|['’])[^\W_{_CJK}]+)*")
_SPACE = re.compile(r"\s+")


def normalise(text: str) -> str:
    """Fold what does not change meaning: width, case, blanks, invisible characters.

    Two texts with equal results are the same text to a reader. Punctuation stays.
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    return _SPACE.sub(" ", INVISIBLE.sub("", folded)).strip()


def words(text: str) -> list[str]:
    """Split into folded words; each Chinese, Japanese or Korean character is one.

    Numbers keep their separators (``4.90``, ``1/16``), contractions their apostrophe (``don't``).
    """
    return _WORD.findall(normalise(text))


def char_ngrams(text: str) -> list[str]:
    """Return the character n-grams of each run of letters, two to four long, in order.

    Words are padded with one blank on each side, so that their beginnings and ends count; a run
    without spaces (Chinese) is padded as a whole.
    """
    grams: list[str] = []
    for run in re.findall(r"[^\W_]+", normalise(text)):
        padded = f" {run} "
        for size in (2, 3, 4):
            grams += [padded[i : i + size] for i in range(len(padded) - size + 1)]
    return grams


def ngram_cosine(text: str, other: str) -> float:
    """Return the similarity of the letters of two texts, 0 to 1.

    It is the cosine of their character n-grams, each with the weight 1 + ln(count).
    """
    left, right = _counted_ngrams(text), _counted_ngrams(other)
    shared = sum(weight * right.get(gram, 0.0) for gram, weight in left.items())
    return shared / max(math.hypot(*left.values()) * math.hypot(*right.values()), 1e-9)


@lru_cache(maxsize=4096)
def _counted_ngrams(text: str) -> Mapping[str, float]:
    return {gram: 1 + math.log(n) for gram, n in Counter(char_ngrams(text)).items()}


def natural(text: str) -> list[tuple[int, str]]:
    """Return a sort key that orders texts by their numbers: row 9 before row 10."""
    parts = re.findall(r"\d+|\D+", text)
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]


def width(text: str) -> int:
    """Return the columns that the text takes on a screen: wide characters count two."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


# --- sentences ---------------------------------------------------------------------------------

_LIST_ITEM = re.compile(r"\s*(?:[-*+•‣◦▪–—●○■□※]|\(?(?:\d{1,3}|[a-zA-Z])[.)]|[①-⑳])\s+\S")
TABLE_ROW = re.compile(
    r"(?:[^:;\n]{1,60}; )?([^:;\n]{1,60}): [^;\n]+(?:; [^:;\n]{1,60}: [^;\n]+)+$"
)
"""A row as `kb.parse.blocks.table_lines` writes it: ``Size: S; Price: 9``; its first cell may
have no column: ``Express; Small: 9; Large: 14``."""
_COLUMN = re.compile(r"([^:;\n]{1,60}): ")
_LINE_ALONE = re.compile(
    rf"\s*(?:#{{1,6}}\s|\||>|```|~~~|[-*_=]{{3,}}\s*$|<[a-zA-Z/!]|{TABLE_ROW.pattern})"
)
ENDED = re.compile(r"[.!?。！？…｡:：;；؟।॥]['\"”’»)\]）】」』*_]*\s*$")
_MIN_WRAPPED = 58
"""Columns of a line that was probably broken by an editor; shorter lines end on purpose."""


_TAIL = 80
"""Characters before and after a boundary that decide whether it is one."""
_INITIALS = re.compile(r"(?:^|[\s(])(?:\w\.\s?){1,3}$")
_ORDINAL = re.compile(
    r"(?<!\w)(?:de[mnrs]|die|das|[ai]m|ab|zu[mr]|vom|beim|bis|und|oder|jede[mnrs]?|nach|seit|eine?[mnrs]?)"
    r"\s\d{1,2}\.$",
    re.IGNORECASE,
)
"""The end of what may go on in German, where nouns have capitals: "ab dem 5. Tag"."""
_NUMBERING = re.compile(r"\s*\(?(?:\d{1,3}|[a-zA-Z]|[ivxIVX]{1,4})[.)]\s*$")
_BRACKETED = re.compile(r"^\s*[(（]\w{1,3}[)）]")
_CLOSED = re.compile(r"[.!?][\"'”’»)\]]+\s+(?=[\"'“‘«(\[]?[A-ZÀ-ÞА-ЯЁ])")
_CJK_END = re.compile(
    r"(?<![。！？｡…])[。！？｡…]++[”’」』）)】\"']*+(?=[^\s”’」』）)】\"'。！？｡…，、])"
)


def split_sentences(text: str, language: str = "") -> list[str]:
    """Split into sentences, in order; each is an exact substring of `text` without outer blanks.

    A heading, list item, table row, quoted or code line is a unit of its own. Lines that an editor
    wrapped are read on. `language` is ISO 639-1 and chooses the rules of sentencex
    (https://github.com/wikimedia/sentencex); without it the script decides.
    """
    return [s for block in _blocks(text) for s in _sentences_of(block, language)]


def _blocks(text: str) -> list[str]:
    """Split at line ends, except where a sentence was only wrapped."""
    blocks: list[str] = []
    start = end = 0
    previous = ""
    fenced = False
    for line in text.splitlines(keepends=True):
        fence = line.lstrip().startswith(("```", "~~~"))
        if fenced or fence or not _continues(previous, line):
            blocks.append(text[start:end])
            start = end
        fenced ^= fence
        end += len(line)
        previous = line
    blocks.append(text[start:end])
    return [block for block in blocks if block.strip()]


def _continues(previous: str, line: str) -> bool:
    before, after = previous.strip(), line.strip()
    if not before or not after or _LIST_ITEM.match(line) or _LINE_ALONE.match(line):
        return False
    if _LINE_ALONE.match(previous) or previous.endswith("  \n"):
        return False
    if after[0].islower() and not ENDED.search(before):
        return True
    return width(before) >= _MIN_WRAPPED and not re.search(r"[:：;；|]$", before)


def first_column(line: str) -> str:
    """Return the name of the column that names a row of a table; empty if a text is no row."""
    named = _COLUMN.match(line) if TABLE_ROW.match(line) else None
    return named[1] if named else ""


def _sentences_of(block: str, language: str) -> list[str]:
    stripped = block.strip()
    if stripped.startswith("|") or len(stripped) < 4 or TABLE_ROW.match(stripped):
        return [stripped]
    marks = sorted({0, len(block), *_boundaries(block, language)})
    sentences: list[str] = []
    start = 0
    for high in marks[1:]:
        if high < len(block) and not _is_end(block, start, high, language):
            continue
        if piece := block[start:high].strip():
            sentences.append(piece)
        start = high
    return sentences


def _boundaries(block: str, language: str) -> list[int]:
    code = language or ("zh" if _CJK_CHAR.search(block) else "en")
    # After a number in brackets sentencex misses the boundary.
    block = _BRACKETED.sub(lambda mark: " " * len(mark[0]), block)
    found = [b["end_index"] for b in get_sentence_boundaries(code, block)]
    found += [m.end() for m in _CLOSED.finditer(block)]
    if _CJK_CHAR.search(block):
        found += [m.end() for m in _CJK_END.finditer(block)]
    return found


def _is_end(block: str, start: int, at: int, language: str) -> bool:
    """Tell whether the boundary proposed at `at` is real; the sentence began at `start`."""
    tail = block[max(start, at - _TAIL) : at].rstrip()
    following = block[at : at + _TAIL].lstrip()
    if not tail or not following or following[0] in "”’」』）)】》" or _NUMBERING.fullmatch(tail):
        return False
    if not tail.endswith("."):
        return True
    if language == "de" and _ORDINAL.search(tail):
        return False
    last, known = _last_words(tail), lexicon().abbreviations
    if last & known["before_name"]:
        return False
    if last & known["before_number"] and following[0].isdigit():
        return False
    if last & known["before_any"]:
        return not (following[0].islower() or following[0].isdigit())
    return not (_INITIALS.search(tail) and len(tail.split()) <= 2)


def _last_words(tail: str) -> set[str]:
    """Return the last word without its dot, and the last two joined (``z. B.`` is ``z.b``)."""
    parts = [part.strip("([\"'„“«*_").lower() for part in tail.split()[-2:]]
    return {parts[-1].removesuffix("."), "".join(parts).removesuffix(".")}
