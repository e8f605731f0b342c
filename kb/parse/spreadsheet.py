"""XLSX through openpyxl's reader, with caps of our own and before it a check of the archive."""

import datetime as dt
import io
import re
import warnings
import zipfile
from collections.abc import Mapping
from typing import Any
from xml.etree.ElementTree import ParseError

import openpyxl
from openpyxl.cell.read_only import ReadOnlyCell
from openpyxl.utils.cell import range_boundaries
from openpyxl.utils.exceptions import InvalidFileException
from openpyxl.worksheet._read_only import ReadOnlyWorksheet
from openpyxl.worksheet._reader import WorkSheetParser

from core.errors import UnreadableFile
from core.types import Section, Skipped
from kb.parse.limits import MAX_CELL_CHARS, MAX_CELLS, MAX_COLUMNS, MAX_ROWS, check_office
from kb.parse.rows import Row, Taken, read_table

_MAX_SHEETS = 200
_MAX_MERGED = 20_000
"""Cells that a sheet's merged ranges may repeat their value into."""
_ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")
"""How a workbook writes what XML cannot hold; ``_x005F_`` is the underscore of such a sign."""
_FORMULA_ERRORS = {"#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!"}


def parse_spreadsheet(name: str, data: bytes) -> Taken:
    """Read each visible sheet as a table of its own.

    Raises:
        UnreadableFile: if the workbook is damaged, protected or hostile.
    """
    check_office(name, data)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # unknown extensions, default styles
            return _read(data)
    except (
        InvalidFileException, zipfile.BadZipFile, ParseError, KeyError, ValueError, TypeError,
        IndexError, AttributeError, OSError, EOFError, OverflowError, RecursionError, SyntaxError,
    ) as error:  # fmt: skip
        raise UnreadableFile(
            name,
            f"The workbook is damaged ({type(error).__name__}: {str(error)[:120]}). "
            "Open it in a spreadsheet program, save it again as XLSX and upload it.",
        ) from error


def _read(data: bytes) -> Taken:
    sections: list[Section] = []
    skipped: list[Skipped] = []
    workbook = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
    several = len(workbook.worksheets) > 1
    for number, sheet in enumerate(workbook.worksheets, start=1):
        label = f"sheet {sheet.title}"
        if number > _MAX_SHEETS:
            skipped.append(Skipped(label, f"Only {_MAX_SHEETS} sheets are read."))
        elif sheet.sheet_state != "visible":
            skipped.append(Skipped(label, "The sheet is hidden. Show it to have it read."))
        elif not isinstance(sheet, ReadOnlyWorksheet):
            skipped.append(Skipped(label, "It is a chart and holds no text."))
        else:
            rows = _rows(sheet, label, skipped)
            taken = read_table(rows, title_path=(sheet.title,) if several else ())
            sections += taken.sections
            skipped += taken.skipped
            if not rows:
                skipped.append(Skipped(label, "The sheet is empty."))
    workbook.close()
    return Taken(tuple(sections), tuple(skipped))


def _rows(sheet: ReadOnlyWorksheet, label: str, skipped: list[Skipped]) -> list[Row]:
    """Read the cells that exist, whatever size the sheet claims."""
    grid: dict[int, dict[int, str]] = {}
    inside: Any = sheet  # the stubs leave out what the row reader needs
    book: Any = sheet.parent
    count = 0
    with inside._get_source() as source:
        parser = WorkSheetParser(
            source,
            inside._shared_strings,
            data_only=True,
            epoch=book.epoch,
            date_formats=book._date_formats,
            timedelta_formats=book._timedelta_formats,
        )
        for number, cells in parser.parse():
            values = {
                cell["column"]: value for cell in cells if (value := _shown(sheet, cell)).strip()
            }
            if not values:
                continue
            count += len(values)
            location = f"{label}, row {number}"
            if len(grid) >= MAX_ROWS or count > MAX_CELLS:
                reason = f"The sheet has more than {len(grid):,} rows; the rest was not read."
                skipped.append(Skipped(location, f"{reason} Split it."))
                break
            if reason := _objection(values):
                skipped.append(Skipped(location, reason))
            else:
                grid[number] = values
        else:
            _fill_merged(grid, parser)
    return [
        Row(f"{label}, row {number}", tuple(values.get(i, "") for i in range(1, max(values) + 1)))
        for number, values in sorted(grid.items())
    ]


def _objection(values: Mapping[int, str]) -> str:
    """Return why a row is not taken, or nothing."""
    if max(values) > MAX_COLUMNS:
        return f"It reaches to column {max(values):,}; at most {MAX_COLUMNS} are read."
    if (longest := max(map(len, values.values()))) > MAX_CELL_CHARS:
        return f"A cell has {longest:,} characters; at most {MAX_CELL_CHARS:,} are read."
    if broken := next((v for v in values.values() if v in _FORMULA_ERRORS), ""):
        return f"A formula in it gives {broken}. Correct it."
    return ""


def _fill_merged(grid: dict[int, dict[int, str]], parser: WorkSheetParser) -> None:
    """Repeat the value of a merged range in the filled rows that it covers."""
    merged = parser.merged_cells.mergeCell if parser.merged_cells else []
    budget = _MAX_MERGED
    for area in merged:
        left, top, right, bottom = (int(b or 0) for b in range_boundaries(area.ref))
        value = grid.get(top, {}).get(left, "")
        if not value or right > MAX_COLUMNS:
            continue
        for number in range(top, min(bottom, top + MAX_ROWS) + 1):
            budget -= right - left + 1
            if budget < 0:
                return
            if number in grid:
                for column in range(left, right + 1):
                    grid[number].setdefault(column, value)


def _shown(sheet: ReadOnlyWorksheet, cell: dict[str, Any]) -> str:
    """Return a cell's value as its reader sees it: dates, percentages, currencies."""
    value = cell["value"]
    if value is None:
        return ""
    if isinstance(value, str):
        decoded = _ESCAPED.sub(lambda match: chr(int(match[1], 16)), value)
        return decoded.replace("\r\n", "\n").replace("\r", "\n")
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dt.datetime):
        whole_day = value.time() == dt.time()
        return value.date().isoformat() if whole_day else value.isoformat(" ", "minutes")
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, dt.time):
        return value.isoformat("minutes")
    if isinstance(value, int | float):
        return _number(value, str(ReadOnlyCell(sheet, **cell).number_format or ""))
    return str(value)


def _number(value: float, number_format: str) -> str:
    positive = re.sub(r'"([^"]*)"|\\(.)|_.|\*.', r"\1\2", number_format.split(";")[0])
    digits = re.search(r"0\.(0+)", positive)
    decimals = len(digits.group(1)) if digits else 0
    if "%" in positive:
        return f"{value * 100:.{decimals}f}%"
    if "E" in positive or "General" in positive or not re.search(r"[0#]", positive):
        return f"{value:.15g}" if isinstance(value, float) else str(value)
    text = f"{value:.{decimals}f}" if digits else f"{value:.15g}"
    symbol = re.search(r"\[\$([^\]-]*)[^\]]*\]|[€$£¥₽₴₹₩]", positive)
    if symbol and (sign := symbol.group(1) if symbol.group(1) is not None else symbol.group(0)):
        return f"{sign}{text}" if symbol.start() < positive.find("0") else f"{text} {sign}"
    if suffix := re.search(r"[0#]\s*([A-Za-z]{1,5})$", positive):
        return f"{text} {suffix.group(1)}"
    return text
