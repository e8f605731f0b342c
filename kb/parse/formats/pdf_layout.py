"""What the place and the size of a page's letters say: which lines are headings, what is a table.

pypdf's text has no structure. Headings are the lines in larger or bolder letters than the rest.
Tables are rows of the page's fixed-width rendering whose cells stand in columns; a table counts
only if the page's plain text has the same cells, one after the other, so no word moves or is lost.
"""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TypeAlias

from kb.parse.blocks import Block, joined_header, looks_like_header
from kb.parse.formats.pdf_page import Letters, fold
from kb.text.layout import length

PLACEHOLDER = "\ue000"
"""Stands on a line of its own where a table was taken out; followed by the table's number."""

_LARGER = 1.08
"""A heading's letters are at least so much larger than those of most of the text."""
_MUCH_LARGER = 1.2
"""Letters of this size are those of a heading, also in two lines that follow each other."""
_MOST = 0.4
"""Where more of the text than this is larger than most, size tells nothing."""
_BOLD_MOST = 0.3
_MAX_HEADING = 120
_SENTENCE_END = re.compile(r"[.,;。，；]$")

_BACKWARD = re.compile("[\u0590-\u08ff]")
_FORWARD = re.compile(
    "[%€$£+*#]*[A-Za-z0-9\u0660-\u0669](?:[^\\s\u0590-\u065f\u066d-\u08ff\ufb1d-\ufefc]*"
    "[A-Za-z0-9\u0660-\u0669])?[+*#]*"
)
_MIRRORED = str.maketrans("()[]{}<>", ")(][}{><")
_GAP = re.compile(r" {3,}")
"""Between cells. Two blanks also stand between the words of justified text."""
_NARROW = re.compile(r" {2,}")
"""Beside the widest cell of a column, in a row whose other cells stand in the table's columns."""
_LEADERS = re.compile(r"\s*(?:\. ?){4,}$")
_MIN_ROWS = 3
_MAX_CELL = 30
"""Median characters of the shortest column: in two columns of running text, every line is long."""
_MIN_LINES = 4
_FEW_WORDS = 4
"""Running text in columns has more words in a line than most cells of a table."""
_ENDED = re.compile(r"[.!?:;。！？：；]\W*$")
_MARK = re.compile(r"\W*\w{0,3}\W*")
"""A column of bullets, numbers of a list or of lines of code is no column of a table."""


def reads_backward(text: str) -> bool:
    """Tell whether most letters of a text are of a script that is written from the right."""
    backward = len(_BACKWARD.findall(text))
    return backward > 0.5 * sum(map(str.isalpha, text))


def forward(layout: str) -> str:
    """Return a rendering of Arabic or Hebrew, which has its letters as they stand, as it is read.

    Figures and words of other scripts are written from the left in it.
    """
    lines = layout.split("\n")
    wide = max(map(len, lines))
    turned = (line.ljust(wide)[::-1].translate(_MIRRORED) for line in lines)
    return "\n".join(_FORWARD.sub(lambda run: run[0][::-1], line) for line in turned)


def heading_levels(pages: Sequence[Letters]) -> dict[str, int]:
    """Return the lines of a document that are headings, without blanks, with their levels.

    Bold or little larger lines that follow each other are no headings but the cells of a table.
    """
    lines = [line for page in pages for line in page.lines]
    letters: Counter[float] = Counter()
    bold_letters = 0
    for text, size, bold in lines:
        letters[size] += len(text)
        bold_letters += len(text) * bold
    if not letters:
        return {}
    body = letters.most_common(1)[0][0]
    bold_tells = bold_letters < _BOLD_MOST * letters.total()
    larger = sum(count for size, count in letters.items() if size >= _LARGER * body)
    if larger > _MOST * letters.total():
        return {}
    found: dict[str, float] = {}
    for page in pages:
        little = [
            0.98 * body <= size < _MUCH_LARGER * body
            and ((bold and bold_tells) or size >= _LARGER * body)
            for _, size, bold in page.lines
        ]
        for at, (text, size, _) in enumerate(page.lines):
            alone = not any(little[max(at - 1, 0) : at] + little[at + 1 : at + 2])
            heads = (little[at] and alone) or size >= _MUCH_LARGER * body
            if heads and len(text) <= _MAX_HEADING and may_head(text):
                found[text] = size if size >= _LARGER * body else 0.0
    sizes = sorted(set(found.values()), reverse=True)
    return {text: min(1 + sizes.index(size), 6) for text, size in found.items()}


