"""What nobody sees on a slide: letters that are tiny, or white on white, also by its layout."""

from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import TypeAlias
from xml.etree.ElementTree import Element

_A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_P = "{http://schemas.openxmlformats.org/presentationml/2006/main}"
PLACEHOLDER = f".//{_P}nvPr/{_P}ph"
_STYLES = {"title": "titleStyle", "body": "bodyStyle"}
_KINDS = {"ctrTitle": "title", "subTitle": "body", "obj": "body"}
_PAINTED = {f"{_P}pic", f"{_P}graphicFrame"}
_FILLS = {f"{_A}{name}Fill" for name in ("grad", "blip", "patt", "grp")}
_TINY = 150
"""Hundredths of a point."""

Box: TypeAlias = tuple[int, int, int, int]
"""Left, top, right, bottom."""


class Look:
    """Tells which letters of a slide are seen, by it, its layout, their master and its theme."""

    def __init__(self, above: Sequence[Element]) -> None:
        self._above = above[:3]
        scheme = above[3].find(f".//{_A}clrScheme") if len(above) > 3 else None
        self._colours = {
            part.tag.rpartition("}")[2]: colour.get("lastClr") or colour.get("val") or ""
            for part in (scheme if scheme is not None else ())
            for colour in part
        }
        named = dict(self._colours)
        for root in reversed(self._above):
            for mapping in (*root.iter(f"{_P}clrMap"), *root.iter(f"{_A}overrideClrMapping")):
                self._colours |= {name: named.get(to, "") for name, to in mapping.items()}
        papers = (root.find(f"{_P}cSld/{_P}bg") for root in self._above)
        paper = next((found for found in papers if found is not None), None)
        plain = () if paper is None else (paper.find(f"{_P}bgPr/{_A}solidFill"),
                                          paper.find(f"{_P}bgRef[@idx='1001']"))  # fmt: skip
        self._white_paper = paper is None or any(map(self._is_white, plain))
        trees = [root.find(f"{_P}cSld/{_P}spTree") for root in self._above]
        own = trees[0] if trees and trees[0] is not None else ()
        self._own = {inside: top for top in own for inside in top.iter()}
        """The shape of the slide itself in which each element stands, a group for what is in it."""
        drawn = (shape for tree in trees if tree is not None for shape in tree)
        self._painted = [
            box_of(shape)
            for shape in drawn
            if (shape in self._own or shape.find(PLACEHOLDER) is None) and self._paints(shape)
        ]

    def styles(self, shape: Element, level: int) -> list[Element]:
        """Return what is said of the letters of a shape's list level, from 1; the nearest first."""
        place = f"{_A}lvl{level}pPr/{_A}defRPr"
        found = [of.find(f"{_P}txBody/{_A}lstStyle/{place}") for of in self._followed(shape)]
        holder = shape.find(PLACEHOLDER)
        if holder is not None and (style := _STYLES.get(_kind(holder))):
            found += [root.find(f"{_P}txStyles/{_P}{style}/{place}") for root in self._above]
        return [properties for properties in found if properties is not None]

    def hides(self, letters: Sequence[Element], shape: Element | None) -> bool:
        """Tell whether nobody sees letters, by what is said of them, the nearest first."""
        size = next((said for own in letters if (said := own.get("sz"))), "")
        fills = (own.find(f"{_A}solidFill") for own in letters)
        white = self._is_white(next((fill for fill in fills if fill is not None), None))
        return (size.isdigit() and int(size) <= _TINY) or (white and self._is_bare(shape))

    def _is_bare(self, shape: Element | None) -> bool:
        """Tell whether a shape or cell stands on white paper, and nothing painted is near it.

        What paints a group or a table may be anywhere in it; only a cell that says so is white.
        """
        if shape is not None and shape.tag == f"{_A}tc":
            return self._is_white(shape.find(f"{_A}tcPr/{_A}solidFill"))
        if shape is None or shape not in self._own or not self._white_paper:
            return False
        top = self._own[shape]
        followed = self._followed(shape) if top is shape else [top]
        box = next(filter(None, map(box_of, followed)), None)
        return not (any(map(self._paints, followed)) or _meets(box, self._painted))

    def _followed(self, shape: Element) -> list[Element]:
        """Return a shape, and what it follows in layout and master if it is a placeholder."""
        found = [shape]
        if (holder := shape.find(PLACEHOLDER)) is None:
            return found
        for root in self._above[1:]:
            alike = [
                (other.get("idx") != holder.get("idx"), of)
                for of in root.iter(f"{_P}sp")
                if (other := of.find(PLACEHOLDER)) is not None and _kind(other) == _kind(holder)
            ]
            found += [of for _, of in sorted(alike, key=itemgetter(0))[:1]]
        return found

    def _paints(self, shape: Element) -> bool:
        """Tell whether a shape, or one in it, is filled with something other than white."""
        parts = list(shape.iter())
        own = [part for part in parts if part.tag in {f"{_P}spPr", f"{_P}grpSpPr"}]
        fills = [fill for part in own for fill in part]
        if any(part.tag in _PAINTED for part in parts) or any(f.tag in _FILLS for f in fills):
            return True
        if any(f.tag == f"{_A}solidFill" and not self._is_white(f) for f in fills):
            return True
        bare = any(f.tag in {f"{_A}noFill", f"{_A}solidFill"} for f in fills)
        return not bare and any(part.get("idx") != "0" for part in shape.iter(f"{_A}fillRef"))

    def _is_white(self, fill: Element | None) -> bool:
        """Tell whether the colour in a fill is white, and nothing changes it."""
        colour = None if fill is None else next(iter(fill), None)
        if colour is None or len(colour):
            return False
        value = colour.get("lastClr") or colour.get("val") or ""
        return self._colours.get(value, value).upper() in {"FFFFFF", "WHITE"}


def box_of(shape: Element) -> Box | None:
    """Return where a shape, picture, table or group stands on its slide."""
    paths = (f"{_P}spPr/{_A}xfrm", f"{_P}grpSpPr/{_A}xfrm", f"{_P}xfrm")
    place = next((found for path in paths if (found := shape.find(path)) is not None), None)
    off, size = (None if place is None else place.find(f"{_A}{name}") for name in ("off", "ext"))
    if off is None or size is None:
        return None
    left, top = int(off.get("x", "0")), int(off.get("y", "0"))
    return left, top, left + int(size.get("cx", "0")), top + int(size.get("cy", "0"))


def _meets(box: Box | None, others: Iterable[Box | None]) -> bool:
    """Tell whether one of the others reaches into a box; places that are not known do."""
    return any(
        box is None or other is None or (
            box[0] < other[2] and other[0] < box[2] and box[1] < other[3] and other[1] < box[3]
        )
        for other in others
    )  # fmt: skip


def _kind(holder: Element) -> str:
    kind = holder.get("type", "obj")
    return _KINDS.get(kind, kind)
