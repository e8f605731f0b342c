"""PPTX: the slides in their order, with titles as headings, lists and tables.

What a speaker reads (notes) and slides that are not shown are left out and named.
"""

import posixpath
from collections.abc import Iterator, Mapping, Sequence
from xml.etree.ElementTree import Element

from core.types import Skipped
from kb.parse.blocks import Block, Document, grid_row, heading, marked_block, with_header
from kb.parse.formats.chart import CHARTS, chart_blocks
from kb.parse.formats.slide_look import PLACEHOLDER, Look, box_of
from kb.parse.limits import MAX_NESTING, Package, check_office, open_zip, unless_damaged, whole
from kb.parse.marks import HIDDEN, Run, leave_out, line_of, spoken, tidy_lines, without_links

_A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_P = "{http://schemas.openxmlformats.org/presentationml/2006/main}"
_R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_DIAGRAM = "{http://schemas.openxmlformats.org/drawingml/2006/diagram}"
_MIXED = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
_HOLDS = {f"{_P}cSld", f"{_P}spTree", f"{_P}grpSp", f"{_MIXED}AlternateContent", f"{_MIXED}Choice"}
_MAX_SLIDES = 1000


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
        self._look = Look([])
        self._wide = self._high = 0
        """Of a slide; 0 if unknown."""

    def read(self) -> Document:
        blocks: list[Block] = []
        skipped: list[Skipped] = []
        said = 0
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
            self._look = self._looks(slide)
            if slide.get("show") in {"0", "false"}:
                skipped.append(Skipped(self._where, HIDDEN.format("slide")))
                continue
            found = list(self._shapes(slide, 0))
            titles = [block for block in found if block.kind == "heading"]
            blocks += titles or [heading("", 1, self._where)]
            blocks += [block for block in found if block.kind != "heading"]
            notes = [target for kind, target in self._related.values() if kind == "notesSlide"]
            said += sum(len(_words(self._parts.xml(note))) for note in notes)
        if len(slides) > _MAX_SLIDES:
            where = f"slides {_MAX_SLIDES + 1} to {len(slides)}"
            skipped.append(Skipped(where, f"Only {_MAX_SLIDES:,} slides are read. Split the file."))
        return Document(tuple(blocks), skipped=(*skipped, *spoken(said)))

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
                for drawn in (e for e in shape.iter() if e.tag in {f"{_DIAGRAM}relIds", *CHARTS}):
                    key = drawn.get(f"{_R}dm", drawn.get(f"{_R}id", ""))
                    _, path = self._related.get(key, ("", ""))
                    if path not in self._parts:
                        continue
                    if drawn.tag in CHARTS:
                        yield from chart_blocks(self._parts.xml(path), self._where)
                    else:
                        yield from self._shape(self._parts.xml(path))
            elif tag in _HOLDS:
                yield from self._shapes(shape, depth + 1)

    def _looks(self, slide: Element) -> Look:
        """Follow a slide to its layout, the master of that, and the theme of this."""
        above, related = [slide], self._related
        for wanted in ("slideLayout", "slideMaster", "theme"):
            path = next((target for kind, target in related.values() if kind == wanted), "")
            if path not in self._parts:
                break
            above.append(self._parts.xml(path))
            related = self._relations(path)
        return Look(above)

    def _is_off(self, shape: Element) -> bool:
        """Tell whether a shape stands beside its slide."""
        if (box := box_of(shape)) is None or not self._wide:
            return False
        left, top, right, bottom = box
        return right <= 0 or bottom <= 0 or left >= self._wide or top >= self._high

    def _shape(self, shape: Element) -> Iterator[Block]:
        placeholder = shape.find(PLACEHOLDER)
        kind = placeholder.get("type", "body") if placeholder is not None else ""
        hidden = shape.find(f".//{_P}cNvPr")
        if kind in {"sldNum", "dt"} or (hidden is not None and hidden.get("hidden") == "1"):
            return
        numbers: dict[int, int] = {}
        for part in shape.iter(f"{_A}p"):
            properties = part.find(f"{_A}pPr")
            depth = whole(properties.get("lvl"), 0, most=8) if properties is not None else 0
            marked = self._text(part, shape, depth)
            text = without_links(marked)
            if not text:
                continue
            if kind in {"title", "ctrTitle"}:
                yield heading(text.replace("\n", " "), 1, self._where)
            elif kind == "body":
                numbers = {d: number for d, number in numbers.items() if d <= depth}
                counted = part.find(f"{_A}pPr/{_A}buAutoNum")
                if counted is None:
                    numbers.pop(depth, None)
                else:
                    first = whole(counted.get("startAt"))
                    numbers[depth] = numbers.get(depth, first - 1) + 1
                mark = f"{numbers[depth]}. " if depth in numbers else "- "
                yield marked_block("item", marked, self._where, lead="  " * depth + mark)
            else:
                yield marked_block("text", marked, self._where)

    def _text(self, paragraph: Element, shape: Element | None = None, depth: int = 0) -> str:
        """Return the words of a paragraph with the addresses of its links marked."""
        inherited = [] if shape is None else self._look.styles(shape, depth + 1)
        runs: list[Run] = []
        for run in paragraph:
            if run.tag == f"{_A}br":
                runs.append(Run("\n", bold=runs[-1].bold if runs else False))
            elif run.tag in {f"{_A}r", f"{_A}fld"}:
                own = run.find(f"{_A}rPr")
                letters = inherited if own is None else [own, *inherited]
                runs.append(self._run(run.findtext(f"{_A}t") or "", letters, shape))
        return tidy_lines(line_of(runs))

    def _run(self, text: str, letters: Sequence[Element], shape: Element | None) -> Run:
        """Make a run of what is said of its letters, the nearest first."""

        def said(name: str, usual: str) -> str:
            return next((value for own in letters if (value := own.get(name))), usual)

        links = (own.find(f"{_A}hlinkClick") for own in letters)
        link = next((found.get(f"{_R}id", "") for found in links if found is not None), "")
        kind, target = self._related.get(link, ("", ""))
        shift = said("baseline", "0")
        return Run(
            text,
            "sub" if shift.startswith("-") else "super" if shift != "0" else "",
            said("b", "0") in {"1", "true"},
            said("strike", "noStrike") != "noStrike" or self._look.hides(letters, shape),
            target if kind == "link" else "",
        )

    def _cell(self, cell: Element) -> str:
        text = "; ".join(t for p in cell.iter(f"{_A}p") if (t := self._text(p, cell)))
        return " ".join(text.split())

    def _table(self, table: Element) -> Block:
        rows: list[tuple[str, ...]] = []
        above: dict[int, tuple[int, str]] = {}
        for row_element in table.iter(f"{_A}tr"):
            parts = (
                (self._cell(cell), whole(cell.get("gridSpan")), whole(cell.get("rowSpan")))
                for cell in row_element.iter(f"{_A}tc")
                if "1" not in (cell.get("hMerge"), cell.get("vMerge"))
            )
            row, above = grid_row(parts, above)
            if any(row):
                rows.append(tuple(row))
        marked = table.find(f"{_A}tblPr[@firstRow='1']") is not None
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
