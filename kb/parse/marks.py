"""What small signs in running text say: raised digits, and the addresses behind links."""

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import groupby, pairwise
from operator import itemgetter
from typing import NamedTuple

from core.types import Skipped
from kb.text.lexicon import is_cjk
from kb.text.segmentation import width

_OPEN, _CLOSE = "\ufdd0", "\ufdd1"
"""Noncharacters, which no text may hold (Unicode 23.7): around the address of a link, or a day."""
HIDDEN = "The {} is hidden. Show it to have it read."
LOCATION = "data-kb-location"
"""Attribute of HTML made from Markdown: where its element stands in the file."""
VAGUE_LINK = re.compile(
    r"^(?:(?:click |see |go )?here|this (?:page|link|form|site)|link|download|website|form|page|"
    r"more|read more|hier|ici|aquí|aqui|qui|здесь|тут|这里|此处|点击这里|链接|下载|こちら|여기|هنا|"
    r"כאן|tutaj|tu|burada|buradan|tıklayın|tại đây|ở đây|εδώ|यहाँ|यहां|ที่นี่|zde|här|itt|aici|di sini|"
    r"(?:cliquez |haga clic |clique |clicca |klik |kliknij )(?:ici|aquí|aqui|qui|hier|tutaj))$",
    re.IGNORECASE,
)
"""Words of a link that say nothing without its address, which then stays in every text."""
_UNFIT = re.compile(f"[\\s{_OPEN}{_CLOSE}]|.{{2001}}")
_MARKED = re.compile(f"{_OPEN}[^{_CLOSE}]*{_CLOSE}")
_DAY = re.compile(f"{_OPEN}(\\d{{4}}-\\d\\d-\\d\\d)[^{_CLOSE}]*{_CLOSE}")
_NO_MARKS = dict.fromkeys(map(ord, (_OPEN, _CLOSE)))

