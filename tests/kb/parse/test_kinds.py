"""Kinds of faults that readers of real files met, each in further formats and shapes (issue 17)."""

import io
import json
import zipfile

import docx
import openpyxl
import pytest
from docx.opc.constants import RELATIONSHIP_TYPE as RT
from docx.opc.packuri import PackURI
from docx.opc.part import Part
from docx.oxml import OxmlElement
from docx.oxml.ns import nsmap, qn
from docx.oxml.parser import parse_xml
from reportlab.pdfgen import canvas

from core.errors import UnreadableFile
from kb.parse import parse
from kb.parse.formats import pdf
from tests.kb.parse import office
from tests.kb.parse.hostile import raw_pdf, stream
from tests.kb.parse.office import odf, odf_book, pptx, zipped


def seen(name: str, content: str | bytes) -> list[str]:
    """Return what a file gives: entries as "question → answer", passages, and what is named."""
    parsed = parse(name, content if isinstance(content, bytes) else content.encode())
    found = [f"{s.text} → {s.answer}" if s.answer else s.text for s in parsed.sections]
    return found + [f"({s.location}) {s.reason}" for s in parsed.skipped]


def with_titles(name: str, content: bytes) -> list[str]:
    return [" | ".join((*s.title_path, s.text)) for s in parse(name, content).sections]


ASKED = [("Is it new?", "Yes, of 2026."), ("May I pay later?", "In 14 days."), ("Why?", "So, 5.")]


def each(shape: str) -> str:
    return "".join(shape.format(q=q, a=a, n=n) for n, (q, a) in enumerate(ASKED))


FOLDED = {
    "a.html": [
        "<button>{q}</button><div hidden><p>{a}</p></div>",
        "<div class=x><div><button>{q}</button></div><div hidden>{a}</div></div>",
        '<h3><button aria-expanded="false">{q}<i aria-hidden="true">+</i></button></h3><p>{a}</p>',
        "<button>{q}</button><p>{a}</p>",
        '<h3>{q}</h3><div style="display:none">{a}</div>',
        "<input type=checkbox id=b{n}><label for=b{n}>{q}</label><div hidden>{a}</div>",
        '<p><span role="button">{q}</span></p><template><p>{a}</p></template>',
        '<button popovertarget="n{n}">{q}</button><div id="n{n}" hidden>{a}</div>',
    ],
    "a.md": ["<details>\n<summary>{q}</summary>\n\n{a}\n\n"],
}


@pytest.mark.parametrize(
    ("name", "shape"), [(n, s) for n, shapes in FOLDED.items() for s in shapes]
)
def test_whatever_opens_an_answer_is_its_question(name: str, shape: str) -> None:
    assert seen(name, each(shape)) == [f"{q} → {a}" for q, a in ASKED]


TABS = [
    "<ul><li role=tab aria-controls=b>Basic<li role=tab aria-controls=p>Pro</ul>",
    '<ul class="tabs"><li><a href="#b">Basic</a><li><a href="#p">Pro</a></ul>',
]


@pytest.mark.parametrize("tabs", TABS)
def test_what_a_tab_shows_stands_under_its_words(tabs: str) -> None:
    page = f"<h1>Plans</h1>{tabs}<div id=b>5 euros.</div><div id=p hidden>9 euros.</div>".encode()
    sections = parse("a.html", page).sections
    assert [(s.title_path[-1], s.text) for s in sections] == [
        ("Basic", "5 euros."), ("Pro", "9 euros."),
    ]  # fmt: skip


def test_a_question_with_its_number_is_no_empty_heading() -> None:
    shape = "<dt>Q{n}: {q}<dd>{a}"
    assert seen("a.html", f"<dl>{each(shape)}</dl>") == [f"{q} → {a}" for q, a in ASKED]


