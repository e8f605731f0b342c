"""Choose the pieces of a passage that a customer needs, and no more."""

import itertools
import re
from collections.abc import Mapping, Sequence

from kb.answering.scores import PATTERNS, score_sentences
from kb.text.layout import Unit, length, run_around, steps_of, units_of

MOST = 80.0
"""Words of the longest reply; a Chinese character counts half. Numbered steps may be longer."""
_WHOLE = 0.8
"""Share of that of the longest section, paragraph or list that is given whole: who reads it needs
nothing more, and no condition is lost."""
ENOUGH = 0.8
"""Of a longer text sentences are added until the answer stands in one of them with this
probability …"""
_LONG = 0.95
"""… or they have this share of the words of the longest reply."""
_SPARE = 1.1
"""How much longer a reply may be for what limits a sentence of it."""
_GAP = 15.0
"""Words between two chosen sentences that are given too instead of being left out."""
_ELSEWHERE = 0.25
"""Probability from which on a sentence under another heading is added."""
_BESIDE_STEPS = 0.1
"""The same for one beside numbered steps, which need no more."""


def _beginning(listed: Mapping[str, Sequence[str]]) -> re.Pattern[str]:
    spaced, chinese = "|".join(listed["spaced"]), "|".join(listed["chinese"])
    return re.compile(rf"\W*(?:{spaced})(?![a-zа-яäöüßáéíóúñ])|\W*(?:{chinese})", re.IGNORECASE)


_LEANS, _LIMITS = _beginning(PATTERNS["leans"]), _beginning(PATTERNS["limits"])
"""How a sentence begins that leans on the one before, or limits it."""


def choose(
    units: Sequence[Unit], scores: Sequence[float], most: float = MOST, enough: float = ENOUGH
) -> list[int]:
    """Return the indexes of the units that answer, in order; no headings, no rows.

    A short section is given whole, else a short paragraph or list, else sentences with those that
    limit them. Numbered steps are always whole.

    Args:
        units: of `kb.text.layout.units_of`.
        scores: for each unit the probability that it answers, from whatever reads them.
        most: words of the longest reply.
        enough: probability from which on no further sentence is added.
    """
    scores = _steps_as_one(units, scores)
    order = [
        i for i in sorted(range(len(units)), key=lambda i: -scores[i]) if _can_answer(units, i)
    ]
    if not order:
        return [i for i, unit in enumerate(units) if unit.kind != "row"][:1]
    chosen: set[int] = set()
    steps = {i for run in steps_of(units) for i in run}
    for i in order:
        sure = sum(scores[j] for j in chosen)
        if chosen and sure >= enough:
            break
        used = length_of(units, chosen)
        body = _body_of(units, i, scores)
        found = _with_steps(units, i) if chosen else _around(units, body, most)
        elsewhere = chosen and units[i].section not in {units[j].section for j in chosen}
        least = _ELSEWHERE if elsewhere else _BESIDE_STEPS if chosen & steps else 0.0
        if (units[i].kind == "heading" and chosen) or scores[i] < least:
            continue
        if i in chosen or (chosen and used + length_of(units, found) > _LONG * most):
            continue
        chosen |= found
    full = _completed(units, chosen, most)
    return sorted(i for i in full if i == order[0] or not _dangles(units, i, full))


def shortened(
    text: str, units: Sequence[Unit], chosen: Sequence[int], scores: Sequence[float]
) -> list[int]:
    """Return chosen units without the least likely second sentences of steps if they are too long.

    What a step says first stays, and so does what stands on a line of its own.
    """

    def spare(i: int) -> bool:
        return i - 1 in chosen and _continues(text, units, i)

    kept = set(chosen)
    for i in sorted(filter(spare, chosen), key=lambda i: scores[i]):
        if length_of(units, kept) <= MOST:
            break
        kept.remove(i)
    return sorted(kept)


def quote(question: str, text: str, *, language: str = "") -> str:
    """Return the words of a text that answer, as far as words alone can tell."""
    units = units_of(text, language)
    if len(units) < 2:
        return text.strip()
    return assemble(text, units, choose(units, score_sentences(question, [u.text for u in units])))


def assemble(text: str, units: Sequence[Unit], chosen: Sequence[int]) -> str:
    """Return chosen units as they stand in the text; neighbours keep what is between them.

    What is left out between two sentences of a paragraph is marked by " … ".
    """
    out = ""
    for at, i in enumerate(chosen):
        unit = units[i]
        before = units[chosen[at - 1]] if at else None
        if before is None:
            gap = ""
        elif chosen[at - 1] == i - 1:
            gap = text[before.end : unit.start]
        elif (before.section, before.paragraph) == (unit.section, unit.paragraph):
            gap = "\n" if unit.kind == "item" else " … "
        else:
            gap = "\n\n"
        out += gap + text[unit.start : unit.end]
    return out


def _continues(text: str, units: Sequence[Unit], i: int) -> bool:
    """Tell whether a unit goes on with the list item before it, on its line."""
    if i >= len(units) or not i or {units[i].kind, units[i - 1].kind} != {"item"}:
        return False
    return "\n" not in text[units[i - 1].end : units[i].start]


def length_of(units: Sequence[Unit], indexes: set[int]) -> float:
    """Return the words of some units together."""
    return sum(length(units[i].text) for i in indexes)


