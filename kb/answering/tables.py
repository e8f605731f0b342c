"""Read rows of a table, and choose those that a question is about."""

import itertools
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kb.text.facts import extract_facts
from kb.text.ranges import fit
from kb.text.segmentation import words
from kb.text.stems import content_words, in_common, stem_of, stems

MANY = 5
"""Rows with all their columns that are listed where none was asked for by name."""
_NEAR = 10.0
"""What a similarity of 1 counts beside the words: a word of one row in ten counts 2.3."""
_FITS = 3.0
"""What it counts that a quantity of the question lies in a range of the row; outside, against."""
_NAMED = 2.0
"""What it counts that a question has all the words of a row's name."""
_CLOSE = 1.0
"""How far below a row's log-odds the next one is to be left out, with all that follow."""
_ALIKE = 0.5
_OTHER_SIZE = 0.5
"""Probability that rows of other sizes than the one asked for are meant."""
TIMES = frozenset({"minute", "hour", "day", "week", "month", "year"})
"""Units of which a table has a rate and a question a number: "for 3 days"."""
_SHORT = 3
"""Letters of an abbreviation that is looked for in the words of a question."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row with the names of its columns."""

    text: str
    """As it stands in the passage."""
    cells: tuple[tuple[str, str], ...]
    """(column, cell); the column is empty where the table names none."""


def read_rows(lines: Sequence[str]) -> list[Row]:
    """Read neighbouring lines of one table, as `kb.parse.blocks.table_lines` writes them."""
    named = Counter(
        name
        for line in lines
        for name in {m[1] for m in re.finditer(r"(?:^|; )([^:;\n]+): ", line)}
    )
    rows = []
    for line in lines:
        cells: list[tuple[str, str]] = []
        for piece in line.split("; "):
            name, colon, cell = piece.partition(": ")
            if colon and (not cells or named[name] > len(lines) / 2 or len(lines) == 1):
                cells.append((name, cell))
            elif cells:
                cells[-1] = (cells[-1][0], f"{cells[-1][1]}; {piece}")
            else:
                cells.append(("", piece))
        rows.append(Row(line, tuple(cells)))
    if all(len(row.cells) == 1 for row in rows) and len({row.cells[0][0] for row in rows}) > 1:
        return [Row(r.text, (("", r.cells[0][0]), ("", r.cells[0][1]))) for r in rows]
    if any(all(_is_value(row, name) for row in rows) for name in column_names(rows)):
        return [Row(r.text, tuple(("", cell) for _, cell in r.cells)) for r in rows]
    return rows


def _is_value(row: Row, name: str) -> bool:
    """Tell whether a column's name is a value like its cell: "8.50 pounds: 4.20 pounds".

    It is then the first row of a table that names no columns.
    """
    if not re.match(r"[^\w\s]?\s?\d", name):
        return False
    cell = next((cell for column, cell in row.cells if column == name), "")
    told = {(f.kind, f.unit) for f in extract_facts(cell) if f.unit}
    return bool(told & {(f.kind, f.unit) for f in extract_facts(name)})


def row_values(row: Row) -> str:
    """Return the cells of a row without the names of its columns."""
    return " ".join(cell for _, cell in row.cells)


def same_table(row: str, other: str) -> bool:
    """Tell whether two rows have the first and most other columns in common, all with names."""
    (first, *names), (begin, *others) = (
        [name for name, _ in read_rows([line])[0].cells] for line in (row, other)
    )
    alike = len(set(names) & set(others)) > _ALIKE * min(len(names), len(others))
    return bool(first) and first == begin and (alike or not names)


def choose_rows(
    question: str,
    rows: Sequence[Row],
    *,
    latest: str = "",
    near: Sequence[float] | None = None,
    read: Sequence[float] | None = None,
) -> tuple[list[int], float]:
    """Return the rows that a question is about, and how probable it is that it is about these.

    All of them if it names none.

    Args:
        question: as the customer asked it.
        rows: of one table.
        latest: what the customer wrote last, if `question` has what it follows too: the rows that
            it names are meant, its words count twice.
        near: how far the similarity of the question with each row is above the mean, if known.
        read: the reader's log-odds of each row, if it was asked.
    """
    if len(rows) < 2:
        return list(range(len(rows))), 1.0
    told = words_told(question, rows)
    named = _named(question, rows)
    if latest not in ("", question):
        if last := _named(latest, rows):
            return list(last), 1.0
        told = [sum(both) for both in zip(told, words_told(latest, rows), strict=True)]
        new = set(stems(latest))
        named = {i: n for i, n in named.items() if new & set(stems(row_name(rows, i)))} or named
    nothing = [0.0] * len(rows)
    found, share = _likely_rows(told, named, near or nothing, read or nothing)
    return found, min(share, _OTHER_SIZE) if _asks_other_size(question, rows) else share


def _asks_other_size(question: str, rows: Sequence[Row]) -> bool:
    """Tell whether a question has a size of the kind that names rows, and none of them has it."""
    asked = _sizes(question)
    of_rows = set[tuple[str, str]]().union(*(_sizes(row_name(rows, i)) for i in range(len(rows))))
    strange = {unit for unit, _ in asked} & {unit for unit, _ in of_rows}
    return bool(strange) and not asked & of_rows and not any(fit(question, r.text) for r in rows)


