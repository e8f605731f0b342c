"""Rows of a CSV, XLSX or JSON file to FAQ entries, or to passages where they are no FAQ."""

import datetime as dt
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from core.types import Section, Skipped
from kb.parse.blocks import Block, looks_like_header, table_lines
from kb.parse.columns import Field, Given, Mapped, field_of, is_faq, map_columns, written
from kb.parse.faq import is_question
from kb.parse.formula import unprotect
from kb.parse.limits import MAX_CELL_CHARS

MAX_QUESTION_CHARS = 1000
MAX_VARIANTS = 500
_HEADER_WITHIN = 10
"""Rows from the top in which the column names are sought: titles and notes may stand above them."""

_FEWEST_QUESTIONS = 2
_QUESTIONS = 0.6
"""Share of a column's cells that ask something, from which on it holds questions."""

_LANGUAGES = {
    name: code
    for code, names in {
        "en": "english englisch 英文 英语",
        "zh": "chinese chinesisch 中文 汉语 简体中文 繁體中文",
        "es": "spanish español",
        "de": "german deutsch",
        "ru": "russian русский",
        "fr": "french français",
        "it": "italian italiano",
        "pt": "portuguese português",
        "ja": "japanese 日本語",
        "ko": "korean 한국어",
        "ar": "arabic العربية",
        "tr": "turkish türkçe",
        "uk": "ukrainian українська",
        "pl": "polish polski",
        "nl": "dutch nederlands",
        "hi": "hindi",
        "vi": "vietnamese",
    }.items()
    for name in names.split()
}

Cells: TypeAlias = Sequence[str]


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table with the place at which a reader finds it."""

    location: str
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Taken:
    """What a table gave."""

    sections: tuple[Section, ...]
    skipped: tuple[Skipped, ...]


def read_table(
    rows: Sequence[Row], *, title_path: tuple[str, ...] = (), given: Given | None = None
) -> Taken:
    """Read a table as FAQ entries if it has question and answer columns, else as text.

    Every row that is not empty becomes a section, or is named among the skipped. With `given`
    columns a table without them is not read. Where the columns of what looks like an FAQ have
    unknown names, the header is named with how to give them.
    """
    filled = [row for row in rows if any(cell.strip() for cell in row.cells)]
    for index, row in enumerate(filled[:_HEADER_WITHIN]):
        mapped = map_columns(row.cells, given)
        if is_faq(mapped):
            above = _as_text(filled[:index], title_path) if index else ()
            taken = _entries(filled[index + 1 :], row.cells, mapped, title_path)
            return Taken((*above, *taken.sections), taken.skipped)
    if given and filled:
        there = ", ".join(cell.strip() for cell in filled[0].cells if cell.strip())[:200]
        reason = f"There is no header with the given columns ({written(given)}), but {there!r}."
        return Taken((), (Skipped(filled[0].location, reason),))
    return Taken(_as_text(filled, title_path), tuple(_asked_for_columns(filled)))


def _asked_for_columns(rows: Sequence[Row]) -> Iterable[Skipped]:
    """Ask which columns mean what if one holds questions and none has a name that says so."""
    names = [cell.strip() for cell in rows[0].cells] if rows else []
    below = [row.cells for row in rows[1:]]
    if len(below) < _FEWEST_QUESTIONS or not looks_like_header([names, *below[:3]]):
        return
    columns = [[cells[n].strip() for cells in below if n < len(cells)] for n in range(len(names))]
    asked = max(range(len(names)), key=lambda n: sum(map(is_question, columns[n])))
    questions = sum(map(is_question, columns[asked]))
    if questions < max(_FEWEST_QUESTIONS, _QUESTIONS * len(below)):
        return
    others = [n for n in range(len(names)) if n != asked and field_of(names[n]) in {None, "answer"}]
    if not others:
        return
    answer = max(others, key=lambda n: sum(map(len, columns[n])))
    yield Skipped(
        rows[0].location,
        "No two columns are named as questions and answers, so the rows were read as text. If "
        f"{names[asked]!r} holds the questions and {names[answer]!r} the answers, give the columns "
        f"question={names[asked]},answer={names[answer]}.",
    )


def _entries(
    rows: Sequence[Row], names: Cells, mapped: Mapped, title_path: tuple[str, ...]
) -> Taken:
    sections: list[Section] = []
    skipped: list[Skipped] = []
    taken = {place for field, place in mapped.items() if field != "variants"}
    variant_columns = [
        place
        for place, name in enumerate(names)
        if place not in taken and (field_of(name) == "variants" or place == mapped.get("variants"))
    ]
    for row in rows:

        def cell(field: Field, row: Row = row) -> str:
            index = mapped.get(field, -1)
            return unprotect(row.cells[index]).strip() if 0 <= index < len(row.cells) else ""

        variants = [unprotect(row.cells[i]) for i in variant_columns if i < len(row.cells)]
        entry = entry_of(
            row.location,
            question=cell("question"),
            answer=cell("answer"),
            variants=[v for cell_text in variants for v in split_variants(cell_text)],
            category=cell("category"),
            language=cell("language"),
            valid_from=cell("valid_from"),
            valid_until=cell("valid_until"),
            entry_id=cell("id"),
            title_path=title_path,
        )
        if isinstance(entry, Skipped):
            skipped.append(entry)
        else:
            sections.append(entry)
    return Taken(tuple(sections), tuple(skipped))


def entry_of(
    location: str,
    *,
    question: str,
    answer: str,
    variants: Iterable[str] = (),
    category: str = "",
    language: str = "",
    valid_from: str = "",
    valid_until: str = "",
    entry_id: str = "",
    title_path: tuple[str, ...] = (),
) -> Section | Skipped:
    """Make an entry, or say why the row cannot be one."""
    question, answer = _lines(question).strip(), _lines(answer).strip()
    if not question or not answer:
        missing = "question and the answer are" if question == answer else (
            "question is" if not question else "answer is"
        )  # fmt: skip
        return Skipped(location, f"The {missing} empty.")
    if len(question) > MAX_QUESTION_CHARS:
        return Skipped(
            location,
            f"The question has {len(question):,} characters; at most {MAX_QUESTION_CHARS:,} fit. "
            "Are the columns in the right order?",
        )
    if len(answer) > MAX_CELL_CHARS:
        return Skipped(
            location, f"The answer has {len(answer):,} characters; at most {MAX_CELL_CHARS:,} fit."
        )
    dates: list[str] = []
    for name, value in (("valid from", valid_from), ("valid until", valid_until)):
        day = iso_date(value)
        if day is None:
            return Skipped(
                location, f"The {name} date {value[:40]!r} is unclear. Write it as 2026-12-31."
            )
        dates.append(day)
    if all(dates) and dates[0] > dates[1]:
        return Skipped(location, f"It is valid from {dates[0]}, but only until {dates[1]}.")
    known = {question.casefold()}
    others: list[str] = []
    for variant in variants:
        if (folded := variant.casefold()) not in known and len(variant) <= MAX_QUESTION_CHARS:
            known.add(folded)
            others.append(variant)
    return Section(
        text=question,
        answer=answer,
        title_path=title_path,
        location=location,
        entry_id=entry_id,
        variants=tuple(others[:MAX_VARIANTS]),
        category=category,
        language=language_code(language),
        valid_from=dates[0],
        valid_until=dates[1],
    )


def split_variants(cell: str) -> list[str]:
    """Split a cell at ``|`` and at line ends; blanks around and empty ones fall away.

    ``\\|`` is a vertical bar within a variant.
    """
    pieces = re.split(r"(?<!\\)[|｜]|\n", cell)
    return [
        re.sub(r"\\([|｜])", r"\1", part) for piece in pieces if (part := piece.strip(" \t\r;"))
    ]


def _lines(text: str) -> str:
    """Write every line end as one character, as all other formats do."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def language_code(value: str) -> str:
    """Return ISO 639-1 of ``zh-CN``, ``ZH`` or ``Chinese``; empty if it is none."""
    folded = value.strip().casefold()
    if folded in _LANGUAGES:
        return _LANGUAGES[folded]
    code = re.split(r"[-_\s]", folded)[0]
    return code if re.fullmatch(r"[a-z]{2}", code) else ""


