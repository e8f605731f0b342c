"""Say rows of a table in words: the name of the row first, then what its columns say."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence

from kb.answering.choose import MOST
from kb.answering.prices import currency_in, has_amount, is_bare
from kb.answering.sums import asks_price
from kb.answering.tables import MANY, Row, column_names, name_cells, numbers_of, row_name
from kb.text.facts import extract_facts
from kb.text.layout import length
from kb.text.lexicon import yes_or_no
from kb.text.ranges import fit, measures
from kb.text.segmentation import words
from kb.text.stems import content_words, in_common, stem_of, stems

_READ = 40
"""Cells that the reader reads at most to choose columns."""
_ENOUGH = 0.94
"""Probability that what is asked for is in the columns that are said."""
_PRICED = 2.0
"""What it counts that a column has amounts if a price is asked for."""
_CLAUSE = 3
"""Words of a cell beside its figures that may be a condition."""
_FITS = 3.0
"""What it counts that a quantity of the question lies in the range of a column's name."""


def say_rows(
    question: str,
    rows: Sequence[Row],
    chosen: Sequence[int],
    language: str,
    *,
    latest: str = "",
    read: Mapping[str, float] | None = None,
) -> str:
    """Return rows in words: one as a sentence, several as a list, at most as many as fit.

    Args:
        question: as the customer asked it.
        rows: of one table.
        chosen: indexes of the rows to say.
        language: ISO 639-1 of the table.
        latest: what the customer wrote last, if `question` has what it follows too: the columns
            that it names are meant.
        read: the reader's log-odds of each column, if it was asked.
    """
    columns = (
        _read_columns(question, latest, [rows[i] for i in chosen], read)
        if read
        else _asked_columns(latest, rows) or _asked_columns(question, rows)
    )
    han = language in ("zh", "ja")
    if len(chosen) == 1:
        text = _line(rows, chosen[0], columns, han=han, named=not all(map(_is_price, columns)))
        return text if text.endswith((".", "。", "!", "?")) else text + ("。" if han else ".")
    lines = [_line(rows, i, columns, han=han) for i in chosen]
    most = len(lines) if columns else MANY
    while most > 1 and length("\n".join(lines[:most])) > MOST:
        most -= 1
    more = ["…"] if most < len(lines) else []
    head = next(iter(columns)) + ("：" if han else ":") if len(columns) == 1 else ""
    return "\n".join(filter(None, [head, *(f"• {line}" for line in lines[:most]), *more]))


def cells_of(rows: Sequence[Row], chosen: Sequence[int]) -> list[tuple[str, str]]:
    """Return the cells of some rows, each as its column's name and as a text of its own.

    None where there is nothing to choose from, or too much to read: less than two columns with
    names, or more than `_READ` cells.
    """
    size = name_cells(rows)
    cells = [
        (name, f"{row_name(rows, i)} – {name}: {cell}")
        for i in chosen
        for name, cell in rows[i].cells[size:]
        if name
    ]
    return cells if len(column_names(rows)) > 1 and len(cells) <= _READ else []


def _read_columns(
    question: str, latest: str, rows: Sequence[Row], read: Mapping[str, float]
) -> frozenset[str]:
    """Return the columns to say, by what the reader says of their cells; empty: all.

    The likeliest ones, until what is asked for is in them by nearly all odds, those that are named,
    and those that say more than a value. A cell that says yes or no says it under what the others
    of its row say.
    """
    told_by = [(name, cell) for row in rows for name, cell in row.cells]
    amounts = {name for name, cell in told_by if asks_price(question) and has_amount(cell)}
    said = [_said_of(one, list(read)) for one in (question, latest)]
    told = {
        name: odds
        + _FITS * (_states(name, latest) or _states(name, question))
        + _FITS * sum(one[name] for one in said)
        + _PRICED * (name in amounts)
        for name, odds in read.items()
    }
    top = max(told.values())
    odds = {name: math.exp(value - top) for name, value in told.items()}
    kept: set[str] = set()
    for name in sorted(odds, key=odds.__getitem__, reverse=True):
        if sum(odds[n] for n in kept) >= _ENOUGH * sum(odds.values()):
            break
        kept.add(name)
    adds = latest and any(said[1].values())  # "and in high season?" takes the low one's place
    kept |= _named(latest if adds else question, list(read))
    if any(yes_or_no(f"{cell}.") for name, cell in told_by if name in kept):
        return frozenset()
    kept |= {name for name, cell in told_by if name in told and _is_clause(cell)}
    return frozenset(kept) if len(kept) < len(told) else frozenset()


