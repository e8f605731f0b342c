"""Plain text: paragraphs, headings, wrapped lines read on."""

import re
from itertools import groupby, pairwise

from kb.parse.blocks import PSEUDO_LEVEL, Block, BlockKind, Document, heading, looks_like_header
from kb.parse.encoding.decoding import decode
from kb.parse.marks import ASKS, stand_alone
from kb.text.segmentation import width

_RULE = re.compile(r"\s*([-=_*~#])\1{2,}\s*$")
_ITEM = re.compile(r"\s*(?:[-*+•‣◦▪–·●■□]|\(?(?:\d{1,2}|[a-z])[.)]|[①-⑳])\s+\S")
_NUMBERED = re.compile(
    r"\s*(?:(?:chapter|section|kapitel|第)\s*)?(\d{1,2}(?:\.\d{1,2}){0,4})[.)、]?\s+\S", re.I
)
_BODY = re.compile(r"^\W+\s|[:：].*\d")
"""In a line that is no heading: the mark of a list, or a name with its number."""
_STOPS = (".", "。", ",", "，", ";", "；", ":", "：")
_ENDS = (*_STOPS, "!", "！", "…")
_COLUMN_GAP = re.compile(r"\s*\.{4,}\s*(?=\S)|\s{3,}")
_BARRED = re.compile(r"^\s*[|+].*[|+]\s*$|\S\s*\|\s*\S|--\+--|==\+==")
"""A row of a table drawn with bars, with or without a frame, or a rule between two."""
_BAR_RULE = re.compile(r"^[\s|+:=-]*(?:--|==)[\s|+:=-]*$")


def parse_plain(name: str, data: bytes) -> Document:
    """Read a text file."""
    return Document(tuple(text_blocks(decode(name, data))))


def text_blocks(text: str, *, page: str = "") -> list[Block]:
    """Cut text into paragraphs, list items and headings.

    `page`: the location of all of it; without it each block names its line.
    """
    lines = text.expandtabs(4).split("\n")
    columns = {**_columns(lines), **_barred(lines)} if not page else {}
    leading = set() if page else _leading(lines) - columns.keys()
    blocks: list[Block] = []
    paragraph: list[str] = []
    rows: list[tuple[str, ...]] = []
    start = 0
    ruled = False

    def close() -> None:
        if paragraph:
            kind: BlockKind = "item" if _ITEM.match(paragraph[0]) else "text"
            blocks.append(Block(kind, unwrap(paragraph), location=page or f"line {start}"))
            paragraph.clear()

    for number, line in enumerate(lines, start=1):
        following = lines[number] if number < len(lines) else ""
        before = lines[number - 2] if number > 1 else ""
        if not line.strip() or _RULE.match(line):
            close()
        elif number - 1 in columns:
            close()
            if number - 2 not in columns:
                rows.clear()
                start = number
                ruled = False
            if columns[number - 1]:
                rows.append(columns[number - 1])
            else:
                ruled = ruled or len(rows) == 1
            if number not in columns:
                named = ruled or looks_like_header(rows)
                table = Block("table", rows=tuple(rows), header=named, location=f"line {start}")
                blocks.append(table)
        elif level := _heading_level(before, line, following):
            close()
            blocks.append(heading(_clean(line), level, page or f"line {number}"))
        elif number - 1 in leading:
            close()
            blocks.append(heading(_clean(line), PSEUDO_LEVEL, page or f"line {number}"))
        else:
            if paragraph and (
                _ITEM.match(line) or _BARRED.search(line) or _ends_item(paragraph[0], line)
            ):
                close()
            if not paragraph:
                start = number
            paragraph.append(line)
    close()
    return blocks


def _ends_item(first: str, line: str) -> bool:
    """Tell whether a line is no part of the item above it: it begins further left."""
    return bool(_ITEM.match(first)) and first[:1].isspace() and not line[:1].isspace()


def _columns(lines: list[str]) -> dict[int, tuple[str, ...]]:
    """Return the cells of lines that are rows: two or more with as many columns, set by blanks.

    A line of names that begins with blanks may leave the corner above the first column free.
    """
    cells = [tuple(_COLUMN_GAP.split(line.strip())) for line in lines]
    for i, (line, below) in enumerate(pairwise(lines)):
        if line[:3].isspace() and below[:1].strip() and 1 < len(cells[i]) == len(cells[i + 1]) - 1:
            cells[i] = ("", *cells[i])
    return {
        i: row
        for i, row in enumerate(cells)
        if len(row) > 1
        and not _ITEM.match(lines[i])
        and any(0 <= j < len(cells) and len(cells[j]) == len(row) for j in (i - 1, i + 1))
    }


