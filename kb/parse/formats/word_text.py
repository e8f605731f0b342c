"""The words of a DOCX paragraph as its reader sees them, and what its styles say of them."""

import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from functools import cache
from typing import Any

from docx.oxml.ns import qn

from kb.parse.limits import MAX_NESTING
from kb.parse.marks import PICTURE_SAYS, Run, leave_out, line_of, signs_of, tidy_lines


@cache
def w(name: str) -> str:
    """Return the full name of an element or attribute of a text document."""
    return str(qn(f"w:{name}"))


FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_TEXT, _RUN, _PROPERTIES, _VALUE = w("t"), w("r"), w("rPr"), w("val")
_INSTRUCTION = w("instrText")
_LEFT_OUT = {
    *map(w, ("del", "moveFrom", "delText", "pPr", "rPr", "txbxContent", "rt")), FALLBACK,
    "{http://schemas.openxmlformats.org/drawingml/2006/main}graphic",
}  # fmt: skip
_WRITTEN = {w("br"): "\n", w("cr"): "\n", w("tab"): "\t", w("noBreakHyphen"): "-"}
_HIDING = tuple(map(w, ("vanish", "strike", "dstrike", "sz", "color")))
_STYLED = {*map(w, ("vanish", "strike", "dstrike", "vertAlign", "position"))}
_OFF = {"0", "false", "off"}
_FIELD_LINK = re.compile(r'HYPERLINK\s+"([^"]{1,2000})"')
_TINY_HALF_POINTS = 3
_PICTURE = "{http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing}docPr"


def child(parent: Any, name: str) -> Any:
    """Return the first child of this name, `None` if there is none, or no parent."""
    return None if parent is None else next(parent.iterchildren(w(name)), None)


def value(parent: Any, name: str) -> str:
    """Return the value of the first child of this name, empty if there is none."""
    found = child(parent, name)
    return "" if found is None else found.get(_VALUE) or ""


def is_on(properties: Any, name: str) -> bool:
    """Tell whether a property that is on or off, such as bold letters, is there and on."""
    mark = child(properties, name)
    return mark is not None and mark.get(_VALUE) not in _OFF


def inside(element: Any, tag: str) -> bool:
    """Tell whether an element stands in one with this full name."""
    return next(element.iterancestors(tag), None) is not None


def marked_text(paragraph: Any, links: Mapping[str, str]) -> str:
    """Return the words of a paragraph, with the addresses of its `links`, by id, marked.

    Hidden and struck-out words are left out; raised and lowered ones are written in the line.
    """
    words = _Words(links)
    words.walk(paragraph, 0)
    return tidy_lines(line_of(words.runs))


class _Words:
    """Gathers the words of a paragraph."""

    def __init__(self, links: Mapping[str, str]) -> None:
        self.runs: list[Run] = []
        self._links = links
        self._look = Run("")
        """How the letters look that are being read."""
        self._font: str | None = None
        self._fields: list[tuple[str, str]] = []
        """What open ones do, and the addresses of those around them."""

    def walk(self, element: Any, depth: int) -> None:
        for inner in element.iterchildren():
            tag = inner.tag
            if tag == _TEXT:
                self._write(signs_of(self._font, inner.text or ""))
            elif tag == _INSTRUCTION:
                if self._fields:
                    done, around = self._fields[-1]
                    self._fields[-1] = done + (inner.text or ""), around
            elif tag in _LEFT_OUT or depth > MAX_NESTING or not isinstance(tag, str):
                continue
            elif tag in _WRITTEN:
                self._write(_WRITTEN[tag])
            elif tag == _RUN and (properties := child(inner, "rPr")) is not None:
                self._run(inner, properties, depth)
            elif tag == w("fldChar"):
                self._field(inner.get(w("fldCharType")))
                for box in inner.iter(w("checkBox")):
                    named = "checked" if child(box, "checked") is not None else "default"
                    self._write("☒" if is_on(box, named) else "☐")
            elif tag == _PICTURE:
                said = inner.get("descr", "")
                if PICTURE_SAYS.fullmatch(said) and inside(inner, w("tc")):
                    self._write(f" {said} ")
            elif tag == w("sym"):
                self._write(_symbol(inner))
            else:
                before = self._look
                if tag == w("hyperlink"):
                    address = self._links.get(inner.get(qn("r:id"), ""), "")
                    self._look = before._replace(link=address)
                self.walk(inner, depth + 1)
                self._look = before if tag == w("hyperlink") else self._look

    def _write(self, text: str) -> None:
        self.runs.append(self._look._replace(text=text))

    def _field(self, edge: str | None) -> None:
        if edge == "begin":
            self._fields.append(("", self._look.link))
        elif edge == "separate" and self._fields:
            if link := _FIELD_LINK.search(self._fields[-1][0]):
                self._look = self._look._replace(link=link[1])
        elif edge == "end" and self._fields:
            self._look = self._look._replace(link=self._fields.pop()[1])

    def _run(self, run: Any, properties: Any, depth: int) -> None:
        if any(map(_hides, properties.iterchildren(*_HIDING))):
            return
        position = value(properties, "vertAlign").removesuffix("script")
        if shift := value(properties, "position"):
            position = "sub" if shift.startswith("-") else "super"
        self._look = self._look._replace(position=position, bold=is_on(properties, "b"))
        fonts = child(properties, "rFonts")
        self._font = None if fonts is None else fonts.get(w("ascii"))
        self.walk(run, depth + 1)
        self._font = None
        self._look = self._look._replace(position="", bold=False)