def _named(question: str, names: Sequence[str]) -> set[str]:
    """Return the columns that a question names by a word, or a range, that no other one has."""
    states = [name for name in names if _states(name, question) > 0]
    said = _said_of(question, names)
    return {name for name in names if said[name] == 1 or states == [name]}


def _said_of(question: str, names: Sequence[str]) -> dict[str, float]:
    """Return how much of each column's name a question says: 1 for a word that no other has."""
    own = [set(stems(name)) for name in names]
    spoken = {word for name in names for word in content_words(name)}
    asked = set(map(stem_of, in_common(spoken, question)))
    common, all_ = Counter(word for one in own for word in one), math.log(len(names) + 0.5)
    return {
        name: min(1.0, sum(math.log((len(names) + 0.5) / common[w]) for w in one & asked) / all_)
        for name, one in zip(names, own, strict=True)
    }


def _is_clause(cell: str) -> bool:
    """Tell whether a cell says more than a value: a condition may be in it."""
    values = sum(len(words(fact.text)) for fact in extract_facts(cell))
    return len(words(cell)) - values >= _CLAUSE


def _states(name: str, question: str) -> int:
    """Return 1 if a column is for the number that a question has, or its range, -1 if not."""
    own, asked = numbers_of(name), numbers_of(question)
    return fit(question, name) or (own and asked and (1 if own & asked else -1)) or 0


def _asked_columns(question: str, rows: Sequence[Row]) -> frozenset[str]:
    """Return the columns whose own words a question has; empty if none, or all."""
    names = column_names(rows)
    said = _said_of(question, names)
    found = {name for name in names if said[name] == 1}
    return frozenset(found) if len(found) < len(names) or len(names) == 1 else frozenset()


def _is_price(name: str) -> bool:
    """Tell whether a column's name says no more than that it has prices."""
    return len(words(name)) == 1 and asks_price(name)


def _line(
    rows: Sequence[Row], i: int, columns: frozenset[str], *, han: bool, named: bool = False
) -> str:
    """Return a row in words: "Spark M – Data per month: 18 GB; Price: €16.99"."""
    cells = rows[i].cells[name_cells(rows) :]
    if len(cells) == 1 and len(set[str]().union(*(measures(r.cells[-1][1]) for r in rows))) > 1:
        cells = (("", cells[0][1]),)  # metres, volts and kilograms: the column is called "Value"
    kept = [(name, cell) for name, cell in cells if not columns or name in columns] or cells
    alone = len(columns) == 1 and not named
    colon = "：" if han else ": "
    said = [cell if alone else _cell(name, cell, colon) for name, cell in kept]
    named = any(
        one != cell and one.startswith(name) for one, (name, cell) in zip(said, kept, strict=True)
    )
    between = "；" if han else "; " if named or any("," in one for one in said) else ", "
    return (" – " if named else colon).join(filter(None, [row_name(rows, i), between.join(said)]))


def _cell(name: str, cell: str, colon: str) -> str:
    """Return a cell behind the name of its column, unless it has that itself: "Room 22"."""
    if cell.casefold().startswith(name.casefold()):
        return cell
    if is_bare(cell) and currency_in(name) and len(words(name)) == 1:
        return f"{cell} {name}"
    return f"{name}{' ' if name[-1] in '?:？：' else colon}{cell}"
