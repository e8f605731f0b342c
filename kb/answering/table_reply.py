"""Build the part of a reply that rows of a table give, with what they have to be read with."""

from collections.abc import Sequence

import numpy as np

from core.types import Chunk, Hit
from kb.answering.choose import MOST
from kb.answering.columns import cells_of, say_rows
from kb.answering.comparison import compared, compares, likeliest
from kb.answering.intent import split_questions
from kb.answering.part_reader import Asked, PartReader
from kb.answering.pieces import Piece
from kb.answering.plain import plain
from kb.answering.prices import currency_in, has_amount, is_bare, priced
from kb.answering.sums import asks_price
from kb.answering.tables import Row, choose_rows, read_rows, row_name, row_values, same_table
from kb.text.layout import Unit, heading_above, heading_of, length, run_around, units_of
from kb.text.ranges import fit
from kb.text.stems import stems

_NOT_COMPARED = 0.5
"""Probability that rows are meant which could not be compared as a question asks."""


_ASIDE = 0.0
"""Log-odds from which on a sentence beside a table is said with its rows. Of eleven from -4.4 on in
six development desk sets one of the two above 0 was wanted, and none of the others."""


async def say_table(
    parts: PartReader,
    asked: Asked,
    chunk: Chunk,
    units: Sequence[Unit],
    row: int,
    others: Sequence[Hit],
) -> Piece:
    """Say the rows of a table that were asked for; other passages may have more of them.

    Args:
        parts: reads the rows.
        asked: the question.
        chunk: the passage.
        units: of the passage.
        row: index of a row of the table.
        others: what else was found.
    """
    own = [units[i].text for i in run_around(units, row)]
    passages = await parts.document(chunk, others)
    lines = [  # in the order of the document
        line
        for one in passages
        for line in (own if one is chunk else _rows_in(one))
        if one is chunk or same_table(own[0], line)
    ]
    currency = currency_of(passages)
    rows = priced(read_rows(list(dict.fromkeys(lines))), currency_in(currency))
    chosen, likely = await _chosen(parts, asked, chunk, rows, bare=bool(currency))
    said = say_rows(
        asked.text,
        rows,
        chosen,
        chunk.language,
        latest=asked.latest,
        read=await _read_columns(parts, asked, chunk, rows, chosen),
    )
    texts = [rows[i].text for i in chosen]
    if any(cell not in row.text for row in (rows[i] for i in chosen) for _, cell in row.cells):
        texts.append(currency)
    above = [one for one in passages if chunk.title.startswith(one.title)]
    beside = [one for one in above if one.title == chunk.title]
    cells = [cell for i in chosen for _, cell in rows[i].cells]
    aside = await _aside(parts, asked.last, chunk, beside, texts)
    needed = [*conditions(asked.last, above, currency, cells), *aside]
    for sentence in dict.fromkeys(needed):
        if length(f"{said}\n{sentence}") <= MOST:
            said = f"{said}\n{sentence}"
            texts.append(sentence)
    column, name = rows[chosen[0]].cells[0]
    named = f"{column}: {name}" if column else name
    return Piece(plain(said), "\n".join(texts), heading_above(units, row), named, likely)


async def _chosen(
    parts: PartReader, asked: Asked, chunk: Chunk, rows: Sequence[Row], *, bare: bool
) -> tuple[list[int], float]:
    """Return the rows that are meant, of two questions those of each that means any.

    And how probable it is that these are meant. `bare`: bare numbers may be prices.
    """
    if by_column := compared(asked.last, rows, bare=bare):
        meant = sorted(set[int]().union(*by_column.values()))
        return likeliest(by_column, await _read_columns(parts, asked, chunk, rows, meant))
    texts = [row.text for row in rows]
    questions = [] if asked.latest else split_questions(asked.text)
    if len(questions) < 2:
        near = await _near(parts, asked, chunk, rows)
        read = await parts.odds_of_all(asked, chunk, texts)
        meant, sure = choose_rows(asked.text, rows, latest=asked.latest, near=near, read=read)
        return meant, min(sure, _NOT_COMPARED) if compares(asked.last) else sure
    found, likely = set[int](), 1.0
    for question in questions:
        odds = await parts.odds(question, chunk, texts)
        own, sure = choose_rows(question, rows, read=None if odds is None else odds.tolist())
        if len(own) < len(rows):
            found, likely = found | set(own), likely * sure
    return sorted(found) or list(range(len(rows))), likely


