"""PDF through pypdf; through PDFium for a document whose blanks pypdf loses.

What place and size of the letters say is found in `kb.parse.formats.pdf_layout`.
"""

import io
import re
from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Any
from unicodedata import normalize

import pypdf
from pypdf.errors import DependencyError, DeprecationError, FileNotDecryptedError, PyPdfError
from pypdf.generic import NameObject

from core.errors import UnreadableFile
from core.types import Skipped
from core.wording import N_
from kb.parse.blocks import Block, Document
from kb.parse.formats.pdf_blocks import Titles, blocks_of, title_key
from kb.parse.formats.pdf_layout import PLACEHOLDER, forward, reads_backward, tables_in, take_tables
from kb.parse.formats.pdf_page import Box, Letters, with_changes
from kb.parse.formats.picture import EXTRA, MAX_READ_PAGES, can_read, read_pages
from kb.parse.limits import DAMAGE, MAX_PAGES, PROTECTED, OnPage, ignore_page, why

_GLUED = re.compile(
    r"[a-z]{2}[A-Z][a-z]|[a-z]{2}\d|\d[A-Z][a-z]{2}|[a-z]{2}[,.;:][A-Za-z]{2}|[A-Za-z]{22,}"
)
_FORMS = [*"ﬀﬁﬂﬃﬄﬅﬆ", *map(chr, (*range(0xFB1D, 0xFE00), *range(0xFE70, 0xFEFD)))]
"""Ligatures, and letters of Arabic and Hebrew as they are drawn in their places."""
_LIGATURES = str.maketrans(
    {c: normalize("NFKC", c) for c in _FORMS} | {"\u00a0": " ", "\u00ad": ""}
)
_HYPHENATED = re.compile(r"([^\W\d_])[-\u2010]\n([a-zà-ÿа-я])")
_LEADERS = re.compile(r"(?:\. ?){6,}\s*\d+[ \t]*$|(?:\. ){6,}(?!\s*\d)", re.MULTILINE)
_MAX_OUTLINE = 2000
_MAX_LAYOUT_PAGES = 300
"""Tables are looked for on the first pages: it takes as long again as reading them."""
_MOST_DRAWN = 10_000
"""Parts of a page that is drawn to be read: forms in forms can have billions."""
_SHORT_LINE, _SHORT_LINES = 60, 6

_DAMAGED = (
    *DAMAGE, PyPdfError, DeprecationError, ZeroDivisionError, NotImplementedError, StopIteration
)  # fmt: skip


def parse_pdf(name: str, data: bytes, on_page: OnPage = ignore_page) -> Document:
    """Read the pages of a PDF file; a page without text is read as a picture, or named."""
    try:
        reader = _opened(name, data)
        count = len(reader.pages)
    except _DAMAGED as error:
        raise _damaged(name, error) from error
    if count == 0:
        raise UnreadableFile(name, N_("The PDF has no pages."))
    skipped: list[Skipped] = []
    texts, letters, scanned, failures = _read(reader, min(count, MAX_PAGES))
    for number, failure in failures.items():
        skipped.append(Skipped(f"page {number}", f"The page is damaged ({why(failure)})."))
    if count > MAX_PAGES:
        where = f"pages {MAX_PAGES + 1} to {count}"
        skipped.append(Skipped(where, f"Only {MAX_PAGES:,} pages are read. Split the file."))
    glued = _loses_blanks(texts)
    read_as_pictures = read_pages(data, scanned, on_page) if can_read() else {}
    for number, picture in read_as_pictures.items():
        texts[number - 1] = picture.text
        letters[number].lines = list(picture.lines)
        if picture.text or picture.unread:
            skipped.append(picture.note(f"page {number}"))
    if not any(text.strip() for text in texts):
        raise _without_text(name, list(failures.values()), pictures=bool(scanned))
    if glued:
        others = enumerate(_pdfium_texts(data, len(texts)), start=1)
        changed = [
            with_changes(text, letters[n].changes if n in letters else ()) for n, text in others
        ]
        texts = _better(texts, changed)
    named = {s.location for s in skipped}
    for number, text in enumerate(texts, start=1):
        if not text.strip() and f"page {number}" not in named:
            reason = _blank(number in scanned, over=number in scanned[MAX_READ_PAGES:])
            skipped.append(Skipped(f"page {number}", reason))
        elif len(_LEADERS.findall(text)) > 0.5 * len([li for li in text.split("\n") if li.strip()]):
            texts[number - 1] = ""
            reason = "It is a table of contents; the pages it names are read."
            skipped.append(Skipped(f"page {number}", reason))
    titles = Titles(_outline(reader), letters)
    layouts = {number: read.layout for number, read in letters.items() if read.layout}
    layouts |= {number: picture.layout for number, picture in read_as_pictures.items()}
    tables = {} if glued else _take_tables(reader, texts, letters, layouts, titles)
    blocks = tuple(blocks_of(texts, tables, titles))
    for number, read in letters.items():
        if read.hidden_words:
            reason = f"{read.hidden_words:,} words are white, tiny or off the page: left out."
            skipped.append(Skipped(f"page {number}", reason))
    used = {block.location for block in blocks}
    for number, text in enumerate(texts, start=1):
        if text.strip() and f"page {number}" not in used:
            skipped.append(Skipped(f"page {number}", "Only its header and footer are text."))
    return Document(blocks, _title(reader), skipped=tuple(skipped))


