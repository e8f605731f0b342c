"""Documents keep headings, lists, tables and reading order; FAQ-shaped ones become entries."""

import io

import docx
import pytest

from core.errors import UnreadableFile
from core.types import ParsedFile, Section
from kb.parse import parse
from tests.kb.parse.hostile import pdf, word, zipped


def entries(parsed: ParsedFile) -> list[tuple[str, str]]:
    return [(s.text, s.answer) for s in parsed.sections if s.answer]


def texts(parsed: ParsedFile) -> list[str]:
    return [s.text for s in parsed.sections]


def markdown(text: str, name: str = "guide.md") -> ParsedFile:
    return parse(name, text.encode())


def test_markdown_is_cut_at_headings_with_its_title_path() -> None:
    parsed = markdown('# Guide<a name="x"></a>\n\nIntro\\.\n\n## Returns\n\nWithin *30* days.\n')
    assert parsed.title == "Guide"
    assert parsed.sections == (
        Section(text="Intro.", title_path=("Guide",), location="line 3"),
        Section(text="Within 30 days.", title_path=("Guide", "Returns"), location="line 7"),
    )


def test_a_markdown_table_keeps_headers_with_their_cells() -> None:
    parsed = markdown("| Country | Price |\n|---|---|\n| Germany | 4.90 EUR |\n| France | 6 |\n")
    assert texts(parsed) == ["Country: Germany; Price: 4.90 EUR\nCountry: France; Price: 6"]


def test_lists_keep_their_marks_and_wrapped_lines_are_joined() -> None:
    parsed = markdown("A line that\ngoes on.\n\n1. one\n2. two\n   - inner\n\n```\ncode\n```\n")
    assert texts(parsed) == ["A line that goes on.\n\n1. one\n2. two\n  - inner\n\ncode"]


def test_question_headings_become_entries_whose_answers_are_plain_text() -> None:
    parsed = markdown(
        "# Shop\n\n## How long is delivery?\n\n**Three** days.\n\n- EU: [here](https://a.b)\n\n"
        "## Can I return?\n\nYes, see [terms](terms.md).\n\n## What does it cost?\n\nNothing.\n"
    )
    assert entries(parsed)[0] == (
        "How long is delivery?",
        "Three days.\n\n- EU: here (https://a.b)",
    )
    assert entries(parsed)[1] == ("Can I return?", "Yes, see terms.")
    assert len(parsed.sections) == 3


def test_a_question_here_and_there_does_not_make_a_manual_an_faq() -> None:
    parsed = markdown(
        "# Manual\n\n## What is it?\n\nA thing.\n\n## Setup\n\nPlug it in.\n\n## Use\n\nPress.\n\n"
        "## Repair\n\nDo not.\n"
    )
    assert entries(parsed) == []


def test_in_a_file_that_calls_itself_faq_questions_need_no_mark() -> None:
    parsed = markdown(
        "# 常见问题\n\n## 如何退货\n\n七天内可退。\n\n## 双网卡无法访问\n\n请检查设置。\n"
    )
    assert entries(parsed) == [("如何退货", "七天内可退。"), ("双网卡无法访问", "请检查设置。")]


@pytest.mark.parametrize(
    "text",
    ["Q: How long?\nA: Three days.\n\nQ: Free?\nA: Yes.\n",
     "**Q:** How long?\n\n**A:** Three days.\n\n**Q:** Free?\n\n**A:** Yes.\n"],
)  # fmt: skip
@pytest.mark.parametrize("name", ["faq.md", "faq.txt"])
def test_lines_marked_q_and_a_become_entries(name: str, text: str) -> None:
    text = text.replace("**", "") if name.endswith("txt") else text
    assert entries(parse(name, text.encode())) == [("How long?", "Three days."), ("Free?", "Yes.")]


def test_lettered_headings_are_no_questions_and_answers() -> None:
    text = "A. Purpose\n\nThis.\n\nD. Prohibition\n\nThat.\n\nA. Again\n\nMore.\n\nD. End\n\nA. x\n"
    assert entries(parse("handbook.txt", text.encode())) == []


def test_a_table_of_questions_becomes_entries() -> None:
    parsed = markdown("| Question | Answer |\n|---|---|\n| How long? | Three days. |\n")
    assert entries(parsed) == [("How long?", "Three days.")]


def test_a_table_of_contents_is_named_and_left_out() -> None:
    contents = "- [One](#one)\n- [Two](#two)\n- [Three](#three)\n\n"
    parsed = markdown(f"{contents}# One\n\na\n\n# Two\n\nb\n\n# Three\n\nc")
    assert texts(parsed) == ["a", "b", "c"]
    assert "table of contents" in parsed.skipped[0].reason


