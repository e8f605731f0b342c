"""Markdown through markdown-it: headings, paragraphs, lists, tables; code and HTML inside it."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Literal

from markdown_it import MarkdownIt
from markdown_it.token import Token

from core.errors import UnreadableFile
from core.wording import N_
from kb.parse.blocks import Block, Document, heading, marked_block
from kb.parse.encoding.decoding import decode
from kb.parse.faq.questions import asks_unmarked
from kb.parse.faq.values import iso_date
from kb.parse.formats.containers import without_containers
from kb.parse.limits import MAX_NESTING
from kb.parse.marks import (
    ASKS,
    LOCATION,
    leave_out,
    link_mark,
    lowered,
    raised,
    without_links,
)

_FRONT_MATTER = re.compile(r"\A(-{3}|\+{3})[ \t]*\n(.*?)\n\1[ \t]*(?:\n|\Z)", re.DOTALL)
_META = r"^{key}[ \t]{{0,9}}[:=]([^\n]{{1,300}})$"
_BEGINS = r"(?:publish_?date|valid_from)"
_ENDS = r"(?:expiry_?date|expires|unpublish_?date|valid_until)"
_COMMENT = re.compile(r"</?a\b[^<>]{0,500}>|<!--.{0,4000}?-->", re.DOTALL)
_FOOTNOTE = re.compile(r"\[\^[^\]\s]{1,40}\]:?")
_NO_TEXT = re.compile(
    r"\[\[?_?toc_?\]?\]|(?:import|export)\s[^\n]*['\"][^\n]*['\"];?", re.IGNORECASE
)
"""A paragraph that asks for a table of contents, or loads the parts of a page."""
_BREAK = "\x0b"
"""A line end that was meant, until `tidy` has joined the lines that were only wrapped."""
_SOFT = "\ue00b"
"""A line end that only wraps, while HTML in its paragraph is read."""
_LINE_END = re.compile(r"<br\s*/?>", re.IGNORECASE)
_TAG = re.compile(r"<(/?)([a-zA-Z][\w.-]{0,40})((?:[^<>\"']|\"[^\"<>]*\"|'[^'<>]*')*?)(/?)>")
_EMPHASIS = {"em_open", "em_close", "strong_open", "strong_close"}
_VOID = {
    "br", "hr", "img", "input", "meta", "link", "area", "base", "col", "embed", "source", "track",
    "wbr",
}  # fmt: skip
_LABELLED = re.compile(r"(?:\*\*)?(?:[^\W\d_]{1,12}\s?\d{0,3}(?::\s|：|:\*\*\s?)|[QA]\d{0,3}\.\s)")
"""A line such as "A: yes", "答：是" or "Phone: 123", not meant to follow the line before it."""
_PARSER = MarkdownIt("commonmark", {"html": True, "maxNesting": MAX_NESTING}).enable(
    ["table", "strikethrough"]
)


def parse_markdown(name: str, data: bytes) -> Document:
    """Read a Markdown file; front matter gives title, language and first and last day."""
    text = decode(name, data)
    title = language = start = end = ""
    offset = 0
    if match := _FRONT_MATTER.match(text):
        meta = match.group(2)
        title, language = _meta(meta, "title"), _meta(meta, "lang(?:uage)?")
        start, end = (iso_date(_meta(meta, key)) or "" for key in (_BEGINS, _ENDS))
        if _meta(meta, "draft").lower() == "true" or _meta(meta, "published").lower() == "false":
            raise UnreadableFile(name, N_("Its front matter says that it is a draft."))
        offset = match.group(0).count("\n")
        text = text[match.end() :]
    blocks = markdown_blocks(text, first_line=offset + 1)
    if not title:
        title = next((b.text for b in blocks if b.kind == "heading" and b.level == 1), "")
    return Document(tuple(blocks), title, language[:2].lower(), valid_from=start, valid_until=end)


def _meta(front_matter: str, key: str) -> str:
    found = re.search(_META.format(key=key), front_matter, re.MULTILINE | re.IGNORECASE)
    return found.group(1).strip().strip("\"'") if found else ""


def markdown_blocks(text: str, *, first_line: int = 1) -> list[Block]:
    """Cut Markdown into blocks; `first_line` is the number of its first line in the file."""
    text, numbers = without_containers(text)
    tokens = _PARSER.parse(text)
    for token in tokens:
        if token.children and "*" in token.content:
            _keep_signs(token.children)
    return list(_Reader([number + first_line for number in numbers]).read(tokens))


def _keep_signs(children: list[Token]) -> None:
    """Make text again of asterisks between digits: 120*60*75 and *100*5# mean themselves."""
    opened: list[int] = []
    for index, token in enumerate(children):
        if token.type not in _EMPHASIS:
            continue
        if token.nesting > 0:
            opened.append(index)
        elif opened:
            pair = (opened.pop(), index)
            if any(_between_digits(children, place) for place in pair):
                for place in pair:
                    children[place] = Token("text", "", 0, content=children[place].markup)