def rest_of_steps(units: Sequence[Unit]) -> set[int]:
    """Return the steps at the begin of a passage whose first ones another passage has."""
    first = next((i for i, unit in enumerate(units) if unit.kind != "heading"), 0)
    if not units or units[first].kind != "item" or units[first].number < 2:
        return set()
    return set(run_around(units, first))


def _steps_as_one(units: Sequence[Unit], scores: Sequence[float]) -> list[float]:
    """Return scores in which the best step of a procedure has those of all its steps."""
    out = list(scores)
    for steps in steps_of(units):
        best = max(steps, key=lambda i: scores[i])
        for i in steps:
            out[i] = sum(scores[j] for j in steps) if i == best else 0.0
    return out


def _can_answer(units: Sequence[Unit], i: int) -> bool:
    unit = units[i]
    if unit.kind == "heading":
        return bool(_section_of(units, i))
    return unit.kind != "row" and not unit.asks


def _body_of(units: Sequence[Unit], i: int, scores: Sequence[float]) -> int:
    """Return the best unit under a heading; a unit that is no heading stands for itself."""
    if units[i].kind != "heading":
        return i
    return max(_section_of(units, i), key=lambda j: (not units[j].asks, scores[j]))


def _section_of(units: Sequence[Unit], i: int) -> list[int]:
    """Return what stands under the same heading as a unit, but for rows."""
    apart = ("heading", "row")
    return [j for j, u in enumerate(units) if u.section == units[i].section and u.kind not in apart]


def _around(units: Sequence[Unit], i: int, most: float) -> set[int]:
    """Return the largest piece around a unit that may be given whole."""
    steps = next((found for found in _procedures(units) if i in found), None)
    section = set(_section_of(units, i))
    rest = rest_of_steps(units)
    if i not in rest:
        section -= rest
    if length_of(units, section) <= _WHOLE * most:
        return section
    if steps:
        return steps
    if units[i].kind == "item":
        items = {*run_around(units, i)}
        items |= (lead := _lead_of(units, min(items)))
        if length_of(units, items) <= _WHOLE * most:
            return items
        return {i} | lead
    paragraph = {j for j in section if units[j].paragraph == units[i].paragraph}
    if length_of(units, paragraph) <= _WHOLE * most:
        return paragraph | _announced(units, max(paragraph), most)
    return {i}


def _with_steps(units: Sequence[Unit], i: int) -> set[int]:
    """Return a unit, or all steps of the procedure that it is a step of."""
    return next((found for found in _procedures(units) if i in found), {i})


def _procedures(units: Sequence[Unit]) -> list[set[int]]:
    """Return the steps of each procedure with the sentence that leads to them."""
    return [{*steps} | _lead_of(units, steps[0]) for steps in steps_of(units)]


def _lead_of(units: Sequence[Unit], i: int) -> set[int]:
    """Return the sentence that leads to a list, if there is one.

    The last sentence of a longer paragraph leads to numbered steps only if it ends with a colon.
    """
    before = units[i - 1] if i else None
    if before is None or before.kind != "sentence" or before.section != units[i].section:
        return set()
    among = i > 1 and units[i - 2].paragraph == before.paragraph and bool(units[i].number)
    return set() if before.asks or (among and not before.introduces) else {i - 1}


def _announced(units: Sequence[Unit], i: int, most: float) -> set[int]:
    """Return what a last sentence that ends with a colon announces, if it is short."""
    if not units[i].introduces or i + 1 >= len(units) or units[i + 1].kind == "row":
        return set()
    if units[i + 1].kind == "item":
        items = set(run_around(units, i + 1))
        return items if length_of(units, items) <= _WHOLE * most else set()
    return {i + 1}


def _completed(units: Sequence[Unit], chosen: set[int], most: float) -> set[int]:
    """Add to sentences of long paragraphs what they lean on and what limits them."""
    full = set(chosen)

    def add(j: int) -> None:
        if length_of(units, full | {j}) <= _SPARE * most:
            full.add(j)

    for i in sorted(chosen):
        text = units[i].text
        leans = _LEANS.match(text) or _LIMITS.match(text)
        if i and leans and _same_paragraph(units, i - 1, i):
            add(i - 1)
        after = i + 1
        while after < len(units) and _same_paragraph(units, i, after):
            if not _LIMITS.match(units[after].text):
                break
            add(after)
            after += 1
        for j in _announced(units, i, most):
            add(j)
    ordered = sorted(full)
    for low, high in itertools.pairwise(ordered):
        between = set(range(low + 1, high))
        if any(units[j].kind in ("heading", "row") for j in between):
            continue
        if 0 < length_of(units, between) <= _GAP and length_of(units, full | between) <= most:
            full |= between
    return full


def _dangles(units: Sequence[Unit], i: int, chosen: set[int]) -> bool:
    """Tell whether a sentence announces what is not given with it."""
    if not units[i].introduces or i + 1 >= len(units) or i + 1 in chosen:
        return False
    # What follows a table's introduction as the last one chosen may be its rows.
    return units[i + 1].kind != "heading" and (units[i + 1].kind != "row" or i < max(chosen))


def _same_paragraph(units: Sequence[Unit], a: int, b: int) -> bool:
    places = {(units[i].section, units[i].paragraph, units[i].kind) for i in (a, b)}
    return len(places) == 1 and units[a].kind == "sentence"
