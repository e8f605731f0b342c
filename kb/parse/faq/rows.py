"""Rows of a CSV, XLSX or JSON file to FAQ entries, or to passages where they are no FAQ."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from itertools import starmap

from core.types import Section, Skipped
from core.wording import N_
from kb.parse.faq.columns import (
    LISTED,
    BadColumns,
    Field,
    Given,
    Mapped,
    faq_columns,
    field_of,
    joined,
    plain,
    read_columns,
    written,
)
from kb.parse.faq.entry import SHOWN, STATES, WITHHELD, entry_of, withheld
from kb.parse.faq.formula import NO_RESULT, unprotect
from kb.parse.faq.questions import is_question
from kb.parse.faq.table_text import HEADER_WITHIN, NAME_CHARS, Cells, Row, table_text, trim
from kb.parse.faq.values import cell_text, split_list, split_variants
from kb.parse.marks import day_of, with_links, without_links

_FORMULA_ERRORS = {"#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!"}
UNSAVED = (
    "It has a formula without a stored result. Open the file in a spreadsheet program, save it and "
    "upload it again."
)
_FEWEST_QUESTIONS = 2
_MOST_OFFERED = 4
_FEWEST_PAIRS = 3
_QUESTIONS = 0.6
"""Share of a column's cells that ask something, from which on it holds questions."""
_TELLING = {*SHOWN, *STATES, *WITHHELD}
_WRITTEN = {"answer": with_links, "valid_from": day_of, "valid_until": day_of}

EXPORTED = "document"
"""The column of an exported table that says where an entry came from."""


