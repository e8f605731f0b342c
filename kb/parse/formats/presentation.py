"""PPTX: the slides in their order, with titles as headings, lists and tables.

What a speaker reads (notes) and slides that are not shown are left out and named.
"""

import posixpath
from collections.abc import Iterator, Mapping
from xml.etree.ElementTree import Element

from core.types import Skipped
from kb.parse.blocks import Block, Document, heading, marked_block, with_header
from kb.parse.limits import (
    MAX_COLUMNS,
    MAX_NESTING,
    Package,
    check_office,
    open_zip,
    unless_damaged,
)
from kb.parse.marks import (
    ends_question,
    leave_out,
    link_mark,
    lowered,
    raised,
    tidy_lines,
    without_links,
)

_A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_P = "{http://schemas.openxmlformats.org/presentationml/2006/main}"
_R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_DIAGRAM = "{http://schemas.openxmlformats.org/drawingml/2006/diagram}"
_MIXED = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
_HOLDS = {f"{_P}cSld", f"{_P}spTree", f"{_P}grpSp", f"{_MIXED}AlternateContent", f"{_MIXED}Choice"}
_MAX_SLIDES = 1000
_TINY = 150
"""Hundredths of a point."""


def parse_presentation(name: str, data: bytes) -> Document:
    """Read the slides of a PPTX file."""
    check_office(name, data)
    remedy = "Open it, save it again as PPTX and upload it."
    with unless_damaged(name, "presentation", remedy=remedy), open_zip(name, data) as archive:
        return _Reader(Package(name, archive)).read()


