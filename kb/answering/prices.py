"""Tell prices among the numbers of a table, also where their document names the currency apart."""

import re
from collections.abc import Sequence
from dataclasses import replace

from kb.answering.sums import asks_price
from kb.answering.tables import TIMES, Row
from kb.text.facts import extract_facts
from kb.text.lexicon import alternatives, fold, is_cjk, lexicon
from kb.text.segmentation import words

_BARE = re.compile(r"[\d.,\s]*\d[\d.,\s]*")
_CENTS = re.compile(r"[\d.,\s]*\d[.,]\d\d")


def has_amount(text: str) -> bool:
    """Tell whether a text states an amount of money."""
    return any(fact.kind == "amount" for fact in extract_facts(text))


def is_bare(cell: str) -> bool:
    """Tell whether a cell is a number without a unit."""
    return _BARE.fullmatch(cell) is not None


def currency_in(text: str) -> str:
    """Return the currency that a text names without an amount, "Prices in euros"; or nothing."""
    named = re.findall(alternatives(lexicon().currencies), fold(text), re.IGNORECASE)
    return named[-1] if named and not has_amount(text) else ""


def priced(rows: Sequence[Row], currency: str) -> list[Row]:
    """Return rows with the currency of their document behind bare cells that surely are prices.

    These have two decimals, or a column whose name speaks of a price; none whose name has another
    unit, "Weight (kg)".
    """
    if not currency:
        return list(rows)
    glue = "" if is_cjk(currency[0]) else " "

    def said(name: str, cell: str) -> str:
        units = {lexicon().units.get(word, "") for word in words(name)} - {"", *TIMES, "workday"}
        price = _CENTS.fullmatch(cell) or asks_price(name)
        sure = is_bare(cell) and price and not units and not currency_in(name)
        return f"{cell}{glue}{currency}" if sure else cell

    return [replace(row, cells=tuple((n, said(n, cell)) for n, cell in row.cells)) for row in rows]
