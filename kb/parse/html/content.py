"""HTML through selectolax: the main content in reading order, without menus and scripts."""

import re
from collections import Counter
from typing import Literal

from selectolax.lexbor import LexborHTMLParser, LexborNode

from core.errors import UnreadableFile
from core.types import Skipped
from kb.parse.blocks import PSEUDO_LEVEL, Block, Document, heading, text_of, with_header
from kb.parse.encoding.decoding import decode
from kb.parse.html.hidden import Visibility, controlled
from kb.parse.limits import MAX_CELLS, MAX_COLUMNS, MAX_NESTING
from kb.parse.marks import (
    ASKS,
    LOCATION,
    cents,
    leave_out,
    link_mark,
    lowered,
    raised,
    with_links,
    without_links,
)

_DROPPED = frozenset(
    [
        "script", "style", "nav", "svg", "math", "canvas", "iframe", "embed", "select",
        "input", "textarea", "head", "link", "meta", "audio", "video", "-comment",
    ]
)  # fmt: skip
_STRUCK = {"del", "s", "strike"}
_SKIP_OUTSIDE_MAIN = {"header", "footer", "aside"}
_SKIP_ROLES = {"navigation", "banner", "contentinfo", "search", "complementary", "menu"}
_SKIP_CLASSES = re.compile(
    r"(?:^|[\s_-])(?:breadcrumbs?|cookie|skip-link|pagination|mw-editsection|navbox|noprint|"
    r"vector-header|vector-menu|reflist|catlinks)(?:$|[\s_-])",
    re.IGNORECASE,
)
_MENU_CLASSES = re.compile(
    r"(?:^|[\s_-])(?:nav|navbar|navigation|menu|sidebar|share|social|toc)(?:$|[\s_-])",
    re.IGNORECASE,
)
"""Of a menu if most of its words are links; else of dishes, or of a column with text."""
_CENTS = re.compile(
    r"(?:^|[\s_-])(?:sup|small|cents?|decimals?|fraction|centimes|centavos|pence)(?:$|[\s_-])", re.I
)
_BLOCKS = frozenset(
    [
        "p", "div", "section", "article", "main", "ul", "ol", "li", "table", "pre", "blockquote",
        "dl", "dt", "dd", "h1", "h2", "h3", "h4", "h5", "h6", "details", "summary", "figure",
        "figcaption", "hr", "address", "header", "footer", "aside", "body", "center", "fieldset",
        "caption", "form", "dialog", "legend", "object", "menu", "noscript",
    ]
)  # fmt: skip
_RAISES = re.compile(r"vertical-align\s*:\s*(?:super|(sub))\b", re.IGNORECASE)
_TABS = "[role=tab], .tabs a, .nav-tabs a, .tab-nav a, [data-toggle=tab], [data-bs-toggle=tab]"
_COMPONENT = re.compile(
    r"(?:\w+-)*(?:accordion|tab|card|step|expand\w*|collaps\w*|toggle|disclosure|faq|question|panel|"
    r"callout|admonition|note|tip|warning|info)(?:-?item)?"
)
"""An element that a site's own program makes a folded part, a tab or a box of."""
_YES = re.compile(r"(?:^|[\s_-])(?:check|checkmark|tick|yes|true)(?:$|[\s_-])", re.IGNORECASE)
_NO = re.compile(r"(?:^|[\s_-])(?:cross|times|xmark|no|false)(?:$|[\s_-])", re.IGNORECASE)
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


def parse_html(name: str, data: bytes) -> tuple[Document, LexborHTMLParser]:
    """Read a page; the second value is its tree, in which it may declare entries as data."""
    text = decode(name, data, html=True)
    _check_nesting(name, text)
    tree = LexborHTMLParser(text)
    title_node = tree.css_first("title")
    title = fold(title_node.text()) if title_node else ""
    root = tree.css_first("html")
    language = ((root.attributes.get("lang") if root else "") or "")[:2].lower()
    reader = _Reader(tree, in_main=False)
    blocks = reader.read(_main(tree))
    return Document(tuple(blocks), title, language, reader.skipped()), tree


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
    tree = LexborHTMLParser(fragment)
    return _Reader(tree, in_main=True).read(tree.body)


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


def fold(text: str) -> str:
    """Fold blanks, and drop what only says where a word may be cut."""
    return re.sub(r"\s+", " ", text.replace("\u00ad", "").replace("\u200b", "")).strip()