def test_questions_folded_below_an_answer_leave_it_its_own_question() -> None:
    text = "## Do you take cards?\n\nVisa.\n\n"
    text += each("<details>\n<summary>{q}</summary>\n\n{a}\n\n</details>\n\n")
    assert seen("faq.md", text)[0] == "Do you take cards? → Visa."


def raised_in_docx() -> bytes:
    document = docx.Document()
    document.add_heading("Lamp 29", 1).add_run("95").font.superscript = True
    run = document.add_paragraph("Now 24").add_run("90")
    position = OxmlElement("w:position")
    position.set(qn("w:val"), "8")
    run._r.get_or_add_rPr().append(position)
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


FIGURES = [
    ("a.html", "<h1>Lamp 29<sup>95</sup></h1><p>Now 24<sup>90</sup></p>"),
    ("a.html", "<h1>Lamp 29<sup>95</sup></h1><p>Now 24<b style='vertical-align: super'>90</b></p>"),
    ("a.html", "<details><summary>Lamp 29<sup>95</sup></summary>Now 24<sup>90</sup></details>"),
    ("a.docx", raised_in_docx()),
    ("a.rtf", r"{\rtf1 \pard\outlinelevel0 Lamp 29{\up6 95}\par\pard Now 24{\up6\fs12 90}\par}"),
    ("a.json", '[{"title": "Lamp 29<sup>95</sup>", "text": "Now 24<sup>90</sup>"}]'),
]


@pytest.mark.parametrize(("name", "content"), FIGURES)
def test_raised_digits_are_cents_in_titles_too(name: str, content: str | bytes) -> None:
    data = content if isinstance(content, bytes) else content.encode()
    (section,) = parse(name, data).sections
    assert (section.title_path[-1], section.text) == ("Lamp 29.95", "Now 24.90")


LINK = "https://a.example/p"
LINKED = [
    ("a.md", f"| Question | Answer |\n|--|--|\n| Where is it? | See [plans]({LINK}) |\n"),
    (
        "a.html",
        f"<table><tr><th>Question<th>Answer<tr><td>Where is it?<td>See <a href={LINK}>plans",
    ),
]


@pytest.mark.parametrize(("name", "text"), LINKED)
def test_an_answer_in_a_table_keeps_the_addresses_of_its_links(name: str, text: str) -> None:
    assert seen(name, text) == [f"Where is it? → See plans ({LINK})"]
    assert seen(name, text.replace("Question", "Part").replace("Where is it?", "Hall")) == [
        "Part: Hall; Answer: See plans"
    ]


def word(*paragraphs: str, styles: str = "") -> bytes:
    """Make a Word file of paragraphs in its own notation."""
    document = docx.Document()
    space = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
    for xml in paragraphs:
        document.element.body.insert(-1, parse_xml(f"<w:p {space}>{xml}</w:p>"))
    for style in parse_xml(f"<w:styles {space}>{styles}</w:styles>"):
        document.styles.element.append(style)
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


STYLE = '<w:style w:type="character" w:styleId="{0}"><w:rPr>{1}</w:rPr></w:style>'
STYLES = STYLE.format("Up", '<w:vertAlign w:val="superscript"/>') + STYLE.format(
    "Off", "<w:vanish/>"
)
STYLES += '<w:style w:type="character" w:styleId="Up2"><w:basedOn w:val="Up"/></w:style>'
RUN = '<w:r><w:rPr><w:rStyle w:val="{}"/></w:rPr><w:t xml:space="preserve">{}</w:t></w:r>'
FIELD = "".join(
    f"<w:r>{part}</w:r>"
    for part in (
        '<w:fldChar w:fldCharType="begin"/>', f'<w:instrText>HYPERLINK "{LINK}"</w:instrText>',
        '<w:fldChar w:fldCharType="separate"/>', "<w:t>here</w:t>",
        '<w:fldChar w:fldCharType="end"/>', '<w:sym w:font="Wingdings" w:char="F0FC"/>',
    )
)  # fmt: skip
WRITTEN = [
    ("a.docx", word(RUN.format("", "Now 24") + RUN.format("Up2", "90"), styles=STYLES), "Now 24.90",
     ""),
    ("a.docx", word(RUN.format("", "At 9 ") + RUN.format("Off", "bought for 4"), styles=STYLES),
     "At 9", "(the file) 3 words in it are hidden or struck out: left out."),
    ("a.docx", word(FIELD), f"here ({LINK})✓", ""),
    ("a.odt", odf('At 9</text:p><text:section text:display="none"><text:p>bought for 4</text:p>'
                  "</text:section><text:p>"), "At 9",
     "(the file) 3 words in it are hidden or struck out: left out."),
    ("a.odt", odf('At 9</text:p><text:p text:style-name="H">bought for 4'), "At 9",
     "(the file) 3 words in it are hidden or struck out: left out."),
    ("a.md", 'At <span>9</span> <b style="display:none">bought for <i>4</i></b>', "At 9",
     "(the file) 3 words in it are hidden or struck out: left out."),
]  # fmt: skip


