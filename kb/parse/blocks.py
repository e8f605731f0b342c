"""What document parsers hand on: headings, paragraphs, list items and tables in reading order."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby, pairwise, zip_longest
from typing import Literal, TypeAlias

from core.types import Section, Skipped
from kb.parse.limits import MAX_COLUMNS
from kb.parse.marks import ASKS, with_links, without_links

PSEUDO_LEVEL = 7
"""Level of a line that only looks like a heading: of a folded part, a bold line."""

PAGE_NUMBER = re.compile(
    r"^\W*(?:page|seite|página|стр\.?|第)?\W*\d*\W*(?:of|von|de|из|/|页)?\W*\d*\W*$", re.I
)
"""A line that says which page it stands on, and nothing else."""
_NUMBER = re.compile(r"[\s\d.,:%+\-−()/€$£¥]*\d[\s\d.,:%+\-−()/€$£¥]*")
_AMOUNT = re.compile(
    r"(?i:(?:ab|from|desde|od|от|da|dès|vanaf|från|fra|ca\.|approx\.|до|bis|up to|max\.|min\.)\s)?"
    r"(?:[A-Z]{3}\s)?[€$£¥+\-−(\s]{0,3}\d[\d.,\s]*[-–]?[\d.,]*\s?[^\W\d]{0,9}[%€$£¥)]{0,2}"
)
_PRICE = re.compile(r"[A-Z]{3}\s?\d[\d.,]*[.,]\d\d|\d[\d.,]*[.,]\d\d\s?[A-Z]{3}")
_YEAR = re.compile(r"(?:19|20)\d\d")
_MAX_TITLE = 60
_SENTENCE = re.compile(r"。$|[^\W\d]{6,}\.$|\d\.$")
"""The end of a sentence, not of a short form: ``руб.``, ``Art.-Nr.``."""

BlockKind: TypeAlias = Literal["heading", "text", "item", "code", "table", "end"]
"""``end``: what follows stands under no heading of this level or below."""


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of a document between two line breaks that mean something."""

    kind: BlockKind
    text: str = ""
    """Plain text. A list item carries its mark and its indentation, a table has none."""
    level: int = 0
    """Of a heading: 1 is the outermost. 7 and more: a line that only looks like one."""
    rows: tuple[tuple[str, ...], ...] = ()
    """Of a table: its cells, the addresses of links marked; merged cells are repeated in each place
    they cover."""
    header: bool = False
    """Of a table: the first row names the columns."""
    location: str = ""
    linked: str = ""
    """The text with the address of each link, as an answer shows it; empty if it has none."""
    asked: bool = False
    """Of a heading: it was marked as a question ("Q: …")."""


@dataclass(frozen=True, slots=True)
class Document:
    """A document as its format's parser read it."""

    blocks: tuple[Block, ...]
    title: str = ""
    language: str = ""
    skipped: tuple[Skipped, ...] = field(default=())
    valid_from: str = ""
    valid_until: str = ""


def heading(text: str, level: int, location: str = "") -> Block:
    """Make a heading."""
    return Block("heading", text, level=level, location=location)


def marked_block(
    kind: BlockKind, marked: str, location: str, *, lead: str = "", level: int = 0
) -> Block:
    """Make a block of words with marked addresses behind `lead`, the mark of a list."""
    plain, linked = lead + without_links(marked), lead + with_links(marked)
    return Block(kind, plain, level=level, location=location, linked=linked)


def split_title(blocks: Sequence[Block]) -> tuple[str, list[Block]]:
    """Return a document's title, its first heading of level 0, and the rest; more are level 1."""
    title = next((b for b in blocks if b.kind == "heading" and not b.level), None)
    rest = [block for block in blocks if block is not title]
    named = [replace(b, level=b.level or 1) if b.kind == "heading" else b for b in rest]
    return title.text if title else "", named