def _symbol(sign: Any) -> str:
    """Return a sign that is given with its font; unknown ones of a private area are none."""
    code = sign.get(w("char"), "")
    drawn = chr(int(code, 16)) if re.fullmatch(r"[0-9A-Fa-f]{1,4}", code) else ""
    said = signs_of(sign.get(w("font")), drawn)
    return "•" if said == "\uf0b7" else "" if "\ue000" <= said <= "\uf8ff" else said


def leave_out_prompts(body: Any) -> None:
    """Take out and count words that only ask for others in their place: "Click to enter text"."""
    for mark in list(body.iter(w("showingPlcHdr"))):
        if (control := next(mark.iterancestors(w("sdt")), None)) is not None:
            leave_out(" ".join(control.itertext(_TEXT)))
            control.getparent().remove(control)


def leave_out_hidden(body: Any) -> None:
    """Count the words that nobody sees."""
    hiding = filter(_hides, body.iter(*_HIDING))
    runs = dict.fromkeys(mark.getparent().getparent() for mark in hiding)
    for run in runs:
        if run is not None and run.tag == _RUN:
            leave_out(" ".join(run.itertext(_TEXT)))


def _hides(mark: Any) -> bool:
    """Tell whether a property of a run, one of `_HIDING`, takes its words out of sight.

    White letters count where nothing dark can be behind them: outside of tables, boxes and what is
    shaded.
    """
    said = mark.get(_VALUE)
    if mark.tag == w("sz"):
        return (said or "").isdigit() and int(said) <= _TINY_HALF_POINTS
    if mark.tag != w("color"):
        return said not in _OFF
    if (said or "").upper() != "FFFFFF":
        return False
    around = next(mark.iterancestors(w("p")), None)
    shaded = any(
        child(properties, name) is not None
        for properties in (mark.getparent(), child(around, "pPr"))
        for name in ("shd", "highlight", "pStyle", "rStyle")
    )
    return not (shaded or inside(mark, w("tbl")) or inside(mark, w("txbxContent")))


def lineage(styles: Mapping[str, Any], style_id: str) -> Iterator[Any]:
    """Yield a style and those that it is based on, each once."""
    seen: set[str] = set()
    while style_id in styles and style_id not in seen:
        seen.add(style_id)
        yield styles[style_id]
        style_id = value(styles[style_id], "basedOn")


def write_styles(body: Any, styles: Mapping[str, Any]) -> None:
    """Write what styles say of raised, hidden and struck-out letters into the runs they are for."""
    marks: dict[str, dict[str, Any]] = {}
    for style_id in styles:
        found: dict[str, Any] = {}
        for style in lineage(styles, style_id):
            properties = child(style, "rPr")
            for mark in properties if properties is not None else ():
                if mark.tag in _STYLED:
                    found.setdefault(mark.tag, mark)
        if found:
            marks[style_id] = found
    references = body.iter(w("rStyle"), w("pStyle")) if marks else ()
    for reference in list(references):
        found = marks.get(reference.get(_VALUE, ""), {})
        around = reference.getparent().getparent() if found else None
        if around is None or around.tag not in {_RUN, w("p")}:
            continue
        for run in around.iter(_RUN):
            own_marks = run.get_or_add_rPr()
            for tag, mark in found.items():
                if own_marks.find(tag) is None:
                    own_marks.append(deepcopy(mark))