class _Reader:
    """Walks the elements of one page without recursion deeper than its cap."""

    def __init__(self, tree: LexborHTMLParser, *, in_main: bool) -> None:
        self._tree = tree
        self._seen = Visibility(tree)
        self._blocks: list[Block] = []
        self._inline = ""
        self._list_marks: list[int] = []
        self._mark = ""
        self._in_main = in_main
        self._anchor = ""
        self._one_line = False
        """Whether a cell or a title is being read."""
        self._panels: dict[str, LexborNode] = {}
        """Tabs by the ids of what they show: they are its titles."""
        for tab in tree.css(_TABS):
            for name in controlled(tab):
                self._panels.setdefault(name, tab)
        self._panels = {n: tab for n, tab in self._panels.items() if _by_id(tree, n) is not None}
        self._tabs = {tab.mem_id for tab in self._panels.values()}
        self._words_around = 0

    def read(self, root: LexborNode | None) -> list[Block]:
        if root is not None:
            self._in_main = self._in_main or root.tag in {"main", "article"}
            self._children(root, 0)
            self._close()
        return self._blocks

    def skipped(self) -> tuple[Skipped, ...]:
        """Name what stands around the content."""
        if not self._words_around:
            return ()
        reason = "words of its header, footer, menus or side columns were left out."
        return (Skipped("the page", f"{self._words_around:,} {reason}"),)

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
        if tag in _DROPPED or node.mem_id in self._tabs:
            self._words_around += _words_unlinked(node) if tag == "nav" else 0
            return
        if self._is_furniture(node, tag):
            self._words_around += _words_unlinked(node)
            return
        if tag in {"i", "span"} and node.first_child is None:
            self._inline += _sign(node)
            return
        if tag in _STRUCK or self._seen.hidden(node, tag):
            leave_out(_count(node))
            return
        if depth > MAX_NESTING * 2:
            self._inline += node.text(deep=True, separator=" ")
            return
        if tag == "noscript" and self._is_known(node):
            return
        if self._panels and (tab := self._panels.get(node.attributes.get("id") or "")):
            self._close()
            self._blocks.append(heading(self._words(tab), PSEUDO_LEVEL - 1, self._anchor))
            self._children(node, depth)
            self._close()
            self._blocks.append(Block("end", level=PSEUDO_LEVEL - 1))
        elif tag == "br":
            self._inline += "\x0b"
        elif tag == "template":
            self._template(node, depth)
        elif tag == "button" and not self._one_line:
            if self._seen.opens(node) or ASKS.search(fold(node.text(deep=True))):
                self._title(node, PSEUDO_LEVEL)
        elif _COMPONENT.fullmatch(tag) and (words := _named(node)):
            self._close()
            self._blocks.append(heading(words, PSEUDO_LEVEL, self._anchor))
            self._children(node, depth)
            self._close()
            self._blocks.append(Block("end", level=PSEUDO_LEVEL))
        elif tag not in _BLOCKS:
            start = len(self._inline)
            self._children(node, depth)
            self._after_inline(node, tag, start)
        else:
            self._close()
            self._block(node, tag, depth)
            self._close()

    def _after_inline(self, node: LexborNode, tag: str, start: int) -> None:
        """Write what an inline element adds to its words, which begin at `start`."""
        before, words = self._inline[:start], self._inline[start:]
        if (style := node.attributes.get("style")) and (raises := _RAISES.search(style)):
            tag = "sub" if raises[1] else "sup"
        match tag:
            case "img" if alternative := node.attributes.get("alt"):
                self._inline += f" {alternative} "
            case "a":
                self._inline += link_mark(node.attributes.get("href") or "", fold(words))
            case "sup" if len(self._inline) >= start:
                following = node.next.text(deep=True) if node.next is not None else ""
                link = node.css_first("a") is not None or _in_link(node)
                self._inline = before + raised(before, words, after=following or "", link=link)
            case "sub" if len(self._inline) >= start:
                self._inline = before + lowered(before, words)
            case "b" | "strong" if ASKS.search(words) and not before.strip():
                self._inline += "\x0b"
            case _ if words.strip().isdigit():
                if tag == "small" or _CENTS.search(node.attributes.get("class") or ""):
                    self._inline = before + cents(before, words)

    def _is_furniture(self, node: LexborNode, tag: str) -> bool:
        attributes = node.attributes
        if tag == "menu" and _is_menu(node):
            return True
        if not attributes:
            return tag in _SKIP_OUTSIDE_MAIN and not self._in_main
        if (attributes.get("role") or "") in _SKIP_ROLES:
            return True
        if tag in _SKIP_OUTSIDE_MAIN and not self._in_main:
            return True
        if tag == "label":
            return not _ticks(node, self._tree)
        names = f"{attributes.get('class') or ''} {attributes.get('id') or ''}"
        return tag in {"div", "ul", "ol", "menu", "section", "span", "table"} and bool(
            _SKIP_CLASSES.search(names) or (_MENU_CLASSES.search(names) and _is_menu(node))
        )

    def _block(self, node: LexborNode, tag: str, depth: int) -> None:
        self._anchor = node.attributes.get(LOCATION) or self._anchor
        if tag[0] == "h" and tag[1:].isdigit():
            self._heading(node, int(tag[1]))
        elif tag in {"summary", "dt"}:
            self._title(node, PSEUDO_LEVEL + (tag == "dt"))
        elif tag in {"details", "dl"}:
            self._children(node, depth)
            self._close()
            # What follows no longer answers its last question.
            self._blocks.append(Block("end", level=PSEUDO_LEVEL + (tag == "dl")))
        elif tag in {"ul", "ol", "menu"}:
            start = node.attributes.get("start") or "1"
            number = int(start) - 1 if start.isdigit() and len(start) < 6 else 0
            self._list_marks.append(number if tag == "ol" else -1)
            self._children(node, depth)
            self._close()
            self._list_marks.pop()
            self._mark = ""
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
        inner = node.css_first("[id]")
        name = node.attributes.get("id") or (inner.attributes.get("id") if inner else "") or ""
        self._anchor = f"#{name}" if name else node.attributes.get(LOCATION) or ""
        self._title(node, level)

    def _title(self, node: LexborNode, level: int) -> None:
        self._close()
        if text := self._words(node):
            self._blocks.append(heading(text, level, self._anchor))

    def _left_out(self, node: LexborNode) -> bool:
        """Tell whether nobody is shown an element of a table; count its words then."""
        hidden = self._seen.hidden(node, node.tag or "")
        leave_out(_count(node) if hidden else 0)
        return hidden

    def _words(self, title: LexborNode) -> str:
        """Return the words of a title; if all of it is hidden from a reader's voice, these."""
        words = without_links(self._cell(title))
        if not words and title.css_first("[aria-hidden=true]") is not None:
            words = fold(title.text(deep=True))
        return re.sub(r"\s*[¶#]$", "", words)

    def _is_known(self, noscript: LexborNode) -> bool:
        """Tell whether text for browsers without scripts only says that, or is there twice."""
        text = fold(noscript.text(deep=True))
        body = self._tree.body
        page = fold(body.text(deep=True)) if text and body is not None else ""
        return not text or "javascript" in text.casefold() or page.count(text) > 1

    def _template(self, node: LexborNode, depth: int) -> None:
        """Read what a program puts on the page if something opens it; else count its words."""
        inside = LexborHTMLParser(re.sub(r"^<template[^>]*>|</template>$", "", node.html or ""))
        if inside.body is None:
            return
        if self._seen.unfolds(node):
            self._children(inside.body, depth)
        else:
            leave_out(_count(inside.body))

    def _close(self) -> None:
        """End the paragraph that inline text has made so far."""
        lines = [fold(line) for line in self._inline.split("\x0b")]
        text = "\n".join(line for line in lines if line)
        self._inline = ""
        if not text:
            return
        kind: Literal["item", "text"] = "text"
        if self._mark or self._list_marks:
            kind = "item"
            indent = "  " * max(len(self._list_marks) - 1, 0)
            text = f"{indent}{self._mark or '  '}{text}"
            self._mark = ""
        if self._one_line:
            self._blocks.append(Block(kind, text))
            return
        plain, full = without_links(text), with_links(text)
        self._blocks.append(Block(kind, plain, location=self._anchor, linked=full))

    def _table(self, node: LexborNode, depth: int) -> None:
        nested = node.css_first("table table") is not None
        rows, header = ([], False) if nested else self._grid(node)
        columns = max((len(row) for row in rows), default=0)
        long_cells = any(len(cell) > 1500 for row in rows for cell in row)
        if columns <= 1 or nested or long_cells:  # a table for layout
            self._layout(node, depth)
            return
        caption = node.css_first("caption")
        if caption is not None and (text := self._words(caption)):
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

    def _grid(self, table: LexborNode) -> tuple[list[tuple[str, ...]], bool]:
        """Return the cells of a table, spans repeated, and whether its first row is a header."""
        rows: list[tuple[str, ...]] = []
        above: dict[int, tuple[int, str]] = {}
        heads = 0
        budget = MAX_CELLS // 10
        for row_node in table.css("tr"):
            cells = [cell for cell in row_node.iter() if cell.tag in {"td", "th"}]
            if self._left_out(row_node):
                continue
            cells = [cell for cell in cells if not self._left_out(cell)]
            row, above = _grid_row([(cell, self._cell(cell)) for cell in cells], above)
            budget -= len(row)
            if budget < 0:
                break
            in_head = row_node.parent is not None and row_node.parent.tag == "thead"
            if cells and heads == len(rows) and (in_head or all(c.tag == "th" for c in cells)):
                heads += any(row)
            if any(row):
                rows.append(tuple(row))
        return with_header(rows, heads)

    def _cell(self, cell: LexborNode) -> str:
        """Return the words of a cell on one line, the addresses of its links marked."""
        inner = cell.first_child
        if inner is not None and inner.tag == "-text" and inner.next is None:
            return fold(inner.text_content or "")
        before = self._blocks, self._inline, self._list_marks, self._mark, self._one_line
        self._blocks, self._inline, self._list_marks, self._mark = [], "", [], ""
        self._one_line = True
        self._children(cell, MAX_NESTING)
        self._close()
        found = self._blocks
        self._blocks, self._inline, self._list_marks, self._mark, self._one_line = before
        return " ".join(re.sub(r"^\s*- ", "", line) for b in found for line in b.text.split("\n"))


