"""DOCX: body in reading order with tables, lists, text boxes and notes; headers and footers once.

python-docx opens the package; the body is walked here, since its own iteration leaves out content
controls, tracked insertions and text boxes.
"""

import io
import re
import warnings
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import docx
from docx.opc.exceptions import OpcError
from docx.oxml.ns import qn
from docx.oxml.parser import parse_xml
from lxml.etree import XMLSyntaxError

from core.errors import UnreadableFile
from core.types import Skipped
from kb.parse.blocks import (
    PAGE_NUMBER,
    PSEUDO_LEVEL,
    Block,
    Document,
    heading,
    headings_from_bold,
    with_header,
)
from kb.parse.limits import MAX_COLUMNS, MAX_NESTING, check_office
from kb.parse.marks import link_mark, lowered, raised, with_links, without_links

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_SKIPPED_INSIDE = {
    qn("w:del"), qn("w:moveFrom"), qn("w:instrText"), qn("w:delText"), qn("w:pPr"), qn("w:rPr"),
    "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback",
    qn("w:txbxContent"), "{http://schemas.openxmlformats.org/drawingml/2006/main}graphic",
}  # fmt: skip
_ASKS = re.compile(r"[?？؟]\s*$")
_TEXT, _SIGN, _INSTRUCTION, _FIELD_EDGE = (
    qn(f"w:{name}") for name in ("t", "sym", "instrText", "fldChar")
)
_STYLED = {qn(f"w:{n}") for n in ("vanish", "strike", "dstrike", "vertAlign", "position")}
_FIELD_LINK = re.compile(r'HYPERLINK\s+"([^"]{1,2000})"')
_SYMBOLS = {0xFC: "✓", 0xFE: "✓", 0xFB: "✗", 0xFD: "✗", 0xA8: "☐", 0xB7: "•", 0xE0: "→"}
"""Of Wingdings and Symbol."""
_TINY_HALF_POINTS = 3
_NO_LINKS: Mapping[str, str] = MappingProxyType({})


def parse_word(name: str, data: bytes) -> Document:
    """Read a DOCX file.

    Raises:
        UnreadableFile: if it is damaged, protected or hostile.
    """
    check_office(name, data)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _Reader(docx.Document(io.BytesIO(data))).read()
    except (
        OpcError, XMLSyntaxError, zipfile.BadZipFile, KeyError, ValueError, TypeError,
        AttributeError, IndexError, AssertionError, OSError, RecursionError,
    ) as error:  # fmt: skip
        raise UnreadableFile(
            name,
            f"The document is damaged ({type(error).__name__}: {str(error)[:120]}). "
            "Open it in a word processor, save it again as DOCX and upload it.",
        ) from error