PAGE = """<html lang="de"><head><title>Versand</title><script>alert(1)</script></head><body>
<nav><a href="/">Home</a></nav><main><h1 id="top">Versand</h1><p>Drei&nbsp;Tage.<br>Kostenlos.</p>
<ul><li>DHL</li><li>UPS <b>Express</b></li></ul>
<table><tr><th>Land</th><th>Preis</th></tr><tr><td>DE</td><td>4,90</td></tr></table>
<p style="display:none">geheim</p></main><footer>Impressum</footer></body></html>"""


def test_a_page_keeps_its_content_without_menus_and_scripts() -> None:
    parsed = parse("versand.html", PAGE.encode())
    assert parsed.title == "Versand"
    assert parsed.sections[0].language == "de"
    assert parsed.sections[0].location == "#top"
    assert texts(parsed) == [
        "Drei Tage.\nKostenlos.\n\n- DHL\n- UPS Express\n\nLand: DE; Preis: 4,90"
    ]


def test_faq_data_details_and_definition_lists_of_a_page_become_entries() -> None:
    question = '{"@type":"Question","name":"Free?","acceptedAnswer":{"text":"<p>Yes.</p>"}}'
    ld = f'{{"@type":"FAQPage","mainEntity":[{question}]}}'
    details = "".join(
        f"<details><summary>Is it {n}?</summary><p>Yes {n}.</p></details>" for n in "abc"
    )
    page = f'<script type="application/ld+json">{ld}</script><h1>FAQ</h1>{details}'
    assert entries(parse("x.html", page.encode())) == [
        ("Free?", "Yes."), ("Is it a?", "Yes a."), ("Is it b?", "Yes b."), ("Is it c?", "Yes c."),
    ]  # fmt: skip


def test_merged_cells_of_a_page_are_repeated() -> None:
    page = (
        "<table><tr><th>A</th><th>B</th><th>C</th></tr><tr><td rowspan=2>x</td><td>1</td><td>2</td>"
        "</tr><tr><td>3</td><td>4</td></tr></table>"
    )
    assert texts(parse("x.html", page.encode())) == ["A: x; B: 1; C: 2\nA: x; B: 3; C: 4"]


@pytest.mark.parametrize(
    ("lines", "rows"),
    [
        ("Old floor    0.5\nRadiators    0.8", "Old floor: 0.5\nRadiators: 0.8"),
        ("Model    Price    Days\nA    4 EUR    3\nB    6 EUR    5",
         "Model: A; Price: 4 EUR; Days: 3\nModel: B; Price: 6 EUR; Days: 5"),
        ("| Model | Price |\n|---|:--|\n| A | 4 EUR |", "Model: A; Price: 4 EUR"),
        ("+---+---+\n| Model | Price |\n+===+===+\n| A | 4 EUR |\n+---+---+",
         "Model: A; Price: 4 EUR"),
        ("| that is all |", "| that is all |"),
        ("Total    4 EUR is what you pay.", "Total    4 EUR is what you pay."),
    ],
)  # fmt: skip
def test_columns_of_plain_text_are_a_table(lines: str, rows: str) -> None:
    parsed = parse("a.txt", f"Prices are net.\n\n{lines}\n\nThank you.\n".encode())
    assert texts(parsed) == [f"Prices are net.\n\n{rows}\n\nThank you."]


def test_plain_text_is_cut_at_underlined_and_capital_headings() -> None:
    parsed = parse("a.txt", b"Guide\n=====\n\nOne\ntwo\n\nRETURNS\n\nWithin thirty days.\n")
    assert [(s.title_path, s.text) for s in parsed.sections] == [
        (("Guide",), "One\ntwo"),
        (("Guide", "RETURNS"), "Within thirty days."),
    ]


@pytest.mark.parametrize(
    "heads",
    [
        ("Booking ahead", "Not turning up", "Running over"),
        ("1. BREAKDOWN", "2. ACCIDENT", "3. KEYS"),
        ("A) Cleaning", "B) Sport", "C) Food"),
        ("【一】多久能到", "【二】大促期间", "【三】送货方式"),
    ],
)
@pytest.mark.parametrize("gap", ["\n", "\n\n"])
def test_short_lines_that_begin_paragraphs_head_them(heads: tuple[str, ...], gap: str) -> None:
    body = "Members can book up to 75 days ahead, guests up to 40 days."
    steps = "   1) Touch the panel on the table.\n   2) Choose your laptop."
    text = "\n\n".join(f"{head}{gap}{body}\n{steps}" for head in heads)
    parsed = parse("a.txt", text.encode())
    assert [s.title_path for s in parsed.sections] == [(head,) for head in heads]


