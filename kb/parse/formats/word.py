"""DOCX: body in reading order with tables, lists, text boxes and notes; headers and footers once.

python-docx opens the package; the body is walked here, since its own iteration leaves out content
controls, tracked insertions and text boxes.
"""

import io
import re
import warnings
from collections import Counter
from collections.abc import Iterator
from typing import Any

import docx
from docx.oxml.ns import qn
from docx.oxml.parser import parse_xml

from kb.parse.blocks import (
    PSEUDO_LEVEL,
    Block,
    Document,
    around_pages,
    heading,
    headings_from_bold,
    marked_block,
    split_title,
    with_header,
)
from kb.parse.formats.chart import CHARTS, chart_blocks
from kb.parse.formats.word_text import (
    FALLBACK,
    child,
    inside,
    is_on,
    leave_out_hidden,
    leave_out_prompts,
    lineage,
    marked_text,
    value,
    w,
    write_styles,
)
from kb.parse.limits import MAX_COLUMNS, MAX_NESTING, check_office, unless_damaged, whole
from kb.parse.marks import without_links

_DIAGRAM = "{http://schemas.openxmlformats.org/drawingml/2006/diagram}"
_HOLDS_CELLS = {*map(w, ("sdt", "sdtContent", "ins", "customXml"))}
_HOLDS_BLOCKS = {*_HOLDS_CELLS, w("smartTag")}


def parse_word(name: str, data: bytes) -> Document:
    """Read a DOCX file."""
    check_office(name, data)
    remedy = "Open it in a word processor, save it again as DOCX and upload it."
    damaged = unless_damaged(name, "document", remedy=remedy)
    with damaged, warnings.catch_warnings(action="ignore"):
        return _Reader(docx.Document(io.BytesIO(data))).read()


