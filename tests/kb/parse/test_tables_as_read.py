"""Tables as people have them: names in two rows, over several pages, below running heads."""

import io
from collections.abc import Sequence

import docx
import openpyxl
import pytest
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Pt, RGBColor
from openpyxl.styles import Font, PatternFill
from reportlab.pdfgen import canvas

from core.errors import UnreadableFile
from core.types import ParsedFile
from kb.parse import parse

ZONES = [
    ["Zone", "Inland", "Inland", "Abroad", "Abroad"],
    ["Zone", "small", "large", "small", "large"],
    ["A", "4.90", "7.90", "14.90", "22.50"],
    ["B", "5.90", "8.90", "16.90", "25.00"],
]
READ = [
    "Zone: A; Inland, small: 4.90; Inland, large: 7.90; Abroad, small: 14.90; Abroad, large: 22.50",
    "Zone: B; Inland, small: 5.90; Inland, large: 8.90; Abroad, small: 16.90; Abroad, large: 25.00",
]


def lines(parsed: ParsedFile) -> list[str]:
    return [line for s in parsed.sections for line in s.text.split("\n") if line]


def as_html() -> bytes:
    head = "<tr><th rowspan=2>Zone<th colspan=2>Inland<th colspan=2>Abroad</tr><tr>"
    head += "".join(f"<th>{name}" for name in ZONES[1][1:])
    body = "".join("<tr>" + "".join(f"<td>{cell}" for cell in row) for row in ZONES[2:])
    return f"<table>{head}</tr>{body}</table>".encode()


def as_html_without_marks() -> bytes:
    return as_html().replace(b"<th", b"<td")


def as_csv() -> bytes:
    rows = [["Zone", "Inland", "", "Abroad", ""], ["", *ZONES[1][1:]], *ZONES[2:]]
    return "\n".join(";".join(row) for row in rows).encode()


def as_xlsx() -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in ZONES:
        sheet.append(row)
    for area in ("A1:A2", "B1:C1", "D1:E1"):
        sheet.merge_cells(area)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def as_docx() -> bytes:
    document = docx.Document()
    table = document.add_table(rows=4, cols=5)
    for row, cells in zip(table.rows, ZONES, strict=True):
        for cell, text in zip(row.cells, cells, strict=True):
            cell.text = text
    for row in table.rows[:2]:
        row._tr.get_or_add_trPr().append(OxmlElement("w:tblHeader"))
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


@pytest.mark.parametrize(
    ("name", "data"),
    [("a.html", as_html()), ("b.html", as_html_without_marks()), ("a.csv", as_csv()),
     ("a.xlsx", as_xlsx()), ("a.docx", as_docx())],
)  # fmt: skip
def test_names_in_two_rows_are_joined(name: str, data: bytes) -> None:
    assert lines(parse(name, data)) == READ


def pages(*texts: Sequence[tuple[float, float, str]]) -> bytes:
    out = io.BytesIO()
    drawn = canvas.Canvas(out, pagesize=(595, 842))
    for text in texts:
        drawn.setFont("Helvetica", 10)
        for x, y, words in text:
            drawn.drawString(x, 842 - y, words)
        drawn.showPage()
    drawn.save()
    return out.getvalue()


def grid(y: float, rows: Sequence[Sequence[str]]) -> list[tuple[float, float, str]]:
    return [
        (60 + 150 * c, y + 14 * r, cell) for r, row in enumerate(rows) for c, cell in enumerate(row)
    ]


def test_a_table_over_several_pages_keeps_its_header() -> None:
    parts = [[f"Part {n}{i}", f"{n + 2} years", f"{i}9 EUR"] for n in range(3) for i in range(1, 9)]
    first = grid(80, [["Part", "Warranty", "Price"], *parts[:8]])
    data = pages(first, grid(60, parts[8:16]), grid(60, parts[16:]))
    found = lines(parse("a.pdf", data))
    assert found == [f"Part: {a}; Warranty: {b}; Price: {c}" for a, b, c in parts]


