"""CSV and TSV, with whichever separator the file uses."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TypeAlias

from core.errors import UnreadableFile
from core.types import Skipped
from kb.parse.encoding.decoding import decode
from kb.parse.faq.columns import Field, Given, faq_columns
from kb.parse.faq.formula import shown
from kb.parse.faq.questions import is_question
from kb.parse.faq.rows import Taken, read_table
from kb.parse.faq.table_text import Cells, Row
from kb.parse.limits import MAX_CELLS, MAX_ROWS, too_large

_SEPARATORS = ",;\t|"
_DECLARED = re.compile(r"[^\S\n]*sep=([^\s])[^\S\n]*(?:\n|$)", re.IGNORECASE)
"""A first line that names the separator to a spreadsheet program."""
_WHOLE = re.compile(r"^\D{0,5}\d{1,6}$")
_MOST_LINES = 500
"""Lines of a cell in a table whose quotation marks are not in order."""


def parse_delimited(name: str, data: bytes, given: Given) -> Taken:
    """Read the rows of a CSV or TSV file."""
    text = decode(name, data)
    if declared := _DECLARED.match(text):
        separator, text = declared[1].lower(), text[declared.end() :]
    else:
        usual = "\t" if name.lower().endswith(".tsv") else ","
        separator = _separator(text, default=usual, given=given)
    rows, skipped = _rows(name, text, separator)
    rows = _with_bare_separators(rows, skipped, separator, given)
    taken = read_table(rows, given=given)
    return Taken(taken.sections, (*skipped, *taken.skipped))


def _separator(text: str, *, default: str, given: Given) -> str:
    """Choose the separator that makes an FAQ header, else the one that cuts most lines alike."""
    sample = text[:20_000]
    best, best_score = default, 0.0
    for separator in _SEPARATORS:
        try:
            reader = csv.reader(io.StringIO(sample), delimiter=separator, skipinitialspace=True)
            rows = [r for r in reader if r][:50]
        except csv.Error:
            continue
        if any(faq_columns(row, given) for row in rows[:10]):
            return separator
        counts = Counter(len(row) for row in rows if len(row) > 1)
        if not counts:
            continue
        score = max(counts.values()) / len(rows) + (0.1 if separator == default else 0)
        if score > best_score:
            best, best_score = separator, score
    return best


def _rows(name: str, text: str, separator: str) -> tuple[list[Row], list[Skipped]]:
    rows: list[Row] = []
    skipped: list[Skipped] = []
    cells = 0
    for number, (record, unclosed) in enumerate(_records(text, separator), start=1):
        location = f"row {number}"
        if number > MAX_ROWS or cells > MAX_CELLS:
            raise UnreadableFile(
                name, f"It has more than {number - 1:,} rows ({cells:,} cells); split it."
            )
        if unclosed:
            reason = "A quotation mark in it is not closed; the line was read as it stands."
            skipped.append(Skipped(location, reason))
        if reason := too_large(len(record), record):
            skipped.append(Skipped(location, reason))
            continue
        cells += len(record)
        rows.append(Row(location, tuple(map(shown, record))))
    return rows, skipped


def _with_bare_separators(
    rows: Sequence[Row], skipped: list[Skipped], separator: str, given: Given
) -> list[Row]:
    """Join what stands beyond the header, an unquoted separator.

    In a table of entries it belongs to the answer, or to a question that only then ends as one; in
    others to a number: ``4,90``.
    """
    top = next((i for i, row in enumerate(rows[:10]) if faq_columns(row.cells, given)), len(rows))
    faq = faq_columns(rows[top].cells, given)[0][1] if top < len(rows) else {}
    if faq:
        width = len(rows[top].cells)
    elif separator == "," and rows and all(rows[0].cells):
        top, width = 0, len(rows[0].cells)
    else:
        return list(rows)
    joined: list[Row] = []
    for number, row in enumerate(rows):
        cells = row.cells
        while len(cells) > width and not cells[-1].strip():
            cells = cells[:-1]
        if number > top and len(cells) > width:
            if faq:
                asked = _joined_at(cells, faq["question"], width, separator)
                ends = is_question(asked[faq["question"]]), is_question(cells[faq["question"]])
                field: Field = "question" if ends == (True, False) else "answer"
                kept = _joined_at(cells, faq[field], width, separator)
                to = repr(rows[top].cells[faq[field]])
            else:
                kept, to = _joined_cents(cells, len(cells) - width), "its number"
            if kept != cells:
                reason = f"It has more cells than the header; they were joined to {to}."
                skipped.append(Skipped(row.location, reason))
            cells = kept
        joined.append(replace(row, cells=cells))
    return joined


def _joined_at(cells: Cells, place: int, width: int, separator: str) -> tuple[str, ...]:
    """Make one cell of those that a row has too many, and of the one at `place` before them."""
    end = place + len(cells) - width + 1
    return *cells[:place], separator.join(cells[place:end]), *cells[end:]


def _joined_cents(cells: Sequence[str], surplus: int) -> tuple[str, ...]:
    """Join pairs of cells that are one number, ``4`` and ``90``, if there are just so many."""
    joined: list[str] = []
    count = 0
    for cell in cells:
        if joined and re.fullmatch(r"\d\d(?:\s?\D{1,5})?", cell) and _WHOLE.search(joined[-1]):
            joined[-1] += f",{cell}"
            count += 1
        else:
            joined.append(cell)
    return tuple(joined) if count == surplus else tuple(cells)


_Record: TypeAlias = tuple[list[str], bool]
"""Cells, and whether one of them has a quotation mark that is not closed."""


def _records(text: str, separator: str) -> Iterable[_Record]:
    """Read the records of a table; if its quotation marks are not in order, line by line."""
    csv.field_size_limit(max(csv.field_size_limit(), len(text) + 1))
    try:
        records = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True))
    except csv.Error:
        return _loose_records(text, separator)
    apart = any(cell.startswith(" ") and cell.lstrip(" ")[:1] == '"' for r in records for cell in r)
    if apart or (separator != "," and any(_swallows(record, separator) for record in records)):
        return _loose_records(text, separator)
    return [(record, False) for record in records]


def _swallows(record: Sequence[str], separator: str) -> bool:
    """Tell whether a cell holds lines that look like rows of the same table."""
    return any(
        "\n" in cell
        and all(_count(line, separator) == len(record) - 1 for line in cell.split("\n")[1:])
        for cell in record
    )


def _count(line: str, separator: str) -> int:
    """Count the separators of a line; one before a blank is a mark within a sentence."""
    return line.count(separator) - line.count(f"{separator} ")


def _loose_records(text: str, separator: str) -> Iterator[_Record]:
    """Read records whose quotation marks may mean themselves."""
    lines = re.split(r"\r\n|\n|\r", text)
    at = width = 0
    while at < len(lines):
        cells: list[str] = []
        unclosed = False
        rest, at = lines[at], at + 1
        while True:
            if (bare := rest.lstrip(" ")).startswith('"'):
                rest = bare
            quoted = _quoted(rest, lines, at, separator, width) if bare[:1] == '"' else None
            if quoted is not None:
                cell, rest, at = quoted
                rest = rest.lstrip(" ")
                more = rest.startswith(separator)
                rest = rest.removeprefix(separator)
            else:
                cell, found, rest = rest.partition(separator)
                more = bool(found)
                unclosed |= cell.startswith('"') and cell.count('"') % 2 == 1
            cells.append(cell)
            if not more:
                break
        width = width or len(cells)
        yield cells, unclosed


def _quoted(
    rest: str, lines: Sequence[str], at: int, separator: str, width: int
) -> tuple[str, str, int] | None:
    """Read the quoted cell that `rest` begins with; `None` if its mark is not closed.

    Return the cell, what follows it in its last line, and the number of the line after that.
    """
    cell, text, first = "", rest[1:], at
    escaped = False
    while True:
        inside, mark, after = text.partition('"')
        if not mark:
            if at >= len(lines) or at - first > _MOST_LINES:
                return None
            cell, text, at = f"{cell}{inside}\n", lines[at], at + 1
            if separator != "," and _count(text, separator) == width - 1:
                return None  # a row of its own
        elif after.startswith('"'):
            cell, text = f'{cell}{inside}"', after[1:]
        elif inside.endswith("\\") and (escaped or after[:1] not in {"", separator}):
            cell, text, escaped = f'{cell}{inside[:-1]}"', after, True
        elif not (follows := after.lstrip(" ")) or follows.startswith(separator):
            return cell + inside, after, at
        elif at > first or not (f'"{separator}' in after or after.endswith('"')):
            return None
        else:
            cell, text = f'{cell}{inside}"', after
