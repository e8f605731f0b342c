"""XLSX through openpyxl's reader, with caps of our own and before it a check of the archive."""

import datetime as dt
import html
import io
import re
import warnings
import zipfile
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import openpyxl
from defusedxml.ElementTree import fromstring
from openpyxl.cell.read_only import ReadOnlyCell
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.packaging.relationship import get_dependents, get_rels_path
from openpyxl.utils.cell import get_column_letter, range_boundaries
from openpyxl.worksheet._read_only import ReadOnlyWorksheet
from openpyxl.worksheet._reader import FORMULA_TAG, INLINE_STRING, WorkSheetParser

from core.types import Skipped
from kb.parse.faq.columns import Given
from kb.parse.faq.formula import NO_RESULT, link_of
from kb.parse.faq.rows import Taken, read_sheets, unread_pictures, without_hidden
from kb.parse.faq.table_text import Row
from kb.parse.formats.moment_format import format_moment, iso_moment
from kb.parse.formats.number_format import format_number, format_text
from kb.parse.limits import (
    MAX_CELLS,
    MAX_COLUMNS,
    MAX_ROWS,
    check_office,
    too_large,
    unless_damaged,
)
from kb.parse.marks import HIDDEN, PICTURE_SAYS, Run, day_mark, line_of, link_mark, signs_of
from kb.text.language import detect_language

_MAX_SHEETS = 200
_MAX_MERGED = 20_000
"""Cells that a sheet's merged ranges may repeat their value into."""
_TELLING_BYTES = 20_000
"""Of a sheet; the texts in them tell its language."""
_TEXTS_OF = re.compile(rb't="s"[^>]*>\s*<v>(\d{1,7})<|<t(?: [^>]*)?>([^<]{1,500})<')
_TEXTS, _PICTURES_IN_CELLS = "xl/sharedStrings.xml", "xl/richData/richValueRel.xml"
_ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")
"""How a workbook writes what XML cannot hold; ``_x005F_`` is the underscore of such a sign."""


def parse_spreadsheet(name: str, data: bytes, given: Given) -> Taken:
    """Read each visible sheet as a table of its own."""
    check_office(name, data)
    remedy = "Open it in a spreadsheet program, save it again as XLSX and upload it."
    damaged = unless_damaged(name, "workbook", remedy=remedy)
    with damaged, warnings.catch_warnings(action="ignore"):  # unknown extensions, default styles
        return _read(data, given)


def _read(data: bytes, given: Given) -> Taken:
    book = io.BytesIO(data)
    with zipfile.ZipFile(book) as archive:
        texts = archive.read(_TEXTS) if _TEXTS in archive.namelist() else b""
    rich = any(mark in texts for mark in (b"vertAlign", b"strike"))
    workbook = openpyxl.load_workbook(book, read_only=True, data_only=True, rich_text=rich)

    def rows_of(number: int, label: str, skipped: list[Skipped]) -> Sequence[Row] | str:
        sheet = workbook.worksheets[number]
        if number >= _MAX_SHEETS:
            return f"Only {_MAX_SHEETS} sheets are read."
        if sheet.sheet_state != "visible":
            return HIDDEN.format("sheet")
        if not isinstance(sheet, ReadOnlyWorksheet):
            return "It is a chart and holds no text."
        return _rows(sheet, label, skipped)

    taken = read_sheets([sheet.title for sheet in workbook.worksheets], rows_of, given)
    workbook.close()
    return taken


