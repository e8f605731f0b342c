"""Files of the same content in each format, made by code, and a second way to read each."""

import csv
import io
import json
import re
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from html import escape, unescape
from html.parser import HTMLParser

import docx
import openpyxl
import pypdfium2
from docx.enum.style import WD_STYLE_TYPE
from docx.shared import Pt, RGBColor
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen import canvas

_O = "urn:oasis:names:tc:opendocument:xmlns:"
_ODF = (
    f'xmlns:office="{_O}office:1.0" xmlns:text="{_O}text:1.0" xmlns:table="{_O}table:1.0" '
    f'xmlns:style="{_O}style:1.0" xmlns:fo="{_O}xsl-fo-compatible:1.0" '
    f'xmlns:draw="{_O}drawing:1.0" xmlns:svg="{_O}svg-compatible:1.0" '
    f'xmlns:chart="{_O}chart:1.0" xmlns:xlink="http://www.w3.org/1999/xlink" '
    f'xmlns:presentation="{_O}presentation:1.0"'
)
_DRAW = (
    'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" '
    'xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main" '
    'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'
)
_REL = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"


@dataclass(frozen=True)
class Content:
    """What a file says."""

    title: str
    paragraphs: Sequence[str]
    items: Sequence[str]
    table: Sequence[Sequence[str]]
    hidden: str = ""
    """A sentence that its reader does not see."""
    way: int = 0
    """By which of a format's `WAYS` it is hidden."""


_SHEET = "<style>.deal > .in{{visibility:hidden}}</style>"
_IN_HTML = (
    '<p style="display:none">{}</p>', f'{_SHEET}<div class="deal"><p class="in">{{}}</p></div>',
    "<p hidden>{}</p>", "<p>Now <del>{}</del></p>",
    '<p>Now <b style="text-decoration: line-through">{}</b></p>',
    '<div style="max-height:0;overflow:hidden">{}</div>',
    '<p style="background:#fff">Now <font color="#FFFFFF">{}</font></p>',
    "<footer><a href=x></a>{}</footer>",
)  # fmt: skip
_IN_PDF = ("no paint", "white", "tiny", "off the page")
_IN_DOCX = ("hidden", "strike", "white", "tiny", "by a style", "by the style of its paragraph")
_IN_MD = (
    "Now ~~{}~~", "Now <del>{}</del>", 'Now <b style="display:none">{}</b>',
    "<div hidden>\n\n{}\n\n</div>",
)  # fmt: skip
_IN_CELLS = ("Now <s>{}</s>", "<p>Now</p><p hidden>{}</p>")
WAYS = {
    "md": len(_IN_MD), "csv": len(_IN_CELLS), "json": len(_IN_CELLS),
    "html": len(_IN_HTML), "epub": len(_IN_HTML) - 1, "eml": len(_IN_HTML), "docx": len(_IN_DOCX),
    "odt": 6, "rtf": 4, "pptx": 3, "pdf": len(_IN_PDF),
}  # fmt: skip
"""Formats whose words can be hidden, and in how many ways."""


