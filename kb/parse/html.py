"""HTML through selectolax: the main content in reading order, without menus and scripts."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from selectolax.lexbor import LexborHTMLParser, LexborNode

from core.errors import UnreadableFile
from core.types import Section
from kb.parse.blocks import VAGUE_LINK, Block, Document, heading, looks_like_header, text_of
from kb.parse.encoding import decode
from kb.parse.limits import MAX_CELLS, MAX_COLUMNS, MAX_NESTING
from kb.parse.rows import entry_of

_DROPPED = frozenset(
    [
        "script", "style", "noscript", "template", "nav", "svg", "math", "canvas", "iframe",
        "object", "embed", "form", "button", "select", "input", "textarea", "dialog", "menu",
        "head", "link", "meta", "audio", "video", "map", "-comment",
    ]
)  # fmt: skip
_SKIP_OUTSIDE_MAIN = {"header", "footer", "aside"}
_SKIP_ROLES = {"navigation", "banner", "contentinfo", "search", "complementary", "menu", "dialog"}
_SKIP_CLASSES = re.compile(
    r"(?:^|[\s_-])(?:nav|navbar|navigation|menu|sidebar|breadcrumbs?|cookie|share|social|skip-link|"
    r"pagination|toc|mw-editsection|navbox|noprint|vector-header|vector-menu|reflist|catlinks)(?:$|[\s_-])",
    re.IGNORECASE,
)
_BLOCKS = frozenset(
    [
        "p", "div", "section", "article", "main", "ul", "ol", "li", "table", "pre", "blockquote",
        "dl", "dt", "dd", "h1", "h2", "h3", "h4", "h5", "h6", "details", "summary", "figure",
        "figcaption", "hr", "address", "header", "footer", "aside", "body", "center", "fieldset",
        "caption",
    ]
)  # fmt: skip
_PSEUDO_LEVEL = 7
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]{0,20})")
_SELF_CLOSED = frozenset(
    [
        "a", "p", "li", "td", "th", "tr", "tbody", "thead", "tfoot", "dt", "dd", "option",
        "optgroup", "colgroup", "rp", "rt", "br", "img", "input", "hr", "meta", "link", "area",
        "base", "col", "embed", "source", "track", "wbr",
    ]
)  # fmt: skip
"""Elements that need no end, or end where the next one begins."""
_MAX_OPEN = 3000


def parse_html(name: str, data: bytes) -> tuple[Document, list[Section]]:
    """Read a page; the second value are the entries that it declares as an FAQPage (JSON-LD)."""
    text = decode(name, data, html=True)
    _check_nesting(name, text)
    tree = LexborHTMLParser(text)
    declared = list(_declared_entries(tree))
    title_node = tree.css_first("title")
    title = _fold(title_node.text()) if title_node else ""
    root = tree.css_first("html")
    language = ((root.attributes.get("lang") if root else "") or "")[:2].lower()
    blocks = _Reader(in_main=False).read(_main(tree))
    return Document(tuple(blocks), title, language), declared


def _check_nesting(name: str, text: str) -> None:
    """Refuse a page with thousands of open elements: the parser's time grows with their square."""
    open_: Counter[str] = Counter()
    for tag in _TAG.finditer(text):
        element = tag.group(2).lower()
        if tag.group(1):
            open_[element] -= open_[element] > 0
        elif element not in _SELF_CLOSED:
            open_[element] += 1
            if open_[element] > _MAX_OPEN:
                raise UnreadableFile(
                    name,
                    f"It nests more than {_MAX_OPEN:,} {element!r} elements in each other. "
                    "Save the page again in a browser, or as PDF.",
                )


def html_blocks(fragment: str) -> list[Block]:
    """Cut a piece of HTML, as in Markdown, into blocks."""
    body = LexborHTMLParser(fragment).body
    return _Reader(in_main=True).read(body) if body is not None else []


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


def _fold(text: str) -> str:
    return re.sub(r"\s+", " ", text.replace("\u00ad", "").replace("\u200b", "")).strip()


