"""Which elements of a page nobody is shown, and which of them a visitor can unfold."""

import posixpath
import re
from collections.abc import Mapping
from functools import lru_cache

from selectolax.lexbor import LexborHTMLParser, LexborNode, SelectolaxError

_TOKEN = re.compile(r"[{}]")
_NOTHING = re.compile(
    r"/\*.*?\*/|\"[^\"\n]*\"|'[^'\n]*'|@(?:import|charset|namespace)[^;{}]*;", re.DOTALL
)
_APPLIES = re.compile(
    r"@(?:supports|layer)\b|@media\s*(?:(?:only\s+)?(?:screen|all)\s*)?$", re.IGNORECASE
)
"""What may stand around a rule that is meant for every visitor with a screen."""
_SHOWS = re.compile(
    r"(?:^|[;\s])(?:display|visibility)\s*:\s*(?!none|hidden|collapse)\w", re.IGNORECASE
)
_SHRINKS = re.compile(r"opacity|height")
_FLAT = re.compile(r"(?:^|[;\s])(?:max-)?height\s*:\s*0(?:px)?\s*(?:;|$|!)", re.IGNORECASE)
_WHITE = re.compile(r"(?:^|[;\s])color\s*:\s*(?:#fff(?:fff)?\b|white\b)", re.IGNORECASE)
_PAPER = re.compile(r"background(?:-color)?\s*:\s*([^;]+)", re.IGNORECASE)
_IS_WHITE = re.compile(r"\s*(?:#fff(?:fff)?|white)\b\s*(?:!important)?\s*", re.IGNORECASE)
_MOVES = re.compile(r"\b(?:transition|animation|transform)\b", re.IGNORECASE)
"""With these, letters of no opacity or height are about to come into sight."""
_MOST_SELECTORS = 3000
"""Selectors that are looked up in one page."""
_HIDES = re.compile(
    r"(?:^|[;\s])(?:display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|opacity\s*:\s*0(?:\.0*)?\s*(?:;|$|!)|"
    r"font-size\s*:\s*(?:0(?:\.\d+)?(?:px|pt|em|rem|%)?|1px)\s*(?:;|$|!)|color\s*:\s*transparent|text-decoration(?:-line)?\s*:[^;]{0,80}line-through|(?:left|top|text-indent)\s*:\s*-\d{3,}(?:px|em|rem)?)",
    re.IGNORECASE,
)
_FOLDS = re.compile(
    r"(?:^|[\s_-])(?:panel|collaps\w*|accordion\w*|tabs?|tabpanel|tab\w*(?:content|pane)|pane|answers?|"
    r"faq\w*|toggle\w*|expand\w*|more|drawer|slides?|carousel|swiper|slick|content|body|details|spoiler\w*)(?:$|[\s_-])",
    re.IGNORECASE,
)
_OPENERS = {"button", "summary", "dt", "label"}
_HEADS = {"h2", "h3", "h4", "h5", "h6"}
_CONTROLS = ("aria-controls", "data-target", "data-bs-target", "popovertarget")
_TITLES = re.compile(r"accordion|collaps|faq|question|toggle")


