"""Presentations, OpenDocument files, rich text, e-books and e-mails: what their readers see."""

from email.message import EmailMessage

import pytest

from core.errors import UnreadableFile
from core.types import ParsedFile
from kb.parse import parse
from tests.kb.parse.office import LINKS, odf, odf_book, pptx, zipped


def text_of(parsed: ParsedFile) -> str:
    return "\n".join(s.text for s in parsed.sections)


def reasons(parsed: ParsedFile) -> list[str]:
    return [s.reason for s in parsed.skipped]


RUNS = (
    '<a:r><a:t>The lamp costs 19</a:t></a:r><a:r><a:rPr baseline="30000"/><a:t>95</a:t></a:r>'
    '<a:r><a:t> euros, </a:t></a:r><a:r><a:rPr strike="sngStrike"/><a:t>25 euros, </a:t></a:r>'
    '<a:r><a:t>on 8 m</a:t></a:r><a:r><a:rPr baseline="30000"/><a:t>2</a:t></a:r>'
)
SPANS = (
    'The lamp costs 19<text:span text:style-name="UP">95</text:span> euros, '
    '<text:span text:style-name="OUT">25 euros, </text:span>on 8 m'
    '<text:span text:style-name="UP">2</text:span>'
)
RICH = (
    r"{\rtf1\ansi The lamp costs 19{\super 95} euros, {\strike 25 euros, }on 8 m\super 2"
    r"\nosupersub\par}"
)
SEEN = "The lamp costs 19.95 euros, on 8 m²"


@pytest.mark.parametrize(
    ("name", "data"),
    [("a.pptx", pptx(RUNS)), ("a.odt", odf(SPANS)), ("a.rtf", RICH.encode())],
)
def test_raised_and_struck_out_words_are_read_as_they_are_shown(name: str, data: bytes) -> None:
    assert text_of(parse(name, data)) == SEEN


@pytest.mark.parametrize("name", LINKS)
def test_a_link_whose_words_say_nothing_keeps_its_address(name: str) -> None:
    assert text_of(parse(name, LINKS[name])) == "See here (https://a.example/x)."


def test_a_hidden_slide_is_left_out_and_named() -> None:
    parsed = parse("a.pptx", pptx("<a:r><a:t>Seen.</a:t></a:r>", "<a:r><a:t>Not.</a:t></a:r>"))
    assert [(s.text, s.location) for s in parsed.sections] == [("Seen.", "slide 1")]
    assert [s.location for s in parsed.skipped] == ["slide 2"]


def test_letters_of_other_code_pages_are_read() -> None:
    data = rb"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0\fcharset0 A;}{\f1\fcharset204 B;}}"
    data += rb"\f0 caf\'e9 \f1\'d6\'e5\'ed\'e0\f0  \u26684\'3f?\uc2\u20803\'82\'a0 end\par}"
    assert text_of(parse("a.rtf", data)) == "café Цена 格?党 end".replace("党", chr(20803))


def test_rows_of_a_rich_text_name_their_columns() -> None:
    rows = ("Model", "Price"), ("K1", "39 EUR"), ("K2", "59 EUR")
    made = "".join("\\trowd\\intbl " + "".join(f"{c}\\cell " for c in r) + "\\row" for r in rows)
    parsed = parse("a.rtf", ("{\\rtf1 Before.\\par " + made + "\\pard After.\\par}").encode())
    assert (
        text_of(parsed) == "Before.\n\nModel: K1; Price: 39 EUR\nModel: K2; Price: 59 EUR\n\nAfter."
    )


def test_a_sheet_of_an_open_document_is_read_as_it_is_shown() -> None:
    columns = '<table:table-column/><table:table-column table:visibility="collapse"/>'
    columns += '<table:table-column table:number-columns-repeated="9"/>'
    rows = [("Model", "Cost", "Price"), ("K1", "20", "39,00 €"), ("K2", "31", "59,00 €")]
    parsed = parse("a.ods", odf_book(columns, rows, hidden=(("K3", "1", "2"),)))
    assert text_of(parsed) == "Model: K1; Price: 39,00 €\nModel: K2; Price: 59,00 €"
    assert reasons(parsed) == [
        "Hidden rows were left out: 1. Show them to have them read.",
        "Hidden columns were left out: B. Show them to have them read.",
    ]


def test_questions_and_answers_of_a_sheet_are_entries() -> None:
    rows = [("Question", "Answer", ""), ("Open?", "Yes.", ""), ("Late?", "No.", "")]
    parsed = parse("faq.ods", odf_book("", rows))
    assert [(s.text, s.answer) for s in parsed.sections] == [("Open?", "Yes."), ("Late?", "No.")]


def test_a_day_in_a_sheet_of_an_open_document_is_the_one_that_is_stored() -> None:
    date = 'office:value-type="date" office:date-value="2026-03-04T00:00:00"'
    cells = ("<table:table-cell><text:p>Open?</text:p></table:table-cell>",
             "<table:table-cell><text:p>Yes.</text:p></table:table-cell>",
             f"<table:table-cell {date}><text:p>03/04/26</text:p></table:table-cell>")  # fmt: skip
    row = f"<table:table-row>{''.join(cells)}</table:table-row>"
    parsed = parse("a.ods", odf_book("", [("Question", "Answer", "Valid until")], end=row))
    assert [(s.text, s.valid_until) for s in parsed.sections] == [("Open?", "2026-03-04")]


