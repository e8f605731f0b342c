"""Headings and tables of PDF files, told by place and size of letters."""

import io
from collections.abc import Sequence
from itertools import zip_longest

import pytest
from reportlab.pdfgen import canvas

from app.paths import PROJECT
from core.types import Section
from kb.parse.blocks import passages
from kb.parse.formats.pdf import parse_pdf
from kb.parse.formats.pdf_layout import (
    PLACEHOLDER,
    forward,
    reads_backward,
    tables_in,
    take_tables,
)
from kb.parse.formats.pdf_page import Letters
from tests.kb.parse.pdf_pages import page

WARRANTY = PROJECT / "demo" / "documents" / "warranty.pdf"


def prose(x: float, y: float, *lines: str) -> list[tuple[float, float, str, float, str]]:
    return [(x, y + 12 * i, "Helvetica", 10.0, line) for i, line in enumerate(lines)]


def sections(data: bytes) -> list[Section]:
    return passages(parse_pdf("file.pdf", data).blocks)


def test_each_row_of_a_table_names_its_columns() -> None:
    cover = next(s for s in passages(parse_pdf("w.pdf", WARRANTY.read_bytes()).blocks)
                 if "Frame of steel" in s.text)  # fmt: skip
    assert "Part: Frame of steel or aluminium; Warranty: 10 years\n" in cover.text
    assert "Part: Paint and decals; Warranty: 1 year" in cover.text


def test_a_page_number_beside_the_columns_is_no_column() -> None:
    rows = [("Boat", "Day", "Week"), ("Canoe", "28.50", "150"), ("Raft", "88.00", "440")]
    cells = [
        (60 + 150 * i, 90 + 18 * n, "Helvetica", 10, cell)
        for n, row in enumerate(rows)
        for i, cell in enumerate(row)
    ]
    (section,) = sections(page(*cells, (520, 810, "Helvetica", 10, "Page 1 of 2")))
    assert section.text.startswith(
        "Boat: Canoe; Day: 28.50; Week: 150\nBoat: Raft; Day: 88.00; Week: 440\n"
    )


def test_larger_lines_are_the_headings_that_their_text_stands_under() -> None:
    found = passages(parse_pdf("w.pdf", WARRANTY.read_bytes()).blocks)
    paths = {section.text[:20]: section.title_path for section in found}
    assert paths["The warranty may be "] == ("Warranty terms", "4. Second owners")
    assert paths["Finch & Ferry Ltd., "] == ("Warranty terms",)


def test_bold_line_alone_is_a_heading_and_bold_cells_are_none() -> None:
    text = ["The shop lets bicycles by the day and by the week, and takes a deposit for each,"] * 6
    body = prose(50, 100, *text)
    bold = [(50.0, 80.0, "Helvetica-Bold", 10.0, "Deposits")]
    cells = [
        (50.0 + 120 * i, 200.0, "Helvetica-Bold", 10.0, name) for i, name in enumerate(["AB", "CD"])
    ]  # fmt: skip
    found = sections(page(*bold, *body, *cells, *prose(50, 230, *text)))
    assert {section.title_path for section in found} == {("Deposits",)}


def test_no_heading_where_most_letters_are_large() -> None:
    lines = [(50.0, 60.0 + 30 * i, "Helvetica", 20.0, f"Slide text {i}") for i in range(5)]
    found = sections(page(*lines, *prose(50, 300, "A footnote of the slides, in small letters")))
    assert [section.title_path for section in found] == [()]


def test_running_text_in_two_columns_is_no_table() -> None:
    left = prose(50, 80, *["The warranty covers faults of material for years"] * 8)
    right = prose(320, 80, *["and begins on the day of purchase of the goods"] * 8)
    [found] = sections(page(*left, *right))
    assert ";" not in found.text
    assert found.text.count("The warranty covers") == found.text.count("and begins") == 8


@pytest.mark.parametrize(
    ("layout", "rows"),
    [
        pytest.param(
            "Size      Price\nS         10\nM         12",
            (("Size", "Price"), ("S", "10"), ("M", "12")),
            id="plain",
        ),
        pytest.param(
            "Size      Price\nS          9.50\nM        112.00",
            (("Size", "Price"), ("S", "9.50"), ("M", "112.00")),
            id="numbers that end in line",
        ),
        pytest.param(
            "Part      Warranty\nFrame     10 years\nBattery   2 years or 500\n"
            "          charges\nShell     8 years",
            (
                ("Part", "Warranty"),
                ("Frame", "10 years"),
                ("Battery", "2 years or 500 charges"),
                ("Shell", "8 years"),
            ),
            id="cell of two lines",
        ),
        pytest.param(
            "Code      Place     Count\nX-1       A         4\n          B         5",
            (("Code", "Place", "Count"), ("X-1", "A", "4"), ("", "B", "5")),
            id="cell left free",
        ),
    ],
)
def test_table_is_found(layout: str, rows: tuple[tuple[str, ...], ...]) -> None:
    assert [table.rows for table in tables_in(f"Above it.\n\n{layout}\n\nBelow it.")] == [rows]


