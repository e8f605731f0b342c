"""ODT, ODP and ODS: paragraphs, lists and tables of texts and slides; sheets as they are shown."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from xml.etree.ElementTree import Element

from core.errors import UnreadableFile
from core.types import Skipped
from kb.parse.blocks import (
    PSEUDO_LEVEL,
    Block,
    Document,
    around_pages,
    grid_row,
    heading,
    headings_from_bold,
    marked_block,
    split_title,
    with_header,
)
from kb.parse.faq.columns import Given
from kb.parse.faq.formula import NO_RESULT
from kb.parse.faq.rows import Taken, read_sheets, unread_pictures, without_hidden
from kb.parse.faq.table_text import Row
from kb.parse.limits import (
    MAX_CELLS,
    MAX_COLUMNS,
    MAX_NESTING,
    MAX_ROWS,
    PROTECTED,
    Package,
    check_office,
    open_zip,
    unless_damaged,
    whole,
)
from kb.parse.marks import (
    HIDDEN,
    PICTURE_SAYS,
    Run,
    day_mark,
    leave_out,
    line_of,
    spoken,
    tidy_lines,
    with_links,
    without_links,
)

_NS = "urn:oasis:names:tc:opendocument:xmlns:"
_TEXT, _TABLE = f"{{{_NS}text:1.0}}", f"{{{_NS}table:1.0}}"
_STYLE, _FO = f"{{{_NS}style:1.0}}", f"{{{_NS}xsl-fo-compatible:1.0}}"
_OFFICE = f"{{{_NS}office:1.0}}"
_TITLE = f"{{{_NS}svg-compatible:1.0}}title"
_DRAW, _CHART = f"{{{_NS}drawing:1.0}}", f"{{{_NS}chart:1.0}}"
_SLIDE = f"{{{_NS}presentation:1.0}}"
_START = f"{_TEXT}start-value"
_HREF = "{http://www.w3.org/1999/xlink}href"
_LEFT_OUT = {
    f"{_OFFICE}annotation", f"{_TEXT}tracked-changes", f"{_TEXT}note", f"{_TEXT}page-number",
    f"{_TEXT}page-count", f"{_TEXT}hidden-text", f"{_TEXT}ruby-text",
}  # fmt: skip
_AWAY = {"collapse", "filter"}
_NO_COLOUR = "transparent"
_TINY = re.compile(r"(?:0(?:\.\d+)?|1(?:\.[0-5])?)pt")
_REMEDY = "Open it, save it again and upload it."


def _content(name: str, data: bytes) -> tuple[Element, Element | None, dict[str, Element]]:
    """Return the root of the content, of the common styles, and of each object in the text."""
    check_office(name, data)
    with open_zip(name, data) as archive:
        parts = Package(name, archive)
        manifest = "META-INF/manifest.xml"
        if manifest in parts and b"encryption-data" in parts.read(manifest):
            raise UnreadableFile(name, PROTECTED)
        styles = parts.xml("styles.xml") if "styles.xml" in parts else None
        inside = (part for part in archive.namelist() if part.endswith("/content.xml"))
        objects = {part.removesuffix("/content.xml"): parts.xml(part) for part in inside}
        return parts.xml("content.xml"), styles, objects


def parse_texts(name: str, data: bytes) -> Document:
    """Read an ODT or ODP file."""
    with unless_damaged(name, "document", remedy=_REMEDY):
        return _Text(*_content(name, data)).read()


def parse_sheets(name: str, data: bytes, given: Given) -> Taken:
    """Read each visible sheet of an ODS file as a table of its own."""
    with unless_damaged(name, "document", remedy=_REMEDY):
        content, styles, _ = _content(name, data)
        return _sheets(content, _Text(content, styles, {}), given)


class _Text:
    """Walks the text of one document."""

    def __init__(
        self, content: Element, styles: Element | None, objects: Mapping[str, Element]
    ) -> None:
        self._content = content
        self._objects = objects
        self._common = styles
        self.properties: dict[str, dict[str, str]] = {}
        roots = [root for root in (styles, content) if root is not None]
        for root in roots:
            for style in root.iter(f"{_STYLE}style"):
                found = self.properties.get(style.get(f"{_STYLE}parent-style-name", ""), {})
                for part in style:
                    found = found | part.attrib
                self.properties[style.get(f"{_STYLE}name", "")] = found
        papers = {own.get(f"{_FO}background-color", _NO_COLOUR) for own in self.properties.values()}
        slides = content.find(f"{_OFFICE}body/{_OFFICE}presentation") is not None
        self._white_paper = papers <= {_NO_COLOUR, "#ffffff"} and not slides
        self._counted = {
            (style.get(f"{_STYLE}name"), level.get(f"{_TEXT}level")): whole(level.get(_START))
            for root in roots
            for style in root.iter(f"{_TEXT}list-style")
            for level in style.iter(f"{_TEXT}list-level-style-number")
        }
        """Styles and levels of lists whose items have numbers, and the first of these."""
        self._list = ("", 0)
        """Style of the list that is being read, and the number of its last item."""
        self._ended: dict[str, int] = {}
        """The last number of each style, with which another list may go on."""
        self._paragraph = 0
        self._notes: list[Block] = []
        self._skipped: list[Skipped] = []
        self._slides = self._spoken = 0
        """Slides so far, and words for their speaker."""

    def read(self) -> Document:
        body = self._content.find(f"{_OFFICE}body/*")
        blocks = list(self._blocks(body, 0, 0)) if body is not None else []
        title, blocks = split_title(blocks)
        blocks = headings_from_bold(blocks)
        if self._notes:
            blocks += [heading("", 1), *self._notes]
        blocks += around_pages(self._around())
        return Document(tuple(blocks), title, skipped=(*self._skipped, *spoken(self._spoken)))

    def _around(self) -> Iterator[tuple[str, Block]]:
        """Yield the texts of headers and footers with their places."""
        for page in self._common.iter(f"{_STYLE}master-page") if self._common is not None else ():
            for part in page:
                if not part.tag.startswith(_STYLE) or part.get(f"{_STYLE}display") == "false":
                    continue
                for block in self._blocks(part, 0, 0):
                    yield "footer" if "footer" in part.tag else "header", block

    def _blocks(self, parent: Iterable[Element], depth: int, listed: int) -> Iterator[Block]:
        if depth > MAX_NESTING:
            return
        for child in parent:
            tag = child.tag
            if self._is_hidden(child):
                leave_out("".join(child.itertext()))
            elif tag in {f"{_TEXT}p", f"{_TEXT}h"}:
                yield from self._one(child, depth, listed)
                listed = -abs(listed)  # further paragraphs of an item have no mark
            elif tag == f"{_TEXT}list":
                around = self._list
                style = child.get(f"{_TEXT}style-name", around[0])
                first = self._counted.get((style, str(abs(listed) + 1)), 1)
                goes_on = f"{_TEXT}continue-list" in child.attrib
                goes_on = goes_on or child.get(f"{_TEXT}continue-numbering") == "true"
                self._list = style, self._ended.get(style, 0) if goes_on else first - 1
                yield from self._blocks(child, depth + 1, abs(listed) + 1)
                self._ended[style] = self._list[1]
                self._list = around
            elif tag in {f"{_TEXT}list-item", f"{_TEXT}list-header"}:
                if tag == f"{_TEXT}list-item":
                    self._list = self._list[0], whole(child.get(_START), self._list[1] + 1)
                yield from self._blocks(child, depth + 1, abs(listed))
            elif tag == f"{_TABLE}table":
                yield from self._table(child, depth)
            elif tag == f"{_DRAW}object":
                yield from self._chart(child)
            elif tag == f"{_DRAW}page":
                yield from self._slide(child, depth)
            elif tag not in _LEFT_OUT and tag.startswith((_TEXT, _DRAW)):
                yield from self._blocks(child, depth + 1, listed)

    def _slide(self, page: Element, depth: int) -> Iterator[Block]:
        """Yield what stands on a slide, its titles first."""
        self._slides += 1
        where = f"slide {self._slides}"
        style = self.properties.get(page.get(f"{_DRAW}style-name", ""), {})
        if style.get(f"{_SLIDE}visibility") == "hidden":
            self._skipped.append(Skipped(where, HIDDEN.format("slide")))
            return
        notes = page.find(f"{_SLIDE}notes")
        self._spoken += len("".join(notes.itertext()).split()) if notes is not None else 0
        titles, rest = [heading("", 1)], list[Block]()
        for part in page:
            found = list(self._blocks([part], depth + 1, 0))
            if part.get(f"{_SLIDE}class") == "title" and found:
                titles = [heading(" ".join(block.text for block in found), 1)]
            else:
                rest += found
        yield from (replace(block, location=where) for block in (*titles, *rest))

    def _one(self, element: Element, depth: int, listed: int) -> Iterator[Block]:
        self._paragraph += 1
        where = f"paragraph {self._paragraph}"
        marked = self.words(element)
        text = without_links(marked)
        style = element.get(f"{_TEXT}style-name", "")
        if element.tag == f"{_TEXT}h" and text:
            level = element.get(f"{_TEXT}outline-level", "1")
            yield heading(" ".join(text.split()), whole(level), where)
        elif style == "Title" and text:
            yield heading(" ".join(text.split()), 0, where)
        elif listed and text:
            style, number = self._list
            mark = f"{number}. " if (style, str(listed)) in self._counted else "- "
            lead = "  " * (abs(listed) - 1) + (mark if listed > 0 else "  ")
            yield marked_block("item", marked, where, lead=lead)
        elif text:
            spans = [span for span in element if "".join(span.itertext()).strip()]
            beside = [element.text, *(span.tail for span in element)]
            bold = self._is_bold(element) or (
                not any((t or "").strip() for t in beside) and all(map(self._is_bold, spans))
            )
            yield marked_block("text", marked, where, level=PSEUDO_LEVEL if bold else 0)
        boxes = list(element.iter(f"{_DRAW}text-box"))
        inner = {frame for box in boxes for frame in box.iter(f"{_DRAW}frame")}
        for frame in element.iter(f"{_DRAW}frame"):
            yield from self._blocks(frame, depth + 1, 0) if frame not in inner else ()

    def _chart(self, drawn: Element) -> Iterator[Block]:
        """Yield the titles of a chart, and the table that it draws."""
        root = self._objects.get(drawn.get(_HREF, "").removeprefix("./"))
        for chart in root.iter(f"{_CHART}chart") if root is not None else ():
            titles = (self._cell(title) for title in chart.iter(f"{_CHART}title"))
            yield Block("text", "; ".join(filter(None, titles)))
            for table in chart.iter(f"{_TABLE}table"):
                yield from self._table(table, 0)

    def _table(self, table: Element, depth: int) -> Iterator[Block]:
        heads = sum(1 for group in table.iter(f"{_TABLE}table-header-rows") for _ in group)
        rows = [tuple(row) for _, row, _ in _grid(table, self._cell) if any(row)]
        where = f"paragraph {self._paragraph + 1}"
        self._paragraph += sum(1 for _ in table.iter(f"{_TEXT}p"))
        if max((len(set(row) - {""}) for row in rows), default=0) <= 1:
            for cell in table.iter(f"{_TABLE}table-cell"):
                yield from self._blocks(cell, depth + 1, 0)
            return
        rows, header = with_header(rows, min(heads, len(rows)))
        yield Block("table", rows=tuple(rows), header=header, location=where)

    def _cell(self, cell: Element) -> str:
        parts = (" ".join(self.words(p).split()) for p in cell.iter(f"{_TEXT}p"))
        return "; ".join(part for part in parts if part and part != "NaN")  # of a chart's gap

    def words(self, paragraph: Element) -> str:
        """Return the words of a paragraph, with the addresses of its links marked."""
        return tidy_lines(line_of(self._runs(paragraph, Run(""), 0)))

    def _runs(self, element: Element, look: Run, depth: int) -> Iterator[Run]:
        """Yield the letters of a paragraph, or of a part of it whose letters look like `look`."""
        if depth > MAX_NESTING:
            return
        yield look._replace(text=_one_line(element.text))
        for child in element:
            tag = child.tag
            if tag == f"{_TEXT}line-break":
                yield look._replace(text="\n")
            elif tag in {f"{_TEXT}s", f"{_TEXT}tab"}:
                yield look._replace(text=" ")
            elif tag == f"{_TEXT}note":
                self._note(child)
            elif tag == f"{_TEXT}hidden-text":
                yield Run("".join(child.itertext()), hidden=True)
            elif tag not in _LEFT_OUT and not tag.endswith("}text-box"):
                yield from self._runs(child, self._looks(child, look), depth + 1)
            yield look._replace(text=_one_line(child.tail))

    def _looks(self, part: Element, around: Run) -> Run:
        """Return how letters look in a part of a paragraph: a span, a link …"""
        if part.tag == f"{_TEXT}a":
            return around._replace(link=part.get(_HREF, ""))
        if part.tag != f"{_TEXT}span":
            return around
        own = self.properties.get(part.get(f"{_TEXT}style-name", ""), {})
        shift = own.get(f"{_STYLE}text-position", "0%").split()[0]
        lowered = "sub" if shift.startswith(("-", "sub")) else "super"
        return around._replace(
            position=around.position if shift == "0%" else lowered,
            bold=around.bold or self._is_bold(part),
            hidden=around.hidden or self._is_hidden(part),
        )

    def _is_hidden(self, element: Element) -> bool:
        """Tell whether a section, paragraph or span is hidden or struck out."""
        return (
            element.get(f"{_TEXT}display") == "none"
            or element.get(f"{_TEXT}is-hidden") == "true"
            or self.hides(element.get(f"{_TEXT}style-name", ""))
        )

    def hides(self, style: str) -> bool:
        """Tell whether letters of a style are hidden, struck out, white on white or tiny."""
        own = self.properties.get(style, {})
        size = own.get(f"{_FO}font-size", "")
        return (
            own.get(f"{_TEXT}display") == "none"
            or own.get(f"{_STYLE}text-line-through-style", "none") != "none"
            or own.get(f"{_STYLE}text-line-through-type", "none") != "none"
            or (self._white_paper and own.get(f"{_FO}color") == "#ffffff")
            or _TINY.fullmatch(size) is not None
        )

    def _is_bold(self, element: Element) -> bool:
        own = self.properties.get(element.get(f"{_TEXT}style-name", ""), {})
        return own.get(f"{_FO}font-weight") == "bold"

    def _note(self, note: Element) -> None:
        for paragraph in note.iterfind(f"{_TEXT}note-body//{_TEXT}p"):
            if text := without_links(self.words(paragraph)):
                self._notes.append(Block("text", text, location=f"note {len(self._notes) + 1}"))


def _one_line(text: str | None) -> str:
    return re.sub(r"\s+", " ", text) if text else ""


def _grid(
    table: Element, words: Callable[[Element], str]
) -> Iterator[tuple[int, list[str], Element]]:
    """Yield number, cells and element of each row; merged cells are repeated."""
    above: dict[int, tuple[int, str]] = {}
    number = cells = 0
    for row_element in table.iter(f"{_TABLE}table-row"):
        number += 1
        parts = [
            (text, _count(cell, "number-columns-spanned"), _count(cell, "number-rows-spanned"))
            for cell in row_element.findall(f"{_TABLE}table-cell")
            for text in [words(cell)] * min(_count(cell, "number-columns-repeated"), MAX_COLUMNS)
        ]
        row, above = grid_row(parts, above)
        while row and not row[-1]:
            row.pop()
        cells += len(row)
        if number > MAX_ROWS or cells > MAX_CELLS:
            return
        yield number, row[:MAX_COLUMNS], row_element
        number += _count(row_element, "number-rows-repeated") - 1


def _count(element: Element, name: str) -> int:
    return whole(element.get(f"{_TABLE}{name}"), most=MAX_ROWS * 20)


def _sheets(content: Element, text: _Text, given: Given) -> Taken:
    tables = list(content.iter(f"{_TABLE}table"))

    def rows_of(number: int, label: str, skipped: list[Skipped]) -> Sequence[Row] | str:
        look = text.properties.get(tables[number].get(f"{_TABLE}style-name", ""), {})
        if look.get(f"{_TABLE}display") == "false":
            return HIDDEN.format("sheet")
        return _rows(tables[number], text, label, skipped)

    return read_sheets([t.get(f"{_TABLE}name", "") for t in tables], rows_of, given)


def _rows(table: Element, text: _Text, label: str, skipped: list[Skipped]) -> list[Row]:
    hidden: set[int] = set()
    place = 0
    for column in table.iter(f"{_TABLE}table-column"):
        repeat = min(_count(column, "number-columns-repeated"), MAX_COLUMNS)
        if column.get(f"{_TABLE}visibility") in _AWAY:
            hidden |= set(range(place, place + repeat))
        place += repeat

    def words(cell: Element) -> str:
        lines = (with_links(text.words(p)) for p in cell.findall(f"{_TEXT}p"))
        shown = "\n".join(line for line in lines if line)
        held = (cell.get(f"{_OFFICE}{name}") for name in ("value", "date-value", "time-value"))
        shown = shown or next(filter(None, held), "")
        if PICTURE_SAYS.fullmatch(said := cell.findtext(f".//{_TITLE}", "")):
            shown = shown or said
        if day := cell.get(f"{_OFFICE}date-value", "")[:10]:
            shown += day_mark(shown, day)
        return shown or (NO_RESULT if cell.get(f"{_TABLE}formula") else "")

    def shown(cell: Element) -> str:
        if (said := words(cell)) and text.hides(cell.get(f"{_TABLE}style-name", "")):
            leave_out(without_links(said))
            return ""
        return said

    rows: list[Row] = []
    hidden_rows = 0
    pictures = ["beside the cells"] * len(_unread(table.find(f"{_TABLE}shapes")))
    for number, cells, element in _grid(table, shown):
        pictures += [f"row {number}"] * len(_unread(element))
        if any(cells) and element.get(f"{_TABLE}visibility") in _AWAY:
            hidden_rows += 1
        elif any(cells):
            rows.append(Row(f"{label}, row {number}", tuple(cells)))
    kept, named = without_hidden(rows, hidden, hidden_rows, label)
    skipped += [*unread_pictures(pictures, label), *named]
    return kept


def _unread(part: Element | None) -> list[Element]:
    """Return the pictures in a row, or beside the cells, that say no single word."""
    frames = part.iter(f"{_DRAW}frame") if part is not None else ()
    return [
        frame
        for frame in frames
        if frame.find(f"{_DRAW}image") is not None
        and frame.find(f"{_DRAW}object") is None
        and not PICTURE_SAYS.fullmatch(frame.findtext(_TITLE, ""))
    ]