AROUND = r"{\rtf1{\header Desks\par}{\footer Call 12\par}{\footerf Page 3\par}"
STEPS = r"\pard{\listtext 1.\tab}\ls1 Lift\par{\listtext\bullet\tab}\ls2 Turn\par}"
ITEMS = (
    "</text:p><text:list{}><text:list-item><text:p>Lift</text:p><text:list><text:list-item>"
    "<text:p>Turn</text:p></text:list-item></text:list></text:list-item></text:list><text:p>"
)
MORE = '</text:p><text:list text:style-name="N" text:continue-numbering="true"><text:list-item>'
MORE += "<text:p>Lift</text:p></text:list-item></text:list><text:p>"
DGM = "http://schemas.openxmlformats.org/drawingml/2006/diagram"
DRAWN = (
    f'<d:m xmlns:d="{DGM}" xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main">'
    "<d:t><a:p><a:r><a:t>Lift</a:t></a:r></a:p></d:t></d:m>"
)
FRAME = (
    f'</a:p></p:txBody></p:sp><p:graphicFrame><d:relIds xmlns:d="{DGM}" r:dm="l"/></p:graphicFrame>'
    '<m:AlternateContent xmlns:m="http://schemas.openxmlformats.org/markup-compatibility/2006">'
    "<m:Choice><p:sp><p:txBody><a:p><a:r><a:t>Turn</a:t></a:r></a:p></p:txBody></p:sp></m:Choice>"
    "</m:AlternateContent><p:sp><p:txBody><a:p>"
)
COUNT = '<a:pPr><a:buAutoNum type="arabicPeriod"/></a:pPr><a:r><a:t>Lift</a:t></a:r>'
DEEP = '<a:pPr lvl="1"><a:buAutoNum startAt="7"/></a:pPr><a:r><a:t>Turn</a:t></a:r>'
BODY = "<p:sp><p:nvSpPr><p:nvPr><p:ph/></p:nvPr></p:nvSpPr>"
OUT = '<table:table-row><table:table-cell table:style-name="OUT"><text:p>was 5</text:p>'
OUT += "</table:table-cell></table:table-row>"
GONE = "(the file) 2 words in it are hidden or struck out: left out."
RUBY = (
    "<w:r><w:ruby><w:rt><w:r><w:t>かかく</w:t></w:r></w:rt><w:rubyBase><w:r><w:t>価格</w:t></w:r>"
)
RUBY += "</w:rubyBase></w:ruby></w:r><w:r><w:t>は500円</w:t></w:r>"
PROMPT = (
    "<w:sdt><w:sdtPr><w:showingPlcHdr/></w:sdtPr><w:sdtContent><w:r><w:t>Wpisz tekst.</w:t></w:r>"
)
PROMPT += "</w:sdtContent></w:sdt><w:r><w:t>Cena 12,50 zł</w:t></w:r>"
RAISED = '5 zł<a {}="{}" href="#n">1</a>.'
TWO = "<table><thead><tr><th>Bölge<th colspan=2>Ücret</thead><tr><td><td>0-5 kg<td>5-10 kg<tr>"
TWO += "<td>İzmir<td>49,90<td>79,90<tr><td>Bursa<td>59,90<td>89,90</table>"
WRITTEN += [
    ("a.docx", word(RUBY), "価格は500円", ""),
    ("a.docx", word(PROMPT), "Cena 12,50 zł", GONE),
    ("a.html", "<ruby>価格<rp>(</rp><rt>かかく</rt><rp>)</rp></ruby>は500円", "価格は500円", ""),
    ("a.md", "<ruby>価格<rt>かかく</rt></ruby>は500円", "価格は500円", ""),
    ("a.html", RAISED.format("epub:type", "noteref"), "5 zł.", ""),
    ("a.html", RAISED.format("role", "doc-noteref"), "5 zł.", ""),
    ("a.html", TWO, "Bölge: İzmir; Ücret, 0-5 kg: 49,90; Ücret, 5-10 kg: 79,90\n"
     "Bölge: Bursa; Ücret, 0-5 kg: 59,90; Ücret, 5-10 kg: 89,90", ""),
    ("a.rtf", f"{AROUND}{STEPS}".encode(), "1. Lift\n- Turn", "Desks\n\nCall 12"),
    ("a.odt", odf(ITEMS.format(""), footer="Call 12"), "- Lift\n  - Turn", "Call 12"),
    ("a.odt", odf(ITEMS.format(' text:style-name="N"')), "1. Lift\n  - Turn", ""),
    ("a.odt", odf(2 * MORE), "1. Lift\n2. Lift", ""),
    ("a.odt", odf(MORE.replace("item>", 'item text:start-value="4">', 1)), "4. Lift", ""),
    ("a.odt", odf('At 9 <text:span text:style-name="KID">was 8</text:span>'), "At 9", GONE),
    ("a.ods", odf_book("", [["Part", "Price"], ["Oil", "4.90"]], end=OUT), "Part: Oil; Price: 4.90",
     GONE),
    ("a.pptx", pptx(f"<a:r><a:t>Seen</a:t></a:r>{FRAME}", diagram=DRAWN), "Seen\n\nLift\n\nTurn",
     ""),
    ("a.pptx", pptx(f"</a:p></p:txBody></p:sp>{BODY}<p:txBody><a:p>{COUNT}</a:p><a:p>{DEEP}</a:p>"
                    f"<a:p>{COUNT}"), "1. Lift\n  7. Turn\n2. Lift", ""),
    ("a.md", "At <b>9</b> <script>x = 4</script>", "At 9", ""),
    ("a.md", '| Part | In |\n|--|--|\n| Oil | <img src=x alt=yes> |\n| Lamp | <i class="fa-times">'
     "</i> |\n", "Part: Oil; In: yes\nPart: Lamp; In: ✗", ""),
    ("a.md", "- Put it in <textarea>\n- Send it", "- Put it in <textarea>\n- Send it", ""),
    ("a.md", "Open at 9.\n\n<details>", "Open at 9.", ""),
    ("a.md", "<nav>\n\nOpen at 9.", "Open at 9.", ""),
    ("a.md", "<div hidden>was 8\n\nOpen at 9.", "Open at 9.", GONE),
    ("a.md", "Match `[^.]+` or `[^/]`.[^1]", "Match [^.]+ or [^/].", ""),
    ("a.md", "| | |\n|--|--|\n| Köln | Bonn |\n| Ulm | Trier |", "Köln: Bonn\nUlm: Trier", ""),
    ("a.html", "<table><thead><tr><th><th></thead><tr><td>Part<td>4<tr><td>Oil<td>5</table>",
     "Part: 4\nOil: 5", ""),
    ("a.md", f"| Part | Of |\n|--|--|\n| Oil | {600 * 'it '}|", f"Part: Oil; Of: {599 * 'it '}it",
     ""),
    ("a.md", "Siehe [tutaj](https://a.example/x).", "Siehe tutaj (https://a.example/x).", ""),
    ("a.txt", "0-5 kg ...... 49,90 TL\n5-10 kg ..... 79,90 TL",
     "0-5 kg: 49,90 TL\n5-10 kg: 79,90 TL", ""),
    ("a.md", "# <details> In C#\n\n![\\[Seen\\]](x.png)", "[Seen]", ""),
]  # fmt: skip