@pytest.mark.parametrize(
    "layout",
    [
        pytest.param("1.   First\n2.   Second\n3.   Third", id="list"),
        pytest.param("Size      Price\nS         10", id="two rows"),
        pytest.param("a    =   1\nb    =   2\nc    =   3", id="code"),
        pytest.param("Size      Price\nThis line goes over both\nS         10", id="broken"),
    ],
)
def test_no_table_is_seen(layout: str) -> None:
    assert tables_in(layout) == []


def test_header_is_not_guessed_below_a_row_with_merged_cells() -> None:
    layout = "          All prices\n   Adults  and  children   Dogs\nA         B         C\n"
    layout += "Dover     10        4\nCalais    12        5\nOstend    14        6"
    [table] = tables_in(layout.replace("and  ", "and "))
    assert not table.whole


def test_text_whose_cells_come_in_another_order_stays_as_it_is() -> None:
    tables = tables_in("Size      Price\nS         10\nM         12")
    by_column = "Size\nS\nM\nPrice\n10\n12"
    assert take_tables(by_column, tables, set(), "page 1") == (by_column, [])


def test_table_leaves_the_text_around_it() -> None:
    tables = tables_in("Size      Price\nS         10\nM         12")
    text, blocks = take_tables("Above\nSize Price\nS 10\nM 12\nBelow", tables, set(), "page 1")
    assert text.split() == ["Above", f"{PLACEHOLDER}0", "Below"]
    assert blocks[0].header
    assert blocks[0].location == "page 1"


def test_every_word_of_a_page_is_kept() -> None:
    lines: Sequence[tuple[float, float, str, float, str]] = [
        (50, 60, "Helvetica-Bold", 16, "Prices"),
        *prose(50, 90, "What a day costs, by size of the bicycle."),
        *(
            (50 + 150 * column, 120 + 14 * row, "Helvetica", 10, text)
            for row, texts in enumerate([("Size", "Day"), ("Small", "EUR 9"), ("Large", "EUR 12")])
            for column, text in enumerate(texts)
        ),
        *prose(50, 190, "A helmet is free.", "So is a lock.", "And a map.", "And a pump."),
    ]
    [found] = sections(page(*lines))
    assert found.title_path == ("Prices",)
    assert "Size: Small; Day: EUR 9\nSize: Large; Day: EUR 12" in found.text
    for words in ("What a day costs", "A helmet is free.", "And a pump."):
        assert words in found.text


LEFT = [
    "The warranty covers faults of", "material for 10 years and is", "given to the first owner.",
    "Paint is covered for a year,", "batteries for two years or", "for 500 charges.",
]  # fmt: skip
RIGHT = [
    "Returns are accepted within", "30 days of delivery. Send the", "goods to the branch they are",
    "from; we pay for the parcel", "up to 31.5 kg.",
]  # fmt: skip


def test_columns_that_are_written_line_by_line_are_read_one_after_the_other() -> None:
    lines: list[tuple[float, float, str, float, str]] = [
        (50, 60, "Helvetica-Bold", 16, "Warranty"), (320, 60, "Helvetica-Bold", 16, "Returns"),
    ]  # fmt: skip
    for row, pair in enumerate(zip_longest(LEFT, RIGHT, fillvalue="")):
        lines += [(50 + 270 * i, 90 + 12 * row, "Helvetica", 10, t) for i, t in enumerate(pair)]
    lines += prose(50, 300, "This line runs over both columns and says that prices include a tax.")
    warranty, returns = sections(page(*lines))
    assert warranty.text.split() == " ".join(LEFT).split()
    assert returns.text.split()[:-13] == " ".join(RIGHT).split()
    assert (warranty.title_path, returns.title_path) == (("Warranty",), ("Returns",))


def test_questions_and_answers_side_by_side_are_no_columns_of_text() -> None:
    asked = ["How long is the warranty?", "Who pays for the parcel?", "Where are returns accepted?",
             "When does the shop open?"]  # fmt: skip
    lines = [(50.0, 90.0 + 12 * n, "Helvetica", 10.0, text) for n, text in enumerate(asked)]
    lines += [(320.0, 90.0 + 12 * n, "Helvetica", 10.0, f"It is {n} in all.") for n in range(4)]
    lines.sort(key=lambda line: line[1])
    assert "How long is the warranty?: It is 0 in all." in sections(page(*lines))[0].text