def _between_digits(children: Sequence[Token], place: int) -> bool:
    around = children[max(place - 1, 0) : place + 2]
    before, after = around[0].content[-1:], around[-1].content[:1]
    return before.isdigit() and after.isdigit()


class _Reader:
    """Walks the tokens of one text."""

    def __init__(self, numbers: Sequence[int]) -> None:
        self._numbers = numbers
        """Of the lines of the text, in its file."""
        self._lists: list[list[int]] = []  # one counter a level; -1 for bullets
        self._item_started = False

    def read(self, tokens: Sequence[Token]) -> Iterator[Block]:
        elements = _elements(tokens)
        index = 0
        while index < len(tokens):
            token = tokens[index]
            match token.type:
                case "heading_open":
                    text = without_links(_plain(tokens[index + 1])).replace("\n", " ")
                    if text:
                        yield heading(text, int(token.tag[1]), self._where(token))
                    index += 2
                case "bullet_list_open":
                    self._lists.append([-1])
                case "ordered_list_open":
                    self._lists.append([int(token.attrGet("start") or 1) - 1])
                case "bullet_list_close" | "ordered_list_close":
                    self._lists.pop()
                case "list_item_open":
                    self._start_item()
                case "inline":
                    if (text := _plain(token)) and not _NO_TEXT.fullmatch(token.content):
                        yield self._paragraph(token, text)
                case "fence" | "code_block":
                    if token.content.strip():
                        yield Block("code", token.content.rstrip("\n"), location=self._where(token))
                case "html_block":
                    end = index
                    while end in elements:  # the block that ends one may begin the next
                        end = elements[end]
                    yield from self._html(tokens[index : end + 1])
                    index = end
                case "table_open":
                    end = next(
                        i for i in range(index, len(tokens)) if tokens[i].type == "table_close"
                    )
                    yield self._table(token, tokens[index:end])
                    index = end
                case _:
                    pass
            index += 1

    def _where(self, token: Token) -> str:
        return f"line {self._numbers[token.map[0]]}" if token.map else ""

    def _start_item(self) -> None:
        counter = self._lists[-1]
        if counter[0] >= 0:
            counter[0] += 1
        self._item_started = True

    def _paragraph(self, token: Token, text: str) -> Block:
        kind: Literal["text", "item"] = "text"
        lead = ""
        if self._lists:
            kind, number = "item", self._lists[-1][0]
            mark = "  " if not self._item_started else f"{number}. " if number >= 0 else "- "
            lead = "  " * (len(self._lists) - 1) + mark
            self._item_started = False
        return marked_block(kind, lead + text, self._where(token))

    def _html(self, tokens: Sequence[Token]) -> Iterator[Block]:
        """Read an HTML element, with the Markdown in it if it reaches over several blocks."""
        if len(tokens) == 1 and not re.search(r"[^\s<>]", _COMMENT.sub("", tokens[0].content)):
            return
        from kb.parse.html.content import (
            html_blocks,  # most Markdown holds none: its parser loads late
        )

        for token in tokens:
            if token.nesting >= 0 and token.type != "html_block" and (where := self._where(token)):
                token.attrSet(LOCATION, where)
        markup = _PARSER.renderer.render(tokens, _PARSER.options, {})
        for block in html_blocks(markup):
            yield replace(block, location=block.location or self._where(tokens[0]))

    def _table(self, token: Token, tokens: Sequence[Token]) -> Block:
        rows: list[tuple[str, ...]] = []
        row: list[str] = []
        for inner in tokens:
            if inner.type == "tr_open":
                row = []
            elif inner.type == "inline":
                row.append(_plain(inner))
            elif inner.type == "tr_close":
                rows.append(tuple(row))
        named = bool(rows) and any(rows[0])
        return Block(
            "table",
            rows=tuple(rows if named else rows[1:]),
            header=named,
            location=self._where(token),
        )