def test_a_title_above_a_table_is_no_part_of_the_names_of_its_columns() -> None:
    rows = [["From 1.09.", "", ""], ["Part", "Price", "Days"], ["Oil", "4,90", "2"]]
    read = ["From 1.09. | Part: Oil; Price: 4,90; Days: 2"]
    assert with_titles("a.csv", "\n".join(map(";".join, rows)).encode()) == read
    made = openpyxl.Workbook()
    assert made.active is not None
    for row in rows:
        made.active.append(row)
    out = io.BytesIO()
    made.save(out)
    assert with_titles("a.xlsx", out.getvalue()) == read


GREEK = ("Πόσο κοστίζει;", "Δώδεκα."), ("Πότε ανοίγετε;", "Στις 9."), ("Πού είστε;", "Εδώ.")


@pytest.mark.parametrize(
    ("name", "form"),
    [("a.md", "**{}**\n\n{}\n\n"), ("a.html", "<p><b>{}</b><br>{}"), ("a.txt", "{}\n{}\n\n"),
     ("a.tsv", "{}\t{}\n"), ("a.md", "## {}\n\n{}\n\n")],
)  # fmt: skip
def test_greek_asks_with_a_semicolon(name: str, form: str) -> None:
    sections = parse(name, "".join(form.format(*pair) for pair in GREEK).encode()).sections
    assert [(s.text, s.answer) for s in sections] == list(GREEK)


