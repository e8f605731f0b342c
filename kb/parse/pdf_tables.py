"""Find tables among the pieces of text of a PDF page, and put their rows in the text's place.

A PDF knows no tables, only pieces of text at places. A row of short names, under which at least
two rows stand whose pieces begin where the names' columns begin, is taken for one. Nothing is lost
by a mistake: each row becomes a line that names the column of each cell.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

from kb.parse.blocks import looks_like_header

Rows: TypeAlias = tuple[tuple[str, ...], ...]
"""The names of the columns, then the cells; an empty one is empty."""

_SAME = 3.0
"""Points by which pieces of one line, or of one column, may be apart."""
_MOST_CELL = 200
_FEWEST_ROWS = 2
"""Below the names."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Text at a place of a page."""

    x: float
    y: float
    text: str


def tables_of(pieces: Sequence[Piece]) -> list[Rows]:
    """Return the tables of a page, in the order in which it was written."""
    lines = _lines([piece for piece in pieces if piece.text.strip()])
    found: list[Rows] = []
    start = 0
    while start < len(lines):
        end = _end(lines, start)
        rows = _rows(lines[start:end])
        if rows:
            found.append(rows)
            start = end
        else:
            start += 1
    return found


def with_tables(text: str, tables: Sequence[Rows]) -> list[str | Rows]:
    """Cut a page's text where its tables stand; a table that is not found there is left as text."""
    parts: list[str | Rows] = []
    for rows in tables:
        place = _place(text, rows)
        if place is not None:
            parts += [text[: place[0]], rows]
            text = text[place[1] :]
    return [part for part in (*parts, text) if not isinstance(part, str) or part.strip()]


def _lines(pieces: Sequence[Piece]) -> list[list[Piece]]:
    lines: list[list[Piece]] = []
    for piece in pieces:
        last = lines[-1][-1] if lines else None
        if last and abs(piece.y - last.y) < _SAME and piece.x > last.x + _SAME:
            lines[-1].append(piece)
        else:
            lines.append([piece])
    return lines


def _end(lines: Sequence[Sequence[Piece]], start: int) -> int:
    """Return where the rows end that stand under the names of line `start`."""
    names = lines[start]
    if len(names) < 2 or not all(re.search(r"\w", piece.text) for piece in names):
        return start  # marks of a list, say
    end = start + 1
    while end < len(lines) and _fits(lines[end], names) and lines[end][0].y < lines[end - 1][0].y:
        end += 1
    return end


def _fits(line: Sequence[Piece], names: Sequence[Piece]) -> bool:
    """Tell whether each piece stands under a name: all of them, or some exactly below."""
    if any(len(piece.text) > _MOST_CELL for piece in line):
        return False
    if len(line) == len(names):
        return all(
            piece.x < following.x for piece, following in zip(line, names[1:], strict=False)
        ) and all(piece.x > before.x for piece, before in zip(line[1:], names, strict=False))
    return len(line) >= 2 and all(_column(piece, names) is not None for piece in line)


def _column(piece: Piece, names: Sequence[Piece]) -> int | None:
    return next((n for n, name in enumerate(names) if abs(piece.x - name.x) < _SAME), None)


def _rows(lines: Sequence[Sequence[Piece]]) -> Rows | None:
    """Return a table's rows; ``None`` if these lines are none."""
    if len(lines) < 1 + _FEWEST_ROWS:
        return None
    names, below = lines[0], lines[1:]
    rows = [tuple(" ".join(piece.text.split()) for piece in names)]
    for line in below:
        cells = [""] * len(names)
        for place, piece in enumerate(line):
            column = place if len(line) == len(names) else _column(piece, names)
            cells[column or 0] = " ".join(piece.text.split())
        rows.append(tuple(cells))
    whole = [line for line in below if len(line) == len(names)]
    columns = zip(*whole, strict=True) if whole else ()
    if not all(_aligned(column) for column in columns):
        return None
    return tuple(rows) if looks_like_header(rows) else None


def _aligned(column: Sequence[Piece]) -> bool:
    """Tell whether pieces begin at one place, or are figures, which end at one."""
    if all(_has_digit(piece.text) for piece in column):
        return True
    return all(abs(piece.x - other.x) < _SAME for piece, other in pairwise(column))


def _has_digit(text: str) -> bool:
    return any(character.isdigit() for character in text)


def _place(text: str, rows: Rows) -> tuple[int, int] | None:
    """Return where the words of all cells stand one after the other, whatever is between."""
    wanted = [word for row in rows for cell in row for word in cell.split()]
    words = list(re.finditer(r"\S+", text))
    for first in range(len(words) - len(wanted) + 1):
        if all(
            word.group() == name
            for word, name in zip(words[first : first + len(wanted)], wanted, strict=True)
        ):
            return words[first].start(), words[first + len(wanted) - 1].end()
    return None
