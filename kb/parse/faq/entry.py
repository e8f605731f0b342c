"""One entry of an FAQ from its fields, or why they make none."""

from collections.abc import Iterable, Mapping
from typing import Any

from core.types import Section, Skipped
from kb.parse.faq.columns import Field
from kb.parse.faq.questions import asks_unmarked, bare, is_question
from kb.parse.faq.values import iso_date, language_code
from kb.parse.limits import MAX_CELL_CHARS

MAX_QUESTION_CHARS = 1000
MAX_VARIANTS = 500
SHOWN = ("enabled", "active", "is_active", "published")
WITHHELD = ("draft", "archived", "deleted", "disabled")
STATES = ("state", "status")
"""Fields that say whether a record is published."""


def withheld(record: Mapping[str, Any]) -> str:
    """Say by which field a record or a row of a table is not published; nothing if it is."""
    for key, value in record.items():
        named, said = str(key).strip().lower(), str(value).strip().lower()
        hidden = said in {"false", "no"} if named in SHOWN else said in {"true", "yes"}
        if (hidden and named in SHOWN + WITHHELD) or (named in STATES and said in WITHHELD):
            return f"It is not published: {key} is {said}."
    return ""


def entry_of(
    location: str,
    values: Mapping[Field, str],
    *,
    variants: Iterable[str] = (),
    title_path: tuple[str, ...] = (),
) -> Section | Skipped:
    """Make an entry of the texts of its fields, or say why the row cannot be one."""
    question, answer = (values.get(field, "").strip() for field in ("question", "answer"))
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
    fields: tuple[Field, Field] = "valid_from", "valid_until"
    for field in fields:
        day = iso_date(value := values.get(field, ""))
        if day is None:
            reason = f"The {field.replace('_', ' ')} date {value[:40]!r} is unclear."
            return Skipped(location, f"{reason} Write it as 2026-12-31.")
        dates.append(day)
    if all(dates) and dates[0] > dates[1]:
        return Skipped(location, f"It is valid from {dates[0]}, but only until {dates[1]}.")
    lines = question.split("\n")
    asking = sum(is_question(line, strict=False) or asks_unmarked(line) for line in lines)
    if 1 < len(lines) <= 2 * asking:  # several questions in one cell
        question, *others_asked = map(bare, lines)
        variants = [*others_asked, *variants]
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
        entry_id=values.get("id", ""),
        variants=tuple(others[:MAX_VARIANTS]),
        category=values.get("category", ""),
        language=language_code(values.get("language", "")),
        valid_from=dates[0],
        valid_until=dates[1],
    )