def test_a_list_of_prices_with_leaders_is_no_table_of_contents() -> None:
    out = io.BytesIO()
    page = canvas.Canvas(out)
    for at, (name, price) in enumerate((("Menu", "14,50"), ("Coffee", "1,80"), ("Tea", "2,20"))):
        page.drawString(60, 700 - 20 * at, f"{name} {'.' * 30}")
        page.drawString(400, 700 - 20 * at, price)
    page.save()
    assert seen("a.pdf", out.getvalue()) == ["Menu: 14,50\nCoffee: 1,80\nTea: 2,20"]


def test_a_heading_keeps_its_sharp_and_loses_its_anchor() -> None:
    page = '<h2>In C#<a href="#c">#</a></h2><p>Yes.</p><h2>Up <a href="#u">¶</a></h2><p>No.</p>'
    assert [s.title_path for s in parse("a.html", page.encode()).sections] == [("In C#",), ("Up",)]
    assert parse("a.md", b"# In C#\n\nYes.").title == "In C#"


@pytest.mark.parametrize(("name", "content", "read", "named"), WRITTEN)
def test_words_are_read_as_styles_and_fields_have_them(
    name: str, content: str | bytes, read: str, named: str
) -> None:
    assert seen(name, content) == ([read, named] if named else [read])


def test_a_note_of_rich_text_does_not_break_its_sentence() -> None:
    text = r"{\rtf1 Within 3{\super 1}{\footnote \pard\plain From May.} days.\par}"
    assert seen("a.rtf", text) == ["Within 3 days.", "From May."]


def rich_book() -> bytes:
    from openpyxl.cell.rich_text import CellRichText, TextBlock
    from openpyxl.cell.text import InlineFont

    made = openpyxl.Workbook()
    assert made.active is not None
    made.active.append(["Part", "Price"])
    made.active.append(["Lamp", CellRichText(TextBlock(InlineFont(strike=True), "49 "), "39")])
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