def test_tables_at_the_top_of_most_pages_are_all_read() -> None:
    rows = [["Size", "Price"], *[[f"S{n}", f"{n} EUR"] for n in range(1, 8)]]
    more = [(60.0, 300.0, "The price has the tax in it."), (60.0, 320.0, "Ask for more.")]
    other = [["Size", "Price"], *[[f"T{n}", f"{n} EUR"] for n in range(1, 8)]]
    third = [["Size", "Price"], *[[f"U{n}", f"{n} EUR"] for n in range(1, 8)]]
    read = lines(parse("a.pdf", pages(*(grid(60, r) + more for r in (rows, other, third)))))
    assert {"Size: S7; Price: 7 EUR", "Size: T7; Price: 7 EUR", "Size: U7; Price: 7 EUR"} <= {*read}


def test_running_heads_with_the_name_of_the_chapter_are_read_once() -> None:
    texts = []
    for page in range(1, 13):
        chapter = ["Unpacking", "Assembly", "Care"][(page - 1) // 4]
        head = (60.0, 40.0, f"Manual of the K2 - {chapter} {page}")
        body = [
            (60.0, 80.0 + 14 * i, f"Sentence {page * 37 + i * i} says something.") for i in range(8)
        ]
        texts.append([head, *body])
    read = "\n".join(lines(parse("a.pdf", pages(*texts))))
    assert [read.count(f"K2 - {name}") for name in ("Unpacking", "Assembly", "Care")] == [1, 1, 1]
    assert all(f"Sentence {page * 37 + 49} says" in read for page in range(1, 13))


def test_columns_of_a_page_are_read_one_after_the_other() -> None:
    left = [
        (60.0, 80.0 + 14 * i, f"Left sentence {i} of the first column stands here.")
        for i in range(9)
    ]
    right = [(320.0, 80.0 + 14 * i, f"Right sentence {i} of the second one.") for i in range(9)]
    read = "\n".join(lines(parse("a.pdf", pages([*left, *right]))))
    assert read.index("Left sentence 8") < read.index("Right sentence 0")


# --- what is not meant to be read --------------------------------------------------------------


def test_a_draft_is_refused_and_dates_of_front_matter_hold_for_all_its_text() -> None:
    with pytest.raises(UnreadableFile, match="it is a draft"):
        parse("a.md", b"---\ntitle: Sale\ndraft: true\n---\nNot yet.\n")
    (section,) = parse(
        "a.md", b"---\nexpiryDate: 2026-01-31\npublishDate: 2026-01-02\n---\nSale.\n"
    ).sections
    assert (section.valid_from, section.valid_until) == ("2026-01-02", "2026-01-31")


def test_what_nobody_sees_in_a_document_is_left_out_and_counted() -> None:
    document = docx.Document()
    paragraph = document.add_paragraph("Open from nine.")
    for words in ("White words here.", "Tiny ones.", "Hidden one."):
        run = paragraph.add_run(words)
        if words.startswith("White"):
            run.font.color.rgb = RGBColor(255, 255, 255)
        elif words.startswith("Tiny"):
            run.font.size = Pt(1)
        else:
            run.font.hidden = True
    table = document.add_table(rows=2, cols=2)
    for cell, text in zip(table._cells, ("Name", "Price", "Lamp", "9 EUR"), strict=True):
        run = cell.paragraphs[0].add_run(text)
        run.font.color.rgb = RGBColor(255, 255, 255)
    assert table._tbl.find(qn("w:tblPr")) is not None
    out = io.BytesIO()
    document.save(out)
    parsed = parse("a.docx", out.getvalue())
    assert lines(parsed) == ["Open from nine.", "Name: Lamp; Price: 9 EUR"]
    assert parsed.skipped[-1].reason == "7 words in it are hidden or struck out: left out."


def test_white_cells_of_a_sheet_are_left_out_and_counted() -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (["Model", "Price", "Cost"], ["K1", 39, 20], ["K2", 59, 31]):
        sheet.append(row)
    for cell in sheet["C"]:
        cell.font = Font(color="FFFFFFFF")
    for cell in sheet[1][:2]:
        cell.font = Font(color="FFFFFFFF")
        cell.fill = PatternFill("solid", fgColor="FF222222")
    out = io.BytesIO()
    book.save(out)
    parsed = parse("a.xlsx", out.getvalue())
    assert lines(parsed) == ["Model: K1; Price: 39", "Model: K2; Price: 59"]
    assert parsed.skipped[0].reason == "Cells in white letters on white were left out: 3."


def test_lists_of_json_are_named_only_where_something_is_left_out() -> None:
    parsed = parse(
        "a.json", b'{"faq": [{"q": "Open?", "a": "Yes."}, {"q": "Late?", "a": "No."}, 7]}'
    )
    assert [(s.location, s.text) for s in parsed.sections] == [
        ("row 1", "Open?"),
        ("row 2", "Late?"),
    ]
    assert [s.location for s in parsed.skipped] == ["row 3"]


def test_a_table_of_blanks_may_leave_its_corner_free() -> None:
    text = "            Adult   Child\nZone 1      2.40    1.20\nZone 2      3.60    1.80\n"
    parsed = parse("a.txt", text.encode())
    assert parsed.sections[0].text == (
        "Zone 1; Adult: 2.40; Child: 1.20\nZone 2; Adult: 3.60; Child: 1.80"
    )


def test_a_row_with_a_price_is_no_row_of_names() -> None:
    parsed = parse("a.csv", b"Entry;EUR 9.90\nCode;0012\nSeats;40\n")
    assert lines(parsed) == ["Entry: EUR 9.90", "Code: 0012", "Seats: 40"]


def test_a_cell_of_html_that_is_escaped_once_more_is_read_as_html() -> None:
    table = "question,answer\nWhy?,&lt;p&gt;Of 5 &amp;lt; 6&lt;br&gt;Use &lt;b&gt;it&lt;/b&gt;"
    table += "&lt;/p&gt;\nHow?,Write &lt;br&gt; there\n"
    found = [s.answer for s in parse("a.csv", table.encode()).sections]
    assert found == ["Of 5 < 6\nUse it", "Write <br> there"]


@pytest.mark.parametrize("frame", ["| {} |", "{}"])
@pytest.mark.parametrize("rule", ["", "--------+-----------+------", "======+=====+====="])
def test_a_table_drawn_with_bars_is_read_with_and_without_a_frame(frame: str, rule: str) -> None:
    rows = [
        "Code | Meaning   | Remedy",
        "S-01 | No belt     | Fasten it",
        "S-15 | Wheel locked | Wait",
    ]
    drawn = [rows[0], *filter(None, [rule]), *rows[1:]]
    text = "Messages\n\n" + "\n".join(frame.format(row) for row in drawn) + "\n\nCall us otherwise."
    found = lines(parse("manual.txt", text.encode()))
    assert "Code: S-01; Meaning: No belt; Remedy: Fasten it" in found
    assert "Code: S-15; Meaning: Wheel locked; Remedy: Wait" in found


def test_a_bar_in_a_sentence_makes_no_table() -> None:
    text = "Press Ctrl | Shift to go on.\n\nOpen daily | Closed on Sunday."
    assert lines(parse("a.txt", text.encode())) == text.split("\n\n")


def test_a_line_left_of_an_indented_list_is_no_part_of_its_last_item() -> None:
    items = ["a) Load the app for your telephone from a store.", "b) Choose a number of digits."]
    below = "The code lasts ten days. An older one is replaced by the office."
    text = "\n".join(["SETTING UP\n", *(f"   {item}" for item in items), below])
    assert lines(parse("manual.txt", text.encode())) == [*items, below]


def test_lengths_of_time_above_prices_name_columns_and_equal_figures_stay() -> None:
    rows = [
        ["Lesson", "Children", "Children", "Adults", "Adults"],
        ["Lesson", "30 minutes", "45 minutes", "30 minutes", "45 minutes"],
        ["Alone", "82", "118", "96", "138"],
        ["Ten", "–", "–", "310", "445"],
    ]
    cells = "".join("<tr>" + "".join(f"<td>{cell}" for cell in row) for row in rows)
    assert lines(parse("prices.html", f"<table>{cells}</table>".encode())) == [
        "Lesson: Alone; Children, 30 minutes: 82; Children, 45 minutes: 118; "
        "Adults, 30 minutes: 96; Adults, 45 minutes: 138",
        "Lesson: Ten; Children, 30 minutes: –; Children, 45 minutes: –; "
        "Adults, 30 minutes: 310; Adults, 45 minutes: 445",
    ]
    unnamed = "<table><tr><td>Ten<td>5<td>5<td>310 €<tr><td>One<td>6<td>6<td>7 €</table>"
    assert lines(parse("prices.html", unnamed.encode())) == ["Ten; 5; 5; 310 €", "One; 6; 6; 7 €"]