@pytest.mark.parametrize(
    "text",
    [
        "We deliver to the islands on\nMondays and to the mainland on\nall other days.\n\n" * 3,
        "1. Touch the panel.\n2. Choose\n\n1. Clear the desk.\n2. Lock it\n",
        "Line: 080 157\nOpen on all days, and at night, too.\n\n" * 3,
        "Ropewalk Ltd\n12 Quay Street\nDublin\n\nWe are open on all days. Come in.\n",
    ],
)
def test_wrapped_lines_lists_and_an_address_have_no_headings(text: str) -> None:
    assert [s.title_path for s in parse("a.txt", text.encode()).sections] == [()]


def test_wrapped_chinese_lines_are_joined_without_blanks() -> None:
    line = "本文档解答一些关于退款和换货的常见问题以及配送时间和运费"
    parsed = parse("a.txt", f"{line}\n{line}\n到此结束。\n".encode())
    assert texts(parsed) == [f"{line}{line}到此结束。"]


@pytest.mark.parametrize("name", ["a.md", "a.txt"])
@pytest.mark.parametrize(
    "lines",
    [
        (
            "Sprout class (3–4 years): twice a week, 40 minutes, 8 children, 48 lessons €528",
            "Phonics class (5–6 years): twice a week, 60 minutes, 9 children, 48 lessons €624",
            "Reading class (7–9 years): twice a week, 90 minutes, 9 children, 48 lessons €768",
        ),
        (
            "停车：榆林路校区凭票免两小时，金湾广场免三小时，西城没有停车位",
            "萌芽班只在榆林路和西城开班，考级班只在金湾",
            "换校区须提前十五天申请，有空位即可，每年可换两次，不收费",
        ),
    ],
)
def test_lines_that_each_say_something_of_their_own_are_not_joined(
    name: str, lines: tuple[str, ...]
) -> None:
    parsed = parse(name, f"# Prices\n\n## All\n\n{chr(10).join(lines)}\n".encode())
    assert parsed.sections[-1].text.splitlines()[-3:] == list(lines)


def document_with_everything() -> bytes:
    document = docx.Document()
    document.add_paragraph("Returns policy", style="Title")
    document.add_heading("Deadline", 1)
    document.add_paragraph("Within thirty days.")
    document.add_paragraph("unused", style="List Bullet")
    document.add_paragraph("first", style="List Number")
    table = document.add_table(rows=2, cols=3)
    for cell, text in zip(table.rows[0].cells, ("Country", "Days", "Price"), strict=True):
        cell.text = text
    for cell, text in zip(table.rows[1].cells, ("Germany", "3", "4.90 EUR"), strict=True):
        cell.text = text
    document.add_paragraph("After the table.")
    document.sections[0].header.paragraphs[0].text = "Kontor GmbH"
    document.sections[0].footer.paragraphs[0].text = "Page 1"
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def test_a_word_document_is_read_in_order_with_tables_lists_and_headers() -> None:
    parsed = parse("returns.docx", document_with_everything())
    assert parsed.title == "Returns policy"
    assert parsed.sections[0].title_path == ("Deadline",)
    assert parsed.sections[0].text == (
        "Within thirty days.\n\n- unused\n1. first\n\n"
        "Country: Germany; Days: 3; Price: 4.90 EUR\n\nAfter the table."
    )
    assert [(s.text, s.location) for s in parsed.sections[1:]] == [("Kontor GmbH", "header")]


def test_bold_questions_of_a_word_document_become_entries() -> None:
    document = docx.Document()
    for question, answer in (("How long?", "Three days."), ("Free?", "Yes."), ("Where?", "Here.")):
        document.add_paragraph().add_run(question).bold = True
        document.add_paragraph(answer)
    out = io.BytesIO()
    document.save(out)
    assert [q for q, _ in entries(parse("a.docx", out.getvalue()))] == [
        "How long?",
        "Free?",
        "Where?",
    ]


def test_pages_of_a_pdf_are_named_and_running_headers_kept_once() -> None:
    from reportlab.pdfgen import canvas

    out = io.BytesIO()
    page = canvas.Canvas(out)
    for number in range(1, 5):
        page.drawString(72, 800, "Kontor GmbH - Warranty")
        if number != 3:
            page.drawString(72, 700, f"Covered are {'vwxyz'[number] * 5} parts for long.")
        page.drawString(72, 40, str(number))
        page.showPage()
    page.save()
    parsed = parse("warranty.pdf", out.getvalue())
    joined = "\n".join(texts(parsed))
    assert joined.count("Kontor GmbH") == 1
    assert [s.location for s in parsed.sections] == ["page 1", "page 2", "page 4"]
    assert [(s.location, s.reason) for s in parsed.skipped] == [
        ("page 3", "Only its header and footer are text.")
    ]