def zipped(parts: Mapping[str, str | bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return out.getvalue()


def as_md(c: Content) -> bytes:
    rows = ["| " + " | ".join(row) + " |" for row in c.table]
    rows.insert(1, "|---" * len(c.table[0]) + "|")
    items = [f"- {item}" for item in c.items]
    hidden = [_IN_MD[c.way].format(c.hidden)] if c.hidden else []
    paragraphs = [p.replace("*", "\\*") for p in c.paragraphs]
    text = [f"# {c.title}", *paragraphs, *hidden, "\n".join(items)]
    return "\n\n".join([*text, "\n".join(rows)]).encode()


def as_html(c: Content) -> bytes:
    hidden = _IN_HTML[c.way].format(escape(c.hidden)) if c.hidden else ""
    paragraphs = "".join(f"<p>{escape(p)}</p>" for p in c.paragraphs)
    items = "".join(f"<li>{escape(i)}</li>" for i in c.items)
    rows = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in c.table
    )
    body = f"<h1>{escape(c.title)}</h1>{paragraphs}{hidden}<ul>{items}</ul><table>{rows}</table>"
    return f'<html><head><meta charset="utf-8"></head><body>{body}</body></html>'.encode()


def as_docx(c: Content) -> bytes:
    document = docx.Document()
    document.add_heading(c.title, 1)
    for paragraph in c.paragraphs:
        document.add_paragraph(paragraph)
    if c.hidden:
        font = document.add_paragraph().add_run(c.hidden).font
        if c.way < 2:
            setattr(font, _IN_DOCX[c.way], True)
        elif c.way == 2:
            font.color.rgb = RGBColor(255, 255, 255)
        elif c.way == 3:
            font.size = Pt(1)
        else:
            kind = WD_STYLE_TYPE.CHARACTER if c.way == 4 else WD_STYLE_TYPE.PARAGRAPH
            document.styles.add_style("Away", kind).font.hidden = True
            hidden = document.paragraphs[-1]
            (hidden.runs[0] if c.way == 4 else hidden).style = document.styles["Away"]
    for item in c.items:
        document.add_paragraph(item, style="List Bullet")
    table = document.add_table(rows=len(c.table), cols=len(c.table[0]))
    for row, cells in zip(table.rows, c.table, strict=True):
        for cell, text in zip(row.cells, cells, strict=True):
            cell.text = text
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def as_odt(c: Content) -> bytes:
    hidden = (
        '<text:p><text:span text:style-name="H">{}</text:span></text:p>',
        '<text:p><text:span text:style-name="OUT">{}</text:span></text:p>',
        '<text:p text:style-name="H">{}</text:p>',
        '<text:p>Now <text:span text:style-name="WHITE">{}</text:span></text:p>',
        '<text:p>Now <text:span text:style-name="TINY">{}</text:span></text:p>',
        '<text:section text:display="none"><text:p>{}</text:p></text:section>',
    )[c.way].format(escape(c.hidden))
    paragraphs = "".join(f"<text:p>{escape(p)}</text:p>" for p in c.paragraphs)
    items = "".join(
        f"<text:list-item><text:p>{escape(i)}</text:p></text:list-item>" for i in c.items
    )
    body = (
        f'<text:h text:outline-level="1">{escape(c.title)}</text:h>{paragraphs}'
        f"{hidden if c.hidden else ''}"
        f"<text:list>{items}</text:list>{_odf_table(c)}"
    )
    return _odf("text", f"<office:text>{body}</office:text>")


def as_ods(c: Content) -> bytes:
    return _odf("spreadsheet", f"<office:spreadsheet>{_odf_table(c)}</office:spreadsheet>")


def _odf_table(c: Content) -> str:
    def cell(text: str) -> str:
        return f"<table:table-cell><text:p>{escape(text)}</text:p></table:table-cell>"

    rows = "".join(
        f"<table:table-row>{''.join(map(cell, row))}</table:table-row>" for row in c.table
    )
    return f'<table:table table:name="T">{rows}</table:table>'


def _odf(kind: str, body: str, common: str = "<office:styles/>") -> bytes:
    style = "".join(
        f'<style:style style:name="{name}"><style:text-properties {says}/></style:style>'
        for name, says in (
            ("H", 'text:display="none"'),
            ("UP", 'style:text-position="super 58%"'),
            ("OUT", 'style:text-line-through-style="solid"'),
            ("B", 'fo:font-weight="bold"'),
            ("WHITE", 'fo:color="#ffffff"'),
            ("TINY", 'fo:font-size="1pt"'),
        )
    )
    style += '<style:style style:name="KID" style:parent-style-name="OUT"/>'
    style += '<text:list-style style:name="N"><text:list-level-style-number text:level="1"/>'
    style += "</text:list-style>"
    content = (
        f"<office:document-content {_ODF}>"
        f"<office:automatic-styles>{style}</office:automatic-styles>"
        f"<office:body>{body}</office:body></office:document-content>"
    )
    declared = f"application/vnd.oasis.opendocument.{kind}"
    styles = f"<office:document-styles {_ODF}>{common}</office:document-styles>"
    return zipped({"mimetype": declared, "content.xml": content, "styles.xml": styles})


def as_pptx(c: Content) -> bytes:
    def shape(kind: str, *paragraphs: str) -> str:
        place = f'<p:nvPr><p:ph type="{kind}"/></p:nvPr>' if kind else "<p:nvPr/>"
        texts = "".join(f"<a:p><a:r><a:t>{escape(p)}</a:t></a:r></a:p>" for p in paragraphs)
        return (
            f'<p:sp><p:nvSpPr><p:cNvPr id="1" name="x"/>{place}</p:nvSpPr>'
            f"<p:txBody>{texts}</p:txBody></p:sp>"
        )

    def cell(text: str) -> str:
        return f"<a:tc><a:txBody><a:p><a:r><a:t>{escape(text)}</a:t></a:r></a:p></a:txBody></a:tc>"

    rows = "".join(f"<a:tr>{''.join(map(cell, row))}</a:tr>" for row in c.table)
    table = f'<a:tbl><a:tblPr firstRow="1"/>{rows}</a:tbl>'
    table = f"<p:graphicFrame><a:graphic>{table}</a:graphic></p:graphicFrame>"
    tree = f"{shape('title', c.title)}{shape('', *c.paragraphs)}{shape('body', *c.items)}{table}"
    if c.hidden and c.way == 1:
        tree += shape("", c.hidden).replace("<a:r>", '<a:r><a:rPr sz="100"/>')
    elif c.hidden and c.way == 2:
        place = '<p:spPr><a:xfrm><a:off x="-90" y="0"/><a:ext cx="80" cy="9"/></a:xfrm></p:spPr>'
        tree += shape("", c.hidden).replace("<p:txBody>", f"{place}<p:txBody>")

    def part(name: str, shapes: str) -> str:
        return f"<p:{name} {_DRAW}><p:cSld><p:spTree>{shapes}</p:spTree></p:cSld></p:{name}>"

    def relations(**targets: str) -> str:
        links = "".join(
            f'<Relationship Id="r{i}" Type="{_REL}{kind}" Target="{target}"/>'
            for i, (kind, target) in enumerate(targets.items())
        )
        return f"<Relationships>{links}</Relationships>"

    parts = {
        "[Content_Types].xml": "<Types/>",
        "ppt/presentation.xml": f'<p:presentation {_DRAW}><p:sldIdLst><p:sldId id="256" r:id="r0"/>'
        '</p:sldIdLst><p:sldSz cx="900" cy="600"/></p:presentation>',
        "ppt/_rels/presentation.xml.rels": relations(slide="slides/slide1.xml"),
        "ppt/slides/slide1.xml": part("sld", tree),
    }
    if c.hidden and not c.way:
        parts["ppt/slides/_rels/slide1.xml.rels"] = relations(notesSlide="../notesSlides/n1.xml")
        parts["ppt/notesSlides/n1.xml"] = part("notes", shape("body", c.hidden))
    return zipped(parts)


def pptx(*slides: str, link: str = "", diagram: str = "") -> bytes:
    """Make a presentation of one paragraph a slide, given as runs; all but the first are hidden."""
    parts = {"ppt/presentation.xml": "", "ppt/_rels/presentation.xml.rels": ""}
    ids = targets = ""
    for number, runs in enumerate(slides):
        show = ' show="0"' if number else ""
        parts[f"ppt/slides/s{number}.xml"] = (
            f"<p:sld {_DRAW}{show}><p:cSld><p:spTree><p:sp><p:txBody><a:p>{runs}</a:p></p:txBody>"
            "</p:sp></p:spTree></p:cSld></p:sld>"
        )
        ids += f'<p:sldId r:id="r{number}"/>'
        targets += (
            f'<Relationship Id="r{number}" Type="{_REL}slide" Target="slides/s{number}.xml"/>'
        )
    if link:
        parts["ppt/slides/_rels/s0.xml.rels"] = (
            f'<Relationships><Relationship Id="l" Type="{_REL}hyperlink" Target="{link}" '
            'TargetMode="External"/></Relationships>'
        )
    if diagram:
        parts["ppt/slides/_rels/s0.xml.rels"] = (
            f'<Relationships><Relationship Id="l" Type="{_REL}diagramData" Target="../d.xml"/>'
            "</Relationships>"
        )
        parts["ppt/d.xml"] = diagram
    parts["ppt/presentation.xml"] = (
        f"<p:presentation {_DRAW}><p:sldIdLst>{ids}</p:sldIdLst></p:presentation>"
    )
    parts["ppt/_rels/presentation.xml.rels"] = f"<Relationships>{targets}</Relationships>"
    return zipped(parts)


def odf(spans: str, footer: str = "") -> bytes:
    """Make a text document of one paragraph."""
    page = f"<style:footer><text:p>{footer}</text:p></style:footer>" if footer else ""
    common = f"<style:master-page>{page}</style:master-page>"
    return _odf("text", f"<office:text><text:p>{spans}</text:p></office:text>", common)


def odp(slides: Sequence[str]) -> bytes:
    """Make a presentation of what stands in each slide; the last one is hidden."""
    last = len(slides) - 1
    pages = (
        f'<draw:page draw:style-name="{"AWAY" if n == last else "SEEN"}">{slide}</draw:page>'
        for n, slide in enumerate(slides)
    )
    away = '<style:drawing-page-properties presentation:visibility="hidden"/>'
    frame = "<draw:frame><draw:text-box><text:p>Click to edit</text:p></draw:text-box></draw:frame>"
    common = f'<style:style style:name="AWAY">{away}</style:style>'
    common += f"<style:master-page>{frame}</style:master-page>"
    body = f"<office:presentation>{''.join(pages)}</office:presentation>"
    return _odf("presentation", body, common)


def odf_book(
    columns: str,
    rows: Sequence[Sequence[str]],
    *,
    hidden: Sequence[Sequence[str]] = (),
    end: str = "",
) -> bytes:
    """Make a sheet with hidden rows below the others."""

    def row(cells: Sequence[str], attribute: str = "") -> str:
        inside = "".join(
            f"<table:table-cell><text:p>{c}</text:p></table:table-cell>" for c in cells
        )
        return f"<table:table-row{attribute}>{inside}</table:table-row>"

    lines = "".join(map(row, rows))
    lines += "".join(row(cells, ' table:visibility="filter"') for cells in hidden)
    sheet = f'<table:table table:name="T">{columns}{lines}{end}</table:table>'
    return _odf("spreadsheet", f"<office:spreadsheet>{sheet}</office:spreadsheet>")


def as_rtf(c: Content) -> bytes:
    def plain(text: str) -> str:
        return "".join(
            f"\\u{ord(x) if ord(x) < 32768 else ord(x) - 65536}?" if ord(x) > 126
            else f"\\{x}" if x in "\\{}" else x
            for x in text
        )  # fmt: skip

    lines = [f"\\pard\\outlinelevel0 {plain(c.title)}\\par"]
    lines += [f"\\pard {plain(p)}\\par" for p in c.paragraphs]
    lines += (
        [f"\\pard {{\\{('v', 'strike', 'cf1', 'fs2')[c.way]} {plain(c.hidden)}}}\\par"]
        if c.hidden
        else []
    )
    lines += [f"\\pard\\ls1{{\\listtext x\\tab}}{plain(i)}\\par" for i in c.items]
    for row in c.table:
        lines.append("\\trowd\\pard\\intbl " + "".join(f"{plain(x)}\\cell " for x in row) + "\\row")
    fonts = "{\\fonttbl{\\f0\\fswiss Arial;}}{\\colortbl;\\red255\\green255\\blue255;}"
    return ("{\\rtf1\\ansi\\ansicpg1252\\uc1" + fonts + "\n".join(lines) + "\\pard\\par}").encode()


def as_epub(c: Content) -> bytes:
    container = '<container><rootfiles><rootfile full-path="O/p.opf"/></rootfiles></container>'
    package = (
        '<package xmlns="http://www.idpf.org/2007/opf"><metadata/><manifest>'
        '<item id="c" href="c.xhtml" media-type="application/xhtml+xml"/></manifest>'
        '<spine><itemref idref="c"/></spine></package>'
    )
    return zipped(
        {"mimetype": "application/epub+zip", "META-INF/container.xml": container,
         "O/p.opf": package, "O/c.xhtml": as_html(c)}
    )  # fmt: skip


def as_eml(c: Content) -> bytes:
    message = EmailMessage()
    message["Subject"], message["From"], message["To"] = c.title, "a@a.example", "b@b.example"
    message.set_content("-")
    message.add_alternative(as_html(c).decode(), subtype="html")
    return bytes(message)


def as_pdf(c: Content) -> bytes:
    pdfmetrics.registerFont(UnicodeCIDFont("STSong-Light"))
    wide = any(x > "\u2e80" for x in "".join(c.paragraphs))
    font = "STSong-Light" if wide else "Helvetica"
    out = io.BytesIO()
    drawn = canvas.Canvas(out, pagesize=(595, 842))
    y = 780.0
    for text, size in [
        (c.title, 18),
        *((p, 10) for p in c.paragraphs),
        *((f"- {i}", 10) for i in c.items),
    ]:
        drawn.setFont(font, size)
        drawn.drawString(60, y, text)
        y -= 24
    if c.hidden:
        drawn.saveState()
        drawn.setFont("Helvetica", 1 if c.way == 2 else 10)
        if c.way == 1:
            drawn.setFillGray(1)
        drawn.drawString(60, -90 if c.way == 3 else y, c.hidden, mode=0 if c.way else 3)
        drawn.restoreState()
    for row in c.table:
        y -= 20
        for column, cell in enumerate(row):
            drawn.drawString(60 + 160 * column, y, cell)
    drawn.save()
    return out.getvalue()


def as_xlsx(c: Content) -> bytes:
    book = openpyxl.Workbook()
    assert book.active is not None
    for row in c.table:
        book.active.append(list(row))
    if c.hidden:
        book.create_sheet("Away").append([c.hidden])
        book["Away"].sheet_state = "hidden"
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def as_csv(c: Content) -> bytes:
    out = io.StringIO()
    rows = [list(row) for row in c.table]
    rows[-1][0] += " " + _IN_CELLS[c.way].format(c.hidden) if c.hidden else ""
    csv.writer(out, delimiter=";").writerows(rows)
    return out.getvalue().encode()


def as_json(c: Content) -> bytes:
    texts = [*c.paragraphs, *([_IN_CELLS[c.way].format(c.hidden)] if c.hidden else [])]
    return json.dumps([{"text": text, "title": c.title} for text in texts]).encode()


def as_txt(c: Content) -> bytes:
    return "\n\n".join([c.title, *c.paragraphs, *(f"- {i}" for i in c.items)]).encode()


MAKERS: Mapping[str, Callable[[Content], bytes]] = {
    "md": as_md, "html": as_html, "docx": as_docx, "odt": as_odt, "ods": as_ods, "pptx": as_pptx,
    "rtf": as_rtf, "epub": as_epub, "eml": as_eml, "pdf": as_pdf, "xlsx": as_xlsx, "csv": as_csv,
    "json": as_json, "txt": as_txt,
}  # fmt: skip


_TO = "https://a.example/x"
LINKS: Mapping[str, bytes] = {
    "a.pptx": pptx(
        '<a:r><a:t>See </a:t></a:r><a:r><a:rPr><a:hlinkClick r:id="l"/></a:rPr>'
        "<a:t>here</a:t></a:r><a:r><a:t>.</a:t></a:r>",
        link=_TO,
    ),
    "a.odt": odf(f'See <text:a xlink:href="{_TO}">here</text:a>.'),
    "a.rtf": (
        r"{\rtf1 See {\field{\*\fldinst{HYPERLINK "
        f'"{_TO}"'
        r"}}{\fldrslt{\ul here}}}.\par}"
    ).encode(),
}


# --- a second way to read each -----------------------------------------------------------------


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.text = ""

    def handle_data(self, data: str) -> None:
        if self.lasttag != "style":
            self.text += f" {data}"


def read_otherwise(kind: str, data: bytes) -> str:
    """Return all text that is in a file, hidden or not, by other code than the product's."""
    if kind in {"html", "epub"}:
        page = _Words()
        page.feed((_member(data, r"\.xhtml$") if kind == "epub" else data).decode())
        return page.text
    if kind == "eml":
        import email
        import email.policy

        message = email.message_from_bytes(data, policy=email.policy.default)
        part = message.get_body(("html",))
        assert part is not None
        return read_otherwise("html", part.get_content().encode())
    parts = {"docx": r"document\.xml$", "odt": r"content\.xml$", "ods": r"content\.xml$",
             "pptx": r"slide1\.xml$|n1\.xml$", "xlsx": r"sheet1\.xml$"}  # fmt: skip
    if kind in parts:
        return unescape(re.sub(r"<[^>]+>", " ", _member(data, parts[kind]).decode()))
    if kind == "pdf":
        document = pypdfium2.PdfDocument(data)
        return " ".join(page.get_textpage().get_text_range() for page in document)
    if kind == "rtf":
        text = re.sub(rb"\{\\(?:fonttbl.*?\}\}|colortbl.*?\}|listtext.*?\})", b"", data).decode()
        text = re.sub(r"\\u(-?\d+)\?", lambda m: chr(int(m[1]) % 65536), text)
        return re.sub(r"\\[a-z]+-?\d* ?", " ", text).replace("{", " ").replace("}", " ")
    if kind == "json":
        records = json.loads(data)
        return _untagged(" ".join([records[0]["title"], *(record["text"] for record in records)]))
    if kind == "csv":
        return _untagged(data.decode().replace(";", " "))
    return _untagged(re.sub(r"^#|[|\\]|-{3}|~~", " ", data.decode(), flags=re.MULTILINE))


def _untagged(text: str) -> str:
    return re.sub(r"</?[a-z][^<>]*>", " ", text)


def _member(data: bytes, pattern: str) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return b" ".join(archive.read(n) for n in archive.namelist() if re.search(pattern, n))
