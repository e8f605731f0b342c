"""Hostile files, made here: bombs, tricks and damage in every format that is read."""

import base64
import io
import random
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence

import docx
import openpyxl
from reportlab.pdfgen import canvas

CONTENT_TYPES = '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
LAUGHS = (
    '<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY lol "lol">'
    + "".join(
        f'<!ENTITY lol{n} "{f"&lol{n - 1 if n > 1 else str()};" * 10}">' for n in range(1, 10)
    )
    + "]>"
)
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"


# --- building blocks ---------------------------------------------------------------------------


def xlsx(rows: Sequence[Sequence[object]] | None = None) -> bytes:
    """Make an ordinary workbook."""
    book = openpyxl.Workbook()
    for row in rows or [["question", "answer"], ["How long?", "Three days."]]:
        assert book.active is not None
        book.active.append(list(row))
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def word(*paragraphs: str) -> bytes:
    """Make an ordinary document."""
    document = docx.Document()
    for paragraph in paragraphs or ("Returns are free for thirty days.",):
        document.add_paragraph(paragraph)
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def pdf(*pages: str, title: str = "", password: str = "") -> bytes:
    """Make an ordinary PDF with one line a page."""
    out = io.BytesIO()
    page = canvas.Canvas(out, encrypt=password or None)
    page.setTitle(title)
    for text in pages or ("Returns are free for thirty days.",):
        page.drawString(72, 720, text)
        page.showPage()
    page.save()
    return out.getvalue()


def zipped(members: dict[str, bytes], *, compress: bool = True) -> bytes:
    """Make an archive."""
    out = io.BytesIO()
    kind = zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED
    with zipfile.ZipFile(out, "w", kind) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def with_part(package: bytes, part: str, content: bytes | Callable[[bytes], bytes]) -> bytes:
    """Replace or add one part of an office file."""
    members: dict[str, bytes] = {}
    with zipfile.ZipFile(io.BytesIO(package)) as archive:
        for info in archive.infolist():
            members[info.filename] = archive.read(info)
    members[part] = content(members[part]) if callable(content) else content
    return zipped(members)


def sheet(cells: str, *, before: str = "") -> bytes:
    """Make a workbook whose sheet holds this XML."""
    data = f"{before}<sheetData>{cells}</sheetData>"
    xml = f'<?xml version="1.0"?><worksheet xmlns="{MAIN}">{data}</worksheet>'
    return with_part(xlsx(), "xl/worksheets/sheet1.xml", xml.encode())


def body(xml: str) -> bytes:
    """Make a document whose body holds this XML."""
    whole = f'<?xml version="1.0"?><w:document xmlns:w="{WORD}"><w:body>{xml}</w:body></w:document>'
    return with_part(word(), "word/document.xml", whole.encode())


