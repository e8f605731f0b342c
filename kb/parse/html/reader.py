"""The elements of a page read in their order: headings, paragraphs, lists, tables, folded parts."""

import re
from collections.abc import Callable, Mapping
from typing import Literal

from selectolax.lexbor import LexborHTMLParser, LexborNode

from core.types import Skipped
from kb.parse.blocks import PSEUDO_LEVEL, Block, grid_row, heading, marked_block, with_header
from kb.parse.html.elements import (
    by_id,
    count_words,
    fold,
    is_furniture,
    sign_of,
    title_of,
    words_unlinked,
)
from kb.parse.html.hidden import Visibility, controlled
from kb.parse.limits import MAX_CELLS, MAX_NESTING, whole
from kb.parse.marks import (
    ASKS,
    LOCATION,
    cents,
    leave_out,
    link_mark,
    lowered,
    raised,
    without_links,
)

_DROPPED = frozenset(
    [
        "script", "style", "nav", "svg", "math", "canvas", "iframe", "embed", "select",
        "input", "textarea", "head", "link", "meta", "audio", "video", "rt", "rp", "-comment",
    ]
)  # fmt: skip
_STRUCK = {"del", "s", "strike"}
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


def _points_to_note(link: LexborNode) -> bool:
    kinds = (link.attributes.get(name) or "" for name in ("epub:type", "role", "class"))
    return any("noteref" in kind for kind in kinds)