def _rows(sheet: ReadOnlyWorksheet, label: str, skipped: list[Skipped]) -> list[Row]:
    """Read the cells that exist, whatever size the sheet claims."""
    grid: dict[int, dict[int, str]] = {}
    inside: Any = sheet  # the stubs leave out what the row reader needs
    shown = _Shown(sheet)
    count = hidden_rows = 0
    repeated: dict[int, set[int]] = {}
    bold: set[int] = set()
    with inside._get_source() as source:
        parser = _Parser(
            source,
            inside._shared_strings,
            data_only=True,
            epoch=inside.parent.epoch,
            date_formats=inside.parent._date_formats,
            timedelta_formats=inside.parent._timedelta_formats,
        )
        if _PICTURES_IN_CELLS in inside.parent._archive.namelist():
            parser.pictures = []
        for number, cells in parser.parse():
            values = {cell["column"]: value for cell in cells if (value := shown(cell)).strip()}
            if not values:
                continue
            if _is_hidden(parser.row_dimensions.get(str(number), {})):
                hidden_rows += 1
                continue
            count += len(values)
            if shown.bold.issuperset(c["style_id"] for c in cells if c["column"] in values):
                bold.add(number)
            location = f"{label}, row {number}"
            if len(grid) >= MAX_ROWS or count > MAX_CELLS:
                reason = f"The sheet has more than {len(grid):,} rows; the rest was not read."
                skipped.append(Skipped(location, f"{reason} Split it."))
                break
            if reason := too_large(max(values), values.values()):
                skipped.append(Skipped(location, reason))
            else:
                grid[number] = values
        else:
            _add_related(grid, parser, inside, label, skipped)
            repeated = _fill_merged(grid, parser)
    for which, cells_left in sorted(shown.left_out.items()):
        skipped.append(Skipped(label, f"Cells {which} were left out: {cells_left:,}."))
    rows = [
        Row(
            f"{label}, row {number}",
            tuple(values.get(i, "") for i in range(1, max(values) + 1)),
            frozenset(repeated.get(number, ())),
            number in bold,
        )
        for number, values in sorted(grid.items())
    ]
    kept, hidden = without_hidden(rows, _hidden_columns(parser), hidden_rows, label)
    skipped += hidden
    return kept


class _Parser(WorkSheetParser):
    """Reads the cells of a sheet, also what openpyxl leaves out: formulas without a result."""

    pictures: list[str] | None = None
    """Cells that are a picture; `None` if the workbook has no pictures in cells."""

    def parse_cell(self, element: Any) -> Any:
        """Return a cell with the value that its reader sees."""
        inline = element.find(INLINE_STRING)
        self.rich_text = inline is not None and len(inline) > 1  # its reader spoils plain texts
        cell = super().parse_cell(element)
        if len(element) and element[0].tag == FORMULA_TAG:
            if link := link_of(element[0].text or "", str(cell["value"] or "")):
                cell["value"] = link
            elif cell["value"] is None and element.get("t") != "str":
                cell["value"] = NO_RESULT
        elif self.pictures is not None and cell["value"] == "#VALUE!" and element.get("vm"):
            self.pictures.append(element.get("r", ""))
            cell["value"] = None
        return cell


def _is_hidden(attributes: Mapping[str, str]) -> bool:
    return attributes.get("hidden") in {"1", "true"} or attributes.get("ht") == "0"


def _hidden_columns(parser: WorkSheetParser) -> set[int]:
    hidden: set[int] = set()
    for attributes in parser.column_dimensions.values():
        if attributes.get("hidden") in {"1", "true"} or attributes.get("width") == "0":
            last = min(int(attributes["max"]), MAX_COLUMNS)
            hidden |= set(range(int(attributes["min"]) - 1, last))
    return hidden


def _add_related(
    grid: dict[int, dict[int, str]], parser: _Parser, sheet: Any, label: str, skipped: list[Skipped]
) -> None:
    """Put the address of a cell's link behind its words, and the one word that a picture says.

    Other pictures, which may stand for something or cover it, are named with their cells.
    """
    path = get_rels_path(sheet._worksheet_path)  # type: ignore[no-untyped-call]
    archive = sheet.parent._archive
    names = archive.namelist()
    targets = list(get_dependents(archive, path)) if path in names else []
    addresses = {part.Id: part.target for part in targets}
    for link in parser.hyperlinks.hyperlink[:MAX_ROWS]:
        left, top, _, _ = (int(b or 0) for b in range_boundaries(link.ref))
        words = grid.get(top, {}).get(left, "")
        if link.id in addresses and words:
            grid[top][left] = words + link_mark(str(addresses[link.id] or ""), words)
    unread = parser.pictures or []
    for drawing in (part.target for part in targets if part.Type.endswith("/drawing")):
        for anchor in fromstring(archive.read(drawing)) if drawing in names else ():
            picture, corner = anchor.find(".//{*}pic//{*}cNvPr"), anchor.find("{*}from")
            if picture is None or corner is None:
                continue
            row, column = (int(corner.findtext(f"{{*}}{name}") or 0) + 1 for name in ("row", "col"))
            said = picture.get("descr", "")
            if PICTURE_SAYS.fullmatch(said) and not grid.get(row, {column: "?"}).get(column):
                grid[row][column] = said
            else:
                unread.append(f"{get_column_letter(column)}{row}")
    skipped += unread_pictures(unread, label)