class _Reader:
    """Walks one document."""

    def __init__(self, document: Any) -> None:
        self._document = document
        styles = document.styles.element.iter(w("style"))
        self._elements = {style.get(w("styleId")): style for style in styles}
        self._styles = {style_id: self._ranked(style_id) for style_id in self._elements}
        self._numbering = _numbering(document)
        self._links = {
            key: str(relation.target_ref)
            for key, relation in document.part.rels.items()
            if relation.reltype.endswith("/hyperlink") and relation.is_external
        }
        self._counters: Counter[tuple[str, int]] = Counter()
        self._paragraph = 0

    def read(self) -> Document:
        body = self._document.element.body
        leave_out_prompts(body)
        write_styles(body, self._elements)
        blocks = headings_from_bold(list(self._container(body, 0)))
        title, blocks = split_title(blocks)
        blocks += self._notes()
        blocks += self._furniture()
        leave_out_hidden(body)
        return Document(tuple(blocks), title)

    def _ranked(self, style_id: str) -> tuple[int | None, tuple[str, int]]:
        """Return the heading level of a style (0 is the title), and its list otherwise."""
        level: int | None = None
        listed = ("", 0)
        for element in lineage(self._elements, style_id):
            name = value(element, "name").lower()
            properties = child(element, "pPr")
            outline = value(properties, "outlineLvl")
            if level is None:
                if name == "title":
                    level = 0
                elif match := re.fullmatch(r"heading (\d)", name):
                    level = int(match.group(1))
                elif outline.isdigit() and int(outline) < 9:
                    level = int(outline) + 1
            numbering = child(properties, "numPr")
            if not listed[0] and numbering is not None:
                listed = (value(numbering, "numId"), whole(value(numbering, "ilvl"), 0))
        return level, listed if level is None else ("", 0)

    def _container(self, element: Any, depth: int) -> Iterator[Block]:
        if depth > MAX_NESTING:
            return
        for part in element.iterchildren():
            if part.tag == w("p"):
                yield from self._paragraph_blocks(part, depth)
            elif part.tag == w("tbl"):
                yield from self._table(part, depth)
            elif part.tag in _HOLDS_BLOCKS:
                yield from self._container(part, depth + 1)

    def _paragraph_blocks(self, paragraph: Any, depth: int) -> Iterator[Block]:
        self._paragraph += 1
        where = f"paragraph {self._paragraph}"
        marked = marked_text(paragraph, self._links)
        if marked:
            yield self._classified(paragraph, marked, where)
        for box in paragraph.iter(w("txbxContent")):
            if not inside(box, FALLBACK):
                yield from self._container(box, depth + 1)
        for drawing in paragraph.iter(f"{_DIAGRAM}relIds", *CHARTS):
            key = drawing.get(qn("r:dm")) or drawing.get(qn("r:id"))
            if (part := self._document.part.related_parts.get(key)) is None:
                continue
            root = parse_xml(part.blob)
            if drawing.tag in CHARTS:
                yield from chart_blocks(root, where)
                continue
            for drawn in root.iter(qn("a:p")):
                if text := "".join(drawn.itertext(qn("a:t"))).strip():
                    yield Block("item", f"- {text}", location=where)

    def _classified(self, paragraph: Any, marked: str, where: str) -> Block:
        properties = child(paragraph, "pPr")
        style = value(properties, "pStyle")
        level, style_list = self._styles.get(style, (None, ("", 0)))
        own_level = value(properties, "outlineLvl")
        if own_level.isdigit() and int(own_level) < 9:
            level = int(own_level) + 1
        single = without_links(marked).replace("\n", " ")
        if level is not None and len(single) <= 300:
            return heading(single, level, where)
        numbering = child(properties, "numPr")
        list_id, depth = style_list
        if numbering is not None:
            list_id = value(numbering, "numId") or list_id
            depth = whole(value(numbering, "ilvl"), depth)
        if list_id and list_id != "0":
            depth = min(depth, 8)
            lead = f"{'  ' * depth}{self._mark(list_id, depth)} "
            return marked_block("item", marked, where, lead=lead)
        level = PSEUDO_LEVEL if _all_bold(paragraph) else 0
        return marked_block("text", marked, where, level=level)

    def _mark(self, list_id: str, depth: int) -> str:
        if self._numbering.get((list_id, depth), "bullet") in {"bullet", "none"}:
            return "-"
        self._counters[list_id, depth] += 1
        for deeper in range(depth + 1, 9):
            self._counters.pop((list_id, deeper), None)
        return f"{self._counters[list_id, depth]}."

    def _table(self, table: Any, depth: int) -> Iterator[Block]:
        rows: list[tuple[str, ...]] = []
        above: list[str] = []
        heads = 0
        for row_element in table.iterchildren(w("tr")):
            row: list[str] = []
            for cell in _cells(row_element):
                properties = child(cell, "tcPr")
                merge = child(properties, "vMerge")
                span = value(properties, "gridSpan")
                parts = (marked_text(p, self._links) for p in cell.iter(w("p")))
                text = " ".join("; ".join(filter(None, parts)).split())
                continued = merge is not None and merge.get(w("val"), "continue") == "continue"
                if continued and len(row) < len(above):
                    text = above[len(row)]
                row += [text] * whole(span, most=MAX_COLUMNS)
            if heads == len(rows) and next(row_element.iter(w("tblHeader")), None) is not None:
                heads += any(row)
            above = row
            if any(row):
                rows.append(tuple(row))
        columns = max((len(set(row) - {""}) for row in rows), default=0)
        where = f"paragraph {self._paragraph}"
        if columns <= 1:
            for cell in table.iter(w("tc")):
                if not inside(cell, w("tc")):
                    yield from self._container(cell, depth + 1)
            return
        self._paragraph += sum(1 for _ in table.iter(w("p")))
        rows, header = with_header(rows, heads)
        yield Block("table", rows=tuple(rows), header=header, location=where)

    def _notes(self) -> list[Block]:
        blocks: list[Block] = []
        for relation in self._document.part.rels.values():
            kind = relation.reltype.rsplit("/", 1)[-1]
            if kind not in {"footnotes", "endnotes"} or relation.is_external:
                continue
            for note in parse_xml(relation.target_part.blob):
                parts = (without_links(marked_text(p, {})) for p in note.iter(w("p")))
                text = " ".join(filter(None, parts))
                if text and note.get(w("type")) is None:
                    number = note.get(w("id"), "")
                    blocks.append(Block("text", text, location=f"{kind[:-1]} {number}"))
        return [heading("", 1), *blocks] if blocks else []

    def _furniture(self) -> list[Block]:
        """Return the texts of headers and footers, each once."""
        return around_pages(
            (name.removeprefix("first_page_"), block)
            for section in self._document.sections
            for name in ("header", "first_page_header", "footer", "first_page_footer")
            if not (part := getattr(section, name)).is_linked_to_previous
            for block in self._container(part._element, 0)
        )


def _cells(row: Any) -> Iterator[Any]:
    for part in row.iterchildren():
        if part.tag == w("tc"):
            yield part
        elif part.tag in _HOLDS_CELLS:
            yield from _cells(part)


def _all_bold(paragraph: Any) -> bool:
    """Tell whether every run with letters is bold."""
    runs = [
        run
        for run in paragraph.iter(w("r"))
        if any((text.text or "").strip() for text in run.iter(w("t")))
    ]
    return bool(runs) and all(is_on(child(run, "rPr"), "b") for run in runs)


def _numbering(document: Any) -> dict[tuple[str, int], str]:
    """Map (list id, depth) to the format of its numbers: ``bullet``, ``decimal`` …"""
    relations = [r for r in document.part.rels.values() if r.reltype.endswith("/numbering")]
    own = [relation.target_part for relation in relations if not relation.is_external]
    if not own:
        return {}
    root = getattr(own[0], "element", None)
    root = parse_xml(own[0].blob) if root is None else root
    formats = {
        (abstract.get(w("abstractNumId")), level.get(w("ilvl"), "0")): value(level, "numFmt")
        for abstract in root.iter(w("abstractNum"))
        for level in abstract.iter(w("lvl"))
    }
    return {
        (number.get(w("numId"), ""), depth): kind
        for number in root.iter(w("num"))
        for depth in range(9)
        if (kind := formats.get((value(number, "abstractNumId"), str(depth))))
    }
