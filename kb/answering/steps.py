"""The rest of a procedure that was cut where one passage ends and the next begins."""

from collections.abc import Sequence

from core.types import Chunk
from kb.text.layout import number_of, steps_of, units_of


def whole_steps(chunk: Chunk, text: str, passages: Sequence[Chunk]) -> str:
    """Return a passage's text with the steps before and after its own.

    Args:
        chunk: the passage.
        text: what is read of it.
        passages: those of its document.
    """
    units = units_of(text, chunk.language)
    numbered = [u for u in units if u.kind == "item" and u.number]
    ends_open = units[-1].kind == "item"
    begins_open = numbered[0].number > 1 and units.index(numbered[0]) <= 1
    same = [
        c for c in passages if c.title.startswith(chunk.title) or chunk.title.startswith(c.title)
    ]
    first, last = numbered[0].number, numbered[-1].number
    while begins_open and first > 1:
        before = next((p for c in same if (p := _steps_until(c, first - 1))), None)
        if before is None:
            break
        text, first = f"{before[0]}\n{text}", before[1]
    while ends_open:
        after = next((p for c in same if (p := _steps_from(c, last + 1))), None)
        if after is None:
            break
        text, last = f"{text}\n{after[0]}", after[1]
    return text


def _steps_from(chunk: Chunk, number: int) -> tuple[str, int] | None:
    """Return the steps at the begin of a passage that start with a number, and the last number."""
    units = units_of(chunk.text, chunk.language)
    at = next((i for i, u in enumerate(units) if u.kind != "heading"), len(units))
    if at == len(units) or number_of(units[at].text) != number:
        return None
    end, last = at, number
    while end + 1 < len(units) and units[end + 1].kind == "item":
        end += 1
        last = units[end].number or last
    return chunk.text[units[at].start : units[end].end], last


def _steps_until(chunk: Chunk, number: int) -> tuple[str, int] | None:
    """Return the steps at the end of a passage up to a number, with what leads to them."""
    units = units_of(chunk.text, chunk.language)
    runs = steps_of(units)
    if not runs or runs[-1][-1] != len(units) - 1:
        return None
    numbers = [units[i].number for i in runs[-1] if units[i].number]
    if numbers[-1] != number:
        return None
    at = runs[-1][0]
    lead = at - 1 if at and units[at - 1].kind == "sentence" else at
    return chunk.text[units[lead].start :], numbers[0]