def column_letter(place: int) -> str:
    """Return the name of a column, counted from 0, of the 702 that have one or two letters."""
    return (chr(64 + place // 26) if place > 25 else "") + chr(65 + place % 26)


def without_hidden(
    rows: Sequence[Row], columns: AbstractSet[int], hidden_rows: int, label: str
) -> tuple[list[Row], list[Skipped]]:
    """Leave hidden columns, from 0, out of the rows of a sheet; name them and the hidden rows."""
    filled = columns & {place for row in rows for place, cell in enumerate(row.cells) if cell}
    skipped: list[Skipped] = []
    names = ", ".join(map(column_letter, sorted(filled)[:10]))
    for what, which in (("rows", f"{hidden_rows:,}" if hidden_rows else ""), ("columns", names)):
        if which:
            reason = f"Hidden {what} were left out: {which}. Show them to have them read."
            skipped.append(Skipped(label, reason))
    kept = [
        Row(
            row.location,
            tuple(cell for place, cell in enumerate(row.cells) if place not in filled),
            frozenset(p - sum(h < p for h in filled) for p in row.repeated - filled),
            row.bold,
        )
        for row in rows
    ]
    return [row for row in kept if any(row.cells)], skipped


def unread_pictures(places: Sequence[str], label: str) -> list[Skipped]:
    """Name the pictures of a sheet, which may stand for something or cover it."""
    reason = f"Pictures are not read: {', '.join(places[:10])}. Write in words what they say."
    return [Skipped(label, reason)] if places else []


NO_ANSWERS = N_(
    "It has questions and no column of answers, so the rows were read as text, which tells "
    "customers nothing. Write the answers into a column named answer."
)


@dataclass(frozen=True, slots=True)
class Taken:
    """What a table gave."""

    sections: tuple[Section, ...]
    skipped: tuple[Skipped, ...]


def read_sheets(
    titles: Sequence[str],
    rows_of: Callable[[int, str, list[Skipped]], Sequence[Row] | str],
    given: Given,
) -> Taken:
    """Read each sheet, under its title if there are several.

    `rows_of` returns the rows of a sheet by its number, and names what it leaves out of them with
    the label and in the list that it is given; or it returns why the sheet is not read.
    """
    sections: list[Section] = []
    skipped: list[Skipped] = []
    for number, title in enumerate(titles):
        label = f"sheet {title}"
        rows = rows_of(number, label, skipped) or "The sheet is empty."
        if isinstance(rows, str):
            skipped.append(Skipped(label, rows))
            continue
        taken = read_table(rows, title_path=(title,) if len(titles) > 1 else (), given=given)
        sections += taken.sections
        skipped += taken.skipped
    return Taken(tuple(sections), tuple(skipped))


def read_table(rows: Sequence[Row], *, title_path: tuple[str, ...] = (), given: Given) -> Taken:
    """Read a table as FAQ entries if it has question and answer columns, else as text.

    Every row that is not empty becomes a section, or is named among the skipped. With `given`
    columns a table without them is not read. Where the columns of what looks like an FAQ have
    unknown names, the header is named with how to give them.
    """
    filled = [row for row in rows if any(cell.strip() for cell in row.cells)]
    names = next((row.cells for row in filled if len({*row.cells} - {""}) > 1), ())
    states = {n: name for n, name in enumerate(names) if name.strip().lower() in _TELLING}
    if objections := {row: reason for row in filled if (reason := _objection(row, states))}:
        kept = [
            replace(row, cells=tuple("" if cell == NO_RESULT else cell for cell in row.cells))
            for row in filled
            if objections.get(row, UNSAVED) == UNSAVED
        ]
        taken = read_table(kept, title_path=title_path, given=given)
        named = {row.location: reason for row, reason in objections.items()}
        rest = (one for one in taken.skipped if one.location not in named)
        return Taken(taken.sections, (*starmap(Skipped, named.items()), *rest))
    for index, row in enumerate(filled[:HEADER_WITHIN]):
        if groups := faq_columns(row.cells, given):
            above = table_text(filled[:index], title_path) if index else ()
            table = _Table(groups, joined(row.cells, given), _variant_columns(row.cells, groups))
            taken = _entries(filled[index + 1 :], table, title_path)
            unread = _unread_columns(row, filled[index + 1 :], table)
            return Taken((*above, *taken.sections), (*unread, *taken.skipped))
    if mapped := _by_position(filled, given):
        return _entries(filled, _Table([("", mapped)]), title_path)
    if given and filled:
        there = ", ".join(cell.strip() for cell in filled[0].cells if cell.strip())[:200]
        reason = f"There is no header with the given columns ({written(given)}), but {there!r}."
        return Taken((), (Skipped(filled[0].location, reason),))
    return Taken(table_text(filled, title_path), tuple(_asked_for_columns(filled)))


def _objection(row: Row, states: Mapping[int, str]) -> str:
    """Return why a row is not taken: its formulas, or what a column says; or nothing."""
    if NO_RESULT in row.cells:
        return UNSAVED
    broken = next((cell for cell in row.cells if cell in _FORMULA_ERRORS), "")
    if broken:
        return f"A formula in it gives {broken}. Correct it."
    return withheld({name: row.cells[n] for n, name in states.items() if n < len(row.cells)})


@dataclass(frozen=True, slots=True)
class _Table:
    """Where the parts of entries stand."""

    groups: Sequence[tuple[str, Mapped]]
    """A language, "" for unknown, and its columns."""
    joined: Sequence[int] = ()
    """Columns that are a part of the answers."""
    variants: Sequence[tuple[int, Callable[[str], list[str]]]] = ()
    """With what splits a cell of them."""


def _variant_columns(
    names: Cells, groups: Sequence[tuple[str, Mapped]]
) -> list[tuple[int, Callable[[str], list[str]]]]:
    taken = {p for _, mapped in groups for field, p in mapped.items() if field != "variants"}
    return [
        (place, split_list if plain(name) in LISTED else split_variants)
        for place, name in enumerate(names)
        if place not in taken and field_of(name) == "variants"
    ]


def _by_position(rows: Sequence[Row], given: Given) -> Mapped:
    """Return the columns of a table without a header: as given by number, or plain to see.

    They are where the first of two columns holds nothing but questions, at least three.
    """
    if given:
        numbers = {field: int(name) - 1 for field, name in given.items() if name.isdecimal()}
        ok = len(numbers) == len(given) and {"question", "answer"} <= set(numbers)
        return numbers if ok and min(numbers.values()) >= 0 else {}
    pairs = [trim(row.cells) for row in rows]
    if len(pairs) < _FEWEST_PAIRS or any(len(pair) != 2 for pair in pairs):
        return {}
    if all(is_question(ask) and not is_question(reply) for ask, reply in pairs):
        return {"question": 0, "answer": 1}
    return {}


def _asked_for_columns(rows: Sequence[Row]) -> Iterable[Skipped]:
    """Ask which columns mean what if one holds questions and none has a name that says so."""
    counted = (sum(bool(cell.strip()) for cell in row.cells) for row in rows[:HEADER_WITHIN])
    top = next((i for i, filled in enumerate(counted) if filled > 1), 0)
    rows = rows[top:]
    first = [cell.strip() for cell in rows[0].cells] if rows else []
    places = range(len(first))
    columns = [[r.cells[n].strip() for r in rows if n < len(r.cells)] for n in places]
    counts = [sum(is_question(cell, strict=False) for cell in column) for column in columns]
    questions = max(counts, default=0)
    if questions < _FEWEST_QUESTIONS:
        return
    asked = counts.index(questions)
    headed = not is_question(first[asked], strict=False)
    headed = headed and not any(is_question(c) or len(c) > NAME_CHARS for c in first)
    below = rows[headed:]
    if questions < max(_FEWEST_QUESTIONS, _QUESTIONS * len(below)):
        return
    names = first if headed and all(first) else [str(n + 1) for n in range(len(first))]
    fields = {n: field_of(first[n]) if headed else None for n in range(len(first))}
    others = [n for n in range(len(first)) if n != asked and fields[n] in {None, "answer"}]
    if not others:
        yield Skipped(rows[0].location, NO_ANSWERS)
        return
    others.sort(
        key=lambda n: (fields[n] == "answer", n > asked, sum(map(len, columns[n]))), reverse=True
    )
    answer = others[0]
    offered = [(names[asked], names[n]) for n in others]
    if len(names) == 2:
        offered.append((names[answer], names[asked]))
    yield Skipped(
        rows[0].location,
        "No two columns are named as questions and answers, so the rows were read as text. If "
        f"{names[asked]!r} holds the questions and {names[answer]!r} the answers, give the columns "
        f"question={names[asked]},answer={names[answer]}.",
        tuple(offer for pair in offered[:_MOST_OFFERED] if (offer := _offer(*pair))),
    )


def _offer(question: str, answer: str) -> str:
    """Return what gives these columns; empty if names with commas and the like cannot be given."""
    text = written({"question": question, "answer": answer})
    try:
        given = read_columns(text)
    except BadColumns:
        return ""
    return text if given == {"question": question, "answer": answer} else ""


def _unread_columns(header: Row, rows: Sequence[Row], table: _Table) -> Iterable[Skipped]:
    """Name the columns beside questions and answers that are not read."""
    read = {place for _, mapped in table.groups for place in mapped.values()}
    read |= {*table.joined, *(place for place, _ in table.variants)}
    width = max((len(row.cells) for row in rows), default=0)
    cells = {
        place: [row.cells[place].strip() for row in rows if place < len(row.cells)]
        for place in range(width)
        if place not in read
    }
    names = {
        place: (header.cells[place].strip() if place < len(header.cells) else "")
        or f"column {place + 1}"
        for place, column in cells.items()
        if any(column)
    }
    names = {place: name for place, name in names.items() if name != EXPORTED}
    if not names:
        return
    listed = ", ".join(repr(name) for name in names.values())
    reason = f"Only questions and answers are read, not what stands under {listed}."
    addresses = [p for p in names if all(c.startswith(("http", "www.")) for c in cells[p] if c)]
    answer = header.cells[table.groups[0][1]["answer"]].strip()
    if addresses:
        reason += (
            f" To have {names[addresses[0]]!r} at the end of each answer, give the columns "
            f"answer={answer}+{names[addresses[0]]}."
        )
    yield Skipped(header.location, reason)


def _entries(rows: Sequence[Row], table: _Table, title_path: tuple[str, ...]) -> Taken:
    """Make an entry of each row and language; a row without a question goes on with an answer."""
    sections: list[Section] = []
    skipped: list[Skipped] = []
    above: dict[str, tuple[int, dict[Field, str]]] = {}
    group = ""
    for row in rows:
        cells = [cell_text(unprotect(cell)) for cell in row.cells]
        for language, mapped in table.groups:
            values = _values(cells, mapped, table)
            if values["question"] == values["answer"] != "":  # merged: a title within the table
                group = values["question"]
                continue
            values["category"] = values.get("category") or group
            values["language"] = values.get("language") or language
            if language and not values["question"] and not values["answer"]:
                continue
            at, before = above.pop(language, (-1, {}))
            if before and _goes_on(values, before, row, mapped):
                so_far = sections[at]
                if not values["question"]:
                    reason = (
                        f"The question is empty: read as more of the answer at {so_far.location}."
                    )
                    skipped.append(Skipped(row.location, reason))
                sections[at] = replace(so_far, answer=f"{so_far.answer}\n{values['answer']}")
                above[language] = at, before
                continue
            variants = [
                variant
                for place, split in table.variants
                if place < len(cells)
                for variant in split(without_links(cells[place]))
            ]
            entry = entry_of(row.location, values, variants=variants, title_path=title_path)
            if isinstance(entry, Skipped):
                skipped.append(entry)
            else:
                above[language] = len(sections), values
                sections.append(entry)
    return Taken(tuple(sections), tuple(skipped))


def _values(cells: Cells, mapped: Mapped, table: _Table) -> dict[Field, str]:
    """Return the cells of a row by what they mean, an answer with the addresses of its links."""
    values: dict[Field, str] = {}
    for field, place in mapped.items():
        places = [place, *table.joined] if field == "answer" else [place]
        write = _WRITTEN.get(field, without_links)
        values[field] = "\n".join(write(cells[p]) for p in places if p < len(cells) and cells[p])
    return values


def _goes_on(values: dict[Field, str], before: dict[Field, str], row: Row, mapped: Mapped) -> bool:
    """Tell whether a row has more of the answer above: its question is empty, or one with it."""
    if not values["answer"] or (values["question"] and mapped["question"] not in row.repeated):
        return False
    own = {f: v for f, v in values.items() if f not in {"question", "answer", "variants"}}
    return all(not value or value == before.get(field) for field, value in own.items())
