"""Choose the rows of a table that a comparison of prices means: the cheapest, those under €20."""

import math
import operator
import re
from collections.abc import Callable, Mapping, Sequence

from kb.answering.prices import currency_in, is_bare
from kb.answering.sums import asks_extreme, asks_price
from kb.answering.tables import Row, column_names, words_told
from kb.text.facts import Fact, extract_facts, without_facts
from kb.text.ranges import fit

_WITHIN: dict[str, Callable[[float, float], bool]] = {
    "lt": operator.lt, "le": operator.le, "gt": operator.gt, "ge": operator.ge
}  # fmt: skip

_MEANT = 0.5
"""Share of the most that a row says of a question from which on it is one that is asked about."""


def compares(question: str) -> bool:
    """Tell whether a question compares prices."""
    return asks_extreme(question) != "" or _limit(question) is not None


def compared(question: str, rows: Sequence[Row], *, bare: bool = False) -> dict[str, list[int]]:
    """Return the rows with the lowest or highest price, or those with a price within a limit.

    By each column that has prices, of the rows that have most words of the question. Empty if
    that cannot be told: a row has no price.

    Args:
        question: as the customer asked it.
        rows: of one table.
        bare: the document names a currency for its prices: bare numbers are some, and so is the
            limit of a question that no row states a range for, "which are under 650?".
    """
    limit = _limit(question, bare=bare and not any(fit(question, row.text) for row in rows))
    if not limit and not asks_extreme(question):
        return {}
    told = words_told(without_facts(question), rows)
    meant = {i for i, said in enumerate(told) if said >= max(told) * _MEANT}
    found = {}
    for name in column_names(rows):
        prices = {i: p for i, p in _prices(rows, name, bare=bare).items() if i in meant}
        if len(prices) > 1 and (chosen := _of_column(question, prices, limit)):
            found[name] = chosen
    return found


def likeliest(
    by_column: Mapping[str, list[int]], read: Mapping[str, float]
) -> tuple[list[int], float]:
    """Return the rows by the column that is meant, and how probable it is that these are.

    `read` has the reader's log-odds of columns; without any all are alike.
    """
    odds = {name: math.exp(min(read.get(name, 0.0), 50.0)) for name in by_column}
    rows = by_column[max(odds, key=odds.__getitem__)]
    same = sum(value for name, value in odds.items() if by_column[name] == rows)
    return rows, same / sum(odds.values())


def _of_column(question: str, prices: Mapping[int, float], limit: Fact | None) -> list[int]:
    if limit is not None:
        holds, end = _WITHIN[limit.bound], _value(limit)
    else:
        lowest = asks_extreme(question) == "lowest"
        holds, end = operator.eq, (min if lowest else max)(prices.values())
    return [i for i, price in prices.items() if holds(price, end)]


def _limit(question: str, *, bare: bool = False) -> Fact | None:
    """Return the only amount of a question if it is a limit: "less than €20"; or a bare number."""
    facts = extract_facts(question)
    amounts = [fact for fact in facts if fact.kind == "amount"]
    if bare and not amounts and not asks_price(question):
        amounts = [f for f in facts if f.kind == "number" and f.bound and not f.unit]
    limits = [f for f in amounts if f.bound in _WITHIN]
    return limits[0] if len(amounts) == len(limits) == 1 else None


def _prices(rows: Sequence[Row], column: str, *, bare: bool) -> dict[int, float]:
    """Return the price of each row that has one in a column; empty if one has more, or another."""
    found: dict[int, float] = {}
    for i, row in enumerate(rows):
        cell = next((cell for name, cell in row.cells if name == column), "")
        facts = [fact for fact in extract_facts(cell) if fact.kind in ("amount", "number")]
        priced = is_bare(cell) and (bare or currency_in(column) != "")
        if not re.search(r"\w", cell):
            continue
        if len(facts) != 1 or not (priced or facts[0].kind == "amount"):
            return {}
        found[i] = _value(facts[0])
    return found if len(found) > 1 else {}


def _value(price: Fact) -> float:
    """Return the value of a price; of "4,100" the larger one: no price has three decimals."""
    return max(map(float, price.values))