def headings_from_bold(blocks: list[Block]) -> list[Block]:
    """Take bold lines for headings: questions always, others where the document has no headings."""
    styled = any(b.kind == "heading" and b.level > 0 for b in blocks)
    out: list[Block] = []
    for index, block in enumerate(blocks):
        bold = block.kind == "text" and block.level == PSEUDO_LEVEL
        followed = index + 1 < len(blocks) and blocks[index + 1].level != PSEUDO_LEVEL
        asks = ASKS.search(block.text) is not None
        ended = not asks and block.text.endswith((".", "。", ",", ";"))
        short = len(block.text) <= 120 and not ended
        if bold and followed and short and (asks or not styled):
            out.append(heading(" ".join(block.text.split()), PSEUDO_LEVEL, block.location))
        else:
            out.append(replace(block, level=0) if bold else block)
    return out


def around_pages(found: Iterable[tuple[str, Block]]) -> list[Block]:
    """Return the texts of headers and footers, each once with its place, without page numbers."""
    seen: dict[str, Block] = {}
    for where, block in found:
        text = without_links("; ".join(map("; ".join, block.rows))) or block.text
        if len(text) > 60 or not PAGE_NUMBER.match(text):
            seen.setdefault(text, Block("text", text, location=where))
    return [heading("", 1), *seen.values()] if seen else []


def table_lines(block: Block) -> list[str]:
    """Write each row of a table as a line that names the column of each cell.

    ``Country: Germany; Days: 3; Price: 4.90 EUR``. Without column names the first cell of a row
    of two names the second; longer rows are joined by semicolons.
    """
    rows = _titled([row for row in block.rows if any(row)])
    if not rows:
        return []
    if block.header and len(rows) > 1:
        return [line for row in rows[1:] if (line := _named(rows[0], row))]
    if max(len(row) for row in rows) == 2:
        return [": ".join(cell for cell in dict.fromkeys(row) if cell) for row in rows]
    return ["; ".join(_distinct(row)) for row in rows]


def _titled(rows: Sequence[Sequence[str]]) -> list[Sequence[str]]:
    """Put a title over all columns, within a table, before the names of the rows below it too."""
    if not any(len(row) > 1 and row[0] == row[1] for row in rows):
        return list(rows)
    title = ""
    out: list[Sequence[str]] = []
    for row, following in zip(rows, [*rows[1:], ()], strict=False):
        cell = row[0]
        if len({*row}) == 1 < len(row):
            is_title = following and cell[0].isalpha() and len(cell) <= _MAX_TITLE
            title = cell if is_title else ""
        elif title and cell:
            row = (f"{title}, {cell}", *row[1:])
        out.append(row)
    return out


def _named(names: Sequence[str], row: Sequence[str]) -> str:
    pairs = zip_longest((name.strip(" :：") for name in names[: len(row)]), row, fillvalue="")
    alone = len(names) > 1 and row[0] and (len(row) < 2 or row[1] in {"", row[0]})
    alone = alone and len({*row} - {""}) == 1
    if alone and (len(names) > 2 or any(row[1:]) or not row[0][0].isalnum()):
        return row[0]  # a title within the table, or a note
    cells = (f"{n}: {cell}" if n and cell and n != cell else cell for n, cell in pairs)
    return "; ".join(_distinct(cells))


def _distinct(row: Iterable[str]) -> list[str]:
    """Drop empty cells and the repetitions of a merged cell of words; no figure, no dash."""
    runs = ((cell, list(run)) for cell, run in groupby(filter(None, row)))
    words = re.compile(r"[^\W\d_]")
    return [c for cell, run in runs for c in (run[:1] if words.search(cell) else run)]


