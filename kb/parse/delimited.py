"""CSV and TSV, with whichever separator the file uses."""

import csv
import io
from collections import Counter

from core.errors import UnreadableFile
from core.types import Skipped
from kb.parse.columns import Given, is_faq, map_columns
from kb.parse.encoding import decode
from kb.parse.limits import MAX_CELL_CHARS, MAX_CELLS, MAX_COLUMNS, MAX_ROWS
from kb.parse.rows import Row, Taken, read_table

_SEPARATORS = ",;\t|"


def parse_delimited(name: str, data: bytes, given: Given | None = None) -> Taken:
    """Read the rows of a CSV or TSV file."""
    text = decode(name, data)
    first_line = text.split("\n", 1)[0]
    separator = ""
    if (
        (declared := first_line.strip().lower())
        and declared.startswith("sep=")
        and len(declared) == 5
    ):
        separator, text = declared[-1], text.split("\n", 1)[1] if "\n" in text else ""
    separator = separator or _separator(
        text, default="\t" if name.lower().endswith(".tsv") else ",", given=given
    )
    rows, skipped = _rows(name, text, separator)
    taken = read_table(rows, given=given)
    return Taken(taken.sections, (*skipped, *taken.skipped))


def _separator(text: str, *, default: str, given: Given | None) -> str:
    """Choose the separator that makes an FAQ header, else the one that cuts most lines alike."""
    sample = text[:20_000]
    best, best_score = default, 0.0
    for separator in _SEPARATORS:
        try:
            rows = [r for r in csv.reader(io.StringIO(sample), delimiter=separator) if r][:50]
        except csv.Error:
            continue
        if any(is_faq(map_columns(row, given)) for row in rows[:10]):
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
    csv.field_size_limit(max(csv.field_size_limit(), len(text) + 1))
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    cells = 0
    number = 0
    try:
        for number, record in enumerate(reader, start=1):
            location = f"row {number}"
            if number > MAX_ROWS or cells > MAX_CELLS:
                raise UnreadableFile(
                    name, f"It has more than {number - 1:,} rows ({cells:,} cells); split it."
                )
            if len(record) > MAX_COLUMNS:
                reason = f"It has {len(record):,} columns; at most {MAX_COLUMNS} are read."
                skipped.append(Skipped(location, reason))
                continue
            if (longest := max(map(len, record), default=0)) > MAX_CELL_CHARS:
                reason = f"A cell has {longest:,} characters; at most {MAX_CELL_CHARS:,} are read."
                if longest > len(text) // 2 and text.count("\n") > 5:
                    reason += " A quotation mark is probably not closed."
                skipped.append(Skipped(location, reason))
                continue
            cells += len(record)
            rows.append(Row(location, tuple(record)))
    except csv.Error as error:
        raise UnreadableFile(
            name, f"The table is damaged after row {number} ({error}). Save it again as CSV."
        ) from error
    return rows, skipped
