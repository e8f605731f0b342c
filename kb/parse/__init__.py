"""Files to text: `parse` tells the format by content, then by name, and asks its module to read.

A format's library is imported when the first file of that format comes, so that a process that
reads one small text file stays small.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from importlib import import_module
from pathlib import PurePosixPath
from typing import Any

from core.errors import UnreadableFile, UnsupportedFile
from core.shown import clean
from core.types import ParsedFile, Section, Skipped
from core.wording import N_
from kb.parse.blocks import Document, bare_headings, without_contents
from kb.parse.faq.columns import Given, read_columns
from kb.parse.faq.documents import sections_of
from kb.parse.faq.questions import names_faq
from kb.parse.limits import MAX_TEXT_CHARS, PROTECTED, OnPage, Package, ignore_page, open_zip
from kb.parse.marks import words_left_out

SUPPORTED = (
    "CSV", "TSV", "XLSX", "JSON", "JSONL", "YAML", "Markdown", "HTML", "TXT", "DOCX", "PDF", "PPTX",
    "ODT", "ODS", "ODP", "RTF", "EPUB", "EML", "ZIP",
)  # fmt: skip
"""Formats, as they are named to operators."""

SUFFIXES: dict[str, str] = {
    ".csv": "csv", ".tsv": "csv", ".tab": "csv", ".xlsx": "xlsx", ".jsonl": "jsonl",
    ".ndjson": "jsonl", ".json": "json", ".yml": "yaml",
    ".yaml": "yaml", ".md": "markdown", ".markdown": "markdown",
    ".mdown": "markdown", ".mkd": "markdown", ".html": "html", ".htm": "html", ".xhtml": "html",
    ".txt": "text", ".text": "text", ".docx": "docx", ".pdf": "pdf", ".zip": "zip",
    ".pptx": "pptx", ".odt": "odt", ".ods": "ods", ".odp": "odp", ".rtf": "rtf",
    ".epub": "epub", ".eml": "eml",
}  # fmt: skip
"""Endings of the names that a folder is searched for."""

_SIGNATURES = (
    (b"GIF8", "a GIF picture"), (b"RIFF", "a sound, video or picture file"),
    (b"BM", "a BMP picture"), (b"ID3", "a sound file"),
    (b"OggS", "a sound file"), (b"\x1f\x8b", "a gzip archive"), (b"7z\xbc\xaf", "a 7-Zip archive"),
    (b"Rar!", "a RAR archive"), (b"BZh", "a bzip2 archive"), (b"\xfd7zXZ", "an xz archive"),
    (b"\x7fELF", "a program"), (b"MZ", "a program"), (b"%!PS", "PostScript"),
    (b"SQLite format 3", "a database"), (b"PAR1", "a Parquet table"),
)  # fmt: skip
_PICTURES = (b"\x89PNG", b"\xff\xd8\xff", b"II*\x00", b"MM\x00*")
_BINARY_ONLY_IF_UNDECODABLE = {b"BM", b"MZ", b"RIFF", b"ID3", b"BZh"}
_NOT_AS_TEXT = {"pdf", "docx", "xlsx", "zip", "pptx", "odt", "ods", "odp", "rtf", "epub"}
_OPEN_DOCUMENTS = {
    b"application/vnd.oasis.opendocument.text": "odt",
    b"application/vnd.oasis.opendocument.spreadsheet": "ods",
    b"application/vnd.oasis.opendocument.presentation": "odp",
}
_FIELDS = [field.name for field in fields(Section)]
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_LOOKS_HTML = re.compile(
    rb"\s*+(?:<!--(?:(?!-->).)*+-->\s*+)*+<(?:!doctype\s+html|html[\s>])", re.I | re.DOTALL
)


def parse(name: str, data: bytes, columns: str = "", on_page: OnPage = ignore_page) -> ParsedFile:
    """Read a file. `name` is data: only its ending is looked at, nothing is opened by it.

    `columns` says which columns of its tables mean what (``question=Frage,answer=Antwort``); those
    not named are matched by their usual names. `on_page` is called before each page that is read
    as a picture, with how many there are: these take longest.

    Raises:
        UnsupportedFile: if its format is none of `SUPPORTED`.
        UnreadableFile: if it is empty, damaged, protected, hostile, in an unknown encoding, or
            holds nothing that can be used; the reason is a sentence for the operator.
    """
    return _parse(name, data, read_columns(columns), on_page, inside=False)


def _parse(name: str, data: bytes, given: Given, on_page: OnPage, *, inside: bool) -> ParsedFile:
    if not data.strip(b" \t\r\n\x00"):
        raise UnreadableFile(name, N_("The file is empty."))
    kind = _format(name, data)
    if kind == "zip" and inside:
        raise UnreadableFile(name, N_("An archive inside an archive is not opened."))
    with words_left_out() as left_out:
        title, sections, skipped = _read(kind, name, data, given, on_page)
    if left_out:
        reason = f"{sum(left_out):,} words in it are hidden or struck out: left out."
        skipped.append(Skipped("the file", reason))
    sections = [s for s in map(_cleaned, sections) if s.text.strip()]
    size = sum(len(s.text) + len(s.answer) for s in sections)
    if size > MAX_TEXT_CHARS:
        raise UnreadableFile(
            name,
            f"It has {size / 1e6:,.0f} million characters of text; at most "
            f"{MAX_TEXT_CHARS / 1e6:.0f} million are read. Split it.",
        )
    if not sections:
        raise UnreadableFile(name, _nothing(skipped))
    title = _scrub(" ".join(title.split())[:200]) or PurePosixPath(name.replace("\\", "/")).stem
    return ParsedFile(name, title, tuple(sections), tuple(skipped))


def _nothing(skipped: list[Skipped]) -> str:
    if not skipped:
        return N_("It holds no text that could answer a question.")
    first = skipped[0]
    said = f"Nothing in it can be used. {first.location}: {first.reason}"
    return f"{said} ({len(skipped) - 1:,} more were skipped.)" if len(skipped) > 1 else said


def _cleaned(section: Section) -> Section:
    """Drop what no database takes, and what is not seen but changes how a text is shown."""
    changed: dict[str, Any] = {}
    for name in _FIELDS:
        if value := getattr(section, name):
            cleaned = _scrub(value) if isinstance(value, str) else tuple(map(_scrub, value))
            if cleaned != value:
                changed[name] = cleaned
    return replace(section, **changed) if changed else section


def _scrub(text: str) -> str:
    if text.isascii() and text.replace("\n", "").isprintable():
        return text
    return clean(text.encode("utf-8", "ignore").decode())


# --- which format ------------------------------------------------------------------------------


def _format(name: str, data: bytes) -> str:
    """Tell the format by content where content can tell, else by the ending of the name."""
    suffix = PurePosixPath(name.lower().replace("\\", "/")).suffix
    claimed = SUFFIXES.get(suffix, "")
    head = data[:4096]
    if b"%PDF-" in head[:1024]:
        return "pdf"
    if head.startswith(b"PK\x03\x04") or head.startswith(b"PK\x05\x06"):
        return _packed(name, data)
    if head.startswith(_OLE):
        raise UnreadableFile(name, _old_office(data, suffix))
    if head.startswith(b"{\\rtf"):
        return "rtf"
    if head.startswith(_PICTURES):
        return "picture"
    for signature, what in _SIGNATURES:
        if head.startswith(signature) and not (
            signature in _BINARY_ONLY_IF_UNDECODABLE and _is_text(head)
        ):
            raise UnreadableFile(name, f"It is {what}, whatever its name says, and holds no text.")
    if claimed in _NOT_AS_TEXT:
        if claimed == "xlsx" and _is_text(head):
            return "html" if looks_html(head) else "csv"
        raise UnreadableFile(
            name, f"It is named {suffix} but its content is not, or it is cut off. Save it again."
        )
    if claimed not in {"html", "markdown"} and looks_html(head):
        return "html"
    if not claimed:
        raise UnsupportedFile(name, SUPPORTED)
    return claimed


def looks_html(head: bytes) -> bool:
    """Tell whether a file begins as a page of the web does."""
    return _LOOKS_HTML.match(head) is not None


def _is_text(head: bytes) -> bool:
    return not any(byte < 9 for byte in head) or head.startswith((b"\xff\xfe", b"\xfe\xff"))


def _packed(name: str, data: bytes) -> str:
    """Tell what an archive is: an office document, or files."""
    with open_zip(name, data) as archive:
        names = set(archive.namelist())
        parts = Package(name, archive)
        declared = parts.read("mimetype")[:200].strip() if "mimetype" in names else b""
    if any(n.lower().endswith("vbaproject.bin") for n in names):
        raise UnreadableFile(
            name,
            N_("It contains macros, which are programs. Save it without them (as DOCX or XLSX)."),
        )
    if "word/document.xml" in names or any(re.match(r"word/document\d*\.xml$", n) for n in names):
        return "docx"
    if any(re.match(r"xl/workbook\d*\.xml$", n) for n in names):
        return "xlsx"
    if "xl/workbook.bin" in names:
        raise UnreadableFile(name, N_("It is a binary workbook (XLSB). Save it as XLSX."))
    if "ppt/presentation.xml" in names:
        return "pptx"
    if declared in _OPEN_DOCUMENTS:
        return _OPEN_DOCUMENTS[declared]
    if "mimetype" in names and "content.xml" in names:
        raise UnreadableFile(name, N_("It is a drawing. Save it as PDF."))
    if "META-INF/container.xml" in names:
        return "epub"
    if "[Content_Types].xml" in names:
        raise UnreadableFile(
            name, N_("It is an office file without a document in it: it is damaged.")
        )
    return "zip"


def _old_office(data: bytes, suffix: str) -> str:
    if "EncryptedPackage".encode("utf-16-le") in data:
        return PROTECTED
    new = "DOCX" if suffix.startswith(".doc") else "XLSX" if suffix.startswith(".xls") else "PDF"
    return f"It is in the format of Office 97. Save it as {new} and upload that."


# --- reading -----------------------------------------------------------------------------------


def _read(
    kind: str, name: str, data: bytes, given: Given, on_page: OnPage
) -> tuple[str, list[Section], list[Skipped]]:
    """Return title, sections and what was skipped."""

    def parse_part(part: str, content: bytes) -> ParsedFile | str:
        try:
            return _parse(part, content, given, on_page, inside=True)
        except UnsupportedFile as error:
            return str(error)
        except UnreadableFile as error:
            return error.reason

    if kind in _TABLES:
        taken = _reader(_TABLES[kind])(name, data, given)
        return "", list(taken.sections), list(taken.skipped)
    match kind:
        case "zip":
            from kb.parse.formats.archive import parse_archive

            return "", *parse_archive(name, data, parse=parse_part)
        case "eml":
            from kb.parse.formats.mail import parse_mail

            return parse_mail(name, data, parse=parse_part)
        case "pdf" | "picture":
            from kb.parse.formats.pdf import parse_pdf
            from kb.parse.formats.picture import picture_pages

            pages = picture_pages(name, data) if kind == "picture" else data
            return _sections(name, parse_pdf(name, pages, on_page))
        case "html":
            from kb.parse.formats.declared import declared_entries
            from kb.parse.html.content import parse_html

            page, tree = parse_html(name, data)
            return _sections(name, page, list(declared_entries(tree)))
        case _:
            return _sections(name, _reader(_DOCUMENTS[kind])(name, data))


_TABLES = {
    "csv": "delimited.parse_delimited", "xlsx": "spreadsheet.parse_spreadsheet",
    "ods": "open_document.parse_sheets", "json": "records.parse_json",
    "jsonl": "records.parse_jsonl", "yaml": "rasa.parse_yaml",
}  # fmt: skip
_DOCUMENTS = {
    "markdown": "markdown.parse_markdown", "docx": "word.parse_word", "rtf": "rtf.parse_rtf",
    "pptx": "presentation.parse_presentation", "odt": "open_document.parse_texts",
    "odp": "open_document.parse_texts", "epub": "book.parse_book", "text": "plain.parse_plain",
}  # fmt: skip
"""Modules and functions that read a format."""


def _reader(place: str) -> Callable[..., Any]:
    module, _, function = place.partition(".")
    reader: Callable[..., Any] = getattr(import_module(f"kb.parse.formats.{module}"), function)
    return reader


def _sections(
    name: str, document: Document, declared: Sequence[Section] = ()
) -> tuple[str, list[Section], list[Skipped]]:
    """Return title, sections and what was skipped of a document; `declared` ones come first."""
    blocks, contents = without_contents(document.blocks)
    announced = names_faq(document.title) or names_faq(PurePosixPath(name).stem)
    asked = {s.text.casefold() for s in declared}
    found = sections_of(blocks, announced=announced, language=document.language)
    sections = [*declared, *(s for s in found if s.text.casefold() not in asked)]
    if document.valid_from or document.valid_until:
        days = (document.valid_from, document.valid_until)
        sections = [replace(s, valid_from=days[0], valid_until=days[1]) for s in sections]
    bare = bare_headings(blocks, sections, title=document.title)
    return document.title, sections, [*document.skipped, *contents, *bare]