LEFT_OUT = "(the file) 1 words in it are hidden or struck out: left out."
STRUCK = [
    ("a.md", "Lamp ~~49~~ 39", "Lamp 39"),
    ("a.csv", "Part,Price\nLamp,<del>49</del> 39\n", "Part: Lamp; Price: 39"),
    ("a.xlsx", rich_book(), "Part: Lamp; Price: 39"),
    ("a.json", '[{"text": "<p>Lamp <s>49</s> 39</p>"}]', "Lamp 39"),
    ("a.yaml", "- text: Lamp <s>49</s> 39\n", "Lamp 39"),
    ("a.pptx", pptx('<a:r><a:rPr strike="sngStrike"/><a:t>49 </a:t></a:r><a:r><a:t>Lamp 39</a:t>'
                    "</a:r>"), "Lamp 39"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "content", "read"), STRUCK)
def test_struck_out_words_are_counted_in_every_format(
    name: str, content: str | bytes, read: str
) -> None:
    assert seen(name, content) == [read, LEFT_OUT]


def test_hidden_cells_of_a_page_are_left_out_and_counted() -> None:
    row = "<tr><td>{}<td class=c>{}<td>{}"
    table = row.format("Part", "Cost", "Price") + row.format("Lamp", "4", "9")
    table = f"<style>.c{{display:none}}</style><table>{table}<tr hidden><td>Desk<td>5<td>8</table>"
    assert seen("a.html", table) == [
        "Part: Lamp; Price: 9", "(the file) 5 words in it are hidden or struck out: left out.",
    ]  # fmt: skip


def test_text_for_browsers_without_scripts_is_read_once() -> None:
    page = "<p>Open 9 to 17.</p><noscript>Open 9 to 17.</noscript><noscript>Seven years.</noscript>"
    assert seen("a.html", f"{page}<noscript>Please enable JavaScript.</noscript>") == [
        "Open 9 to 17.\n\nSeven years."
    ]


def test_a_menu_of_dishes_is_read() -> None:
    assert seen("a.html", "<menu><li>Soup 7.50<li>Fish 19</menu>") == ["- Soup 7.50\n- Fish 19"]


TABLES = [
    ("a.csv", 'question, answer\n"Is it?" , "Yes, 1."\nWhy?, "So, 2."\n',
     ["Is it? → Yes, 1.", "Why? → So, 2."]),
    ("a.csv", "Part,Price,Old\nLamp,4,90,6,50\nDesk,12,50 €,3\nBed,7,8\n",
     ["Part: Lamp; Price: 4,90; Old: 6,50", "Part: Desk; Price: 12,50 €; Old: 3",
      "Part: Bed; Price: 7; Old: 8",
      "(row 2) It has more cells than the header; they were joined to its number.",
      "(row 3) It has more cells than the header; they were joined to its number."]),
    ("a.csv", "question;answer;category\nIs it?;Yes; from 1 to 2;new\nHow far; or when?;3 km;x\n",
     ["Is it? → Yes; from 1 to 2", "How far; or when? → 3 km",
      "(row 2) It has more cells than the header; they were joined to 'answer'.",
      "(row 3) It has more cells than the header; they were joined to 'question'."]),
    ("a.csv", "question,answer\nIs it?,Yes <script>x = 4</script>\n", ["Is it? → Yes"]),
    ("a.csv", "question,answer\nIs it?,#N/A\nWhy?,So.\n",
     ["Why? → So.", "(row 2) A formula in it gives #N/A. Correct it."]),
    ("a.csv", "question,answer\nIs it?,<kbd>F5</kbd> &copy; &hellip;<br>AT&T\n",
     ["Is it? → F5 © …\nAT&T"]),
    ("a.csv", "question,answer\nIs it?,<![CDATA[<p>Yes</p>]]>\n", ["Is it? → Yes"]),
    ("a.csv", "Asztal,12 499 Ft\nSzék,ingyen\nÖsszesen,\n",
     ["Asztal: 12 499 Ft", "Szék: ingyen", "Összesen"]),
    ("a.csv", "Sending it back,Within 30 days\nFee,4.90 euros\nOpen,9-17\n",
     ["Sending it back: Within 30 days", "Fee: 4.90 euros", "Open: 9-17"]),
    ("a.json", '[["", "S", "L"], ["Post", 4.90, true]]', ["Post; S: 4.90; L: yes"]),
    ("a.json", '[{"part": "Lamp", "price": 4.90}, {"part": "Desk", "price": 1.50}]',
     ["part: Lamp; price: 4.90", "part: Desk; price: 1.50"]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "text", "expected"), TABLES)