def _sizes(text: str) -> set[tuple[str, str]]:
    """Return the sizes of a text with their units, "38 cm", and its fractions, "3/4"."""
    parts = {("/", word) for word in words(text) if re.fullmatch(r"\d+/\d+", word)}
    return parts | {(u, value) for u, value in numbers_of(text) if u and u not in TIMES}


def _likely_rows(
    told: Sequence[float],
    named: Mapping[int, set[str]],
    near: Sequence[float],
    read: Sequence[float],
) -> tuple[list[int], float]:
    """Return the rows with the highest log-odds by words, similarity and reader, and their share.

    They end where the next one is clearly less likely, or where they are too many.
    """
    total = [
        words + _NEAR * like + odds + _NAMED * (i in named)
        for i, (words, like, odds) in enumerate(zip(told, near, read, strict=True))
    ]
    if len(set(map(frozenset, named.values()))) > 1 and max(total) in (total[i] for i in named):
        return list(named), 1.0  # "for the Heron and the Plover"
    falling = sorted(total, reverse=True)
    gaps = (low for high, low in itertools.pairwise(falling) if high - low >= _CLOSE)
    least = next(gaps, -math.inf)
    found = [i for i, value in enumerate(total) if value > least]
    if len(found) > MANY:
        found = [i for i, value in enumerate(total) if value >= falling[0] - _CLOSE]
    if len(found) > len(total) / 2:
        return list(range(len(total))), 1.0
    odds = [math.exp(value - falling[0]) for value in total]
    return found, sum(odds[i] for i in found) / sum(odds)


def rows_named(question: str, lines: Sequence[str]) -> list[int]:
    """Return the lines of a table whose names a question has."""
    return list(_named(question, read_rows(lines)))


def _named(question: str, rows: Sequence[Row]) -> dict[int, set[str]]:
    """Return the rows that a question names, with the words by which it does.

    Of "Parcel" and "Parcel, express" the one that says more of the question.
    """
    names = [row_name(rows, i) for i in range(len(rows))]
    named = [_named_in(name, question) for name in names]
    if not any(named):  # "Jiading and the Minhang store": each by a word that no other one has
        asked, common = set(stems(question)), Counter(s for name in names for s in {*stems(name)})
        own = [{s for s in stems(name) if common[s] == 1 and s in asked} for name in names]
        named = own if sum(map(bool, own)) > 1 else named
    return {i: n for i, n in enumerate(named) if n and not any(n < other for other in named)}


def words_told(question: str, rows: Sequence[Row]) -> list[float]:
    """Return how much of a question the cells of each row say; a word of few rows counts more.

    A word counts for its abbreviation, "Friday" for "Fri", and a quantity for the range that it
    lies in, "35 kg" for "over 30 kg".
    """
    asked = words(question)
    told = [set(content_words(row_values(row))) for row in rows]
    common = Counter(word for found in told for word in found)
    fits = [fit(question, row.text) for row in rows]
    named = [_named_in(row.cells[0][1], question) for row in rows]
    if any(named) and any(fits):  # a dog of 50 kg is no "cat from 1.5 kg"
        fits = [value if name else -1 for value, name in zip(fits, named, strict=True)]
    wanted = in_common(common, question)
    wanted |= {s for s in common if len(s) == _SHORT and any(_shortens(s, w) for w in asked)}
    weight = {s: math.log((len(rows) + 0.5) / common[s]) for s in wanted}
    return [
        sum(weight[s] for s in found & weight.keys()) + _FITS * in_range
        for found, in_range in zip(told, fits, strict=True)
    ]


def _shortens(short: str, word: str) -> bool:
    return len(word) > len(short) + 1 and word.startswith(short) and short.isalpha()


def _named_in(name: str, question: str) -> set[str]:
    """Return the words of a row's name, or of a part of it, if the question has them all."""
    asked = {stem_of(word) for word in words(question)}
    parts = [set(map(stem_of, words(part))) for part in [name, *re.split(r"[,;/，、；]", name)]]
    return max((part for part in parts if part and part <= asked), key=len, default=set())


def row_name(rows: Sequence[Row], i: int) -> str:
    """Return what names a row: its first cell, and the second where the first is not enough."""
    return " ".join(_said(name, cell) for name, cell in rows[i].cells[: name_cells(rows)])


def name_cells(rows: Sequence[Row]) -> int:
    """Return how many cells name a row: two where the first is not enough."""
    firsts = {row.cells[0][1] for row in rows}
    several = len(rows) > 1 and len(firsts) < len(rows) and all(len(r.cells) > 2 for r in rows)
    return 2 if several else 1


def _said(name: str, cell: str) -> str:
    """Return the cell that names a row; a bare number needs the name of its column."""
    return f"{name} {cell}" if name and re.match(r"[\d<>≤≥]", cell) else cell


def column_names(rows: Sequence[Row]) -> list[str]:
    """Return the names of the columns but those that name the rows."""
    return list(dict.fromkeys(n for row in rows for n, _ in row.cells[name_cells(rows) :] if n))


def numbers_of(text: str) -> set[tuple[str, str]]:
    """Return the numbers that a text counts something with, each with its unit."""
    facts = [fact for fact in extract_facts(text) if fact.kind == "number"]
    # "In a three-room flat" is read as within.
    bare = (fact for fact in facts if fact.bound in ("", "within"))
    return {(fact.unit, value) for fact in bare for value in fact.values}