def looks_like_header(rows: Sequence[Sequence[str]]) -> bool:
    """Tell whether the first row of a table without marks names its columns.

    It does when its cells are short, all different and no numbers, and rows follow. The first may
    be empty if the rows below have a name there; others may be if a column below holds amounts.
    """
    if len(rows) < 2 or len(rows[0]) < 2:
        return False
    first = [without_links(cell).strip() for cell in rows[0]]
    filled = [cell for cell in first if cell]
    if len(set(filled)) != len(filled):
        return False
    if any(len(cell) > 60 or _SENTENCE.search(cell) or ASKS.search(cell) for cell in filled):
        return False
    if any(_NUMBER.fullmatch(cell) and not _YEAR.fullmatch(cell) for cell in filled):
        return False
    if any(map(_PRICE.fullmatch, filled)):
        return False
    below = [[cell.strip() for cell in row] for row in rows[1:]]
    for place, unit in enumerate(map(_unit, first)):
        others = {row[place] for row in below if place < len(row)} - {first[place]}
        if unit and any(unit == _unit(cell) for cell in others):
            return False  # an amount above others of its unit
    if not all(first[1:]) and not (len(filled) > 1 and amounts_below(first, below)):
        return False
    if not first[0] and not all(row and row[0] for row in below):
        return False
    if len(first) == 2:  # otherwise a list of terms and their meanings loses its first term
        if re.search(r"\d", _YEAR.sub("", first[1])):
            return False
        beside = [row[1] for row in below if len(row) > 1 and row[1]]
        words = [cell for cell in beside if not _AMOUNT.fullmatch(cell)]
        free = len(words) < len(beside) / 2 and all(map(str.isalpha, words))
        units = {_unit(cell) for cell in beside if cell not in words}
        return bool(beside) and (not words or (free and len(units) == 1))
    return True


def _unit(cell: str) -> str:
    """Return what a cell counts if it is an amount: ``EUR`` of ``4.90 EUR``."""
    return re.sub(r"[\W\d]+", "", cell) if _AMOUNT.fullmatch(cell) else ""


def _counts(cell: str) -> bool:
    """Tell whether a cell is an amount and no year, which names a column."""
    return _AMOUNT.fullmatch(cell) is not None and not _YEAR.fullmatch(cell)


