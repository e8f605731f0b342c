"""The structure of a PDF document: its headings, without what is repeated on each page.

Titles are told by bookmarks or by the size of their letters; running heads and page numbers by
their places.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

from kb.parse.blocks import PAGE_NUMBER, Block, amounts_below, heading
from kb.parse.formats.pdf_layout import PLACEHOLDER, heading_levels, may_head
from kb.parse.formats.pdf_page import Letters, fold
from kb.parse.formats.plain import text_blocks

_MAX_TITLE = 200
_INTEGER = re.compile(r"(?<!\d)\d{1,5}(?!\d)")
_CHAPTER = 3
"""Pages from which on their first or last line is that of a chapter."""
_CHAPTER_NUMBER = re.compile(
    r"^(?:chapter|section|part|kapitel|abschnitt|teil|chapitre|cap[ií]tulo|capitolo|глава|раздел|第)"
    r"\s*\d+(?:\.\d+)*\s*[章节節.:：–—-]*\s*|^\d{1,5}\b[\s.|·•–—-]*|[\s.|·•–—-]*\b\d{1,5}$",
    re.IGNORECASE,
)
"""A chapter's or a page's number before or behind the title of the chapter."""


def title_key(line: str) -> str:
    """Fold a line so that it matches its bookmark: without numbers, blanks and case."""
    return re.sub(r"^(?:chapter|section|kapitel)?[\d.]*|[\W_]+", "", line.casefold().strip())


class Titles:
    """Tells headings: by the document's bookmarks or, where it has none, by their letters."""

    def __init__(self, outline: dict[str, int], letters: Mapping[int, Letters]) -> None:
        self._levels = outline or heading_levels(list(letters.values()))
        self._key = title_key if outline else fold
        self._letters = letters
        self._largest: dict[str, float] = {}
        for text, size, _ in (line for read in letters.values() for line in read.lines):
            self._largest[text] = max(size, self._largest.get(text, 0.0))
        self.wrap = not outline
        """Whether a heading of two lines is two lines here."""

    def repeats(self, line: str, page: int, *, before: int) -> bool:
        """Tell whether a line at the edge of a page only says in which chapter it is.

        It has the heading's words in smaller letters, or with "Chapter 3:" or a page's number.
        `before`: so many lines above it on its page say the same.
        """
        if self.level(line)[1]:
            text = fold(line)
            sizes = [size for said, size, _ in self._letters[page].lines if said == text]
            return before < len(sizes) and sizes[before] < 0.9 * self._largest[text]
        bare, count = _CHAPTER_NUMBER.subn("", line.strip())
        return count > 0 and self.level(bare)[1] > 0

    def leads(self, line: str, page: int) -> int:
        """Return the level of a line above a table if it is bold and no other one before it.

        Among the bold names of the columns below it, its letters do not make it a heading.
        """
        told = self.wrap and page in self._letters and len(line) < _MAX_TITLE and may_head(line)
        lines = [("", 0.0, False), *self._letters[page].lines] if told else []
        bold = any(
            is_bold and not before and text == fold(line)
            for (_, _, before), (text, _, is_bold) in pairwise(lines)
        )
        return max(self._levels.values(), default=1) if bold else 0

    def level(self, line: str) -> tuple[str, int]:
        """Return a name for a line, the same for lines that say the same, and its level.

        The level is 0 if the line is no heading.
        """
        name = self._key(line) if len(line) < _MAX_TITLE else ""
        return name, self._levels.get(name, 0)