def _grid_row(
    cells: list[tuple[LexborNode, str]], above: dict[int, tuple[int, str]]
) -> tuple[list[str], dict[int, tuple[int, str]]]:
    """Place a row's cells beside those that reach down from above; return what reaches on."""
    row: list[str] = []
    below: dict[int, tuple[int, str]] = {}

    def place(text: str, high: int) -> None:
        if high > 1:
            below[len(row)] = (high - 1, text)
        row.append(text)

    for cell, words in cells:
        while len(row) in above:
            high, text = above[len(row)]
            place(text, high)
        for _ in range(min(_span(cell, "colspan"), MAX_COLUMNS - len(row))):
            place(words, _span(cell, "rowspan"))
    while len(row) in above:
        high, text = above[len(row)]
        place(text, high)
    return row, below


def _span(cell: LexborNode, name: str) -> int:
    value = cell.attributes.get(name) or "1"
    return max(1, min(int(value), 1000)) if value.isdigit() and len(value) < 6 else 1


def _sign(icon: LexborNode) -> str:
    """Return the sign that an empty element shows by its class, as in a table of features."""
    names = icon.attributes.get("class") or ""
    return " ✓ " if _YES.search(names) else " ✗ " if _NO.search(names) else ""


def _named(component: LexborNode) -> str:
    names = ("title", "label", "summary", "header", "heading", "question")
    return next((fold(text) for name in names if (text := component.attributes.get(name))), "")


