"""One entry of an FAQ from its fields, or why they make none."""

from collections.abc import Iterable

from core.types import Section, Skipped
from kb.parse.faq.questions import bare, is_question
from kb.parse.faq.values import iso_date, language_code
from kb.parse.limits import MAX_CELL_CHARS

MAX_QUESTION_CHARS = 1000
MAX_VARIANTS = 500


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
    question, answer = question.strip(), answer.strip()
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
    lines = question.split("\n")
    if len(lines) > 1 and all(map(is_question, lines)):  # several questions in one cell
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
        entry_id=entry_id,
        variants=tuple(others[:MAX_VARIANTS]),
        category=category,
        language=language_code(language),
        valid_from=dates[0],
        valid_until=dates[1],
    )