class _Reader:
    """Walks the elements of one page without recursion deeper than its cap."""

    def __init__(self, *, in_main: bool) -> None:
        self._blocks: list[Block] = []
        self._inline = ""
        self._list_marks: list[int] = []
        self._mark = ""
        self._in_main = in_main
        self._anchor = ""

    def read(self, root: LexborNode | None) -> list[Block]:
        if root is not None:
            self._in_main = self._in_main or root.tag in {"main", "article"}
            self._children(root, 0)
            self._close()
        return self._blocks

    def _children(self, node: LexborNode, depth: int) -> None:
        child = node.first_child
        while child is not None:
            self._visit(child, depth + 1)
            child = child.next

    def _visit(self, node: LexborNode, depth: int) -> None:
        tag = node.tag or ""
        if tag == "-text":
            self._inline += node.text_content or ""
            return
        if tag in _DROPPED or self._is_furniture(node, tag):
            return
        if depth > MAX_NESTING * 2:
            self._inline += node.text(deep=True, separator=" ")
            return
        if tag == "br":
            self._inline += "\x0b"
        elif tag not in _BLOCKS:
            self._children(node, depth)
            self._after_inline(node, tag)
        else:
            self._close()
            self._block(node, tag, depth)
            self._close()

    def _after_inline(self, node: LexborNode, tag: str) -> None:
        if tag == "img" and (alternative := node.attributes.get("alt")):
            self._inline += f" {alternative} "
        elif tag == "a" and VAGUE_LINK.match(_fold(node.text(deep=True))):
            address = node.attributes.get("href") or ""
            self._inline += f" ({address})" if address.startswith("http") else ""

    def _is_furniture(self, node: LexborNode, tag: str) -> bool:
        attributes = node.attributes
        if "hidden" in attributes or attributes.get("aria-hidden") == "true":
            return tag not in {"body", "main"}
        if re.search(r"display\s*:\s*none", attributes.get("style") or ""):
            return True
        if (attributes.get("role") or "") in _SKIP_ROLES:
            return True
        if tag in _SKIP_OUTSIDE_MAIN and not self._in_main:
            return True
        names = f"{attributes.get('class') or ''} {attributes.get('id') or ''}"
        return tag in {"div", "ul", "ol", "section", "span", "table"} and bool(
            _SKIP_CLASSES.search(names)
        )

    def _block(self, node: LexborNode, tag: str, depth: int) -> None:
        if tag[0] == "h" and tag[1:].isdigit():
            self._heading(node, int(tag[1]))
        elif tag in {"summary", "dt"}:
            text = _fold(node.text(deep=True))
            level = _PSEUDO_LEVEL + (tag == "dt")
            if text:
                self._blocks.append(heading(text, level, self._anchor))
        elif tag in {"details", "dl"}:
            self._children(node, depth)
            self._close()
            # What follows no longer answers its last question.
            self._blocks.append(Block("end", level=_PSEUDO_LEVEL + (tag == "dl")))
        elif tag in {"ul", "ol"}:
            start = node.attributes.get("start") or "1"
            number = int(start) - 1 if start.isdigit() and len(start) < 6 else 0
            self._list_marks.append(number if tag == "ol" else -1)
            self._children(node, depth)
            self._close()
            self._list_marks.pop()
        elif tag == "li":
            if self._list_marks and self._list_marks[-1] >= 0:
                self._list_marks[-1] += 1
                self._mark = f"{self._list_marks[-1]}. "
            else:
                self._mark = "- "
            self._children(node, depth)
        elif tag == "pre":
            text = node.text(deep=True).strip("\n")
            if text.strip():
                self._blocks.append(Block("code", text, location=self._anchor))
        elif tag == "table":
            self._table(node, depth)
        else:
            self._in_main, before = self._in_main or tag in {"main", "article"}, self._in_main
            self._children(node, depth)
            self._close()
            self._in_main = before

    def _heading(self, node: LexborNode, level: int) -> None:
        text = re.sub(r"\s*[¶#]$", "", _fold(node.text(deep=True)))
        inner = node.css_first("[id]")
        name = node.attributes.get("id") or (inner.attributes.get("id") if inner else "") or ""
        self._anchor = f"#{name}" if name else ""
        if text:
            self._blocks.append(heading(text, level, self._anchor))

    def _close(self) -> None:
        """End the paragraph that inline text has made so far."""
        lines = [_fold(line) for line in self._inline.split("\x0b")]
        text = "\n".join(line for line in lines if line)
        self._inline = ""
        if not text:
            return
        if self._mark or self._list_marks:
            indent = "  " * max(len(self._list_marks) - 1, 0)
            mark = self._mark or "  "
            self._blocks.append(Block("item", f"{indent}{mark}{text}", location=self._anchor))
            self._mark = ""
        else:
            self._blocks.append(Block("text", text, location=self._anchor))

    def _table(self, node: LexborNode, depth: int) -> None:
        rows, header = _grid(node)
        nested = node.css_first("table table") is not None
        columns = max((len(row) for row in rows), default=0)
        long_cells = any(len(cell) > 1500 for row in rows for cell in row)
        if columns <= 1 or nested or long_cells:  # a table for layout
            self._layout(node, depth)
            return
        caption = node.css_first("caption")
        if caption is not None and (text := _fold(caption.text(deep=True))):
            self._blocks.append(Block("text", text, location=self._anchor))
        self._blocks.append(Block("table", rows=tuple(rows), header=header, location=self._anchor))

    def _layout(self, node: LexborNode, depth: int) -> None:
        child = node.first_child
        while child is not None:
            if child.tag in {"tbody", "thead", "tfoot", "tr", "td", "th"}:
                self._layout(child, depth + 1) if depth < MAX_NESTING * 2 else None
                self._close()
            else:
                self._visit(child, depth + 1)
            child = child.next