class _Reader:
    """Walks one presentation."""

    def __init__(self, parts: Package) -> None:
        self._parts = parts
        self._related: Mapping[str, tuple[str, str]] = {}
        self._where = ""
        self._wide = self._high = 0
        """Of a slide; 0 if unknown."""

    def read(self) -> Document:
        blocks: list[Block] = []
        skipped: list[Skipped] = []
        spoken = 0
        main = "ppt/presentation.xml"
        root = self._parts.xml(main)
        if (size := root.find(f"{_P}sldSz")) is not None:
            self._wide, self._high = (int(size.get(side, "0")) for side in ("cx", "cy"))
        order = root.iter(f"{_P}sldId")
        paths = self._relations(main)
        slides = [paths[slide.get(f"{_R}id", "")][1] for slide in order]
        for number, path in enumerate(slides[:_MAX_SLIDES], start=1):
            self._where = f"slide {number}"
            slide = self._parts.xml(path)
            self._related = self._relations(path)
            if slide.get("show") in {"0", "false"}:
                skipped.append(
                    Skipped(self._where, "The slide is hidden. Show it to have it read.")
                )
                continue
            found = list(self._shapes(slide, 0))
            titles = [block for block in found if block.kind == "heading"]
            blocks += titles or [heading("", 1, self._where)]
            blocks += [block for block in found if block.kind != "heading"]
            notes = [target for kind, target in self._related.values() if kind == "notesSlide"]
            spoken += sum(len(_words(self._parts.xml(note))) for note in notes)
        if len(slides) > _MAX_SLIDES:
            where = f"slides {_MAX_SLIDES + 1} to {len(slides)}"
            skipped.append(Skipped(where, f"Only {_MAX_SLIDES:,} slides are read. Split the file."))
        if spoken:
            reason = f"{spoken:,} words for the speaker are not shown to others: left out."
            skipped.append(Skipped("notes", reason))
        return Document(tuple(blocks), skipped=tuple(skipped))

    def _relations(self, path: str) -> dict[str, tuple[str, str]]:
        """Return kind and target of each part that a part names; "link" is an address."""
        folder, file = posixpath.split(path)
        own = f"{folder}/_rels/{file}.rels"
        found: dict[str, tuple[str, str]] = {}
        for relation in self._parts.xml(own) if own in self._parts else ():
            kind = relation.get("Type", "").rsplit("/", 1)[-1]
            target = relation.get("Target", "")
            if relation.get("TargetMode") == "External":
                found[relation.get("Id", "")] = ("link", target)
            else:
                whole = posixpath.normpath(posixpath.join(folder, target)).lstrip("/")
                found[relation.get("Id", "")] = (kind, whole)
        return found

    def _shapes(self, parent: Element, depth: int) -> Iterator[Block]:
        if depth > MAX_NESTING:
            return
        for shape in parent:
            tag = shape.tag
            if parent.tag == f"{_P}spTree" and self._is_off(shape):
                leave_out(len(_words(shape)))
            elif tag == f"{_P}sp":
                yield from self._shape(shape)
            elif tag == f"{_P}graphicFrame":
                for table in shape.iter(f"{_A}tbl"):
                    yield self._table(table)
                for diagram in shape.iter(f"{_DIAGRAM}relIds"):
                    _, path = self._related.get(diagram.get(f"{_R}dm", ""), ("", ""))
                    if path in self._parts:
                        yield from self._shape(self._parts.xml(path))
            elif tag in _HOLDS:
                yield from self._shapes(shape, depth + 1)

    def _is_off(self, shape: Element) -> bool:
        """Tell whether a shape stands beside its slide."""
        place = shape.find(f"{_P}spPr/{_A}xfrm")
        if place is None or not self._wide:
            return False
        off, size = (place.find(f"{_A}{name}") for name in ("off", "ext"))
        if off is None or size is None:
            return False
        left, top = int(off.get("x", "0")), int(off.get("y", "0"))
        right, bottom = left + int(size.get("cx", "0")), top + int(size.get("cy", "0"))
        return right <= 0 or bottom <= 0 or left >= self._wide or top >= self._high

    def _shape(self, shape: Element) -> Iterator[Block]:
        placeholder = shape.find(f".//{_P}nvPr/{_P}ph")
        kind = placeholder.get("type", "body") if placeholder is not None else ""
        hidden = shape.find(f".//{_P}cNvPr")
        if kind in {"sldNum", "dt"} or (hidden is not None and hidden.get("hidden") == "1"):
            return
        numbers: dict[int, int] = {}
        for part in shape.iter(f"{_A}p"):
            marked = self._text(part)
            text = without_links(marked)
            if not text:
                continue
            if kind in {"title", "ctrTitle"}:
                yield heading(text.replace("\n", " "), 1, self._where)
            elif kind == "body":
                properties = part.find(f"{_A}pPr")
                level = properties.get("lvl", "0") if properties is not None else "0"
                depth = min(int(level) if level.isdigit() else 0, 8)
                numbers = {d: number for d, number in numbers.items() if d <= depth}
                counted = part.find(f"{_A}pPr/{_A}buAutoNum")
                if counted is None:
                    numbers.pop(depth, None)
                else:
                    start = counted.get("startAt", "1")
                    first = int(start) if start.isdigit() else 1
                    numbers[depth] = numbers.get(depth, first - 1) + 1
                mark = f"{numbers[depth]}. " if depth in numbers else "- "
                yield marked_block("item", marked, self._where, lead="  " * depth + mark)
            else:
                yield marked_block("text", marked, self._where)

    def _text(self, paragraph: Element) -> str:
        """Return the words of a paragraph with the addresses of its links marked."""
        out = ""
        runs = [run for run in paragraph if run.tag in {f"{_A}r", f"{_A}br", f"{_A}fld"}]
        bold = True
        for number, run in enumerate(runs):
            words = run.findtext(f"{_A}t") or ("\n" if run.tag == f"{_A}br" else "")
            properties = run.find(f"{_A}rPr")
            if bold and (properties is None or properties.get("b") not in {"1", "true"}):
                out += ends_question(out, words)
                bold = not words.strip()
            if properties is None:
                out += words
                continue
            position = properties.get("baseline", "0")
            size = properties.get("sz", "")
            tiny = size.isdigit() and int(size) <= _TINY
            if tiny or properties.get("strike", "noStrike") != "noStrike":
                leave_out(words)
                continue
            if position.startswith("-") and words.strip():
                out += lowered(out, words)
            elif position not in {"0", ""} and words.strip():
                after = runs[number + 1].findtext(f"{_A}t") if number + 1 < len(runs) else ""
                out += raised(out, words, after=after or "")
            else:
                out += words
            link = properties.find(f"{_A}hlinkClick")
            if link is not None:
                kind, target = self._related.get(link.get(f"{_R}id", ""), ("", ""))
                out += link_mark(target if kind == "link" else "", words)
        return tidy_lines(out)

    def _table(self, table: Element) -> Block:
        rows: list[tuple[str, ...]] = []
        for row_element in table.iter(f"{_A}tr"):
            row: list[str] = []
            for cell in row_element.iter(f"{_A}tc"):
                text = "; ".join(t for p in cell.iter(f"{_A}p") if (t := self._text(p)))
                text = " ".join(text.split())
                if cell.get("hMerge") == "1" and row:
                    text = row[-1]
                if cell.get("vMerge") == "1" and rows and len(row) < len(rows[-1]):
                    text = rows[-1][len(row)]
                row.append(text)
            if any(row):
                rows.append(tuple(row[:MAX_COLUMNS]))
        properties = table.find(f"{_A}tblPr")
        marked = properties is not None and properties.get("firstRow") == "1"
        rows, header = with_header(rows)
        return Block(
            "table", rows=tuple(rows), header=header or (marked and len(rows) > 1),
            location=self._where,
        )  # fmt: skip


def _words(notes: Element) -> list[str]:
    """Return the words of the notes, without the number of the slide."""
    text = " ".join(
        run.findtext(f"{_A}t") or "" for p in notes.iter(f"{_A}p") for run in p.iter(f"{_A}r")
    )
    return text.split()