class _Reader:
    """Walks one document."""

    def __init__(self, document: Any) -> None:
        self._document = document
        self._styles = _styles(document)
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
        _write_styles(self._document)
        blocks = headings_from_bold(list(self._container(body, 0)))
        title = next((b.text for b in blocks if b.kind == "heading" and b.level == 0), "")
        blocks = [
            replace(b, level=1) if b.kind == "heading" and b.level == 0 else b for b in blocks
        ]
        if title:
            first = next(i for i, b in enumerate(blocks) if b.kind == "heading" and b.text == title)
            blocks.pop(first)
        blocks += self._notes()
        blocks += self._furniture()
        return Document(tuple(blocks), title, skipped=self._hidden())

    def _hidden(self) -> tuple[Skipped, ...]:
        """Name what is left out since nobody sees it, with the number of its words."""
        body = self._document.element.body
        runs = (run for run in body.iter(qn("w:r")) if _is_hidden(run))
        words = sum(len(" ".join(run.itertext(qn("w:t"))).split()) for run in runs)
        if not words:
            return ()
        reason = f"{words:,} words are hidden, struck out, white or tiny: left out."
        return (Skipped("the document", reason),)

    def _container(self, element: Any, depth: int) -> Iterator[Block]:
        if depth > MAX_NESTING:
            return
        for child in element.iterchildren():
            if child.tag == qn("w:p"):
                yield from self._paragraph_blocks(child, depth)
            elif child.tag == qn("w:tbl"):
                yield from self._table(child, depth)
            elif child.tag in {
                qn("w:sdt"),
                qn("w:sdtContent"),
                qn("w:ins"),
                qn("w:smartTag"),
                qn("w:customXml"),
            }:
                yield from self._container(child, depth + 1)

    def _paragraph_blocks(self, paragraph: Any, depth: int) -> Iterator[Block]:
        self._paragraph += 1
        where = f"paragraph {self._paragraph}"
        marked = _marked_text(paragraph, self._links)
        if text := without_links(marked):
            block = self._classified(paragraph, text, where)
            lead = block.text[: len(block.text) - len(text)] if block.kind == "item" else ""
            yield replace(block, linked=lead + with_links(marked))
        for box in paragraph.iter(qn("w:txbxContent")):
            if not _inside(
                box, "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
            ):
                yield from self._container(box, depth + 1)

    def _classified(self, paragraph: Any, text: str, where: str) -> Block:
        properties = paragraph.find(qn("w:pPr"))
        style = _value(properties, "w:pStyle")
        level, style_list = self._styles.get(style, (None, ("", 0)))
        own_level = _value(properties, "w:outlineLvl")
        if own_level.isdigit() and int(own_level) < 9:
            level = int(own_level) + 1
        single = re.sub(r"\s*\n\s*", " ", text)
        if level is not None and len(single) <= 300:
            return heading(single, level, where)
        numbering = properties.find(qn("w:numPr")) if properties is not None else None
        list_id, depth = style_list
        if numbering is not None:
            list_id = _value(numbering, "w:numId") or list_id
            depth = int(_value(numbering, "w:ilvl") or depth)
        if list_id and list_id != "0":
            depth = min(depth, 8)
            return Block(
                "item", f"{'  ' * depth}{self._mark(list_id, depth)} {text}", location=where
            )
        bold = _all_bold(paragraph)
        return Block("text", text, level=PSEUDO_LEVEL if bold else 0, location=where)

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
        for row_element in table.iterchildren(qn("w:tr")):
            row: list[str] = []
            for cell in _cells(row_element):
                properties = cell.find(qn("w:tcPr"))
                merge = properties.find(qn("w:vMerge")) if properties is not None else None
                span = _value(properties, "w:gridSpan")
                text = " ".join(_cell_text(cell, depth, self._links).split())
                continued = merge is not None and merge.get(qn("w:val"), "continue") == "continue"
                if continued and len(row) < len(above):
                    text = above[len(row)]
                wide = int(span) if span.isdigit() and len(span) < 4 else 1
                row += [text] * min(wide, MAX_COLUMNS)
            if heads == len(rows) and row_element.find(f".//{_W}tblHeader") is not None:
                heads += any(row)
            above = row
            if any(row):
                rows.append(tuple(row))
        columns = max((len(set(row) - {""}) for row in rows), default=0)
        where = f"paragraph {self._paragraph}"
        if columns <= 1:
            for cell in table.iter(qn("w:tc")):
                if not _inside(cell, qn("w:tc")):
                    yield from self._container(cell, depth + 1)
            return
        self._paragraph += sum(1 for _ in table.iter(qn("w:p")))
        rows, header = with_header(rows, heads)
        yield Block("table", rows=tuple(rows), header=header, location=where)

    def _notes(self) -> list[Block]:
        blocks: list[Block] = []
        for relation in self._document.part.rels.values():
            kind = relation.reltype.rsplit("/", 1)[-1]
            if kind not in {"footnotes", "endnotes"} or relation.is_external:
                continue
            for note in parse_xml(relation.target_part.blob):
                text = " ".join(t for p in note.iter(qn("w:p")) if (t := _text(p)))
                if text and note.get(qn("w:type")) is None:
                    number = note.get(qn("w:id"), "")
                    blocks.append(Block("text", text, location=f"{kind[:-1]} {number}"))
        return [heading("", 1), *blocks] if blocks else []

    def _furniture(self) -> list[Block]:
        """Return the texts of headers and footers, each once."""
        seen: dict[str, Block] = {}
        for section in self._document.sections:
            parts = (
                ("header", section.header), ("header", section.first_page_header),
                ("footer", section.footer), ("footer", section.first_page_footer),
            )  # fmt: skip
            for where, part in parts:
                if part.is_linked_to_previous:
                    continue
                for block in self._container(part._element, 0):
                    rows = without_links("; ".join("; ".join(r) for r in block.rows))
                    text = rows or block.text
                    if len(text) > 60 or not PAGE_NUMBER.match(text):
                        seen.setdefault(text, Block("text", text, location=where))
        return [heading("", 1), *seen.values()] if seen else []


def _text(paragraph: Any) -> str:
    """Return the words of a paragraph as its reader sees them, addresses of links unmarked."""
    return without_links(_marked_text(paragraph))