def _by_id(tree: LexborHTMLParser, name: str) -> LexborNode | None:
    return tree.css_first(f'[id="{name}"]') if re.fullmatch(r"[\w-]+", name) else None


def _count(node: LexborNode) -> int:
    """Count the words of an element; a sign alone is none."""
    words = node.text(deep=True, separator=" ").split()
    return len(words) if any(c.isalnum() for word in words for c in word) else 0


def _words_unlinked(node: LexborNode) -> int:
    """Count the words of an element that are no links, buttons or fields."""
    inner = node.css("a, button, label, select, textarea, script, style, noscript, template")
    return max(_count(node) - sum(map(_count, inner)), 0)


def _is_menu(node: LexborNode) -> bool:
    """Tell whether most words of an element are links or buttons."""
    parts = (part.text(deep=True) for part in node.css("a, button"))
    return 2 * sum(len(fold(part)) for part in parts) >= len(fold(node.text(deep=True)))


def _in_link(node: LexborNode) -> bool:
    return node.parent is not None and node.parent.tag == "a"


def _ticks(label: LexborNode, tree: LexborHTMLParser) -> bool:
    """Tell whether a label belongs to no field to be filled in: it may be the title of a part."""
    field = _by_id(tree, label.attributes.get("for") or "")
    return field is None or field.attributes.get("type") in {"checkbox", "radio"}