def _elements(tokens: Sequence[Token]) -> dict[int, int]:
    """Map the token that opens an HTML element to the one that closes it, if this is another."""
    found: dict[int, int] = {}
    open_: list[tuple[str, int]] = []
    counts: Counter[str] = Counter()
    for index, token in enumerate(tokens):
        if token.type != "html_block":
            continue
        for closing, tag, _, alone in _TAG.findall(_COMMENT.sub("", token.content)):
            name = tag.lower()
            if name in _VOID or alone:
                continue
            if not closing:
                open_.append((name, index))
                counts[name] += 1
                continue
            while counts[name]:
                opened, start = open_.pop()
                counts[opened] -= 1
                if opened == name:
                    if start < index and token.level == tokens[start].level:
                        found[start] = max(index, found.get(start, 0))
                    break
    for name, start in open_:
        if name == "details" and not tokens[start].level:  # it was never closed
            found.setdefault(start, len(tokens) - 1)
    return found


def _plain(token: Token) -> str:
    """Return the words of an inline token, the addresses of its links marked.

    Struck-out words are left out. The address of a link whose words say nothing stays unmarked.
    """
    children = token.children or []
    if any(c.type == "html_inline" and not _LINE_END.fullmatch(c.content) for c in children):
        return _with_html(token, children)
    text = ""
    starts: dict[str, list[tuple[int, str]]] = {}
    """Of links (with their address), struck-out and strong words: where they begin."""
    for number, child in enumerate(children):
        kind = child.type.partition("_")[0]
        if child.type in {"text", "code_inline", "image"}:
            own = child.type == "text"
            text += _RAISED.sub(_raised_or_lowered, child.content) if own else child.content
        elif child.type in {"softbreak", "hardbreak", "html_inline"}:
            text += "\n" if child.type == "softbreak" else _BREAK
        elif child.nesting > 0:
            starts.setdefault(kind, []).append((len(text), str(child.attrGet("href") or "")))
        elif starts.get(kind):
            start, address = starts[kind].pop()
            before, words = text[:start], text[start:]
            after = (children[number + 1].content or " ") if number + 1 < len(children) else ""
            text = before + _within(kind, before, words, after, address)
    return tidy(_FOOTNOTE.sub("", text))


def _with_html(token: Token, children: Sequence[Token]) -> str:
    """Return the words of a paragraph with HTML elements in it."""
    from kb.parse.html.content import marked_text

    for child in children:
        if child.type == "text":
            child.content = _RAISED.sub(_raised_or_lowered, child.content)
        elif child.type == "softbreak":
            child.type, child.content = "text", _SOFT
    text = marked_text(_PARSER.renderer.render([token], _PARSER.options, {}))
    return tidy(_FOOTNOTE.sub("", text.replace("\n", _BREAK).replace(_SOFT, "\n")))


_RAISED = re.compile(
    r"(?<=[\w)])(?:\^(?P<up>[+−-]?\d{1,4}|st|nd|rd|th|er|re|e|o|a)\^(?!\d)|~(?P<down>\d{1,3})~)"
)
"""Raised and lowered signs as Pandoc and many editors write them: 29^99^, m^2^, H~2~O."""


def _raised_or_lowered(found: re.Match[str]) -> str:
    before = found.string[: found.start()]
    if found["down"]:
        return lowered(before, found["down"])
    return raised(before, found["up"], after=found.string[found.end() :])


def _within(kind: str, before: str, words: str, after: str, address: str) -> str:
    match kind:
        case "s":
            leave_out(words)
            return ""
        case "link":
            return words + link_mark(address, words)
        case "strong" if after and not before and ASKS.search(words):
            return words + _BREAK
        case _:
            return words


def tidy(text: str) -> str:
    """Join wrapped lines, fold blanks, drop heading anchors such as ``{#setup}``."""
    text = re.sub(r"\s{0,5}\{#[\w:.-]{1,200}\}$", "", text.rstrip())
    lines = [re.sub(r"[ \t\u00a0]+", " ", line).strip() for line in text.split("\n")]
    joined = ""
    for line in lines:
        if not line.strip(_BREAK):
            continue
        if joined and (_LABELLED.match(line) or _is_question_line(joined)):
            joined += "\n"
        elif joined and not (_wide(joined[-1]) and _wide(line[0])):
            joined += " "
        joined += line
    return re.sub(rf" ?{_BREAK}[ {_BREAK}]*", "\n", joined).strip()


def _is_question_line(text: str) -> bool:
    """Tell whether a paragraph's first line asks and nothing else: its answer follows below it."""
    return "\n" not in text and (bool(ASKS.search(text)) or asks_unmarked(text))


def _wide(character: str) -> bool:
    return "\u3000" <= character <= "\u9fff" or "\uff00" <= character <= "\uffef"
