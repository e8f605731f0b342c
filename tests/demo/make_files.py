"""Write the demo's DOCX, PDF and XLSX files from the texts in `demo/source`.

For developers: ``python -m tests.demo.make_files`` (needs requirements-dev.txt). The same texts
give the same bytes, so a change shows up in git only where the text changed.
"""

import csv
import io
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import docx
import openpyxl
from openpyxl.styles import Font
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.lib.units import mm
from reportlab.platypus import Flowable, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

HERE = Path(__file__).parents[2] / "demo"
_STAMP = datetime(2026, 9, 15, 9, 0)  # noqa: DTZ001  (office files keep local time)
_ZIP_STAMP = (2026, 9, 15, 9, 0, 0)


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading of Markdown."""

    level: int
    text: str


@dataclass(frozen=True, slots=True)
class Rows:
    """A table of Markdown, first row first."""

    cells: tuple[tuple[str, ...], ...]


def read_blocks(markdown: str) -> Iterator[Heading | Rows | str]:
    """Split the small part of Markdown used here: headings, pipe tables and paragraphs."""
    for block in re.split(r"\n{2,}", markdown.strip()):
        if block.startswith("#"):
            marks, text = block.split(" ", 1)
            yield Heading(len(marks), text)
        elif block.startswith("|"):
            lines = [line.strip("| ").split(" | ") for line in block.splitlines()]
            yield Rows(tuple(tuple(line) for line in lines if not line[0].startswith("---")))
        else:
            yield block.replace("\n", " ")


def make_docx(markdown: str) -> bytes:
    """Build a Word document with real headings and tables."""
    document = docx.Document()
    document.core_properties.author = "Finch & Ferry"
    document.core_properties.created = _STAMP
    document.core_properties.modified = _STAMP
    for block in read_blocks(markdown):
        if isinstance(block, Heading):
            document.add_heading(block.text, level=block.level - 1)
            if block.level == 1:
                document.core_properties.title = block.text
        elif isinstance(block, Rows):
            table = document.add_table(rows=0, cols=len(block.cells[0]), style="Table Grid")
            for cells in block.cells:
                for cell, text in zip(table.add_row().cells, cells, strict=True):
                    cell.text = text
        else:
            document.add_paragraph(block)
    buffer = io.BytesIO()
    document.save(buffer)
    return _same_every_time(buffer.getvalue())


def make_pdf(markdown: str) -> bytes:
    """Build a PDF with a text layer, page numbers and a table."""
    styles = getSampleStyleSheet()
    story: list[Flowable] = []
    title = ""
    for block in read_blocks(markdown):
        if isinstance(block, Heading):
            title = title or block.text
            story.append(Paragraph(block.text, styles[f"Heading{block.level}"]))
        elif isinstance(block, Rows):
            story += [_pdf_table(block), Spacer(1, 4 * mm)]
        else:
            story.append(Paragraph(block.replace("&", "&amp;"), styles["BodyText"]))
    buffer = io.BytesIO()
    SimpleDocTemplate(
        buffer,
        pagesize=A4,
        title=title,
        author="Finch & Ferry",
        invariant=1,
        leftMargin=25 * mm,
        rightMargin=25 * mm,
    ).build(story)
    return buffer.getvalue()


def _pdf_table(rows: Rows) -> Table:
    table = Table(rows.cells, hAlign="LEFT")
    grid = [
        ("GRID", (0, 0), (-1, -1), 0.5, colors.grey),
        ("FONTNAME", (0, 0), (-1, 0), "Helvetica-Bold"),
    ]
    table.setStyle(TableStyle(grid))
    return table


def make_xlsx(rows: str) -> bytes:
    """Build a workbook from CSV text whose first column names the sheet."""
    workbook = openpyxl.Workbook()
    workbook.remove(workbook["Sheet"])
    workbook.properties.creator = "Finch & Ferry"
    workbook.properties.created = _STAMP
    header, *entries = csv.reader(io.StringIO(rows))
    for sheet_name, *cells in entries:
        if sheet_name not in workbook.sheetnames:
            sheet = workbook.create_sheet(sheet_name)
            sheet.append(header[1:])
            for cell in sheet[1]:
                cell.font = Font(bold=True)
            for column, width in zip("ABCDEF", (16, 44, 80, 60, 12, 10), strict=True):
                sheet.column_dimensions[column].width = width
            sheet.freeze_panes = "A2"
        workbook[sheet_name].append(cells)
    buffer = io.BytesIO()
    workbook.save(buffer)
    return _same_every_time(buffer.getvalue())


def _same_every_time(archive: bytes) -> bytes:
    """Give every member of a zip archive one fixed time, also inside its properties."""
    target = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(archive)) as source,
        zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as result,
    ):
        for name in source.namelist():
            data = source.read(name)
            if name == "docProps/core.xml":
                stamp = f"{_STAMP:%Y-%m-%dT%H:%M:%SZ}".encode()
                data = re.sub(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", stamp, data)
            member = zipfile.ZipInfo(name, _ZIP_STAMP)
            member.compress_type = zipfile.ZIP_DEFLATED
            result.writestr(member, data)
    return target.getvalue()


def make_all() -> dict[Path, bytes]:
    """Return every made file's path and bytes."""
    source = HERE / "source"
    return {
        HERE / "documents/shipping.docx": make_docx((source / "shipping.md").read_text("utf-8")),
        HERE / "documents/warranty.pdf": make_pdf((source / "warranty.md").read_text("utf-8")),
        HERE / "faq-orders.xlsx": make_xlsx((source / "faq-orders.csv").read_text("utf-8")),
    }


def main() -> None:
    """Write the files."""
    for path, data in make_all().items():
        path.write_bytes(data)


if __name__ == "__main__":
    main()