def test_cells_are_read_as_they_are_meant(name: str, text: str, expected: list[str]) -> None:
    assert seen(name, text) == expected


def test_several_questions_in_one_cell_are_wordings_of_one() -> None:
    (section,) = parse("a.csv", b'question,answer\n"How long?\nHow wide?",5 cm\n').sections
    assert (section.text, section.variants, section.answer) == ("How long?", ("How wide?",), "5 cm")
    names = "分段标题(选填),分段内容(必填),问题(选填,单元格内一行一个)".replace(",单", "，单")
    (section,) = parse("a.csv", f'{names}\n,9点,"几点开门\n周末营业吗"\n'.encode()).sections
    assert (section.text, section.variants, section.answer) == ("几点开门", ("周末营业吗",), "9点")


def test_cells_of_an_open_document_without_words_have_their_value_or_are_named() -> None:
    cells = odf_book("", [["Part", "Price"], ["Lamp", "@"], ["Desk", "#"]])
    book = io.BytesIO(cells)
    with zipfile.ZipFile(book) as archive:
        content = archive.read("content.xml").decode()
    value = '<table:table-cell office:value="4.9"></table:table-cell>'
    formula = '<table:table-cell table:formula="of:=1+1"></table:table-cell>'
    cell = "<table:table-cell><text:p>{}</text:p></table:table-cell>"
    content = content.replace(cell.format("@"), value).replace(cell.format("#"), formula)
    declared = "application/vnd.oasis.opendocument.spreadsheet"
    assert seen("a.ods", zipped({"mimetype": declared, "content.xml": content})) == [
        "Part: Lamp; Price: 4.9", "Part: Desk",
        "(sheet T, row 3) It has a formula without a stored result. Open the file in a spreadsheet "
        "program, save it and upload it again.",
    ]  # fmt: skip


UNREAD = "(row 1) Only questions and answers are read, not what stands under"
RECORDS = [
    ({"How long?": "2 days", "More": {"Who pays?": ["We do.", "You."]}},
     ["How long? → 2 days", "Who pays? → We do.\nYou."]),
    ({"@type": "FAQPage", "mainEntity": [{"@type": "Question", "name": "Is it new?",
      "acceptedAnswer": {"@type": "Answer", "text": "<p>Yes.</p>"}}]},
     ["Is it new? → Yes.", f"{UNREAD} '@type'."]),
    ({"messages": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Open?"},
                   {"role": "assistant", "content": "At 9."}]}, ["Open? → At 9."]),
    ([{"instruction": "Answer it", "input": "Is it new?", "output": "Yes."}],
     ["Is it new? → Yes."]),
    ([{"title": {"rendered": "Is it new?"}, "content": {"rendered": "<p>Yes.</p>"}}],
     ["Is it new? → Yes."]),
    ([{"shortcut": "fee", "content": "It costs 5."}],
     ["It costs 5.", "(row 1) Only titles and texts are read, not what stands under 'shortcut'."]),
    ([{"question": "Is it new?", "answer": "Yes.", "link": "https://a.example", "steps": ["a"]}],
     ["Is it new? → Yes.", f"{UNREAD} 'link', 'steps'."]),
]  # fmt: skip


@pytest.mark.parametrize(("value", "expected"), RECORDS)
def test_no_text_of_a_record_is_lost_without_a_word(value: object, expected: list[str]) -> None:
    assert seen("a.json", json.dumps(value)) == expected


