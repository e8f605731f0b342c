"""Read the layout of a passage: headings, sentences, list items, numbered steps and table rows."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from kb.text.facts import extract_facts
from kb.text.segmentation import ENDED, TABLE_ROW, split_sentences, words

UnitKind: TypeAlias = Literal["heading", "sentence", "item", "row"]

_PAIR = re.compile(r"([^:：;\n]{1,60})[:：] ?[^\n]+[^.。!！?？:：\n]$")
_COLUMN = re.compile(r"(?:^|; )([^:;\n]+): $")
_BULLET = re.compile(r"\s*[-*+•‣◦▪–●○■□※]\s+\S")
_HAN_NUMBERS = "一二三四五六七八九十"
_STEP = re.compile(
    rf"\s*(?:(?:[^\W\d_]{{2,8}}\s)?\(?(\d{{1,2}})[.):、．）]\s*(?=\D)|([①-⑳])|第([{_HAN_NUMBERS}])步|\(?([a-z])\)\s)\s*\S",
)
_LIST_MARK = re.compile(
    rf"\s*(?:[(（【\[]?(?:\d{{1,2}}|[A-Za-z]|[{_HAN_NUMBERS}]{{1,3}})[)）】\]]|(?:\d{{1,2}}(?:\.\d{{1,2}})*|[A-Z])\.\s"
    rf"|(?:\d{{1,2}}|[{_HAN_NUMBERS}]{{1,3}})、)\s*(?=\S)"
)
_DASH = re.compile(r"[-*•–]\s+(?=\S)")
_CLAUSE = re.compile(r"\s*[(（]\d{1,2}[)）]")
"""How a paragraph of a contract begins."""
_QUESTION = re.compile(r"[?？؟]['\"”’»)\]）】」』*_]*\s*$")
_HEADING_LENGTH = 12
"""Words of the longest line that can be a heading."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A sentence, a line of a list or a table, or a heading; an exact piece of the passage."""

    text: str
    start: int
    end: int
    kind: UnitKind
    section: int
    """Counts the headings and numbered clauses inside the passage; 0 is what stands before."""
    paragraph: int
    number: int = 0
    """Of a numbered list item; 0 for all others."""

    @property
    def asks(self) -> bool:
        """Whether it is a question, and so answers nothing."""
        return _QUESTION.search(self.text) is not None

    @property
    def introduces(self) -> bool:
        """Whether it announces what follows it."""
        return self.text.endswith((":", "："))


def heading_of(title: str) -> str:
    """Return the innermost heading of a title path without its number.

    That of "Guide › 6. Keys" is "Keys".
    """
    return without_mark(title.rpartition(" › ")[2].strip())


def without_mark(text: str) -> str:
    """Return a heading or one item of a list without its number or dash; a date is none."""
    mark = _LIST_MARK.match(text) or _DASH.match(text)
    first = next(iter(extract_facts(text)), None)
    dated = first and first.kind == "date" and re.search(r"[^\W\d_]", first.text)
    return text[mark.end() :] if mark and not dated else text


def units_of(text: str, language: str = "") -> list[Unit]:
    """Return the units of a passage, in order."""
    units: list[Unit] = []
    start = paragraph = 0
    for block in re.split(r"(\n\s*\n)", text):
        if not block.strip():
            paragraph += 1
        else:
            units += _of_paragraph(block, start, paragraph, language)
        start += len(block)
    return _in_sections(_with_clauses(_without_single_numbers(units)), text)


def is_cut(text: str, language: str = "") -> bool:
    """Tell whether a passage has rows or steps: the next one under its heading may go on."""
    return any(unit.kind == "row" or unit.number for unit in units_of(text, language))


def length(text: str) -> float:
    """Return the words of a text; two Chinese characters count as one."""
    found = words(text)
    single = sum(len(word) == 1 and word > "\u2e80" for word in found)
    return len(found) - single / 2


def steps_of(units: Sequence[Unit]) -> list[range]:
    """Return the ranges of numbered lists: items whose numbers follow each other.

    What stands between two items (their second sentences, lists inside them) is part of it.
    """
    found: list[range] = []
    begin, last, number = -1, -1, 0
    for i, unit in enumerate([*units, Unit("", 0, 0, "heading", -1, -1)]):
        if unit.kind == "item" and unit.number and unit.number == number + 1 and begin >= 0:
            last, number = i, unit.number
        elif unit.kind == "item" and (unit.number == 0 and begin >= 0):
            last = i
        elif unit.kind != "item" or unit.number:
            if begin >= 0 and number > units[begin].number:
                found.append(range(begin, last + 1))
            begin = last = i if unit.kind == "item" and unit.number else -1
            number = unit.number
    return found


def run_around(units: Sequence[Unit], i: int) -> range:
    """Return the unbroken run of units of one kind around one of them."""
    begin = end = i
    while begin and units[begin - 1].kind == units[i].kind:
        begin -= 1
    while end + 1 < len(units) and units[end + 1].kind == units[i].kind:
        end += 1
    return range(begin, end + 1)


def heading_above(units: Sequence[Unit], i: int) -> str:
    """Return the heading above a unit inside its passage; empty if there is none."""
    return next((u.text for u in reversed(units[: i + 1]) if u.kind == "heading"), "")


