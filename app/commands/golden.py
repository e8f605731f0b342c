"""`golden`: the questions that hold a worse release back."""

import asyncio
import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from app import output
from app.commands.common import Failed, Json, main_database, main_knowledge
from db.golden import Golden, GoldenQuestions
from kb.review.gate import expectation, outcome

_FIELDS = ("question", "refuse", "document", "entry", "words")
_LISTED = (*_FIELDS, "author", "golden_id")
_TRUE = {"1", "true", "yes", "y", "x"}


async def add(
    question: str,
    *,
    refuse: Annotated[bool, typer.Option("--refuse", help="It must not be answered.")] = False,
    document: Annotated[str, typer.Option(help="The answer rests on this document.")] = "",
    entry: Annotated[str, typer.Option(help="The answer is that of the entry so asked.")] = "",
    words: Annotated[str, typer.Option(help="The answer has these words.")] = "",
) -> None:
    """Store a question; without an option, what comes of it now is what is expected."""
    golden = _checked(Golden(question.strip(), refuse, document, entry, words, author="cli"))
    if not (refuse or document or entry or words):
        async with main_knowledge(with_demo=True) as knowledge:
            view = await knowledge.index.view()
            golden = await knowledge.gate.as_it_is(view, golden.question, author="cli")
    async with main_database() as database:
        await GoldenQuestions(database).add([golden])
    output.console.print(f'"{escape(golden.question)}" is to be {escape(expectation(golden))}.')


async def load(
    file: Annotated[
        Path, typer.Argument(help="CSV or JSONL: question, refuse, document, entry, words.")
    ],
) -> None:
    """Store the questions of a file."""
    text = await asyncio.to_thread(_text, file)
    found = [_golden(row, f"{file.name}, row {number}") for number, row in _rows(file, text)]
    if not found:
        raise Failed(f"{file.name!r} has no questions; its columns are {', '.join(_FIELDS)}.")
    async with main_database() as database:
        await GoldenQuestions(database).add(found)
    output.console.print(f"{len(found)} golden questions were stored.")


async def list_questions(*, as_json: Json = False) -> None:
    """List the questions and what is expected of each."""
    async with main_database() as database:
        questions = await GoldenQuestions(database).list()
    output.print_listed(
        [{name: getattr(golden, name) for name in _LISTED} for golden in questions],
        ("number", "question", "is to be"),
        [(golden.golden_id, golden.question, expectation(golden)) for golden in questions],
        as_json=as_json,
    )


async def remove(number: int) -> None:
    """Delete a question."""
    async with main_database() as database:
        await GoldenQuestions(database).remove(number)
    output.console.print(f"The golden question {number} is gone.")


async def check(*, as_json: Json = False) -> None:
    """Ask the live release all of them."""
    async with main_knowledge(with_demo=False) as knowledge:
        checked = await knowledge.gate.check(await knowledge.index.view())
    rows = [
        {
            "number": golden.golden_id,
            "question": golden.question,
            "expected": expectation(golden),
            "found": outcome(answer),
            "right": right,
        }
        for golden, answer, right in checked
    ]
    wrong = [row for row in rows if not row["right"]]
    output.print_listed(
        rows,
        ("number", "question", "is to be", "is"),
        [(r["number"], r["question"], r["expected"], r["found"]) for r in wrong],
        as_json=as_json,
    )
    if wrong:
        raise Failed(f"{len(wrong)} of {len(rows)} golden questions come out otherwise.")
    if not as_json:
        output.console.print(f"All {len(rows)} golden questions come out as expected.")


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise Failed(f"{str(file)!r} cannot be read as UTF-8: {error}.") from error


def _rows(file: Path, text: str) -> Sequence[tuple[int, Mapping[str, Any]]]:
    """Return the rows of a CSV or JSONL file with their numbers."""
    if file.suffix == ".jsonl":
        lines = [(n, line) for n, line in enumerate(text.splitlines(), 1) if line.strip()]
        try:
            return [(number, dict(json.loads(line))) for number, line in lines]
        except (ValueError, TypeError) as error:
            raise Failed(f"{file.name!r} is not one JSON object a line: {error}.") from error
    return list(enumerate(csv.DictReader(io.StringIO(text, newline="")), 2))


def _golden(row: Mapping[str, Any], where: str) -> Golden:
    values: dict[str, Any] = {name: str(row.get(name) or "").strip() for name in _FIELDS}
    if not values["question"]:
        raise Failed(f"{where}: the question is empty. Nothing was stored.")
    values["refuse"] = values["refuse"].lower() in _TRUE
    golden = _checked(Golden(**values, author="file"))
    if not (golden.refuse or golden.document or golden.entry or golden.words):
        raise Failed(
            f"{where}: say what is expected of {golden.question!r} (refuse, document, entry or "
            "words). Nothing was stored."
        )
    return golden


def _checked(golden: Golden) -> Golden:
    if not golden.question:
        raise Failed("The question is empty.")
    if golden.refuse and (golden.document or golden.entry or golden.words):
        raise Failed(f"{golden.question!r} cannot be refused and answered: choose one.")
    return golden