def _grid(table: LexborNode) -> tuple[list[tuple[str, ...]], bool]:
    """Return the cells of a table, spans repeated, and whether its first row is a header."""
    rows: list[tuple[str, ...]] = []
    above: dict[int, tuple[int, str]] = {}
    header = False
    budget = MAX_CELLS // 10
    for row_node in table.css("tr"):
        cells = [cell for cell in row_node.iter() if cell.tag in {"td", "th"}]
        row, above = _grid_row(cells, above)
        budget -= len(row)
        if budget < 0:
            break
        if not rows and cells:
            in_head = row_node.parent is not None and row_node.parent.tag == "thead"
            header = in_head or all(cell.tag == "th" for cell in cells)
        if any(row):
            rows.append(tuple(row))
    return rows, header or looks_like_header(rows)


def _grid_row(
    cells: list[LexborNode], above: dict[int, tuple[int, str]]
) -> tuple[list[str], dict[int, tuple[int, str]]]:
    """Place a row's cells beside those that reach down from above; return what reaches on."""
    row: list[str] = []
    below: dict[int, tuple[int, str]] = {}

    def place(text: str, high: int) -> None:
        if high > 1:
            below[len(row)] = (high - 1, text)
        row.append(text)

    for cell in cells:
        while len(row) in above:
            high, text = above[len(row)]
            place(text, high)
        text = _fold(cell.text(deep=True, separator=" "))
        for _ in range(min(_span(cell, "colspan"), MAX_COLUMNS - len(row))):
            place(text, _span(cell, "rowspan"))
    while len(row) in above:
        high, text = above[len(row)]
        place(text, high)
    return row, below


def _span(cell: LexborNode, name: str) -> int:
    value = cell.attributes.get(name) or "1"
    return max(1, min(int(value), 1000)) if value.isdigit() and len(value) < 6 else 1


# --- FAQPage (https://schema.org/FAQPage) ------------------------------------------------------


def _declared_entries(tree: LexborHTMLParser) -> Iterator[Section]:
    for script in tree.css('script[type="application/ld+json"]'):
        try:
            data = json.loads(script.text())
        except (ValueError, RecursionError):
            continue
        for question in _questions(data, 0):
            answer = question.get("acceptedAnswer")
            answer = answer[0] if isinstance(answer, list) and answer else answer
            text = answer.get("text") if isinstance(answer, dict) else None
            name = question.get("name")
            if isinstance(name, str) and isinstance(text, str):
                made = entry_of(
                    "FAQ data of the page", question=_fold(_words(name)), answer=_words(text)
                )
                if isinstance(made, Section):
                    yield made


def _questions(data: Any, depth: int) -> Iterator[dict[str, Any]]:
    if depth > 6:
        return
    if isinstance(data, list):
        for item in data:
            yield from _questions(item, depth + 1)
    elif isinstance(data, dict):
        if data.get("@type") == "Question":
            yield data
        for key in ("@graph", "mainEntity"):
            yield from _questions(data.get(key), depth + 1)


def _words(markup: str) -> str:
    if "<" not in markup and "&" not in markup:
        return markup.strip()
    return text_of(html_blocks(markup))