def _marked_text(paragraph: Any, links: Mapping[str, str] = _NO_LINKS) -> str:
    """Return the words of a paragraph, with the addresses of its links marked.

    Hidden and struck-out words are left out; raised and lowered ones are written in the line.
    """
    out = ""
    bold_until = 0  # all letters up to here are bold
    fields: list[tuple[str, int]] = []  # open ones: what they do, and where their words begin

    def walk(element: Any, depth: int) -> None:
        nonlocal out
        for child in element.iterchildren():
            tag = child.tag
            if tag == _TEXT:
                out += child.text or ""
                continue
            if tag == _INSTRUCTION:
                fields[-1:] = [(fields[-1][0] + (child.text or ""), 0)] if fields else []
            if tag in _SKIPPED_INSIDE or depth > MAX_NESTING:
                continue
            if tag == _FIELD_EDGE:
                field(child.get(qn("w:fldCharType"), ""))
            elif tag == _SIGN:
                out += _symbol(child.get(qn("w:char"), ""))
            elif tag in {qn("w:br"), qn("w:cr")}:
                out += "\n"
            elif tag == qn("w:tab"):
                out += "\t"
            elif tag == qn("w:noBreakHyphen"):
                out += "-"
            elif tag == qn("w:r") and (properties := child.find(qn("w:rPr"))) is not None:
                run(child, properties, depth)
            elif isinstance(tag, str):
                start = len(out)
                walk(child, depth + 1)
                if tag == qn("w:hyperlink"):
                    out += link_mark(links.get(child.get(qn("r:id"), ""), ""), out[start:])

    def field(edge: str) -> None:
        nonlocal out
        if edge == "begin":
            fields.append(("", 0))
        elif edge == "separate" and fields:
            fields[-1] = fields[-1][0], len(out)
        elif edge == "end" and fields:
            instruction, start = fields.pop()
            if link := _FIELD_LINK.search(instruction):
                out += link_mark(link[1], out[start:])

    def run(element: Any, properties: Any, depth: int) -> None:
        nonlocal out, bold_until
        if _is_hidden(element):
            return
        before, position = out, _value(properties, "w:vertAlign")
        if shift := _value(properties, "w:position"):
            position = "subscript" if shift.startswith("-") else "superscript"
        walk(element, depth + 1)
        words = out[len(before) :]
        if position == "superscript" and words.strip():
            following = element.getnext()
            after = "".join(following.itertext(qn("w:t"))) if following is not None else ""
            out = before + raised(before, words, after=after)
        elif position == "subscript" and words.strip():
            out = before + lowered(before, words)
        elif _is_on(properties, "w:b") and len(before.rstrip()) <= bold_until:
            out += "\n" if _ASKS.search(words) else ""
            bold_until = len(out)

    walk(paragraph, 0)
    lines = out.split("\n")
    return "\n".join(re.sub(r"[ \t\u00a0]+", " ", line).strip() for line in lines).strip()


def _is_hidden(run: Any) -> bool:
    """Tell whether nobody sees a run, or it is struck out.

    White letters count where nothing dark can be behind them: outside of tables, boxes and what is
    shaded.
    """
    properties = run.find(qn("w:rPr"))
    if properties is None:
        return False
    if any(_is_on(properties, mark) for mark in ("w:vanish", "w:strike", "w:dstrike")):
        return True
    size = _value(properties, "w:sz")
    if size.isdigit() and int(size) <= _TINY_HALF_POINTS:
        return True
    if _value(properties, "w:color").upper() != "FFFFFF":
        return False
    around = next(run.iterancestors(qn("w:p")), None)
    own = around.find(qn("w:pPr")) if around is not None else None
    shaded = any(
        part is not None and part.find(qn(mark)) is not None
        for part in (properties, own)
        for mark in ("w:shd", "w:highlight", "w:pStyle", "w:rStyle")
    )
    return not (shaded or _inside(run, qn("w:tbl")) or _inside(run, qn("w:txbxContent")))


def _write_styles(document: Any) -> None:
    """Write what styles say of raised, hidden and struck-out letters into the runs they are for."""
    elements = {s.get(qn("w:styleId")): s for s in document.styles.element.iter(qn("w:style"))}
    marks: dict[str, dict[str, Any]] = {}
    for style_id, element in elements.items():
        found: dict[str, Any] = {}
        seen: set[str] = set()
        while element is not None and (own := element.get(qn("w:styleId"))) not in seen:
            seen.add(own)
            properties = element.find(qn("w:rPr"))
            for mark in properties if properties is not None else ():
                if mark.tag in _STYLED:
                    found.setdefault(mark.tag, mark)
            element = elements.get(_value(element, "w:basedOn"))
        if found:
            marks[style_id] = found
    references = document.element.body.iter(qn("w:rStyle"), qn("w:pStyle")) if marks else ()
    for reference in list(references):
        found = marks.get(reference.get(qn("w:val"), ""), {})
        around = reference.getparent().getparent() if found else None
        if around is None or around.tag not in {qn("w:r"), qn("w:p")}:
            continue
        for run in around.iter(qn("w:r")):
            own_marks = run.get_or_add_rPr()
            for tag, mark in found.items():
                if own_marks.find(tag) is None:
                    own_marks.append(deepcopy(mark))