_RAISED = str.maketrans("0123456789+-−()", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁽⁾")
_LOWERED = str.maketrans("0123456789+-−()", "₀₁₂₃₄₅₆₇₈₉₊₋₋₍₎")
_NUMBER = re.compile(r"[+\-−]?\d{1,4}|\(\d{1,3}\)")
_NOTE = re.compile(r"[\[(]?\d{1,2}[\])]?(?:\s?,\s?\d{1,2})*")
_WHOLE = re.compile(r"(?<![\d.,])\d{1,6}$")
_POINT = re.compile(r"\d[.,]$")
_DECIMAL = re.compile(r"\d[.,]\d+$|\d(?:[.,]-|[.,]–)$")
_WORD = re.compile(r"[^\W\d_]+$")
_UNIT = re.compile(r"\w|[cmdkn]m|ft|in|yd|mi|sec|qm|[смкд]м|met(?:re|er)s?", re.IGNORECASE)
"""What may be squared or cubed: a sign of a formula, or a unit."""
_FRACTION = re.compile(r"\s*[/⁄]")
_SIGNS = {
    "wingdings": {0xFC: "✓", 0xFE: "☑", 0xFB: "✗", 0xFD: "☒", 0xA8: "☐", 0x6F: "☐", 0xE0: "→"},
    "wingdings 2": {0x50: "✓", 0x52: "☑", 0x4F: "✗", 0x51: "☒", 0x54: "☒", 0xA3: "☐"},
    "webdings": {0x61: "✓", 0x72: "✗", 0x63: "☐"},
}
"""What fonts of signs draw for the letters that a file has."""
PICTURE_SAYS = re.compile(r"(?!(?:picture|image|graphic|bild|grafik|imagen)$)[^\W\d_]{1,15}", re.I)
"""What a picture in a cell stands for, such as "yes"; longer texts describe it."""
QUESTION_MARK = "(?:[?？؟\u037e]|(?<=[\u0370-\u03ff\u1f00-\u1fff]);)"
"""Greek asks with a semicolon."""
ASKS = re.compile(rf"{QUESTION_MARK}\s*$")
"""The end of a question."""
_NAMED = re.compile(r"(?!\w+://)(?=[^:：]*[^\W\d_])[^:：.。!?！？;；]{1,40}(?::\**\s|：)")
_RAGGED = 3
"""Columns that a line of Chinese is narrower than the widest if lines were not wrapped by width."""
_POWERS = {"10", "2"}
_MONEY_BEFORE, _MONEY_AFTER = (
    re.compile(r"[€$£¥₽]\s?\d+$"),
    re.compile(r"\s?(?:[€$£¥₽]|EUR|euro)", re.I),
)


_LEFT_OUT: ContextVar[list[int] | None] = ContextVar("left_out", default=None)


@contextmanager
def words_left_out() -> Iterator[list[int]]:
    """Collect the numbers of words for which `leave_out` is called meanwhile."""
    counts: list[int] = []
    token = _LEFT_OUT.set(counts)
    try:
        yield counts
    finally:
        _LEFT_OUT.reset(token)


def leave_out(words: int | str) -> None:
    """Note that words of a file are hidden or struck out, so that it names their number."""
    counts = _LEFT_OUT.get()
    if counts is not None and (count := words if isinstance(words, int) else len(words.split())):
        counts.append(count)


def spoken(words: int) -> list[Skipped]:
    """Name so many words of a speaker's notes, if there are any."""
    reason = f"{words:,} words for the speaker are not shown to others: left out."
    return [Skipped("notes", reason)] if words else []


def without_links(text: str) -> str:
    """Return a text without the addresses that `linked` put into it."""
    return _MARKED.sub("", text).translate(_NO_MARKS) if _OPEN in text else text


def with_links(text: str) -> str:
    """Return a text with these addresses to be read."""
    return _DAY.sub("", text).translate(_NO_MARKS) if _OPEN in text else text


def day_mark(shown: str, iso: str) -> str:
    """Return what stands behind a date that a sheet shows in its own way, for `day_of`."""
    return f"{_OPEN}{iso}{_CLOSE}" if shown != iso else ""


def day_of(text: str) -> str:
    """Return the date in a cell as ISO 8601 if its file says which it is, otherwise its text."""
    found = _DAY.search(text)
    return found[1] if found else without_links(text)


def link_mark(address: str, words: str) -> str:
    """Return what stands behind the words of a link: its address, marked for `with_links`.

    It is not marked, so that every reader sees it, if the words say nothing without it. It is empty
    if the words say it themselves, and for links within a site.
    """
    bare = re.sub(r"^(?:mailto:|tel:)", "", address.strip(), flags=re.IGNORECASE)
    contact = bare != address.strip()
    if not (contact or re.match(r"https?://", bare, re.IGNORECASE)) or _UNFIT.search(bare):
        return ""
    said, told = (re.sub(r"^(?:https?://)?(?:www\.)?|/$", "", t.casefold()) for t in (words, bare))
    digits = re.sub(r"\D", "", words)
    if not bare or said.strip() == told or (contact and digits and digits in told):
        return ""
    if contact or VAGUE_LINK.match(words.strip()):
        return f" ({bare})"
    return f"{_OPEN} ({bare}){_CLOSE}"


def raised(before: str, mark: str, *, after: str = "", link: bool = False) -> str:
    """Return raised signs as they are written in a line.

    Cents get their point (29.99), powers and units raised digits (10³, m²), a fraction its blank
    (1 1/2). What points to a note falls away: a link, digits after a word or an amount with cents,
    and a raised 1, which is no power. Letters and other signs stay (1st, ™).
    """
    text = mark.strip()
    if link and len(text) <= 5:
        return ""
    if text in {"o", "O", "0"} and re.search(r"\d\s?$", before) and re.match(r"\s?[CF]\b", after):
        return "°"
    if _POINT.search(before) and re.fullmatch(r"\d\d", text):
        return text
    whole, word = _WHOLE.search(before), _WORD.search(before)
    if text.isdigit() and _FRACTION.match(after):
        return f" {text}" if whole else text
    money = _MONEY_BEFORE.search(before) or _MONEY_AFTER.match(after)
    if whole and re.fullmatch(r"\d\d|-|–", text) and (money or whole[0] not in _POWERS):
        return f".{text}" if text.isdigit() else ""
    if _NOTE.fullmatch(text):
        unit = word is not None and _UNIT.fullmatch(word[0]) is not None
        certain = not text.isdigit() or text == "1"  # a list, or in brackets
        if (word and not unit) or _DECIMAL.search(before) or (whole and certain):
            return ""
        if before and before[-1] in ".,;:!?)%€$£":
            return ""
    return text.translate(_RAISED) if _NUMBER.fullmatch(text) else text


def tidy_lines(text: str) -> str:
    """Fold the blanks of each line; lines without words fall away."""
    lines = (re.sub(r"[ \t\u00a0]+", " ", line).strip() for line in text.split("\n"))
    return "\n".join(line for line in lines if line)


class Run(NamedTuple):
    """Letters of a paragraph that look alike."""

    text: str
    position: str = ""
    """``super`` for raised letters, ``sub`` for lowered ones."""
    bold: bool = False
    hidden: bool = False
    """Nobody sees them, or they are struck out."""
    link: str = ""
    """The address to which they lead."""


def line_of(runs: Iterable[Run]) -> str:
    """Return the words of a paragraph as its reader reads them, the addresses of links marked.

    Hidden ones are left out and counted. A line ends behind a question in bold letters.
    """
    alike = groupby(runs, key=itemgetter(slice(1, None)))
    joined = [Run("".join(run.text for run in group), *look) for look, group in alike]
    seen = [run for run in joined if not run.hidden]
    if len(seen) < len(joined):
        leave_out(" ".join(run.text for run in joined if run.hidden))
    out = ""
    start, bold = 0, True
    for run, following in pairwise([*seen, Run("")]):
        if bold and not run.bold and run.text.strip():
            out += "\n" if ASKS.search(out) else ""
            bold = False
        if run.position == "super" and run.text.strip():
            out += raised(out, run.text, after=following.text)
        elif run.position == "sub" and run.text.strip():
            out += lowered(out, run.text)
        else:
            out += run.text
        if run.link != following.link:
            out += link_mark(run.link, out[start:]) if run.link else ""
            start = len(out)
    return out


def signs_of(font: str | None, text: str) -> str:
    """Return letters as their font draws them, where it is one of signs; unknown signs are none."""
    drawn = _SIGNS.get((font or "").lower())
    return text if drawn is None else "".join(drawn.get(ord(c) & 0xFF, "") for c in text)


def cents(before: str, words: str) -> str:
    """Return two small digits behind a number, its cents, with their point; others as they are."""
    small = _WHOLE.search(before) and re.fullmatch(r"\s*(\d\d)(\s*)", words)
    return f".{small[1]}{small[2]}" if small else words


def lowered(before: str, mark: str) -> str:
    """Return lowered signs as they are written in a line: H₂O, 1/2, log₁₀."""
    text = mark.strip()
    if before.rstrip().endswith(("/", "⁄")):
        return text
    return text.translate(_LOWERED) if _NUMBER.fullmatch(text) else text


def stand_alone(lines: Sequence[str]) -> bool:
    """Tell whether the lines of a paragraph were ended on purpose, not wrapped by an editor.

    Each begins with what it is about, "Phonics (5–6 years): twice a week", or lines of Chinese
    without a mark at their end are of different widths.
    """
    wide = [line for line in lines[:-1] if is_cjk(line[-1])]
    ragged = bool(wide) and min(map(width, wide)) < max(map(width, lines)) - _RAGGED
    return len(lines) > 1 and (ragged or all(map(_NAMED.match, lines)))