def _fill_merged(grid: dict[int, dict[int, str]], parser: WorkSheetParser) -> dict[int, set[int]]:
    """Repeat the value of a merged range in the filled rows that it covers; return where."""
    repeated: dict[int, set[int]] = {}
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
                return repeated
            if number in grid:
                for column in range(left, right + 1):
                    grid[number].setdefault(column, value)
                if number > top:
                    repeated.setdefault(number, set()).update(range(left - 1, right))
    return repeated


def _is_white(color: Any) -> bool:
    if color is None:
        return False
    if color.type == "theme":
        return color.theme == 0 and not color.tint
    return color.type == "rgb" and str(color.rgb)[-6:].upper() == "FFFFFF"


def _run(part: TextBlock | str) -> Run:
    if isinstance(part, str):
        return Run(part)
    raised = str(part.font.vertAlign or "").removesuffix("script")
    return Run(part.text, raised, hidden=bool(part.font.strike))


class _Shown:
    """Says what the reader of a sheet sees in a cell."""

    def __init__(self, sheet: ReadOnlyWorksheet) -> None:
        book: Any = sheet.parent
        styles = book._cell_styles
        self._sheet = sheet
        self._formats: dict[int, str] = {}
        self._told = ""
        self.bold = {i for i, s in enumerate(styles) if book._fonts[s.fontId].b}
        self._fonts = [book._fonts[s.fontId].name for s in styles]
        self._away: dict[int, str] = {}
        for i, style in enumerate(styles):
            font, filled = book._fonts[style.fontId], book._fills[style.fillId].fill_type
            if font.strike:
                self._away[i] = "struck out"
            elif _is_white(font.color) and not filled:
                self._away[i] = "in white letters on white"
        self.left_out = Counter[str]()
        """Cells so far that nobody is to read, by how they are taken away."""

    def __call__(self, cell: dict[str, Any]) -> str:
        """Return a cell as it is shown: dates, percentages, currencies; nothing if struck out."""
        value = cell["value"]
        if value is None:
            return ""
        if which := self._away.get(cell["style_id"]):
            self.left_out[which] += 1
            return ""
        if isinstance(value, CellRichText):
            value = line_of(map(_run, value))
        if isinstance(value, str):
            decoded = _ESCAPED.sub(lambda match: chr(int(match[1], 16)), value)
            text = signs_of(self._fonts[cell["style_id"]], decoded)
            text = text.replace("\r\n", "\n").replace("\r", "\n")
            code = self._format(cell) if cell["style_id"] else ""
            return format_text(text, code) if "@" in code and code != "@" else text
        if isinstance(value, bool):
            return "yes" if value else "no"
        if isinstance(value, dt.date | dt.time | dt.timedelta):
            shown = format_moment(value, self._format(cell), self._language)
            dated = isinstance(value, dt.date)
            return shown + day_mark(shown, iso_moment(value)) if dated else shown
        if isinstance(value, int | float):
            return format_number(value, self._format(cell), self._language)
        return str(value)

    def _language(self) -> str:
        """Return the language of the first texts of the sheet."""
        if not self._told:
            inside: Any = self._sheet
            with inside._get_source() as source:
                found = _TEXTS_OF.findall(source.read(_TELLING_BYTES))
            shared = inside._shared_strings
            texts = (str(shared[int(n)]) if n else text.decode() for n, text in found)
            self._told = detect_language(html.unescape(" ".join(texts)), "en")
        return self._told

    def _format(self, cell: dict[str, Any]) -> str:
        style = cell["style_id"]
        if style not in self._formats:
            code = ReadOnlyCell(self._sheet, **cell).number_format
            self._formats[style] = str(code or "General")
        return self._formats[style]