def raw_pdf(*objects: bytes, trailer: bytes = b"/Root 1 0 R") -> bytes:
    """Make a PDF from the bodies of its objects, numbered from 1."""
    out = b"%PDF-1.7\n"
    offsets = []
    for number, content in enumerate(objects, start=1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    return out + b"trailer <</Size %d %s>>\nstartxref\n%d\n%%%%EOF" % (
        len(objects) + 1,
        trailer,
        start,
    )


def stream(content: bytes, extra: bytes = b"") -> bytes:
    return b"<</Length %d %s>>\nstream\n%s\nendstream" % (len(content), extra, content)


def one_page(content: bytes, extra: bytes = b"") -> bytes:
    """Make a PDF with one page of this content stream."""
    return raw_pdf(
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R"
        b"/Resources<</Font<</F1 5 0 R>>>>>>",
        stream(content, extra),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    )


def lying_zip() -> bytes:
    """Make an archive whose directory claims that a large member is small."""
    data = bytearray(zipped({"faq.csv": b"question,answer\n" + b"a,b\n" * 1_000_000}))
    at = data.rindex(b"PK\x01\x02")
    data[at + 24 : at + 28] = struct.pack("<I", 100)
    return bytes(data)


def overlapping_zip() -> bytes:
    """Make an archive in which many directory entries point to one member (as zip bombs do)."""
    single = zipped({"faq.csv": b"question,answer\nq,a\n" + b" " * 900_000})
    start = single.rindex(b"PK\x01\x02")
    end = single.rindex(b"PK\x05\x06")
    entry = single[start:end]
    count = 1500
    directory = entry * count
    tail = bytearray(single[end:])
    tail[8:12] = struct.pack("<HH", count, count)
    tail[12:16] = struct.pack("<I", len(directory))
    return single[:start] + directory + bytes(tail)


def encrypted_zip() -> bytes:
    """Make an archive whose member is marked as encrypted."""
    data = bytearray(zipped({"faq.csv": b"question,answer\nq,a\n"}))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = data.index(signature)
        data[at + offset] |= 1
    return bytes(data)


def nested(open_: str, close: str, depth: int, inner: str = "text") -> str:
    return open_ * depth + inner + close * depth


def link_zip() -> bytes:
    """Make an archive with a symbolic link and names that lead outside."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        link = zipfile.ZipInfo("link.csv")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
        archive.writestr("../../outside.csv", "question,answer\nWho?,Me.\n")
        archive.writestr("/tmp/absolute.csv", "question,answer\nWhere?,Here.\n")
    return out.getvalue()


# --- the files ---------------------------------------------------------------------------------


def hostile_files() -> Iterator[tuple[str, bytes]]:
    """Yield (name, content) of more than sixty files."""
    yield from _archives()
    yield from _workbooks()
    yield from _documents()
    yield from _pdfs()
    yield from _texts()
    yield from _mislabelled()


def _archives() -> Iterator[tuple[str, bytes]]:
    zeros = b"\x00" * 20_000_000
    yield "zeros.zip", zipped({"a.txt": zeros})
    yield "lying.zip", lying_zip()
    yield "overlapping.zip", overlapping_zip()
    yield "encrypted.zip", encrypted_zip()
    yield "many.zip", zipped({f"{n}.txt": b"x" for n in range(3000)}, compress=False)
    yield "inner.zip", zipped({"inner.zip": zipped({"faq.csv": b"q,a"}), "a.txt": b"Some text."})
    yield "links.zip", link_zip()
    yield "cut.zip", zipped({"faq.csv": b"question,answer\nq,a\n" * 50})[:-40]
    yield (
        "nul.zip",
        zipped({"a\x01b.csv": b"question,answer\nWhat?,That.\n", "c" * 3000 + ".csv": b"q"}),
    )
    yield "empty.zip", zipped({})
    yield "bomb-members.zip", zipped({f"{n}.csv": b"a" * 900_000 for n in range(150)})
    yield "unknown-method.zip", zipped({"a.txt": b"text " * 99}).replace(b"\x08\x00", b"\x63\x00")


def _workbooks() -> Iterator[tuple[str, bytes]]:
    yield "corner.xlsx", sheet('<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>')
    yield (
        "dimension.xlsx",
        sheet('<row r="1"><c r="A1"><v>7</v></c></row>', before='<dimension ref="A1:XFD1048576"/>'),
    )
    huge = "<is><t>" + "A" * 20_000_000 + "</t></is>"
    yield "cell-20mb.xlsx", sheet(f'<row r="1"><c r="A1" t="inlineStr">{huge}</c></row>')
    yield (
        "laughs.xlsx",
        with_part(xlsx(), "xl/worksheets/sheet1.xml", LAUGHS.encode() + b"<a>&lol9;</a>"),
    )
    yield (
        "laughs-utf16.xlsx",
        with_part(xlsx(), "xl/workbook.xml", (LAUGHS + "<a>&lol9;</a>").encode("utf-16")),
    )
    yield (
        "external-entity.xlsx",
        with_part(
            xlsx(),
            "xl/workbook.xml",
            b'<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]><a>&e;</a>',
        ),
    )
    many = "".join(f'<row r="{n}"><c r="A{n}"><v>{n}</v></c></row>' for n in range(1, 8_000))
    yield "8000-rows.xlsx", sheet(many)
    wide = "".join(f'<c r="{_column(n)}1"><v>{n}</v></c>' for n in range(1, 3000))
    yield "3000-columns.xlsx", sheet(f'<row r="1">{wide}</row>')
    yield (
        "merged.xlsx",
        sheet(
            '<row r="1"><c r="A1"><v>1</v></c></row></sheetData>'
            '<mergeCells count="1"><mergeCell ref="A1:XFD1048576"/></mergeCells><sheetData>'
        ),
    )
    yield "shared-index.xlsx", sheet('<row r="1"><c r="A1" t="s"><v>99999999</v></c></row>')
    yield "bad-number.xlsx", sheet('<row r="1"><c r="A1"><v>1e999999</v></c></row>')
    yield "bad-date.xlsx", sheet('<row r="1"><c r="A1" t="d"><v>9999-99-99</v></c></row>')
    yield "bad-reference.xlsx", sheet('<row r="abc"><c r="99"><v>1</v></c></row>')
    yield "nested.xlsx", sheet(nested("<a>", "</a>", 200_000))
    yield "macro.xlsm", with_part(xlsx(), "xl/vbaProject.bin", b"macro")
    yield "macro.xlsx", with_part(xlsx(), "xl/vbaProject.bin", b"macro")
    yield "no-workbook.xlsx", zipped({"[Content_Types].xml": CONTENT_TYPES.encode() + b"</Types>"})
    yield "cut.xlsx", xlsx()[:-200]
    styles = f'<styleSheet xmlns="{MAIN}"><cellXfs count="0"/></styleSheet>'.encode()
    yield "no-styles.xlsx", with_part(xlsx(), "xl/styles.xml", styles)


def _column(number: int) -> str:
    name = ""
    while number:
        number, rest = divmod(number - 1, 26)
        name = chr(65 + rest) + name
    return name


def _documents() -> Iterator[tuple[str, bytes]]:
    yield "laughs.docx", with_part(word(), "word/document.xml", LAUGHS.encode() + b"<a>&lol9;</a>")
    yield "text-20mb.docx", body(f"<w:p><w:r><w:t>{'A' * 20_000_000}</w:t></w:r></w:p>")
    yield (
        "nested-tables.docx",
        body(nested("<w:tbl><w:tr><w:tc>", "</w:tc></w:tr></w:tbl>", 3000, "<w:p/>")),
    )
    yield "nested-runs.docx", body(f"<w:p>{nested('<w:ins>', '</w:ins>', 50_000, '')}</w:p>")
    span = '<w:tcPr><w:gridSpan w:val="2147483647"/></w:tcPr>'
    cell = f"<w:tc>{span}<w:p><w:r><w:t>a</w:t></w:r></w:p></w:tc>"
    yield "spans.docx", body(f"<w:tbl><w:tr>{cell * 2}</w:tr></w:tbl>")
    yield "many-paragraphs.docx", body("<w:p><w:r><w:t>a</w:t></w:r></w:p>" * 60_000)
    yield "macro.docm", with_part(word(), "word/vbaProject.bin", b"macro")
    yield "no-document.docx", zipped({"[Content_Types].xml": CONTENT_TYPES.encode() + b"</Types>"})
    yield "cut.docx", word()[:-300]
    yield "not-xml.docx", with_part(word(), "word/document.xml", b"not xml at all")
    yield "cyclic-styles.docx", with_part(
        word(), "word/styles.xml",
        f'<w:styles xmlns:w="{WORD}"><w:style w:styleId="a"><w:basedOn w:val="b"/></w:style>'
        f'<w:style w:styleId="b"><w:basedOn w:val="a"/></w:style></w:styles>'.encode(),
    )  # fmt: skip
    relations = (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        '<Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/'
        'relationships/officeDocument" Target="../../../etc/passwd"/></Relationships>'
    )
    yield "path-outside.docx", with_part(word(), "_rels/.rels", relations.encode())


def _pdfs() -> Iterator[tuple[str, bytes]]:
    yield (
        "cyclic-pages.pdf",
        raw_pdf(b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[2 0 R 2 0 R]/Count 2>>"),
    )
    yield (
        "cyclic-parent.pdf",
        raw_pdf(
            b"<</Type/Catalog/Pages 2 0 R>>",
            b"<</Type/Pages/Kids[3 0 R]/Count 1/Parent 3 0 R>>",
            b"<</Type/Pages/Kids[2 0 R]/Count 1/Parent 2 0 R>>",
        ),
    )
    yield "million-pages.pdf", raw_pdf(
        b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[3 0 R]/Count 1000000000>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>",
    )  # fmt: skip
    packed = zlib.compress(b"q " * 50_000_000, 9)
    yield "flate-100mb.pdf", one_page(packed, b"/Filter/FlateDecode")
    twice = zlib.compress(zlib.compress(b"\x00" * 150_000_000, 9), 9)
    yield "flate-twice.pdf", one_page(twice, b"/Filter[/FlateDecode/FlateDecode]")
    ascii85 = base64.a85encode(b"BT /F1 12 Tf (text) Tj ET " * 8_000)
    yield "ascii85.pdf", one_page(ascii85 + b"~>", b"/Filter/ASCII85Decode")
    many_filters = b"/Filter[" + b"/FlateDecode" * 3000 + b"]"
    yield "filters-3000.pdf", one_page(zlib.compress(b"x"), many_filters)
    yield "operators.pdf", one_page(b"BT /F1 9 Tf " + b"(a) Tj 1 0 0 1 0 0 Tm " * 15_000 + b" ET")
    yield "nested-array.pdf", one_page(b"[" * 200_000)
    yield (
        "nested-dict.pdf",
        raw_pdf(b"<</Type/Catalog/Pages " + b"<</A " * 20_000 + b">>" * 20_000 + b">>"),
    )
    yield (
        "form-recursion.pdf",
        raw_pdf(
            b"<</Type/Catalog/Pages 2 0 R>>",
            b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Contents 4 0 R/Resources 5 0 R>>",
            stream(b"/X Do"),
            b"<</XObject<</X 6 0 R>>>>",
            stream(b"/X Do /X Do", b"/Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources 5 0 R"),
        ),
    )
    yield (
        "length-lies.pdf",
        one_page(b"BT (a) Tj ET").replace(b"/Length 12", b"/Length 999999999999"),
    )
    yield "self-length.pdf", one_page(b"BT (a) Tj ET").replace(b"/Length 12", b"/Length 4 0 R")
    yield (
        "xref-loop.pdf",
        raw_pdf(
            b"<</Type/Catalog/Pages 2 0 R>>",
            b"<</Type/Pages/Kids[]/Count 0>>",
            trailer=b"/Root 1 0 R/Prev 9",
        ),
    )
    yield "no-pages.pdf", raw_pdf(b"<</Type/Catalog>>")
    yield "password.pdf", pdf("Secret.", password="geheim")
    yield "cut.pdf", pdf()[:300]
    yield (
        "javascript.pdf",
        raw_pdf(
            b"<</Type/Catalog/Pages 2 0 R/OpenAction<</S/JavaScript/JS(app.alert(1))>>>>",
            b"<</Type/Pages/Kids[]/Count 0>>",
        ),
    )
    yield (
        "outline-loop.pdf",
        raw_pdf(
            b"<</Type/Catalog/Pages 2 0 R/Outlines 6 0 R>>",
            b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R"
            b"/Resources<</Font<</F1 5 0 R>>>>>>",
            stream(b"BT /F1 12 Tf 72 700 Td (Returns are free for thirty days.) Tj ET"),
            b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
            b"<</First 7 0 R/Last 7 0 R>>",
            b"<</Title(A)/Next 7 0 R/First 7 0 R/Dest[3 0 R/Fit]>>",
        ),
    )


def _texts() -> Iterator[tuple[str, bytes]]:
    yield "nested.json", b"[" * 1_000_000
    yield "nested-objects.json", b'{"faq":' * 100_000 + b"1" + b"}" * 100_000
    yield "number.json", b'[{"question":"a","answer":' + b"9" * 1_000_000 + b"}]"
    yield "surrogates.json", b'[{"question":"\\ud800 what?","answer":"\\udfff \\u0000 that"}]'
    yield "not-objects.jsonl", b'1\n"a"\n[]\nnull\n{"a":1}\n{"question":1e999,"answer":NaN}\n'
    yield "long-line.jsonl", b'{"question":"' + b"a" * 5_000_000 + b'","answer":"b"}'
    yield "unclosed-quote.csv", b'question,answer\na,b\nc,"d\n' + b"e,f\n" * 200_000
    yield "one-line.csv", b"a," * 1_000_000
    yield "nul.csv", b"question,answer\nWhat\x00?,That\x00.\n"
    yield "control.txt", bytes(range(1, 32)) * 1000
    yield "brackets.md", b"[" * 15_000
    yield "quotes.md", b">" * 100_000 + b" a"
    yield "lists.md", b"".join(b"  " * n + b"- a\n" for n in range(1500))
    yield "emphasis.md", b"*a **a " * 20_000
    yield (
        "table.md",
        b"|" + b"a|" * 3000 + b"\n|" + b"-|" * 3000 + b"\n" + (b"|" + b"b|" * 3000 + b"\n") * 9,
    )
    yield "links.md", b"[a](" * 20_000
    yield "comments.md", b"<!--" * 15_000
    yield "headings.md", b"".join(b"# %d?\n\na\n\n" % n for n in range(4_000))
    yield "one-paragraph.txt", "。".encode() * 1_000_000
    yield "dots.txt", b"a. " * 400_000
    yield "abbreviations.txt", b"e.g. " * 200_000
    yield "blanks.txt", b"a" + b" " * 3_000_000 + b"b"
    yield "nested.html", b"<div>" * 60_000 + b"text"
    yield "nested-tables.html", b"<table><tr><td>" * 300 + b"text"
    yield (
        "spans.html",
        b"<table>" + b"<tr><td colspan=65534 rowspan=65534>a</td></tr>" * 500 + b"</table>",
    )
    yield "attributes.html", b"<p " + b"a=b " * 300_000 + b">text</p>"
    yield "entities.html", b"<p>" + b"&amp;" * 500_000 + b"</p>"
    yield (
        "json-ld.html",
        (
            b'<script type="application/ld+json">'
            + b"[" * 100_000
            + b"</script><p>Some text here.</p>"
        ),
    )


def _mislabelled() -> Iterator[tuple[str, bytes]]:
    noise = random.Random(7).randbytes(5000)
    for suffix in ("csv", "xlsx", "jsonl", "md", "html", "txt", "docx", "pdf", "zip"):
        yield f"noise.{suffix}", noise
    yield "picture.pdf", b"\x89PNG\r\n\x1a\n" + noise
    yield "program.txt", b"\x7fELF" + noise
    yield "old.xlsx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + noise
    yield "rich.docx", b"{\\rtf1 text}"
    yield "page.csv", b"<!DOCTYPE html><html><body><p>Please log in.</p></body></html>"
    yield "polyglot.pdf", zipped({"a.txt": b"%PDF-1.7"})
    yield "workbook.csv", xlsx()