class Visibility:
    """Tells what of one page is seen, by its attributes, its styles and its style sheet."""

    def __init__(self, page: LexborHTMLParser, sheets: Mapping[str, str]) -> None:
        self._page = page
        self._away: set[int] = set()
        """Elements that a style sheet hides."""
        self._looked_up = 0
        self._controlled: set[str] = set()
        for sheet in page.css("style, link[href]" if sheets else "style"):
            linked = posixpath.basename(sheet.attributes.get("href") or "")
            own = sheet.tag == "style"
            self._read_sheet(sheet.text(deep=True) if own else sheets.get(linked, ""))
        for node in page.css(f"[{'], ['.join(_CONTROLS)}], [href^='#']"):
            self._controlled |= controlled(node)

    def _read_sheet(self, css: str) -> None:
        """Follow the rules that hide, or show again, in their order."""
        css = _NOTHING.sub("", css)
        around: list[str] = []
        start = 0
        for token in _TOKEN.finditer(css):
            piece, start = css[start : token.start()], token.end()
            if token[0] == "{":
                around.append(piece.rpartition(";")[2].strip())
            elif around:
                selectors = around.pop()
                if all(map(_APPLIES.match, around)):
                    self._follow(selectors, piece)

    def _follow(self, selectors: str, style: str) -> None:
        hides_it = hides(style) and not (_SHRINKS.search(style) and _MOVES.search(style))
        shows_it = self._away and _SHOWS.search(style)
        if selectors.startswith("@") or not (hides_it or shows_it):
            return
        for selector in re.split(r",(?![^(]*\))", selectors):
            self._looked_up += 1
            if self._looked_up > _MOST_SELECTORS:
                return
            try:
                found = {node.mem_id for node in self._page.css(selector.strip())}
            except SelectolaxError:  # a part of an element, or a selector newer than its parser
                continue
            self._away = self._away | found if hides_it else self._away - found

    def hidden(self, node: LexborNode, tag: str) -> bool:
        """Tell whether an element is shown to nobody; what a visitor can unfold is shown."""
        away = self._is_away(node) and tag not in {"body", "main", "html"}
        return away and not self.unfolds(node)

    def _is_away(self, node: LexborNode) -> bool:
        attributes = node.attributes
        style = attributes.get("style")
        return (
            "hidden" in attributes
            or attributes.get("aria-hidden") == "true"
            or (style is not None and hides(style))
            or ((style is not None or "color" in attributes) and _is_white(node))
            or node.mem_id in self._away
        )

    def unfolds(self, node: LexborNode) -> bool:
        """Tell whether a hidden element is the answer, tab or part that something opens."""
        attributes = node.attributes
        if attributes.get("hidden") == "until-found" or "aria-labelledby" in attributes:
            return True
        if attributes.get("role") in {"region", "tabpanel"} or "shadowrootmode" in attributes:
            return True
        name = attributes.get("id") or ""
        if name in self._controlled or _FOLDS.search(f"{attributes.get('class') or ''} {name}"):
            return True
        before, after = _beside(node, back=True), _beside(node)
        if before is None:
            return False
        opener = before.css_first("button, [aria-expanded], [role=button]")
        if before.tag in _OPENERS or _is_all_of(before, opener):
            return True
        # All that stands under a heading is what a click on it shows.
        return before.tag in _HEADS and (after is None or after.tag in _HEADS | _OPENERS)

    def opens(self, button: LexborNode) -> bool:
        """Tell whether a button is the title of a part that it opens."""
        attributes = button.attributes
        if any(name in attributes for name in (*_CONTROLS, "aria-expanded")):
            return True
        if _TITLES.search(attributes.get("class") or ""):
            return True
        title, around = button, button.parent
        while around is not None and _is_all_of(around, button):
            title, around = around, around.parent
        below = _beside(title)
        return below is not None and self._is_away(below)


def controlled(node: LexborNode) -> set[str]:
    """Return the ids of what a button, a tab or a link within the page shows."""
    values = [node.attributes.get(name) or "" for name in _CONTROLS]
    if (address := node.attributes.get("href") or "").startswith("#"):
        values.append(address)
    return {word.lstrip("#") for value in values for word in value.split()} - {""}


def _beside(node: LexborNode, *, back: bool = False) -> LexborNode | None:
    """Return the next element, or the one before."""
    found = node.prev if back else node.next
    while found is not None and found.tag in {"-text", "-comment"}:
        found = found.prev if back else found.next
    return found


def _is_all_of(node: LexborNode, part: LexborNode | None) -> bool:
    """Tell whether an element shows nothing but one part of it."""
    return part is not None and part.text(deep=True).strip() == node.text(deep=True).strip()


def _is_white(node: LexborNode) -> bool:
    """Tell whether white letters stand on what is said to be white, with no class between."""
    if not _WHITE.search(f"color:{node.attributes.get('color')};{node.attributes.get('style')}"):
        return False
    around: LexborNode | None = node
    while around is not None:
        attributes = around.attributes
        paper = _PAPER.search(attributes.get("style") or "")
        if colour := paper[1] if paper else attributes.get("bgcolor"):
            return _IS_WHITE.fullmatch(colour) is not None
        if "class" in attributes or "id" in attributes:
            return False
        around = around.parent
    return False


@lru_cache(maxsize=1024)
def hides(style: str) -> bool:
    """Tell whether a style takes an element out of sight."""
    flat = "overflow" in style and _FLAT.search(style) is not None
    return flat or _HIDES.search(style) is not None