def test_blank_pages_and_pdfs_without_text_are_named() -> None:
    parsed = parse("a.pdf", pdf("Some words stand here.", ""))
    assert [s.location for s in parsed.skipped] == ["page 2"]
    with pytest.raises(UnreadableFile, match="The PDF has no text"):
        parse("a.pdf", pdf(""))


def test_a_zip_gives_its_files_with_their_names_in_the_location() -> None:
    data = zipped(
        {"faq.csv": b"question,answer\nQ?,A.\nR?,\n", "docs/guide.md": b"# Guide\n\nText.",
         "song.mp3": b"ID3\x00\x00", "__MACOSX/._a": b"x"}
    )  # fmt: skip
    parsed = parse("all.zip", data)
    assert [s.location for s in parsed.sections] == ["faq.csv, row 2", "docs/guide.md, line 3"]
    assert [s.location for s in parsed.skipped] == ["faq.csv, row 3", "song.mp3"]


ODT = b"application/vnd.oasis.opendocument.text"


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("a.txt", b" \n", "The file is empty."),
        ("a.docx", word()[:200], "its archive cannot be opened"),
        ("a.pdf", b"hello there", "named .pdf but its content is not"),
        ("a.xlsx", b"\x89PNG\r\n\x1a\n123", "It is a PNG picture"),
        ("a.pptx", zipped({"ppt/presentation.xml": b"<a/>"}), "It holds no text"),
        ("a.odp", zipped({"mimetype": b"a", "content.xml": b"b"}), "It is a drawing."),
        ("a.odt", zipped({"mimetype": ODT, "content.xml": b"b"}), "The document is damaged"),
        ("a.epub", zipped({"META-INF/container.xml": b"b"}), "The e-book is damaged"),
        ("a.eml", b"no header at all", "It is no e-mail"),
    ],
)
def test_files_that_cannot_be_read_have_a_sentence_each(
    name: str, data: bytes, reason: str
) -> None:
    with pytest.raises(UnreadableFile) as caught:
        parse(name, data)
    assert reason in caught.value.reason


def test_a_docx_named_otherwise_is_still_read() -> None:
    assert texts(parse("old.doc", word("Some text here."))) == ["Some text here."]


def test_what_follows_a_folded_question_is_no_part_of_its_answer() -> None:
    details = "".join(f"<details><summary>Is it {n}?</summary>Yes {n}.</details>" for n in "abc")
    page = f"<h1>Help</h1>{details}<p>Imprint: Acme.</p><dl><dt>Fee<dd>3 EUR</dl><p>Bye.</p>"
    parsed = parse("x.html", page.encode())
    assert entries(parsed) == [
        ("Is it a?", "Yes a."),
        ("Is it b?", "Yes b."),
        ("Is it c?", "Yes c."),
    ]
    assert [(s.text, s.title_path) for s in parsed.sections if not s.answer] == [
        ("Imprint: Acme.\n\nBye.", ("Help",)),
        ("3 EUR", ("Help", "Fee")),
    ]


def test_the_table_of_a_pdf_keeps_headers_with_their_cells() -> None:
    from reportlab.lib.styles import getSampleStyleSheet
    from reportlab.platypus import Paragraph, SimpleDocTemplate, Table

    plain = getSampleStyleSheet()["Normal"]
    rows = [["Route", "Adult", "Child"], ["Harbour - Island", "9.50", "4.00"]]
    rows += [["Island - Lighthouse", "12.00", "6.00"], ["Round trip", "20.00", "9.00"]]
    out = io.BytesIO()
    SimpleDocTemplate(out).build(
        [Paragraph("The ferry runs daily.", plain), Table(rows), Paragraph("Dogs are free.", plain)]
    )
    (section,) = parse("tariffs.pdf", out.getvalue()).sections
    assert section.text == (
        "The ferry runs daily.\n\n"
        "Route: Harbour - Island; Adult: 9.50; Child: 4.00\n"
        "Route: Island - Lighthouse; Adult: 12.00; Child: 6.00\n"
        "Route: Round trip; Adult: 20.00; Child: 9.00\n\n"
        "Dogs are free."
    )


def test_a_heading_with_nothing_under_it_is_named() -> None:
    """Target 24: else its words are gone without a word."""
    parsed = parse("guide.md", b"# Guide\n\n## Empty\n\n## Full\n\nText.\n\n### Part\n\nMore.\n")
    assert [section.title_path for section in parsed.sections] == [
        ("Guide", "Full"),
        ("Guide", "Full", "Part"),
    ]
    assert [one.reason for one in parsed.skipped] == ["Nothing stands under the heading 'Empty'."]