def _symbol(code: str) -> str:
    """Return a sign of a font of signs; unknown ones of their private area are none."""
    number = int(code, 16) if re.fullmatch(r"[0-9A-Fa-f]{1,5}", code) else 0
    return _SYMBOLS.get(number & 0xFF, "") if 0xF000 <= number <= 0xF0FF else chr(number or 32)


def _is_on(properties: Any, name: str) -> bool:
    mark = properties.find(qn(name))
    return mark is not None and mark.get(qn("w:val")) not in {"0", "false", "off"}


def _cells(row: Any) -> Iterator[Any]:
    for child in row.iterchildren():
        if child.tag == qn("w:tc"):
            yield child
        elif child.tag in {qn("w:sdt"), qn("w:sdtContent"), qn("w:ins"), qn("w:customXml")}:
            yield from _cells(child)


def _cell_text(cell: Any, depth: int, links: Mapping[str, str]) -> str:
    if depth > MAX_NESTING:
        return ""
    return "; ".join(t for p in cell.iter(qn("w:p")) if (t := _marked_text(p, links)))


def _inside(element: Any, tag: str) -> bool:
    return next(element.iterancestors(tag), None) is not None


def _value(parent: Any, name: str) -> str:
    child = parent.find(qn(name)) if parent is not None else None
    return (child.get(qn("w:val")) or "") if child is not None else ""


def _all_bold(paragraph: Any) -> bool:
    """Tell whether every run with letters is bold."""
    runs = [
        r
        for r in paragraph.iter(qn("w:r"))
        if any((t.text or "").strip() for t in r.iter(qn("w:t")))
    ]
    for run in runs:
        mark = run.find(f"{_W}rPr/{_W}b")
        if mark is None or mark.get(qn("w:val")) in {"0", "false", "off"}:
            return False
    return bool(runs)


def _styles(document: Any) -> dict[str, tuple[int | None, tuple[str, int]]]:
    """Map style ids to heading level (0 is the title) and list, following what styles inherit."""
    elements = {s.get(qn("w:styleId")): s for s in document.styles.element.iter(qn("w:style"))}
    found: dict[str, tuple[int | None, tuple[str, int]]] = {}
    for style_id in elements:
        level: int | None = None
        listed = ("", 0)
        current, seen = style_id, set[str]()
        while current in elements and current not in seen:
            seen.add(current)
            element = elements[current]
            name = _value(element, "w:name").lower()
            properties = element.find(qn("w:pPr"))
            outline = _value(properties, "w:outlineLvl")
            if level is None:
                if name == "title":
                    level = 0
                elif match := re.fullmatch(r"heading (\d)", name):
                    level = int(match.group(1))
                elif outline.isdigit() and int(outline) < 9:
                    level = int(outline) + 1
            numbering = properties.find(qn("w:numPr")) if properties is not None else None
            if not listed[0] and numbering is not None:
                depth = _value(numbering, "w:ilvl")
                listed = (_value(numbering, "w:numId"), int(depth) if depth.isdigit() else 0)
            current = _value(element, "w:basedOn")
        found[style_id] = (level, listed if level is None else ("", 0))
    return found


def _numbering(document: Any) -> dict[tuple[str, int], str]:
    """Map (list id, depth) to the format of its numbers: ``bullet``, ``decimal`` …"""
    relations = document.part.rels.values()
    target = next(
        (
            r.target_part
            for r in relations
            if r.reltype.endswith("/numbering") and not r.is_external
        ),
        None,
    )
    if target is None:
        return {}
    root = getattr(target, "element", None)
    root = parse_xml(target.blob) if root is None else root
    formats: dict[tuple[str, int], str] = {}
    for abstract in root.iter(qn("w:abstractNum")):
        for level in abstract.iter(qn("w:lvl")):
            depth = level.get(qn("w:ilvl"), "0")
            if depth.isdigit():
                key = (abstract.get(qn("w:abstractNumId"), ""), int(depth))
                formats[key] = _value(level, "w:numFmt")
    found: dict[tuple[str, int], str] = {}
    for number in root.iter(qn("w:num")):
        for depth in range(9):
            kind = formats.get((_value(number, "w:abstractNumId"), depth))
            if kind:
                found[number.get(qn("w:numId"), ""), depth] = kind
    return found