def _of_paragraph(block: str, start: int, paragraph: int, language: str) -> Iterator[Unit]:
    lines = block.splitlines(keepends=True)
    rows = _row_lines(lines)
    at = begin = 0
    for i, line in enumerate(lines):
        if i in rows:
            yield from _of_text(block[begin:at], start + begin, paragraph, language)
            bare = line.strip()
            first = start + at + line.index(bare)
            yield Unit(bare, first, first + len(bare), "row", 0, paragraph)
            begin = at + len(line)
        at += len(line)
    yield from _of_text(block[begin:], start + begin, paragraph, language)


def _row_lines(lines: Sequence[str]) -> set[int]:
    """Return which lines are rows as `kb.parse.blocks.table_lines` writes them.

    These are lines that name the columns of their cells, all or all but the first, other lines
    that begin with the same column, and neighbours of the form ``name: value``.
    """
    named = {m.group(1) for line in lines if (m := TABLE_ROW.match(line.strip()))}
    rows = {
        i
        for i, line in enumerate(lines)
        if any(m[1] in named for m in _COLUMN.finditer(line.strip().partition(": ")[0] + ": "))
    }
    pairs = [
        bool(_PAIR.match(line.strip())) and not (_BULLET.match(line) or _STEP.match(line))
        for line in lines
    ]
    for i, pair in enumerate(pairs):
        if pair and (pairs[i - 1 : i] == [True] or pairs[i + 1 : i + 2] == [True]):
            rows.add(i)
    return rows


def _of_text(text: str, offset: int, paragraph: int, language: str) -> Iterator[Unit]:
    """Return sentences and items; an item has all sentences up to the next item or line."""
    at = 0
    in_item = False
    for sentence in split_sentences(text, language):
        begin = text.index(sentence, at)
        gap = text[at:begin]
        at = begin + len(sentence)
        number = number_of(sentence)
        if number or _BULLET.match(sentence):
            in_item = True
        elif "\n" in gap and not re.search(r"\n\s\s", gap):
            in_item = False
        kind: UnitKind = "item" if in_item else "sentence"
        yield Unit(sentence, offset + begin, offset + at, kind, 0, paragraph, number)


def number_of(sentence: str) -> int:
    """Return the number of the step that a sentence begins, 2 for "b)"; 0 if it begins none."""
    found = _STEP.match(sentence)
    mark = next(filter(None, found.groups())) if found else "0"
    if "a" <= mark <= "z":
        return ord(mark) - ord("a") + 1
    return int(mark if mark.isdecimal() else unicodedata.numeric(mark))


def _without_single_numbers(units: Sequence[Unit]) -> list[Unit]:
    """Make sentences of numbered lines that are no list: "3. How to claim" above its text.

    At the begin or end of a passage one may be the rest of a list that was cut.
    """
    in_list = {i for steps in steps_of(units) for i in steps}
    kept: list[Unit] = []
    for i, unit in enumerate(units):
        following = units[i + 1] if i + 1 < len(units) else None
        above = following is not None and following.paragraph == unit.paragraph
        cut = (i == 0 and unit.number > 1 and not above) or following is None
        near = any(u.kind == "item" and not u.number for u in units[max(0, i - 1) : i + 2])
        alone = unit.number and i not in in_list and not near and not cut
        kept.append(replace(unit, kind="sentence", number=0) if alone else unit)
    return kept


def _with_clauses(units: Sequence[Unit]) -> list[Unit]:
    """Make paragraphs of the clauses of a contract: "(2) If … Then …" is no step of anything."""
    out = list(units)
    for run in steps_of(units):
        begins = [i for i in run if _CLAUSE.match(units[i].text)]
        if len(begins) < len(run) and begins[:1] == [run[0]] and len(begins) > 1:
            for i in run:
                out[i] = replace(units[i], kind="sentence", number=0)
    return out


def _in_sections(units: Sequence[Unit], text: str) -> list[Unit]:
    """Recognise headings, and number the sections that they and clauses begin."""
    section = 0
    out: list[Unit] = []
    for i, unit in enumerate(units):
        following = units[i + 1] if i + 1 < len(units) else None
        first = not out or out[-1].paragraph != unit.paragraph or out[-1].kind == "heading"
        if unit.kind == "sentence" and _CLAUSE.match(unit.text):
            section += 1
            out.append(replace(unit, section=section))
        elif first and following is not None and _is_heading(unit, following, text):
            section += 1
            out.append(replace(unit, kind="heading", section=section))
        else:
            out.append(replace(unit, section=section))
    return out


def _is_heading(unit: Unit, following: Unit, text: str) -> bool:
    """Tell whether a line names what follows: short, without an end, before something longer."""
    if unit.kind != "sentence" or "\n" not in text[unit.end : following.start]:
        return False
    if length(unit.text) > _HEADING_LENGTH:
        return False
    if unit.asks:
        return following.kind != "sentence" or not following.asks
    if ENDED.search(unit.text) or re.search(r"[:：]\s", unit.text):
        return False
    return (
        following.kind in ("row", "item")
        or bool(ENDED.search(following.text))
        or (following.paragraph == unit.paragraph and length(following.text) > length(unit.text))
    )