def blocks_of(
    texts: Sequence[str], tables: Mapping[int, Sequence[Block]], titles: Titles
) -> list[Block]:
    """Return the blocks of a document; a line with a table's mark becomes the table."""
    furniture = _repeated(texts)
    seen: set[str] = set()
    blocks: list[Block] = []
    for number, text in enumerate(texts, start=1):
        kept: list[str] = []
        edges = _edges(text)
        said: Counter[str] = Counter()
        for at, line in enumerate(text.split("\n")):
            marks = _furniture_keys(line, number) & furniture
            if marks & seen or (marks and PAGE_NUMBER.match(line)):
                continue
            said[fold(line)] += 1
            if at in edges and titles.repeats(line, number, before=said[fold(line)] - 1):
                continue
            seen |= marks
            kept.append(line)
        found = _page_blocks(kept, number, tables.get(number, ()), titles)
        if blocks and found:
            found[0] = _continued(found[0], blocks[-1])
        blocks += found
    return blocks


def _edges(text: str) -> set[int]:
    """Return which lines of a page are its first two and its last two."""
    filled = [at for at, line in enumerate(text.split("\n")) if line.strip()]
    return {*filled[:2], *filled[-2:]}


def _continued(block: Block, above: Block) -> Block:
    """Return a table with the header of the one on the page before, if it goes on with it."""
    if not (block.kind == above.kind == "table" and above.header):
        return block
    names, own = above.rows[0], block.rows[0]
    if len(names) != len(own) or own == names:
        return block
    if block.header and amounts_below(own, block.rows[1:]):
        return block  # another table
    return replace(block, rows=(names, *block.rows), header=True)


def _page_blocks(
    lines: Sequence[str], page: int, tables: Sequence[Block], titles: Titles
) -> list[Block]:
    where = f"page {page}"
    blocks: list[Block] = []
    plain: list[str] = []
    used: set[str] = set()

    def close() -> None:
        blocks.extend(text_blocks("\n".join(plain), page=where))
        plain.clear()

    wrapped = False
    for line in lines:
        if not line.strip():
            plain.append(line)
            continue
        if line.startswith(PLACEHOLDER):
            while plain and not plain[-1].strip():
                plain.pop()
            level = titles.leads(plain[-1], page) if plain else 0
            above = [heading(" ".join(plain.pop().split()), level, where)] if level else []
            close()
            blocks += above
            blocks.append(tables[int(line.removeprefix(PLACEHOLDER))])
            wrapped = False
            continue
        name, level = titles.level(line)
        if not name or not level or name in used:
            plain.append(line)
            wrapped = False
            continue
        used.add(name)
        close()
        text = re.sub(r"\s+", " ", line).strip()
        if wrapped and blocks[-1].level == level:
            text = f"{blocks.pop().text} {text}"
        blocks.append(heading(text, level, where))
        wrapped = titles.wrap
    close()
    return blocks


def _furniture_keys(line: str, page: int) -> set[str]:
    """Return the line, and the line with each number as its distance from the page's number.

    "Page 3 of 10" on page 3 and "Page 4 of 10" on page 4 share a key; "Item 3" and "Item 9" do not.
    """
    text = " ".join(line.split())[:200]
    keys = {text}
    for number in _INTEGER.finditer(text):
        before, after = text[: number.start()], text[number.end() :]
        keys.add(f"{before}#{int(number.group()) - page}{after}")
    return keys - {""}


def _repeated(texts: Sequence[str]) -> set[str]:
    """Return keys of first and last lines on most pages: headers, footers, page numbers.

    The outermost lines of a few pages are the running heads of a chapter.
    """
    if len(texts) < 3:
        return set()
    counts: Counter[str] = Counter()
    outermost: Counter[str] = Counter()
    for page, text in enumerate(texts, start=1):
        lines = [line for line in text.split("\n") if line.strip()]
        for edge, found in ((lines[:1] + lines[-1:], outermost), (lines[:2] + lines[-2:], counts)):
            said = (line for line in edge if not line.startswith(PLACEHOLDER))
            found.update({key for line in said for key in _furniture_keys(line, page)})
    limit = max(3, len(texts) // 2)
    often = {key for key, count in counts.items() if count >= limit}
    return often | {key for key, count in outermost.items() if count >= _CHAPTER}