def joined_header(rows: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """Return the names of the columns of a table without marks whose first two rows name them.

    The first has names that reach over several columns, repeated or followed by empty cells; a
    column below holds amounts, and what stands in the second is none of their kind ("30 minutes"
    above prices), unless it is the only row without a name. Empty if it is no such table.
    """
    if len(rows) < 3:
        return ()
    top, second = ([cell.strip() for cell in row] for row in rows[:2])
    top += [""] * (len(second) - len(top))
    titled = top[0] and len({*top} - {""}) == 1  # it stands above all of the table
    wide = not titled and any(b in ("", a) and a for a, b in pairwise(top))
    unnamed = top[0] and not second[0]
    below = [[cell.strip() for cell in row] for row in rows[2:]]
    alike = {_unit(cell) for cell in second if _counts(cell)} & {
        _unit(cell) for row in below for cell in row if _counts(cell)
    }
    amounts = alike and not (unnamed and all(second[1:]))
    units = unnamed and all(top) and any(second) and all(row[:1] != [""] for row in below)
    if not (wide or units) or len(second) < len(top) or amounts:
        return ()
    for place in range(1, len(top)):
        if not top[place] and second[place]:
            top[place] = top[place - 1]
    names = join_names([top, second])
    return names if looks_like_header([names, *below]) and amounts_below(names, below) else ()


def with_header(
    rows: Sequence[tuple[str, ...]], heads: int = 0
) -> tuple[list[tuple[str, ...]], bool]:
    """Return a table whose first row names the columns, and whether it does.

    `heads`: so many rows are marked as names; without marks its cells tell.
    """
    if heads > 1 and heads < len(rows):
        return [join_names(rows[:heads]), *rows[heads:]], True
    if names := joined_header(rows):
        return [names, *rows[2:]], True
    return list(rows), heads > 0 or looks_like_header(rows)


Above: TypeAlias = Mapping[int, tuple[int, str]]
"""By the place of a column: into how many more rows a cell reaches down, and its text."""


def grid_row(
    cells: Iterable[tuple[str, int, int]], above: Above
) -> tuple[list[str], dict[int, tuple[int, str]]]:
    """Place cells, each over so many columns and rows, beside those that reach down from above.

    Merged cells are repeated. Return the row, and what reaches on.
    """
    row: list[str] = []
    below: dict[int, tuple[int, str]] = {}

    def place(text: str, high: int) -> None:
        if high > 1:
            below[len(row)] = (high - 1, text)
        row.append(text)

    def place_above() -> None:
        while len(row) in above:
            high, text = above[len(row)]
            place(text, high)

    for text, wide, high in cells:
        place_above()
        for _ in range(min(max(wide, 1), MAX_COLUMNS - len(row))):
            place(text, high)
    place_above()
    return row, below


def join_names(rows: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """Join the names of columns that stand in several rows: "Inland, small"."""
    columns = zip_longest(*rows, fillvalue="")
    return tuple(", ".join(dict.fromkeys(name for name in column if name)) for column in columns)


def amounts_below(names: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Tell whether a named column holds nothing but amounts."""
    columns = (
        [row[place] for row in rows if place < len(row) and row[place]]
        for place, name in enumerate(names)
        if name
    )
    return any(cells and all(map(_AMOUNT.fullmatch, cells)) for cells in columns)


def text_of(blocks: Iterable[Block], *, links: bool = False) -> str:
    """Join blocks to one text: paragraphs apart, list items and rows on lines.

    `links`: with the address behind each link, as an entry's answer has it. A passage only has
    those of links whose words say nothing.
    """
    out = ""
    previous: Block | None = None
    for block in blocks:
        words = (links and block.linked) or block.text
        piece = "\n".join(table_lines(block)) if block.kind == "table" else words.strip("\n")
        if block.kind == "table":
            piece = with_links(piece) if links else without_links(piece)
        if not piece.strip():
            continue
        tight = previous is not None and previous.kind == block.kind == "item"
        out += ("\n" if tight else "\n\n" if out else "") + piece
        previous = block
    return out.strip()


def passages(
    blocks: Sequence[Block], *, path: tuple[str, ...] = (), language: str = ""
) -> list[Section]:
    """Cut blocks into sections at headings and at changes of page, each with its title path."""
    sections: list[Section] = []
    stack: list[Block] = []
    body: list[Block] = []

    def close() -> None:
        text = text_of(body)
        if text:
            titles = path + tuple(h.text for h in stack if h.text)
            sections.append(
                Section(
                    text=text,
                    title_path=titles,
                    location=next((b.location for b in body if b.location), ""),
                    language=language,
                )
            )
        body.clear()

    for block in blocks:
        if block.kind == "heading":
            close()
            while stack and stack[-1].level >= block.level:
                stack.pop()
            stack.append(block)
        else:
            if body and block.location.startswith("page ") and block.location != body[-1].location:
                close()
            body.append(block)
    close()
    return sections


def bare_headings(
    blocks: Sequence[Block], sections: Sequence[Section], *, title: str
) -> list[Skipped]:
    """Name the headings that no section has: nothing stands under them, so they say nothing."""
    text = "\n".join(f"{s.text}\n{s.answer}\n{s.category}" for s in sections)
    above = {heading for section in sections for heading in section.title_path}
    return [
        Skipped(block.location, f"Nothing stands under the heading {block.text[:100]!r}.")
        for block in blocks
        if block.kind == "heading"
        and block.text.strip()
        and block.text not in above
        and block.text != title
        and block.text.strip() not in text
        and not any(s.answer and block.text.endswith(s.text) for s in sections)  # "Q1: …"
    ]


def without_contents(blocks: Sequence[Block]) -> tuple[list[Block], list[Skipped]]:
    """Drop a list that repeats the headings of its own document; name it."""
    titles = {b.text.casefold().strip() for b in blocks if b.kind == "heading"}
    kept: list[Block] = []
    skipped: list[Skipped] = []
    index = 0
    while index < len(blocks):
        end = index
        while end < len(blocks) and blocks[end].kind == "item":
            end += 1
        run = blocks[index:end]
        own = sum(_item_text(b).casefold() in titles for b in run)
        if len(run) >= 3 and own >= 0.8 * len(run):
            skipped.append(Skipped(run[0].location, "A table of contents; its headings are read."))
            index = end
        else:
            kept += run or [blocks[index]]
            index = max(end, index + 1)
    return kept, skipped


def _item_text(block: Block) -> str:
    return re.sub(r"^\s*(?:[-*+•]|\d+[.)])\s+", "", block.text).strip()