def _opened(name: str, data: bytes) -> pypdf.PdfReader:
    reader = pypdf.PdfReader(io.BytesIO(data), strict=False)
    if reader.is_encrypted:
        try:
            opened = reader.decrypt("")
        except (DependencyError, NotImplementedError, FileNotDecryptedError):
            opened = pypdf.PasswordType.NOT_DECRYPTED
        if opened == pypdf.PasswordType.NOT_DECRYPTED:
            raise UnreadableFile(name, PROTECTED)
    return reader


def _read(
    reader: pypdf.PdfReader, count: int
) -> tuple[list[str], dict[int, Letters], list[int], dict[int, Exception]]:
    """Return the texts of pages and their letters, which are pictures, and which damaged.

    Pages are numbered from 1.
    """
    texts: list[str] = []
    letters: dict[int, Letters] = {}
    scanned: list[int] = []
    failures: dict[int, Exception] = {}
    for number in range(1, count + 1):
        try:
            page = reader.pages[number - 1]
            read = Letters(_box(page))
            page.extract_text(
                visitor_text=read.visit,
                visitor_operand_before=read.before,
                visitor_operand_after=read.after,
            )
            read.finish()
            texts.append(_cleaned(read.text))
            if reads_backward(texts[-1]) and not read.changes:
                read.layout = forward(page.extract_text(extraction_mode="layout"))
                texts[-1] = read.take_layout(_cleaned(read.layout))
            letters[number] = read
            if not texts[-1].strip() and _has_picture(page):
                scanned.append(number)
        except _DAMAGED as error:
            texts.append("")
            failures[number] = error
    return texts, letters, scanned, failures


def _damaged(name: str, error: Exception) -> UnreadableFile:
    return UnreadableFile(
        name, f"The PDF is damaged ({why(error)}). Print it to a new PDF file and upload that."
    )


def _without_text(name: str, failures: Sequence[Exception], *, pictures: bool) -> UnreadableFile:
    if failures:
        return _damaged(name, failures[0])
    if pictures and can_read():
        return UnreadableFile(name, N_("Its pages are pictures, and no text was found in them."))
    if pictures:
        return UnreadableFile(
            name,
            "It is a scan: its pages are pictures without text. Run a text recognition (OCR) "
            f"program on it and upload the result, or install {EXTRA}, which reads it.",
        )
    return UnreadableFile(name, N_("The PDF has no text: its pages are blank or drawings."))


def _blank(picture: bool, *, over: bool) -> str:
    if picture and not can_read():
        return f"It is a picture without text; to have it read, install {EXTRA}."
    if over:
        return f"Only {MAX_READ_PAGES} pages are read as pictures. Split the file."
    return "It has no text: it is blank or a picture."


def _has_picture(page: Any) -> bool:
    """Tell whether a picture is on a page, or in forms on it, that can be drawn."""
    try:
        picture, parts = _drawn(page, page.get_contents(), {})
    except _DAMAGED:
        return False
    return picture and parts <= _MOST_DRAWN


def _drawn(on: Any, content: Any, known: dict[int, tuple[bool, int]]) -> tuple[bool, int]:
    """Return whether a picture is on a page or form, and how many parts it draws at most.

    `known` has the same of forms, so that each is looked at once; one in itself has no end.
    """
    resources: Any = on.get("/Resources")
    objects: Any = resources.get_object().get("/XObject") if resources else None
    picture, most = False, 0
    for reference in objects.get_object().values() if objects else ():
        found = reference.get_object()
        if found.get("/Subtype") == "/Image":
            inside = True, 1
        elif (inside := known.get(id(found), (False, 0))) == (False, 0):
            known[id(found)] = False, _MOST_DRAWN + 1
            inside = known[id(found)] = _drawn(found, found, known)
        picture, most = picture or inside[0], max(most, inside[1])
    times = 0 if content is None else content.get_data().count(b"Do")
    return picture, min(1 + times * most, _MOST_DRAWN + 1)