def iso_date(value: str) -> str | None:
    """Return a date as ISO 8601, "" for none, None if it is unclear.

    ``03/04/2026`` is unclear (3 April or 4 March); with dots the day stands first.
    """
    if len(value) > 60:
        return None
    text = re.sub(r"[T ]\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?\s*(Z|[+-]\d{2}:?\d{2})?$", "", value.strip())
    if not text or text.lower() in {"-", "–", "n/a", "none", "null", "always", "forever", "∞"}:
        return ""
    year_first = re.fullmatch(r"(\d{4})[-./年](\d{1,2})[-./月](\d{1,2})日?", text)
    dotted = re.fullmatch(r"(\d{1,2})\.(\d{1,2})\.(\d{4})", text)
    slashed = re.fullmatch(r"(\d{1,2})[/-](\d{1,2})[/-](\d{4})", text)
    if year_first:
        year, month, day = (int(part) for part in year_first.groups())
    elif dotted:
        day, month, year = (int(part) for part in dotted.groups())
    elif slashed:
        first, second, year = (int(part) for part in slashed.groups())
        if first <= 12 and second <= 12 and first != second:
            return None
        day, month = (first, second) if first > 12 else (second, first)
    else:
        return None
    try:
        return dt.date(year, month, day).isoformat()
    except ValueError:
        return None


def _as_text(rows: Sequence[Row], title_path: tuple[str, ...]) -> tuple[Section, ...]:
    """Write each row of a table that is no FAQ as a line that names its columns."""
    sections: list[Section] = []
    header: Row | None = None
    left = min((_leading_blanks(row.cells) for row in rows), default=0)
    rows = [replace(row, cells=row.cells[left:]) for row in rows]
    for index, row in enumerate(rows):
        cells = [cell.strip() for cell in row.cells]
        if header is None and looks_like_header(
            [_trim(cells), *[_trim(r.cells) for r in rows[index + 1 : index + 4]]]
        ):
            header = row
            continue
        grid = (tuple(header.cells), tuple(cells)) if header else (tuple(cells),)
        for line in table_lines(Block("table", rows=grid, header=header is not None)):
            sections.append(Section(text=line, title_path=title_path, location=row.location))
    if header is not None and not sections:
        text = "; ".join(cell.strip() for cell in header.cells if cell.strip())
        return (Section(text=text, title_path=title_path, location=header.location),)
    return tuple(sections)


def _leading_blanks(cells: Cells) -> int:
    return next((i for i, cell in enumerate(cells) if cell.strip()), len(cells))


def _trim(cells: Cells) -> list[str]:
    kept = list(cells)
    while kept and not kept[-1].strip():
        kept.pop()
    return kept
