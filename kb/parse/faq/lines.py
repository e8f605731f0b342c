"""Questions and answers in the lines of a document: "Q: … A: …", and lines that ask."""

import re
from dataclasses import replace
from itertools import pairwise
from typing import Literal

from kb.parse.blocks import Block
from kb.parse.faq.questions import ASK, REPLY, asks_unmarked, bare, is_question

SHARE = 0.6
"""Of what looks like questions, how many must have an answer."""
MIN_QUESTIONS = 3

# --- "Q: … A: …" -------------------------------------------------------------------------------


def split_asked(blocks: list[Block]) -> list[Block]:
    """Turn lines "Q: …" and their "A: …" into headings with text, where they come in pairs."""
    lines = [line for block in blocks for line in _lines(block)]
    marks = list(map(_mark, lines))
    pairs = pairwise(filter(None, marks))
    if sum(pair == ("ask", "reply") for pair in pairs) < 2:
        return blocks
    out: list[Block] = []
    level = 1 + max((b.level for b in blocks if b.kind == "heading"), default=0)
    replied = False
    for line, mark in zip(lines, marks, strict=True):
        if mark == "ask":
            question = bare(line.text)
            out.append(Block("heading", question, level=level, location=line.location, asked=True))
            replied = False
        elif mark == "reply" and not replied:
            text, linked = (REPLY.sub("", each, count=1) for each in (line.text, line.linked))
            out.append(replace(line, kind="text", text=text, linked=linked))
            replied = True
        else:
            out.append(line)
    return out


def _mark(line: Block) -> Literal["ask", "reply", ""]:
    if line.kind in {"text", "item", "heading"} and ASK.match(line.text):
        return "ask"
    return "reply" if line.kind in {"text", "item"} and REPLY.match(line.text) else ""


def _lines(block: Block) -> list[Block]:
    """Split a paragraph before each line that starts a question or an answer."""
    if block.kind not in {"text", "item"} or "\n" not in block.text:
        return [block]
    parts: list[tuple[str, str]] = []
    pairs = zip(block.text.split("\n"), (block.linked or block.text).split("\n"), strict=True)
    for line, linked in pairs:
        if not parts or ASK.match(line) or REPLY.match(line):
            parts.append((line, linked))
        else:
            parts[-1] = (f"{parts[-1][0]}\n{line}", f"{parts[-1][1]}\n{linked}")
    if len(parts) == 1:
        return [block]
    return [replace(block, text=text, linked=linked) for text, linked in parts]


# --- lines that ask ----------------------------------------------------------------------------

_LIST_MARK = re.compile(r"^\s*(?:[-*+•‣▪●]|\(?\d{1,3}[.)])\s+")
_NUMBERED_PAIR = re.compile(
    r"^(\s*\(?\d{1,3}[.)]\s+[^\n.!?。！？؟]{3,150}[?？؟])[ \t]+(?=\S)", re.MULTILINE
)
"""A numbered question and a blank before its answer in the same line."""
_SENTENCE_INSIDE = re.compile(r"[.!?。！？]\s+\S|[。！？]\S")
_MAX_LINE = 200


def split_lines(blocks: list[Block]) -> list[Block]:
    """Turn lines that ask into headings, where at least three have an answer below them.

    They may be bold, numbered, items of a list or plain; each is one question and nothing else.
    """
    if any(block.asked for block in blocks):
        return blocks
    lines = [line for block in blocks for line in _each_line(block)]
    asks = [_is_asking(line) for line in lines]
    answered = [
        ask and at + 1 < len(lines) and lines[at + 1].kind != "heading" and not asks[at + 1]
        for at, ask in enumerate(asks)
    ]
    if sum(answered) < MIN_QUESTIONS or sum(answered) < SHARE * sum(asks):
        return blocks
    level = 1 + max((b.level for b in blocks if b.kind == "heading"), default=0)
    out: list[Block] = []
    inside: Block | None = None
    for line, asked in zip(lines, answered, strict=True):
        if asked:
            question = bare(_LIST_MARK.sub("", line.text))
            out.append(Block("heading", question, level=level, location=line.location, asked=True))
            inside = None
        elif inside is not None and (line.kind, line.location) == ("text", inside.location):
            joined = f"{out[-1].linked or out[-1].text}\n{line.linked or line.text}"
            out[-1] = replace(out[-1], text=f"{out[-1].text}\n{line.text}", linked=joined)
        else:
            out.append(line)
            inside = line if line.kind == "text" else None
    return out


def _each_line(block: Block) -> list[Block]:
    """Split a paragraph into its lines, and those that are numbered behind their question."""
    if block.kind not in {"text", "item"}:
        return [block]
    lines = [_NUMBERED_PAIR.sub("\\1\n", text) for text in (block.text, block.linked or block.text)]
    if "\n" not in lines[0] or lines[0].count("\n") != lines[1].count("\n"):
        return [block]
    pairs = zip(*(text.split("\n") for text in lines), strict=True)
    return [
        replace(block, kind="text" if number else block.kind, text=text, linked=linked)
        for number, (text, linked) in enumerate(pairs)
    ]


def _is_asking(line: Block) -> bool:
    if line.kind not in {"text", "item"} or len(line.text) > _MAX_LINE:
        return False
    text = bare(_LIST_MARK.sub("", line.text))
    return asks_unmarked(text) or (is_question(text) and not _SENTENCE_INSIDE.search(text))