def _box(page: Any) -> Box:
    """Return the part of a page that is seen."""
    left, bottom, right, top = (float(edge) for edge in page.cropbox)
    return min(left, right), min(bottom, top), max(left, right), max(bottom, top)


def _cleaned(text: str) -> str:
    text = text.translate(_LIGATURES).replace(PLACEHOLDER, "")
    text = "".join(c for c in text if c >= " " or c in "\n\t")
    text = text.encode("utf-8", "ignore").decode()
    return _HYPHENATED.sub(r"\1\2", text)


# --- lost blanks -------------------------------------------------------------------------------


def _loses_blanks(texts: Sequence[str]) -> bool:
    """Tell whether words stick together ("May31,2022The") more often than names like iPhone do."""
    sample = " ".join(texts)[:200_000]
    letters = sum(c.isascii() and c.isalpha() for c in sample)
    if letters < 40:
        return False
    words = max(letters // 5, 1)
    return len(_GLUED.findall(sample)) > 0.01 * words


def _pdfium_texts(data: bytes, count: int) -> list[str]:
    import pypdfium2  # rarely needed, and 20 MB

    texts: list[str] = []
    try:
        with closing(pypdfium2.PdfDocument(data)) as document:
            for number in range(min(count, len(document))):
                with closing(document[number]) as page, closing(page.get_textpage()) as read:
                    text = read.get_text_bounded().replace("\r\n", "\n").replace("\ufffe", "-\n")
                    texts.append(_cleaned(text))
    except pypdfium2.PdfiumError:
        return []
    return texts


def _better(texts: list[str], others: list[str]) -> list[str]:
    """Choose for the whole document the reading in which fewer words stick together."""
    if len(others) != len(texts):
        return texts
    own, other = " ".join(texts), " ".join(others)
    if len(other.split()) < 0.9 * len(own.split()):
        return texts
    return others if len(_GLUED.findall(other)) < len(_GLUED.findall(own)) else texts


# --- structure ---------------------------------------------------------------------------------


def _title(reader: pypdf.PdfReader) -> str:
    try:
        title = str((reader.metadata and reader.metadata.title) or "").strip()
    except _DAMAGED:
        return ""
    junk = re.search(
        r"\.(?:docx?|indd|pdf|xlsx?|tex|dvi|qxd)$|^microsoft |^untitled|^\(?anonymous\)?$|"
        r"^document\d*$",
        title,
        re.I,
    )
    return "" if junk else title[:200]


def _outline(reader: pypdf.PdfReader) -> dict[str, int]:
    """Return the bookmarks: folded title to level."""
    found: dict[str, int] = {}

    def walk(items: Any, level: int) -> None:
        for item in items:
            if len(found) >= _MAX_OUTLINE or level > 8:
                return
            if isinstance(item, list):
                walk(item, level + 1)
            else:
                found.setdefault(title_key(str(item.title or "")), level)

    try:
        walk(reader.outline, 1)
    except _DAMAGED:
        return {}
    found.pop("", None)
    return found


def _take_tables(
    reader: pypdf.PdfReader,
    texts: list[str],
    letters: Mapping[int, Letters],
    layouts: Mapping[int, str],
    titles: Titles,
) -> dict[int, list[Block]]:
    """Take the tables out of the texts of pages; return them by page number, from 1.

    `layouts` has the fixed-width rendering of pages that were read as pictures, or by it.
    """
    found: dict[int, list[Block]] = {}
    for number, read in letters.items():
        text = texts[number - 1]
        known = number in layouts
        if not known and (number > _MAX_LAYOUT_PAGES or not _may_hold_table(text)):
            continue
        try:
            page = reader.pages[number - 1]
            if read.changes:
                _lower(page)
            layout = layouts[number] if known else page.extract_text(extraction_mode="layout")
        except _DAMAGED:
            continue  # its text has been read
        bold = {line for line, _, is_bold in read.lines if is_bold}
        layout = with_changes(_cleaned(layout), read.changes)
        tables = tables_in(layout, lambda line: titles.level(line)[1] > 0)
        texts[number - 1], found[number] = take_tables(text, tables, bold, f"page {number}")
    return found


def _lower(page: Any) -> None:
    """Put raised letters on the line of the others, so that they do not break a row in two."""
    contents = page.get_contents()
    contents.operations = [one for one in contents.operations if one[1] != b"Ts"]
    page[NameObject("/Contents")] = contents


def _may_hold_table(text: str) -> bool:
    """Tell whether a page has a few lines that are shorter than those of running text."""
    lines = [line for line in text.split("\n") if line.strip()]
    return sum(len(line) <= _SHORT_LINE for line in lines) >= _SHORT_LINES
