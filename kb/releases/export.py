"""Entries as a table for people: CSV or XLSX. Ingesting the file again gives the same entries."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO

from core.durable import temporary_file
from core.errors import AnswerdeskError
from core.types import Chunk
from kb.parse.faq.formula import protect
from kb.text.segmentation import natural

HEADER = (
    "id", "question", "answer", "variants", "category", "language", "valid_from", "valid_until",
    "document",
)  # fmt: skip
"""Names that import knows; it ignores the last."""

_CELL_CHARS = 32_767
"""Excel's limit."""
_UNWRITABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\r]|_(?=x[0-9A-Fa-f]{4}_)")
"""What XLSX cannot hold as it is, and what would be read as such a sign."""
_WIDTHS = {"question": 45, "answer": 80, "variants": 50, "document": 24}


class NotExported(AnswerdeskError):
    """The entries could not be written as asked; no file was made."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{str(path)!r} was not written: {reason}.")


def export(path: Path, entries: Iterable[Chunk]) -> int:
    """Write entries to `path`, a ``.csv`` or ``.xlsx``; return how many. Blocking.

    No cell begins with what a spreadsheet runs as a formula. The file appears when it is complete.

    Raises:
        NotExported: if the name has another ending, the disk refuses, or an entry does not fit.
    """
    write = {".csv": _write_csv, ".xlsx": _write_xlsx}.get(path.suffix.lower())
    if write is None:
        raise NotExported(path, "name a file that ends with .csv or .xlsx")
    chunks = sorted(entries, key=lambda chunk: (chunk.doc_id, natural(chunk.location)))
    try:
        with temporary_file(path.parent) as temporary:
            with temporary.open("wb") as file:
                write(path, file, chunks)
            temporary.replace(path)
    except OSError as error:
        raise NotExported(path, error.strerror or str(error)) from error
    return len(chunks)


def join_variants(variants: Iterable[str]) -> str:
    """Return variants as one cell; `kb.parse.faq.values.split_variants` reads it."""
    escaped = (re.sub(r"[|｜]", r"\\\g<0>", " ".join(v.split("\n"))) for v in variants)
    return " | ".join(escaped)


def _cells(entry: Chunk) -> Iterator[str]:
    return map(protect, (
        entry.entry_id, entry.text, entry.answer, join_variants(entry.variants), entry.category,
        entry.language, entry.valid_from, entry.valid_until, entry.doc_id,
    ))  # fmt: skip


def _write_csv(_path: Path, file: IO[bytes], entries: Sequence[Chunk]) -> None:
    # With a byte order mark Excel knows that it is UTF-8.
    with io.TextIOWrapper(file, "utf-8-sig", newline="") as text:
        writer = csv.writer(text)
        writer.writerow(HEADER)
        writer.writerows(_cells(entry) for entry in entries)


def _write_xlsx(path: Path, file: IO[bytes], entries: Sequence[Chunk]) -> None:
    # Imported here: 20 MB that the service does not need.
    import openpyxl
    from openpyxl.cell import Cell, WriteOnlyCell
    from openpyxl.styles import Alignment, Font

    rows = [
        [_UNWRITABLE.sub(lambda sign: f"_x{ord(sign[0]):04X}_", value) for value in _cells(entry)]
        for entry in entries
    ]
    for entry, values in zip(entries, rows, strict=True):
        if (longest := max(map(len, values))) > _CELL_CHARS:
            raise NotExported(
                path,
                f"the entry {entry.text[:60]!r} ({entry.doc_id}) has {longest:,} characters and a "
                f"cell of Excel holds {_CELL_CHARS:,}; export it as .csv",
            )
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("entries")
    sheet.freeze_panes = "A2"
    for number, name in enumerate(HEADER):
        sheet.column_dimensions[chr(ord("A") + number)].width = _WIDTHS.get(name, 14)

    def cell(value: str, *, bold: bool = False) -> Cell:
        made = WriteOnlyCell(sheet, value)
        made.data_type = "s"  # whatever it looks like
        made.font = Font(bold=bold)
        made.alignment = Alignment(wrap_text=True, vertical="top")
        return made

    sheet.append([cell(name, bold=True) for name in HEADER])
    for values in rows:
        sheet.append([cell(value) for value in values])
    book.save(file)
