"""Which elements of a page nobody is shown, and which of them a visitor can unfold."""

import re
from functools import lru_cache

from selectolax.lexbor import LexborHTMLParser, LexborNode

_RULE = re.compile(r"([^{}@]{1,400})\{([^{}]{0,2000})\}")
_CLASS = re.compile(r"\s*(?:[a-z]+)?([.#][\w-]+)\s*", re.IGNORECASE)
_HIDES = re.compile(
    r"(?:^|[;\s])(?:display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|opacity\s*:\s*0(?:\.0*)?\s*(?:;|$|!)|"
    r"font-size\s*:\s*(?:0(?:\.\d+)?(?:px|pt|em|rem|%)?|1px)\s*(?:;|$|!)|color\s*:\s*transparent|(?:left|top|text-indent)\s*:\s*-\d{3,}(?:px|em|rem)?)",
    re.IGNORECASE,
)
_FOLDS = re.compile(
    r"(?:^|[\s_-])(?:panel|collaps\w*|accordion\w*|tabs?|tabpanel|tab\w*(?:content|pane)|pane|answers?|"
    r"faq\w*|toggle\w*|expand\w*|more|drawer|slides?|content|body|details|spoiler\w*)(?:$|[\s_-])",
    re.IGNORECASE,
)
_OPENERS = {"button", "summary", "dt", "h1", "h2", "h3", "h4", "h5", "h6", "label"}


class Visibility:
    """Tells what of one page is seen, by its attributes, its styles and its style sheet."""

    def __init__(self, page: LexborHTMLParser) -> None:
        self._hiding: set[str] = set()
        self._controlled: set[str] = set()
        for sheet in page.css("style"):
            self._read_sheet(sheet.text(deep=True))
        for node in page.css("[aria-controls], [data-target], [data-bs-target], [href^='#']"):
            for name in ("aria-controls", "data-target", "data-bs-target", "href"):
                self._controlled |= {
                    word.lstrip("#") for word in (node.attributes.get(name) or "").split()
                }
        self._controlled.discard("")

    def _read_sheet(self, css: str) -> None:
        for rule in _RULE.finditer(re.sub(r"/\*.*?\*/|@media[^{]{0,200}\{", "", css, flags=re.S)):
            if _HIDES.search(rule[2]):
                for selector in rule[1].split(","):
                    if match := _CLASS.fullmatch(selector):
                        self._hiding.add(match[1])

    def hidden(self, node: LexborNode, tag: str) -> bool:
        """Tell whether an element is shown to nobody; what a visitor can unfold is shown."""
        attributes = node.attributes
        style = attributes.get("style")
        away = (
            "hidden" in attributes
            or attributes.get("aria-hidden") == "true"
            or (style is not None and hides(style))
            or (bool(self._hiding) and self._by_sheet(attributes))
        )
        return away and tag not in {"body", "main", "html"} and not self._unfolds(node)

    def _by_sheet(self, attributes: dict[str, str | None]) -> bool:
        names = {f".{name}" for name in (attributes.get("class") or "").split()}
        return bool(self._hiding & {*names, f"#{attributes.get('id') or ''}"})

    def _unfolds(self, node: LexborNode) -> bool:
        """Tell whether a hidden element is the answer, tab or part that something opens."""
        attributes = node.attributes
        if attributes.get("hidden") == "until-found" or "aria-labelledby" in attributes:
            return True
        if attributes.get("role") in {"region", "tabpanel"}:
            return True
        if (attributes.get("id") or "") in self._controlled:
            return True
        if _FOLDS.search(attributes.get("class") or ""):
            return True
        before = node.prev
        while before is not None and before.tag in {"-text", "-comment"}:
            before = before.prev
        if before is None:
            return False
        return before.tag in {"button", "summary", "dt"} or (
            before.tag in _OPENERS and before.css_first("button, [aria-expanded]") is not None
        )


@lru_cache(maxsize=1024)
def hides(style: str) -> bool:
    """Tell whether a style takes an element out of sight."""
    return _HIDES.search(style) is not None


def opens(node: LexborNode) -> bool:
    """Tell whether a button or tab is the title of a part that it opens."""
    attributes = node.attributes
    if any(
        name in attributes
        for name in ("aria-controls", "aria-expanded", "data-target", "data-bs-target")
    ):
        return True
    return bool(re.search(r"accordion|collaps|faq|question|toggle", attributes.get("class") or ""))
