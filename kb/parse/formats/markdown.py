"""Markdown through markdown-it: headings, paragraphs, lists, tables; code and HTML inside it."""

import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

from markdown_it import MarkdownIt
from markdown_it.token import Token

from core.errors import UnreadableFile
from core.wording import N_
from kb.parse.blocks import Block, Document
from kb.parse.encoding.decoding import decode
from kb.parse.faq.questions import asks_unmarked
from kb.parse.faq.values import iso_date
from kb.parse.formats.containers import without_containers
from kb.parse.html.content import MAY_STAY_OPEN, html_blocks
from kb.parse.limits import MAX_NESTING
from kb.parse.marks import ASKS, LOCATION, lowered, raised, stand_alone

_FRONT_MATTER = re.compile(r"\A(-{3}|\+{3})[ \t]*\n(.*?)\n\1[ \t]*(?:\n|\Z)", re.DOTALL)
_META = r"^{key}[ \t]{{0,9}}[:=]([^\n]{{1,300}})$"
_BEGINS = r"(?:publish_?date|valid_from)"
_ENDS = r"(?:expiry_?date|expires|unpublish_?date|valid_until)"
_COMMENT = re.compile(r"</?a\b[^<>]{0,500}>|<!--.{0,4000}?-->", re.DOTALL)
_ANCHOR = re.compile(r"\s{0,5}\{#[\w:.-]{1,200}\}$")
_FOOTNOTE = re.compile(r"\[\^[^\]\s]{1,40}\]:?")
_NO_TEXT = re.compile(
    r"\[\[?_?toc_?\]?\]|(?:import|export)\s[^\n]*['\"][^\n]*['\"];?", re.IGNORECASE
)
"""A paragraph that asks for a table of contents, or loads the parts of a page."""
_BREAK = "\x0b"
"""A line end that was meant, until `unwrap` has joined the lines that were only wrapped."""
_SOFT = "\ue00b"
"""A line end that only wraps, while its paragraph is read as HTML."""
_TAG = re.compile(r"<(/?)([a-zA-Z][\w.-]{0,40})((?:[^<>\"']|\"[^\"<>]*\"|'[^'<>]*')*?)(/?)>")
_SWALLOWS = re.compile(
    r"<(script|style|textarea|select|title|iframe|svg|math|template|canvas|audio|video)\b", re.I
)
"""A name in a sentence, unless it is closed there: all behind it would not be read."""
_EMPHASIS = {"em_open", "em_close", "strong_open", "strong_close"}
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
        tops = [b.text for b in blocks if b.kind == "heading" and b.level == 1]
        title = tops[0] if len(tops) == 1 else ""  # of several none is about all
    return Document(tuple(blocks), title, language[:2].lower(), valid_from=start, valid_until=end)


def _meta(front_matter: str, key: str) -> str:
    found = re.search(_META.format(key=key), front_matter, re.MULTILINE | re.IGNORECASE)
    return found.group(1).strip().strip("\"'") if found else ""


def markdown_blocks(text: str, *, first_line: int = 1) -> list[Block]:
    """Cut Markdown into blocks; `first_line` is the number of its first line in the file.

    It is read as the HTML that it stands for.
    """
    text, numbers = without_containers(text)
    tokens = _PARSER.parse(text)
    _end_elements([token for token in tokens if token.type == "html_block"])
    for before, token in pairwise([Token("", "", 0), *tokens]):
        if token.map and token.type not in {"inline", "tr_open", "thead_open", "tbody_open"}:
            where = f"line {numbers[token.map[0]] + first_line}"
            token.attrSet(LOCATION, where)
            if token.type == "html_block":
                token.content = f'<p {LOCATION}="{where}"></p>{token.content}'
        if token.type == "fence":
            token.type = "code_block"  # whose place is written
        if token.children:
            _prepare(token, token.children, wraps=before.type != "heading_open")
    return html_blocks(_PARSER.renderer.render(tokens, _PARSER.options, {}), unwrap=unwrap)


def _end_elements(blocks: Sequence[Token]) -> None:
    """End the elements that a text never closes where they begin: they reach no further.

    Not `<details>`: what follows stands in it.
    """
    closed: Counter[str] = Counter()
    for token in reversed(blocks):
        for closing, tag, _, alone in reversed(_TAG.findall(_COMMENT.sub("", token.content))):
            name = tag.lower()
            if not (closing or alone or closed[name] or name in MAY_STAY_OPEN):
                token.content += f"</{name}>" if name != "details" else ""
            elif not alone:
                closed[name] += 1 if closing else -1


def _prepare(token: Token, children: list[Token], *, wraps: bool) -> None:
    """Change the parts of a paragraph or heading into what the reader of HTML knows."""
    if _NO_TEXT.fullmatch(token.content):
        children.clear()
    if "*" in token.content:
        _keep_signs(children)
    closed = {c.content[2:-1].strip().lower() for c in children if c.content.startswith("</")}
    for child in children:
        if child.type == "html_inline" and (tag := _SWALLOWS.match(child.content)):
            child.type = child.type if tag[1].lower() in closed else "text"
        elif child.type == "softbreak":
            child.type, child.content = "text", _SOFT if wraps else " "
        elif child.type == "image":
            said = "".join(part.content for part in child.children or ())
            child.type, child.content = "text", said
        elif child.type == "text" and ("^" in child.content or "~" in child.content):
            child.content = _FOOTNOTE.sub("", _RAISED.sub(_raised_or_lowered, child.content))
    if children:
        children[-1].content = _ANCHOR.sub("", children[-1].content)


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


_RAISED = re.compile(
    r"(?<=[\w)])(?:\^(?P<up>[+−-]?\d{1,4}|st|nd|rd|th|er|re|e|o|a)\^(?!\d)|~(?P<down>\d{1,3})~)"
)
"""Raised and lowered signs as Pandoc and many editors write them: 29^99^, m^2^, H~2~O."""


def _raised_or_lowered(found: re.Match[str]) -> str:
    before = found.string[: found.start()]
    if found["down"]:
        return lowered(before, found["down"])
    return raised(before, found["up"], after=found.string[found.end() :])


def unwrap(text: str) -> str:
    """Join the lines of a paragraph that are only wrapped, as `_SOFT` says."""
    if _SOFT not in text:
        return text
    lines = [line.strip(" ") for line in text.replace("\n", _BREAK).split(_SOFT)]
    lines = [line for line in lines if line.strip(_BREAK)]
    apart = stand_alone([line.strip(_BREAK) for line in lines])
    joined = ""
    for line in lines:
        if joined and (apart or _LABELLED.match(line) or _is_question_line(joined)):
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