def mail(body: str, charset: str, **attached: bytes) -> bytes:
    message = EmailMessage()
    message["Subject"] = "Neue Preise"
    message.set_content(body, charset=charset)
    for name, content in attached.items():
        kind, _, ending = name.partition("_")
        message.add_attachment(
            content, maintype="application", subtype="octet-stream", filename=f"{kind}.{ending}"
        )
    return bytes(message)


def test_an_email_is_read_with_its_attachments() -> None:
    data = mail(
        "Der Käse kostet 4,90 Euro.\n", "iso-8859-1",
        list_csv=b"question,answer\nOpen?,Yes.\n", tune_mp3=b"ID3\x00\x00",
    )  # fmt: skip
    parsed = parse("a.eml", data)
    assert parsed.title == "Neue Preise"
    assert [(s.text, s.answer) for s in parsed.sections] == [
        ("Der Käse kostet 4,90 Euro.", ""), ("Open?", "Yes."),
    ]  # fmt: skip
    assert parsed.sections[1].location == "list.csv, row 2"
    assert [s.location for s in parsed.skipped] == ["tune.mp3"]


def book(**extra: str) -> bytes:
    chapters = {"a": "<h1>Care</h1><p>Oil it.</p>", "b": "<h1>Range</h1><p>40 km.</p>"}
    items = "".join(
        f'<item id="{k}" href="{k}%20x.xhtml" media-type="application/xhtml+xml"/>'
        for k in chapters
    )
    spine = '<itemref idref="b"/><itemref idref="a"/><itemref idref="gone"/>'
    package = (
        '<package xmlns="http://www.idpf.org/2007/opf"><metadata '
        'xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>Handbook</dc:title>'
        f"<dc:language>de-AT</dc:language></metadata><manifest>{items}</manifest>"
        f"<spine>{spine}</spine></package>"
    )
    container = '<container><rootfiles><rootfile full-path="O/p.opf"/></rootfiles></container>'
    parts = {f"O/{k} x.xhtml": f"<html><body>{v}</body></html>" for k, v in chapters.items()}
    return zipped({"META-INF/container.xml": container, "O/p.opf": package, **parts, **extra})


def test_chapters_of_a_book_are_read_in_their_order() -> None:
    parsed = parse("a.epub", book())
    assert parsed.title == "Handbook"
    assert [(s.text, s.title_path, s.location, s.language) for s in parsed.sections] == [
        ("40 km.", ("Range",), "chapter 1", "de"), ("Oil it.", ("Care",), "chapter 2", "de"),
    ]  # fmt: skip


def test_a_book_is_shown_by_its_style_sheets_and_has_nothing_around_its_text() -> None:
    page = (
        '<html><head><link rel="stylesheet" href="../s/m.css"/></head><body><p>At 9.</p>'
        '<p class="off">bought for 4</p><aside>Not on Mondays.</aside></body></html>'
    )
    items = '<item id="s" href="s/m.css" media-type="text/css"/>'
    package = (
        '<package><manifest><item id="a" href="t/a.xhtml" media-type="application/xhtml+xml"/>'
    )
    package += f'{items}</manifest><spine><itemref idref="a"/></spine></package>'
    parsed = parse("a.epub", book(**{"O/p.opf": package, "O/t/a.xhtml": page,
                                     "O/s/m.css": ".off{display:none}"}))  # fmt: skip
    assert text_of(parsed) == "At 9.\n\nNot on Mondays."
    assert reasons(parsed) == ["3 words in it are hidden or struck out: left out."]


LAUGHS = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><x>&b;</x>'
ODT = "application/vnd.oasis.opendocument.text"


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("a.epub", book(**{"META-INF/encryption.xml": '<a URI="O/a.xhtml"/>'}), "against copying"),
        ("a.epub", zipped({"META-INF/container.xml": LAUGHS}), "The e-book is damaged"),
        ("a.odt", zipped({"mimetype": ODT, "content.xml": LAUGHS}), "defines XML entities"),
        ("a.odt", zipped({"mimetype": ODT, "content.xml": "x", "META-INF/manifest.xml":
                          "<manifest:encryption-data/>"}), "protected by a password"),
        ("a.pptx", zipped({"ppt/presentation.xml": LAUGHS}), "defines XML entities"),
        ("a.pptx", zipped({"ppt/presentation.xml": "<a><b/>"}), "presentation is damaged"),
        ("a.rtf", b"{\\rtf1" + b"{" * 5000, "nested too deep"),
        ("a.rtf", b"just words", "named .rtf but its content is not"),
    ],
)  # fmt: skip
def test_hostile_and_damaged_ones_have_a_sentence(name: str, data: bytes, reason: str) -> None:
    with pytest.raises(UnreadableFile) as caught:
        parse(name, data)
    assert reason in caught.value.reason


def test_a_sheet_that_claims_a_million_columns_is_read_quickly() -> None:
    wide = '<table:table-cell table:number-columns-repeated="99999999"/>'
    rows = [("Model", "Price"), ("K1", "39")]
    parsed = parse("a.ods", odf_book("", rows, end=f"<table:table-row>{wide}</table:table-row>"))
    assert text_of(parsed) == "Model: K1; Price: 39"
