"""Markdown through markdown-it: headings, paragraphs, lists, tables; code and HTML inside it."""

import re
from collections.abc import Iterator, Sequence

from markdown_it import MarkdownIt
from markdown_it.token import Token

from kb.parse.blocks import VAGUE_LINK, Block, Document, heading
from kb.parse.encoding import decode
from kb.parse.limits import MAX_NESTING

_FRONT_MATTER = re.compile(r"\A(-{3}|\+{3})[ \t]*\n(.*?)\n\1[ \t]*(?:\n|\Z)", re.DOTALL)
_META = r"^{key}[ \t]{{0,9}}[:=]([^\n]{{1,300}})$"
_ANCHOR = re.compile(r"</?a\b[^<>]{0,500}>|<!--.{0,4000}?-->|\{#[\w:.-]{1,200}\}", re.DOTALL)
_RELATIVE_LINK = re.compile(
    r"(?<!!)\[((?:[^\[\]\\]|\\.){0,500})\]\((?!https?://|mailto:|tel:)[^()\s]{0,500}(?:\s{1,9}\"[^\"]{0,500}\")?\)"
)
_ASSET = re.compile(r"!\[([^\]]{0,500})\]\([^)]{0,2000}\)")
_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)
_LABELLED = re.compile(r"(?:\*\*)?(?:[^\W\d_]{1,12}\s?\d{0,3}(?::\s|：|:\*\*\s?)|[QA]\d{0,3}\.\s)")
"""A line such as "A: yes", "答：是" or "Phone: 123", not meant to follow the line before it."""
_PARSER = MarkdownIt("commonmark", {"html": True, "maxNesting": MAX_NESTING}).enable(
    ["table", "strikethrough"]
)


def parse_markdown(name: str, data: bytes) -> Document:
    """Read a Markdown file; front matter gives title and language."""
    text = decode(name, data)
    title = language = ""
    offset = 0
    if match := _FRONT_MATTER.match(text):
        title, language = _meta(match.group(2), "title"), _meta(match.group(2), "lang(?:uage)?")
        offset = match.group(0).count("\n")
        text = text[match.end() :]
    blocks = markdown_blocks(text, first_line=offset + 1)
    if not title:
        title = next((b.text for b in blocks if b.kind == "heading" and b.level == 1), "")
    return Document(tuple(blocks), title, language[:2].lower())


def _meta(front_matter: str, key: str) -> str:
    found = re.search(_META.format(key=key), front_matter, re.MULTILINE)
    return found.group(1).strip().strip("\"'") if found else ""


def markdown_blocks(text: str, *, first_line: int = 1) -> list[Block]:
    """Cut Markdown into blocks; `first_line` is the number of its first line in the file."""
    return list(_Reader(text, first_line).read(_PARSER.parse(text)))


class _Reader:
    """Walks the tokens of one text."""

    def __init__(self, text: str, first_line: int) -> None:
        self._lines = text.split("\n")
        self._first_line = first_line
        self._lists: list[list[int]] = []  # one counter a level; -1 for bullets
        self._item_started = False
        self._item_source = ""

    def read(self, tokens: Sequence[Token]) -> Iterator[Block]:
        index = 0
        while index < len(tokens):
            token = tokens[index]
            match token.type:
                case "heading_open":
                    text = _plain(tokens[index + 1])
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
                    if text := _plain(token):
                        yield self._paragraph(token, text)
                case "fence" | "code_block":
                    if token.content.strip():
                        yield Block(
                            "code",
                            token.content.rstrip("\n"),
                            location=self._where(token),
                            source=f"```{token.info.split()[0] if token.info.split() else ''}\n"
                            f"{token.content.rstrip()}\n```",
                        )
                case "html_block":
                    yield from self._html(token)
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
        return f"line {token.map[0] + self._first_line}" if token.map else ""

    def _start_item(self) -> None:
        counter = self._lists[-1]
        if counter[0] >= 0:
            counter[0] += 1
        self._item_started = True

    def _paragraph(self, token: Token, text: str) -> Block:
        where = self._where(token)
        if not self._lists:
            return Block("text", text, location=where, source=clean_source(token.content))
        indent = "  " * (len(self._lists) - 1)
        if not self._item_started:
            source = f"{indent}  {clean_source(token.content)}"
            return Block("item", f"{indent}  {text}", location=where, source=source)
        self._item_started = False
        number = self._lists[-1][0]
        mark = f"{number}." if number >= 0 else "-"
        return Block(
            "item",
            f"{indent}{mark} {text}",
            location=where,
            source=f"{indent}{mark} {clean_source(token.content)}",
        )

    def _html(self, token: Token) -> Iterator[Block]:
        if not re.search(r"[^\s<>]", _ANCHOR.sub("", token.content)):
            return
        from kb.parse.html import html_blocks  # most Markdown holds none: its parser loads late

        for block in html_blocks(token.content):
            yield Block(
                block.kind, block.text, block.level, block.rows, block.header, self._where(token)
            )

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
        start, end = token.map or (0, 0)
        source = "\n".join(self._lines[start:end])
        return Block(
            "table",
            rows=tuple(rows if named else rows[1:]),
            header=named,
            location=self._where(token),
            source=clean_source(source),
        )


def clean_source(source: str) -> str:
    """Drop from Markdown what a messenger cannot show: anchors, comments, pictures, inner links."""
    source = _ASSET.sub(r"\1", _ANCHOR.sub("", source))
    return _BREAK.sub("\n", _RELATIVE_LINK.sub(r"\1", source)).strip()


def _plain(token: Token) -> str:
    """Return the words of an inline token; the address of a link whose words say nothing."""
    parts: list[str] = []
    links: list[tuple[str, int]] = []
    for child in token.children or ():
        match child.type:
            case "text" | "code_inline":
                parts.append(child.content)
            case "softbreak":
                parts.append("\n")
            case "hardbreak":
                parts.append("\n")
            case "image":
                parts.append(child.content)
            case "html_inline":
                parts.append("\n" if _BREAK.match(child.content) else "")
            case "link_open":
                links.append((str(child.attrGet("href") or ""), len(parts)))
            case "link_close" if links:
                address, since = links.pop()
                words = "".join(parts[since:]).strip()
                if address.startswith(("https://", "http://")) and VAGUE_LINK.match(words):
                    parts.append(f" ({address})")
            case _:
                pass
    return tidy("".join(parts))


def tidy(text: str) -> str:
    """Join wrapped lines, fold blanks, drop heading anchors such as ``{#setup}``."""
    text = re.sub(r"\s{0,5}\{#[\w:.-]{1,200}\}$", "", text.rstrip())
    lines = [re.sub(r"[ \t\u00a0]+", " ", line).strip() for line in text.split("\n")]
    joined = ""
    for line in lines:
        if not line:
            continue
        if joined and _LABELLED.match(line):
            joined += "\n"
        elif joined and not (_wide(joined[-1]) and _wide(line[0])):
            joined += " "
        joined += line
    return joined.strip()


def _wide(character: str) -> bool:
    return "\u3000" <= character <= "\u9fff" or "\uff00" <= character <= "\uffef"