def test_names_over_several_columns_are_part_of_the_names_below_them() -> None:
    texts = [(140, "Inland"), (280, "Abroad")]
    lines = [(float(x), 100.0, "Helvetica", 10.0, text) for x, text in texts]
    rows = ["Size small large small large", "Parcel 4.90 7.90 14.90 17.90",
            "Freight 19.00 29.00 59.00 69.00"]  # fmt: skip
    for number, row in enumerate(rows, 1):
        lines += [
            (50.0 + 70 * i, 100.0 + 16 * number, "Helvetica", 10.0, cell)
            for i, cell in enumerate(row.split())
        ]
    lines += prose(50, 200, "Prices are in euros and include tax.")
    assert sections(page(*lines))[0].text.startswith(
        "Size: Parcel; Inland, small: 4.90; Inland, large: 7.90; Abroad, small: 14.90; "
        "Abroad, large: 17.90\nSize: Freight; Inland, small: 19.00;"
    )


@pytest.mark.parametrize(
    "head",
    ["{chapter}   {page}", "{page} | {chapter}", "Chapter {number}: {chapter}", "{chapter}",
     "Kapitel {number} – {chapter}"],
)  # fmt: skip
def test_running_head_with_the_chapters_name_is_left_out(head: str) -> None:
    out = io.BytesIO()
    drawn = canvas.Canvas(out, pagesize=(595, 842))
    chapters = ["Delivery", "Delivery", "Returns", "Repair", "Repair"]
    for number, chapter in enumerate(chapters, 1):
        of = 1 + sorted(set(chapters), key=chapters.index).index(chapter)
        drawn.setFont("Helvetica", 8)
        drawn.drawString(50, 800, head.format(chapter=chapter, page=number, number=of))
        if chapter not in chapters[: number - 1]:
            drawn.setFont("Helvetica-Bold", 16)
            drawn.drawString(50, 760, chapter)
        drawn.setFont("Helvetica", 10)
        for line in range(6):
            drawn.drawString(50, 730 - 14 * line, f"Sentence {line} of page {number} says more.")
        drawn.showPage()
    drawn.save()
    found = sections(out.getvalue())
    assert [s.title_path for s in found] == [(chapter,) for chapter in chapters]
    assert all(s.text.startswith("Sentence 0 of page") for s in found if s.location != "page 1")


def test_a_row_beside_whose_widest_cell_is_little_room_belongs_to_its_table() -> None:
    layout = (
        "   Rower      1 dzień     7 dni\n"
        "Miejski      45,00 zł   210,00 zł\n"
        "Górski       79,90 zł   399,00 zł\n\n"
        "Elektryczny  120,00 zł  640,00 zł\n"
    )
    (table,) = tables_in(layout)
    assert table.rows[-1] == ("Elektryczny", "120,00 zł", "640,00 zł")
    text = "Some words that  stand here and  go on\n"
    assert tables_in(layout + text) == [table]


def test_a_rendering_of_arabic_is_turned_and_its_figures_are_not() -> None:
    drawn = "(KB-15) 3 - \ufe8e\ufee3   25.50 \ufeae\ufecc\ufeb3\n#5*100* 10% \u05dc\u05e9"
    assert [line.strip() for line in forward(drawn).split("\n")] == [
        "\ufeb3\ufecc\ufeae 25.50   \ufee3\ufe8e - 3 (KB-15)",
        "\u05e9\u05dc 10% #5*100*",
    ]
    assert reads_backward("سعر 25.50")
    assert not reads_backward("The word سعر means price")


def test_letters_are_taken_in_the_order_of_a_rendering_with_the_look_of_their_lines() -> None:
    read = Letters(lines=[("3\ufe8e\ufee3", 18.0, True), ("x", 9.0, False)])
    assert read.take_layout("ما   3\nnew") == "ما 3\nnew"
    assert read.lines == [("ما3", 18.0, True)]


def test_a_heading_below_a_table_is_no_row_of_it() -> None:
    rows = "   Parcel    Price\n   Small     4.90\n   Medium    6.90\n   Large     9.90\n"
    layout = f"On the left.\n{rows}   Delivery\n"
    (table,) = tables_in(layout, lambda line: line == "Delivery")
    assert table.rows[-1] == ("Large", "9.90")
    assert tables_in(layout)[0].rows[-1] == ("Delivery", "")  # unless its letters tell


def test_a_bold_line_above_a_table_with_bold_names_is_its_heading() -> None:
    out = io.BytesIO()
    drawn = canvas.Canvas(out, pagesize=(595, 842))
    rows = [["Letter", "Weight", "Price"], *([f"Size {n}", f"{n} g", f"{n}.95 EUR"] for n in "123")]
    said = "Parcels arrive within three working days, and letters on the next one."
    lines = [(False, [said]), (True, ["Letters"]), *((not n, row) for n, row in enumerate(rows))]
    for down, (bold, cells) in enumerate([*lines, (False, [said])]):
        drawn.setFont("Helvetica-Bold" if bold else "Helvetica", 11)
        for across, cell in enumerate(cells):
            drawn.drawString(72 + 130 * across, 780 - 16 * down, cell)
    drawn.save()
    before, table, *_ = sections(out.getvalue())
    assert before.text == said
    assert table.title_path == ("Letters",)
    assert table.text.startswith("Letter: Size 1; Weight: 1 g; Price: 1.95 EUR")
