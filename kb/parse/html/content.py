"""HTML through selectolax: the main content in reading order, without menus and scripts."""

import re
from collections import Counter
from collections.abc import Callable, Mapping

from selectolax.lexbor import LexborHTMLParser, LexborNode

from core.errors import UnreadableFile
from kb.parse.blocks import Block, Document, text_of
from kb.parse.encoding.decoding import decode
from kb.parse.html.elements import fold
from kb.parse.html.reader import Reader

_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]{0,20})")
MAY_STAY_OPEN = frozenset(
    [
        "a", "p", "li", "td", "th", "tr", "tbody", "thead", "tfoot", "dt", "dd", "option",
        "optgroup", "colgroup", "rp", "rt", "br", "img", "input", "hr", "meta", "link", "area",
        "base", "col", "embed", "source", "track", "wbr",
    ]
)  # fmt: skip
"""Elements that need no end, or end where the next one begins."""
_MAX_OPEN = 3000


def parse_html(
    name: str, data: bytes, sheets: Mapping[str, str] | None = None
) -> tuple[Document, LexborHTMLParser]:
    """Read a page; the second value is its tree, in which it may declare entries as data.

    `sheets`: of a chapter of a book, which has nothing around its text, the style sheets by name.
    """
    text = decode(name, data, html=True)
    _check_nesting(name, text)
    tree = LexborHTMLParser(text)
    title_node = tree.css_first("title")
    title = fold(title_node.text()) if title_node else ""
    root = tree.css_first("html")
    language = ((root.attributes.get("lang") if root else "") or "")[:2].lower()
    reader = Reader(tree, in_main=sheets is not None, sheets=sheets)
    blocks = reader.read(_main(tree))
    return Document(tuple(blocks), title, language, reader.skipped()), tree


def _check_nesting(name: str, text: str) -> None:
    """Refuse a page with thousands of open elements: the parser's time grows with their square."""
    open_: Counter[str] = Counter()
    for tag in _TAG.finditer(text):
        element = tag.group(2).lower()
        if tag.group(1):
            open_[element] -= open_[element] > 0
        elif element not in MAY_STAY_OPEN:
            open_[element] += 1
            if open_[element] > _MAX_OPEN:
                raise UnreadableFile(
                    name,
                    f"It nests more than {_MAX_OPEN:,} {element!r} elements in each other. "
                    "Save the page again in a browser, or as PDF.",
                )


def html_blocks(fragment: str, unwrap: Callable[[str], str] = str) -> list[Block]:
    """Cut a piece of HTML into blocks; `unwrap` joins the lines of a paragraph of Markdown."""
    tree = LexborHTMLParser(fragment)
    return Reader(tree, in_main=True, unwrap=unwrap).read(tree.body)


def text_of_html(markup: str) -> str:
    """Return the text of a piece of HTML, with the addresses of its links."""
    if "<" not in markup and "&" not in markup:
        return markup.strip()
    return text_of(html_blocks(markup), links=True)


def _main(tree: LexborHTMLParser) -> LexborNode | None:
    """Return the element that holds the content: main or article if it has most of the text."""
    body = tree.body
    if body is None:
        return None
    whole = len(body.text(deep=True))
    for selector in ("main", "[role=main]", "article"):
        found = tree.css(selector)
        if len(found) == 1 and len(found[0].text(deep=True)) > 0.2 * whole:
            return found[0]
    return body
