"""ODT, ODS and ODP: charts and pictures in them, slides."""

import io
import re
import zipfile

from kb.parse import parse
from tests.kb.parse.office import odf, odf_book, odp, zipped

CHART = (
    "<office:body><office:chart><chart:chart><chart:title><text:p>कीमतें</text:p></chart:title>"
    '<table:table table:name="local-table"><table:table-header-rows><table:table-row>{}'
    "</table:table-row></table:table-header-rows><table:table-row>{}</table:table-row></table:table></chart:chart>"
    "</office:chart></office:body>"
)


def test_a_chart_of_an_open_document_is_read_as_the_table_that_it_draws() -> None:
    def row(*cells: str) -> str:
        cell = "<table:table-cell><text:p>{}</text:p></table:table-cell>"
        return "".join(map(cell.format, cells))

    frame = '<draw:frame><draw:object xlink:href="./Object 1"/></draw:frame>'
    box = f"<draw:text-box><text:p>Once{frame}</text:p></draw:text-box>"
    with zipfile.ZipFile(io.BytesIO(odf(f"See:<draw:frame>{box}</draw:frame>"))) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    inside = CHART.format(row("", "दर", "छूट"), row("दिल्ली", "१२.५", "NaN"))
    around = re.sub("<office:body>.*</office:body>", inside, parts["content.xml"].decode())
    parsed = parse("a.odt", zipped({**parts, "Object 1/content.xml": around.encode()}))
    assert [s.text for s in parsed.sections] == ["See:\n\nOnce\n\nकीमतें\n\nदिल्ली; दर: १२.५"]


def test_pictures_of_a_sheet_are_named_unless_they_say_a_word() -> None:
    frame = "<draw:frame><draw:image/><svg:title>{}</svg:title></draw:frame>"
    rows = [["Part", "Price", "In"], ["Oil", "4", "@"], ["Lamp", "5", "#"]]
    book = odf_book("", rows, end=f"<table:shapes>{frame.format('Our logo')}</table:shapes>")
    with zipfile.ZipFile(io.BytesIO(book)) as archive:
        content = archive.read("content.xml").decode()
    for mark, said in (("@", "yes"), ("#", "Picture 3")):
        content = content.replace(f"<text:p>{mark}</text:p>", frame.format(said))
    declared = "application/vnd.oasis.opendocument.spreadsheet"
    parsed = parse("a.ods", zipped({"mimetype": declared, "content.xml": content}))
    assert [s.text for s in parsed.sections] == [
        "Part: Oil; Price: 4; In: yes", "Part: Lamp; Price: 5",
    ]  # fmt: skip
    assert [s.reason for s in parsed.skipped] == [
        "Pictures are not read: beside the cells, row 3. Write in words what they say."
    ]


def test_slides_of_an_open_document_are_read_like_those_of_powerpoint() -> None:
    def frame(inside: str, kind: str = "outline") -> str:
        box = f"<draw:text-box>{inside}</draw:text-box>"
        return f'<draw:frame presentation:class="{kind}">{box}</draw:frame>'

    item = "<text:list-item><text:p>{}</text:p></text:list-item>"
    items = f"<text:list>{item.format('Fahrrad 9,50 €')}{item.format('Helm 2 €')}</text:list>"
    cell = "<table:table-cell><text:p>{}</text:p></table:table-cell>"
    rows = "".join(
        f"<table:table-row>{''.join(map(cell.format, row))}</table:table-row>"
        for row in (("Zone", "Preis"), ("A", "3 €"), ("B", "4 €"))
    )
    table = f"<draw:frame><table:table>{rows}</table:table><draw:image/></draw:frame>"
    shape = "<draw:custom-shape><text:p>Montag zu</text:p></draw:custom-shape>"
    said = frame("<text:p>Bitte langsam sprechen</text:p>")
    notes = f"<presentation:notes>{said}</presentation:notes>"
    title = frame("<text:p>Verleih</text:p>", "title")
    parsed = parse("a.odp", odp([frame(items) + title + notes, table + shape, shape]))
    assert [(s.title_path, s.location, s.text) for s in parsed.sections] == [
        (("Verleih",), "slide 1", "- Fahrrad 9,50 €\n- Helm 2 €"),
        ((), "slide 2", "Zone: A; Preis: 3 €\nZone: B; Preis: 4 €\n\nMontag zu"),
    ]
    assert [(s.location, s.reason) for s in parsed.skipped] == [
        ("slide 3", "The slide is hidden. Show it to have it read."),
        ("notes", "3 words for the speaker are not shown to others: left out."),
    ]


def test_a_second_title_of_a_document_is_a_heading() -> None:
    titles = '</text:p><text:p text:style-name="Title">{}'
    parsed = parse("a.odt", odf(f"Before{titles.format('Help')}{titles.format('Rates')}</text:p>"
                                "<text:p>4 €"))  # fmt: skip
    assert parsed.title == "Help"
    assert [(s.title_path, s.text) for s in parsed.sections] == [
        ((), "Before"),
        (("Rates",), "4 €"),
    ]
