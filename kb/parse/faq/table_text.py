"""Tables of a sheet that are no FAQ as lines: several tables, with titles above and within them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TypeAlias

from core.types import Section
from kb.parse.blocks import Block, table_lines, with_header
from kb.parse.faq.values import cell_text
from kb.parse.limits import MAX_COLUMNS
from kb.parse.marks import without_links

HEADER_WITHIN = 10
"""Rows from the top in which the column names are sought: titles and notes may stand above them."""
NAME_CHARS = 60
_DIGIT = re.compile(r"\d")

Cells: TypeAlias = Sequence[str]


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table with the place at which a reader finds it."""

    location: str
    cells: tuple[str, ...]
    repeated: frozenset[int] = frozenset()
    """Columns, from 0, whose cell is one with the cell above."""
    bold: bool = False


def table_text(rows: Sequence[Row], title_path: tuple[str, ...]) -> tuple[Section, ...]:
    """Write each row of tables that are no FAQ as a line that names its columns.

    Titles above a table, or above a part of it, are in the title paths of its rows; a title apart
    from the first table is that of the sheet, and so of all its tables.
    """
    left = min((i for row in rows for i, cell in enumerate(row.cells) if cell.strip()), default=0)
    read = ([without_links(cell_text(c)).strip() for c in row.cells[left:]] for row in rows)
    rows = [replace(row, cells=tuple(trim(cells))) for row, cells in zip(rows, read, strict=True)]
    if beside := _side_by_side(rows):
        parts = ([replace(row, cells=row.cells[a:b]) for row in rows] for a, b in beside)
        tables = ([row for row in part if any(row.cells)] for part in parts)
        return tuple(section for table in tables for section in table_text(table, title_path))
    sections: list[Section] = []
    header: tuple[str, ...] = ()
    above: tuple[str, ...] = ()
    part: tuple[str, ...] = ()
    titles: list[Row] = []
    """What stands above the rows that follow."""

    def write(row: Row, *names: tuple[str, ...]) -> None:
        path = (*title_path, *above, *part)
        block = Block("table", rows=(*names, row.cells), header=bool(names))
        lines = table_lines(block)
        sections.extend(
            Section(text=line, title_path=path, location=row.location) for line in lines
        )

    numbers = [int(row.location.rpartition(" ")[2]) for row in rows]
    apart = [False, *(above + 1 < below for above, below in pairwise(numbers)), False]
    """Whether empty rows stand above each."""
    at = 0
    while at < len(rows):
        row = rows[at]
        if names := _names_at(rows, at, header, apart):
            above, part = tuple(" ".join(title.cells[0].split()) for title in titles), ()
            if not header and apart[at]:  # they are those of the sheet
                title_path, above = (*title_path, *above), ()
            header, count = tuple(" ".join(name.split()) for name in names[0]), names[1]
            titles = []
            at += count
            if at == len(rows):
                write(row)
            continue
        at += 1
        if _is_title(rows, at - 1, header, apart):
            titles.append(row)
            continue
        if header and titles:
            part = tuple(" ".join(title.cells[0].split()) for title in titles)
        elif titles:
            for title in titles:
                write(title)
        elif apart[at - 1]:
            part = ()
        titles = []
        write(row, *([header] if header else []))
    return tuple(sections)


def _names_at(
    rows: Sequence[Row], at: int, header: Cells, apart: Sequence[bool]
) -> tuple[Cells, int] | None:
    """Return the names of columns that a row, and those below it, have; with how many rows."""
    cells = rows[at].cells
    if at >= HEADER_WITHIN if not header else not _may_begin(header, rows, at, apart):
        return None
    end = at + 1
    while end < min(at + 5, len(rows)) and not (header and apart[end]):
        end += 1
    following = [row.cells for row in rows[at:end]]
    if header and not _counts_below(cells, following[1:]):
        return None
    found, named = with_header(following)
    bold = rows[at].bold and len(following) > 1 and not rows[at + 1].bold
    if named or (bold and 1 < len({*found[0]}) == len(found[0])):
        return found[0], 1 + len(following) - len(found)
    return None


def _may_begin(header: Cells, rows: Sequence[Row], at: int, apart: Sequence[bool]) -> bool:
    """Tell whether another table may begin within a sheet: with the same names, or apart."""
    if apart[at] or (apart[at - 1] and _is_title(rows, at - 1, header, apart)):
        return True
    pairs = zip(header[1:], rows[at].cells[1:], strict=False)
    return any(name == cell != "" for name, cell in pairs)


def _counts_below(names: Cells, below: Sequence[Cells]) -> bool:
    """Tell whether only figures stand below a name without any."""
    columns = ([row[n] for row in below if n < len(row) and row[n]] for n in range(1, len(names)))
    return any(
        name and not _DIGIT.search(name) and column and all(map(_DIGIT.search, column))
        for name, column in zip(names[1:], columns, strict=True)
    )


def _is_title(rows: Sequence[Row], at: int, header: Cells, apart: Sequence[bool]) -> bool:
    """Tell whether a row is the title of those below it: merged, bold or apart within a table."""
    row = rows[at]
    title = row.cells[0]
    if not title[:1].isalnum() or len(title) > NAME_CHARS or {*row.cells[1:]} - {"", title}:
        return False
    if not any(len({*below.cells} - {""}) > 1 for below in rows[at + 1 : at + 4]):
        return False
    alone = apart[at] and not apart[at + 1]
    return not header or len(row.cells) > 1 or row.bold or alone


def _side_by_side(rows: Sequence[Row]) -> list[tuple[int, int]]:
    """Return where tables with the same names begin and end that stand side by side."""
    for row in rows[:HEADER_WITHIN]:
        places = [place for place, cell in enumerate(row.cells) if cell]
        names = [row.cells[place] for place in places]
        for wide in range(2, len(names) // 2 + 1):
            times, rest = divmod(len(names), wide)
            alike = not rest and names == names[:wide] * times and len({*names}) == wide
            if alike and not places[0] and not any(map(_DIGIT.search, names)):
                return list(pairwise([*places[::wide], MAX_COLUMNS]))
    return []


def trim(cells: Cells) -> list[str]:
    """Leave out empty cells at the end of a row."""
    kept = list(cells)
    while kept and not kept[-1].strip():
        kept.pop()
    return kept