def _barred(lines: list[str]) -> dict[int, tuple[str, ...]]:
    """Return the cells of lines that are rows of a table drawn with bars; of a rule none."""
    tables: dict[int, tuple[str, ...]] = {}
    for barred, block in groupby(enumerate(lines), key=lambda line: bool(_BARRED.search(line[1]))):
        table = {
            i: ()
            if _BAR_RULE.match(line)
            else tuple(map(str.strip, re.sub(r"^\||\|$", "", line.strip()).split("|")))
            for i, line in block
        }
        rows = [row for row in table.values() if row]
        if barred and len(rows) > 1 and len({len(row) for row in rows}) == 1 < len(rows[0]):
            tables |= table
    return tables


def _heading_level(before: str, line: str, following: str) -> int:
    """Return 1 and up for a line that is a heading, 0 for others."""
    text = line.strip()
    alone = not before.strip() or bool(_RULE.match(before))
    if not text or width(text) > 90 or not alone:
        return 0
    underline = _RULE.match(following)
    if underline and len(following.strip()) >= 3:
        mark = underline.group(1)
        numbered = _NUMBERED.match(text)
        if numbered:
            return 2 + numbered.group(1).count(".")
        return 1 if mark in "=#*" else 2
    if following.strip() or text.endswith(_STOPS):
        return 0
    numbered = _NUMBERED.match(line)
    if numbered and not line.startswith((" ", "\t")) and width(text) <= 80:
        return 2 + numbered.group(1).count(".")
    if text.isupper() and not re.search(r"\d", text) and len(text) > 3 and width(text) <= 60:
        return 2
    return 0


def _leading(lines: list[str]) -> set[int]:
    """Return the lines that head the text below them because most paragraphs begin alike.

    They are short, stand on a line of their own though more would have fitted, and are no items of
    a list. Where most of them ask, it is a list of questions and not of headings.
    """
    groups = groupby(enumerate(lines), key=lambda row: bool(row[1].strip(" \t-=_*~#")))
    paragraphs = [list(rows) for text, rows in groups if text]
    found = [
        (place, line.strip())
        for ((place, line), *rest), after in pairwise([*paragraphs, []])
        if _leads(line, [row for _, row in rest], [row for _, row in after])
    ]
    told = [place for place, line in found if not ASKS.search(line)]
    longer = sum(len(paragraph) > 1 for paragraph in paragraphs)
    enough = len(told) > 1 and 2 * len(found) >= longer and 2 * len(told) > len(found)
    return {place for place, _ in found} if enough else set()


def _leads(line: str, rest: list[str], after: list[str]) -> bool:
    """Tell whether the first line of a paragraph looks like a heading of the others."""
    text = line.rstrip()
    if text[:1].isspace() or width(text) > 60 or text.endswith(_ENDS) or _BODY.search(text):
        return False
    if _ITEM.match(text) and any(_ITEM.match(row) and not row[0].isspace() for row in rest):
        return False
    widest = max(map(width, rest or after), default=0)
    if not rest:
        return widest > 2 * width(text) and after[-1].rstrip().endswith((*_ENDS, "?", "？"))
    return width(text) + _first_word(rest[0].strip()) + 1 <= widest


def _clean(line: str) -> str:
    return re.sub(r"\s+", " ", line).strip(" #=*")


def unwrap(lines: list[str]) -> str:
    """Join the lines of a paragraph that an editor wrapped; keep breaks that were meant.

    Lines count as wrapped when all but the last are about as wide as the widest, but
    not after a question, nor if they stand alone.
    """
    texts = [line.strip() for line in lines]
    if len(texts) == 1 or stand_alone(texts):
        return "\n".join(texts)
    widths = [width(text) for text in texts[:-1]]
    widest = max(widths)
    joined = texts[0]
    for index, text in enumerate(texts[1:]):
        asks = ASKS.search(joined)
        wrapped = (
            not asks
            and widest >= 40
            and widths[index] + _first_word(text) + 1 > min(widest, 100) * 0.9
        )
        spaced = joined.endswith("  ") or not _glued(joined[-1], text[0])
        joined += (" " if spaced else "") + text if wrapped else "\n" + text
    return joined


def _first_word(text: str) -> int:
    return width(text.split(maxsplit=1)[0]) if text.isascii() else 2


def _glued(last: str, first: str) -> bool:
    """Tell whether a line break between two characters stands for nothing, as in Chinese."""
    return width(last) == 2 and width(first) == 2 and not "\uac00" <= last <= "\ud7a3"