def may_head(text: str) -> bool:
    """Tell whether a line has letters and does not end, or begin, as a sentence or item does."""
    return (
        sum(c.isalpha() for c in text) >= 2
        and not _SENTENCE_END.search(text)
        and not text.startswith(("•", "-", "–", "*"))
    )


# --- tables ------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Column:
    start: int
    end: int

    def overlaps(self, start: int, end: int) -> bool:
        return start < self.end and self.start < end


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells as they stand on a page."""

    rows: tuple[tuple[str, ...], ...]
    whole: bool = True
    """Whether it begins with its first row; else a row with merged cells stands above."""
    letters: str = ""
    """All its cells, line by line, without blanks."""
    named: bool = False
    """Whether its first row has the names of two rows, one of them of merged cells."""
    prose: bool = False
    """Whether it is none: running text in columns, each line of which is a cell."""


_Cell: TypeAlias = tuple[int, int, str]
"""Where it starts and ends in its line, and its text."""


def tables_in(layout: str, is_heading: Callable[[str], bool] = lambda line: False) -> list[Table]:
    """Return the tables of a page's fixed-width rendering.

    A line of one cell, beyond the first column, goes on with the row above; not one that stands
    farther below than rows do, such as the number of the page, and no heading at the end.
    """
    found: list[Table] = []
    run: list[list[_Cell]] = []
    above: list[_Cell] = []
    before: list[_Cell] = []
    blank = widest = 0
    """Empty lines above this one, and the most within the table."""
    for line in [*layout.split("\n"), "", "."]:
        if not line.strip():
            blank += 1
            continue
        cells, narrow = _cells(line), _cells(line, _NARROW)
        if run and len(cells) < len(narrow) == len(_columns(run) or ()):
            cells = narrow if len(_columns([*run, narrow]) or ()) == len(narrow) else cells
        beside = cells[0][0] > 0 and blank <= max(widest, 1)
        beside = len(cells) > 1 or beside or (not blank and _is_prose(run))
        if run and beside and _columns([*run, cells]) is not None:
            widest = max(widest, blank)
            run.append(cells)
            blank = 0
            continue
        last = run[-1] if run else before
        while run and len(run[-1]) == 1 and is_heading(run[-1][0][2]):
            run.pop()
        if table := _table(run, above):
            found.append(table)
        above, before = last, cells
        run = [cells] if len(cells) > 1 else []
        blank = widest = 0
    return found


def _table(run: Sequence[Sequence[_Cell]], above: Sequence[_Cell]) -> Table | None:
    """Return the table of these lines, with the names that cover several columns, if any."""
    rows = _rows(run)
    if rows and _is_prose(run):
        return Table(rows, letters=_letters(run), prose=True)
    lines, top = (run, above) if rows else (run[1:], run[0] if run else ())
    below = rows or _rows(lines)
    if below and len(top) > 1 and (names := joined_header([_spread(top, lines), *below])):
        return Table((names, *below[1:]), letters=_letters([top, *lines]), named=True)
    return Table(rows, len(above) < 2, _letters(run)) if rows else None


def _letters(run: Sequence[Sequence[_Cell]]) -> str:
    return fold("".join(text for line in run for _, _, text in line))


def _spread(top: Sequence[_Cell], lines: Sequence[Sequence[_Cell]]) -> tuple[str, ...]:
    """Write the names of merged cells above each column that they cover, by their middles."""
    columns = _columns(lines) or []
    middles = [(column.start + column.end) / 2 for column in columns]
    if not middles or middles[0] >= top[0][0]:
        return ()
    nearest = (min(top, key=lambda cell: abs((cell[0] + cell[1]) / 2 - m)) for m in middles[1:])
    return ("", *(text for _, _, text in nearest))


def _is_prose(run: Sequence[Sequence[_Cell]]) -> bool:
    """Tell whether lines are running text in columns: long, as wide as each other, going on."""
    columns = _columns(run)
    if columns is None or len(columns) < 2 or len(run) < _MIN_LINES:
        return False
    texts: list[list[str]] = [[] for _ in columns]
    for line in run:
        for start, end, text in line:
            texts[_place(columns, start, end)].append(text)
    return all(map(_runs_on, texts))


def _runs_on(lines: Sequence[str]) -> bool:
    if len(lines) < 2 or median(map(length, lines)) < _FEW_WORDS:
        return False
    widest = max(map(len, lines))
    full = sum(len(line) > 0.7 * widest for line in lines)
    open_ = sum(not _ENDED.search(line) for line in lines[:-1])
    begun = sum(not line[0].isupper() for line in lines[1:])
    rest = len(lines) - 1
    return full > 0.6 * len(lines) and open_ > 0.5 * rest and begun > 0.3 * rest


def _cells(line: str, between: re.Pattern[str] = _GAP) -> list[_Cell]:
    cells: list[_Cell] = []
    position = 0
    for gap in [*between.finditer(line.rstrip()), None]:
        text = line.rstrip()[position : gap.start() if gap else None]
        if text.strip():
            start = position + len(text) - len(text.lstrip())
            cells.append((start, position + len(text.rstrip()), text.strip()))
        position = gap.end() if gap else position
    return cells


def _columns(lines: Sequence[Sequence[_Cell]]) -> list[_Column] | None:
    """Return the columns in which all cells stand, `None` if a cell reaches over two."""
    columns: list[_Column] = []
    for line in lines:
        for start, end, _ in line:
            over = [column for column in columns if column.overlaps(start, end)]
            if not over:
                columns.append(_Column(start, end))
            elif len(over) == 1:
                over[0].start, over[0].end = min(over[0].start, start), max(over[0].end, end)
            else:
                return None
    columns.sort(key=lambda column: column.start)
    for line in lines:
        used = [_place(columns, start, end) for start, end, _ in line]
        if len(set(used)) != len(used):
            return None
    return columns


def _place(columns: Sequence[_Column], start: int, end: int) -> int:
    return next(i for i, column in enumerate(columns) if column.overlaps(start, end))


def _rows(run: Sequence[Sequence[_Cell]]) -> tuple[tuple[str, ...], ...]:
    """Return the run of lines as the rows of a table, none if it is no table."""
    columns = _columns(run)
    if columns is None or len(columns) < 2:
        return ()
    rows: list[list[str]] = []
    for line in run:
        row = [""] * len(columns)
        for start, end, text in line:
            row[_place(columns, start, end)] = _LEADERS.sub("", re.sub(r"\s+", " ", text))
        if rows and not row[0] and len(line) == 1:
            rows[-1] = [f"{a} {b}".strip() for a, b in zip(rows[-1], row, strict=True)]
        else:
            rows.append(row)
    by_column = [[row[i] for row in rows if row[i]] for i in range(len(columns))]
    if len(rows) < _MIN_ROWS or any(len(cells) < 2 for cells in by_column):
        return ()
    if all(_MARK.fullmatch(cell) for cell in by_column[0]):
        return ()
    if any(not any(c.isalnum() for c in "".join(cells)) for cells in by_column):
        return ()
    if min(median(map(len, cells)) for cells in by_column) > _MAX_CELL:
        return ()
    return tuple(tuple(row) for row in rows)


def take_tables(
    text: str, tables: Sequence[Table], bold: set[str], where: str
) -> tuple[str, list[Block]]:
    """Put a placeholder line in the place of each table whose cells follow each other in a text.

    Columns of running text are written one after the other. `bold` is what stands in bold letters
    on the page, without blanks; `where` names the page.
    """
    blocks: list[Block] = []
    for table in tables:
        rows = table.rows
        places = [i for i, c in enumerate(text) if not c.isspace()]
        at = fold(text).find(table.letters)
        if at < 0:
            continue
        start, end = places[at], places[at + len(table.letters) - 1] + 1
        if text[:start].rpartition("\n")[2].strip() or text[end:].partition("\n")[0].strip():
            continue  # it begins or ends within a line: not only the table is there
        if table.prose:
            columns = ("\n".join(filter(None, column)) for column in zip(*rows, strict=True))
            text = "\n".join([text[:start], *columns, text[end:]])
            continue
        head = table.named or (table.whole and (looks_like_header(rows) or _stands_out(rows, bold)))
        blocks.append(Block("table", rows=rows, header=head, location=where))
        text = f"{text[:start]}\n{PLACEHOLDER}{len(blocks) - 1}\n{text[end:]}"
    return text, blocks


def _stands_out(rows: Sequence[Sequence[str]], bold: set[str]) -> bool:
    """Tell whether the first row is bold and the others are not."""
    first, *rest = ([fold(cell) for cell in row if cell] for row in rows)
    return all(cell in bold for cell in first) and not any(
        all(cell in bold for cell in row) for row in rest
    )