class Reader:
    """Walks the elements of one page without recursion deeper than its cap."""

    def __init__(
        self,
        tree: LexborHTMLParser,
        *,
        in_main: bool,
        unwrap: Callable[[str], str] = str,
        sheets: Mapping[str, str] | None = None,
    ) -> None:
        self._tree = tree
        self._seen = Visibility(tree, sheets or {})
        self._blocks: list[Block] = []
        self._inline = ""
        self._list_marks: list[int] = []
        self._mark = ""
        self._in_main = in_main
        self._anchor = ""
        self._unwrap = unwrap
        self._one_line = False
        """Whether a cell, a title or words within a line are being read: addresses stay marked."""
        self._panels: dict[str, LexborNode] = {}
        """Tabs by the ids of what they show: they are its titles."""
        for tab in tree.css(_TABS):
            for name in controlled(tab):
                self._panels.setdefault(name, tab)
        self._panels = {n: tab for n, tab in self._panels.items() if by_id(tree, n) is not None}
        self._tabs = {tab.mem_id for tab in self._panels.values()}
        self._words_around = 0
        self._folds, self._level = 0, PSEUDO_LEVEL
        """Folded parts, one in another, that are being read, and the level of their titles."""

    def read(self, root: LexborNode | None) -> list[Block]:
        """Return the blocks of an element and all in it."""
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
            self._words_around += words_unlinked(node) if tag == "nav" else 0
            return
        if is_furniture(node, tag, self._tree, in_main=self._in_main):
            self._words_around += words_unlinked(node)
            return
        if tag in {"i", "span"} and node.first_child is None:
            self._inline += sign_of(node)
            return
        if tag in _STRUCK or self._seen.hidden(node, tag):
            leave_out(count_words(node))
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
        elif _COMPONENT.fullmatch(tag) and (words := title_of(node)):
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
            case "a" if fold(words) in {"#", "¶"} or _points_to_note(node):  # or of a heading
                self._inline = before
            case "a":
                self._inline += link_mark(node.attributes.get("href") or "", fold(words))
            case "sup" if len(self._inline) >= start:
                following = node.next.text(deep=True) if node.next is not None else ""
                link = node.css_first("a") is not None or (
                    node.parent is not None and node.parent.tag == "a"
                )
                self._inline = before + raised(before, words, after=following or "", link=link)
            case "sub" if len(self._inline) >= start:
                self._inline = before + lowered(before, words)
            case "b" | "strong" if ASKS.search(words) and not before.strip():
                self._inline += "\x0b"
            case _ if words.strip().isdigit():
                if tag == "small" or _CENTS.search(node.attributes.get("class") or ""):
                    self._inline = before + cents(before, words)

    def _block(self, node: LexborNode, tag: str, depth: int) -> None:
        self._anchor = node.attributes.get(LOCATION) or self._anchor
        if tag[0] == "h" and tag[1:].isdigit():
            self._heading(node, int(tag[1]))
        elif tag in {"summary", "dt"}:
            self._title(node, self._level + (tag == "dt"))
        elif node.attributes.get("role") == "button" and self._seen.opens(node):
            self._title(node, PSEUDO_LEVEL)
        elif tag in {"details", "dl"}:
            around = self._folds, self._level
            if tag == "details":
                self._folds += 1
                self._level += 2 * self._is_group()
            self._children(node, depth)
            self._close()
            # What follows no longer answers its last question.
            self._blocks.append(Block("end", level=self._level + (tag == "dl")))
            self._folds, self._level = around
        elif tag in {"ul", "ol", "menu"}:
            first = whole(node.attributes.get("start"))
            self._list_marks.append(first - 1 if tag == "ol" else -1)
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

    def _is_group(self) -> bool:
        """Tell whether a folded part begins in one that has nothing but folded parts."""
        last = self._blocks[-1] if self._folds > 1 and self._blocks else Block("text")
        heads = last.kind == "heading" and last.level == self._level
        return heads or (last.kind == "end" and last.level > self._level)

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
        leave_out(count_words(node) if hidden else 0)
        return hidden

    def _words(self, title: LexborNode) -> str:
        """Return the words of a title; if all of it is hidden from a reader's voice, these."""
        words = without_links(self._cell(title))
        if not words and title.css_first("[aria-hidden=true]") is not None:
            words = fold(title.text(deep=True))
        return words

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
            leave_out(count_words(inside.body))

    def _close(self) -> None:
        """End the paragraph that inline text has made so far."""
        lines = [fold(line) for line in self._inline.split("\x0b")]
        text = self._unwrap("\n".join(line for line in lines if line))
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
        self._blocks.append(marked_block(kind, text, self._anchor))

    def _table(self, node: LexborNode, depth: int) -> None:
        nested = node.css_first("table table") is not None
        rows, header = ([], False) if nested else self._grid(node)
        columns = max((len(row) for row in rows), default=0)
        long_cells = any(len(cell) > 1500 for row in rows for cell in row)
        drawn = LOCATION in node.attributes  # in Markdown, where none is for layout
        if (columns <= 1 or nested or long_cells) and not drawn:
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
        heads, named = 0, True
        exported = "waffle" in (table.attributes.get("class") or "").split()
        kinds = {"td"} if exported else {"td", "th"}  # those of Google Sheets are 1, 2 … A, B …
        budget = MAX_CELLS // 10
        for row_node in table.css("tr"):
            cells = [cell for cell in row_node.iter() if cell.tag in kinds]
            if self._left_out(row_node) or (exported and not cells):
                continue
            cells = [cell for cell in cells if not self._left_out(cell)]
            parts = (
                (self._cell(c), whole(own.get("colspan")), whole(own.get("rowspan")))
                for c, own in ((c, c.attributes) for c in cells)
            )
            row, above = grid_row(parts, above)
            budget -= len(row)
            if budget < 0:
                break
            in_head = row_node.parent is not None and row_node.parent.tag == "thead"
            if cells and heads == len(rows) and (in_head or all(c.tag == "th" for c in cells)):
                heads += any(row)
            named = named and (not in_head or any(row))
            if any(row):
                rows.append(tuple(row))
        return with_header(rows, heads) if named else (rows, False)

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
        lines = (re.sub(r"^\s*- ", "", line) for b in found for line in b.text.split("\n"))
        return " ".join(filter(None, lines))