def forms(*parts: tuple[bytes, bytes], depth: int = 0) -> bytes:
    """Make a page of forms: what each draws, and its objects; `depth` more lie around the last."""
    form = b"/Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<<%s>>>>"
    chain = [(b"/A Do", b"/A %d 0 R" % (6 + n)) for n in range(depth)]
    drawn = [stream(content, form % objects) for content, objects in (*chain, *parts)]
    image = b"/Type/XObject/Subtype/Image/Width 1/Height 1/ColorSpace/DeviceGray/BitsPerComponent 8"
    return raw_pdf(
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Contents 4 0 R"
        b"/Resources<</XObject<</A 5 0 R>>>>>>",
        stream(b"/A Do"),
        *drawn,
        stream(b"0", image),
    )


@pytest.mark.parametrize(
    ("data", "said"),
    [(forms((b"/I Do", b"/I 11 0 R"), depth=5), "It is a scan"),
     (forms((b"/A Do /I Do /A Do", b"/A 5 0 R/I 6 0 R")), "blank or drawings"),
     (forms(*[(b"/A Do " * 20, b"/A %d 0 R" % n) for n in range(6, 12)], (b"/I Do", b"/I 12 0 R")),
      "blank or drawings")],
)  # fmt: skip
def test_a_picture_in_forms_is_drawn_unless_these_have_no_end(
    data: bytes, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pdf, "can_read", lambda: False)
    with pytest.raises(UnreadableFile, match=said):
        parse("a.pdf", data)


def test_links_in_a_table_of_an_open_document_say_nothing_without_their_address() -> None:
    assert seen("a.odt", odf('See <text:a xlink:href="https://a.example">here</text:a>')) == [
        "See here (https://a.example)"
    ]


def test_a_part_of_an_archive_without_a_name_is_passed_over() -> None:
    files = zipped({"a.csv": "question,answer\nIs it new?,Yes.\n", "#b": "x"})
    assert seen("a.zip", files.replace(b"#b", b"\0b")) == ["Is it new? → Yes."]


def test_a_diagram_and_pictures_in_cells_of_a_word_file_are_read() -> None:
    document = docx.Document()
    table = document.add_table(2, 2)
    for cell, text in zip(table._cells, ("Part", "In", "Oil", ""), strict=True):
        cell.text = text
    drawing = "http://schemas.openxmlformats.org/drawingml/2006/"
    picture = f'<p:docPr xmlns:p="{drawing}wordprocessingDrawing" descr="yes"/>'
    table.cell(1, 1).paragraphs[0].add_run()._r.append(parse_xml(picture))
    part = Part(PackURI("/word/d.xml"), "application/xml", DRAWN.encode(), document.part.package)
    key = document.part.relate_to(part, RT.DIAGRAM_DATA)
    mark = f'<d:relIds xmlns:d="{DGM}" xmlns:r="{nsmap["r"]}" r:dm="{key}"/>'
    document.add_paragraph("See:").add_run()._r.append(parse_xml(mark))
    out = io.BytesIO()
    document.save(out)
    assert seen("a.docx", out.getvalue()) == ["Part: In\nOil: yes\n\nSee:\n\n- Lift"]


@pytest.mark.parametrize("kind", ["docx", "odt", "rtf", "html", "epub", "pdf"])
def test_questions_below_names_that_nobody_knows_are_entries(kind: str) -> None:
    table = [["Customer asks", "We say"], *([f"Is it {n}?", f"Yes, {n}."] for n in ("A", "B", "C"))]
    make = getattr(office, f"as_{kind}")
    sections = parse(f"a.{kind}", make(office.Content("Help", ["Read this."], [], table))).sections
    assert [(s.text, s.answer) for s in sections if s.answer] == [tuple(r) for r in table[1:]]
    assert any("Customer asks: We say" in s.text for s in sections)