async def _read_columns(
    parts: PartReader, asked: Asked, chunk: Chunk, rows: Sequence[Row], chosen: Sequence[int]
) -> dict[str, float]:
    """Return the reader's log-odds of each column, the highest of its cells in some rows.

    Each cell is read behind the name of its row. Empty if the reader is not asked.
    """
    cells = cells_of(rows, chosen)
    odds = await parts.odds_of_all(asked, chunk, [text for _, text in cells]) or []
    found: dict[str, float] = {}
    for (name, _), value in zip(cells, odds, strict=False):
        found[name] = max(value, found.get(name, value))
    return found


async def _near(
    parts: PartReader, asked: Asked, chunk: Chunk, rows: Sequence[Row]
) -> list[float] | None:
    """Return how near each row of a table is, compared with the others."""
    texts = [*(row_name(rows, i) for i in range(len(rows))), *map(row_values, rows)]
    found = await parts.near(asked.vector, f"{chunk.chunk_id} {len(rows)}", texts)
    if found is None or len(rows) < 2:
        return None
    by_name, by_cells = np.split(found, 2)
    near = np.maximum(by_name - by_name.mean(), by_cells - by_cells.mean())
    return [float(value) for value in near]


async def _aside(
    parts: PartReader, question: str, chunk: Chunk, beside: Sequence[Chunk], said: Sequence[str]
) -> list[str]:
    """Return the sentence beside a table that has words of a question that its rows lack.

    "Members pay 20 % less" for "I'm a member", if the reader finds that it answers.
    """
    lacking = set(stems(question)) - {stem for text in [*said, chunk.title] for stem in stems(text)}
    units = [unit for one in beside for unit in units_of(one.text, one.language)]
    texts = [
        unit.text
        for unit in units
        if unit.kind in ("sentence", "item")
        and not unit.introduces
        and lacking & set(stems(unit.text))
    ]
    odds = await parts.odds(question, chunk, texts, least=1)
    return [] if odds is None or odds.max() < _ASIDE else [texts[int(odds.argmax())]]


def conditions(
    question: str, above: Sequence[Chunk], currency: str, cells: Sequence[str]
) -> list[str]:
    """Return the sentences that the cells of a table have to be read with.

    About the months or weekdays that are asked about, "From 1 November to 31 March all prices are
    lower", where they stand above the table; and the currency of bare prices.
    """
    priced = asks_price(question) and any(map(is_bare, cells)) and not any(map(has_amount, cells))
    days = [text for text in _prose(above) if fit(question, text, days_only=True) > 0]
    return [*days, *([currency] if currency and priced else [])]


def currency_of(document: Sequence[Chunk]) -> str:
    """Return the sentence or heading that names the currency of bare numbers; empty if none.

    "All prices in euros a night", "Prices (in EUR)".
    """
    headings = [heading_of(chunk.title) for chunk in document]
    return next((text for text in [*_prose(document), *headings] if currency_in(text)), "")


def _prose(chunks: Sequence[Chunk]) -> list[str]:
    units = [unit for chunk in chunks for unit in units_of(chunk.text, chunk.language)]
    return [unit.text for unit in units if unit.kind in ("sentence", "item")]


def _rows_in(chunk: Chunk) -> list[str]:
    """Return the lines of a passage that are rows of tables."""
    return [u.text for u in units_of(chunk.text, chunk.language) if u.kind == "row"]
