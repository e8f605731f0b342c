"""What the command line prints: answers, reports, tables, JSON, progress."""

import json
import sys
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from core.shown import shown
from core.types import Answer, IngestReport
from kb.review.finding_text import FINDINGS, describe
from kb.review.most_asked import answers_text

console = Console(highlight=False)
errors = Console(stderr=True, highlight=False)

_SHOWN = 40
"""Rows of a report; `--json` has all."""


def print_json(value: object) -> None:
    """Print one JSON value on standard output."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")


def print_table(columns: Sequence[str], rows: Sequence[Sequence[Any]], *, title: str = "") -> None:
    """Print a table; numbers are put to the right."""
    table = Table(title=title or None, title_justify="left", box=None, pad_edge=False)
    for number, column in enumerate(columns):
        right = bool(rows) and all(isinstance(row[number], int | float) for row in rows)
        table.add_column(column, justify="right" if right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(escape(str(cell)) for cell in row))
    console.print(table)


def print_listed(
    value: object,
    columns: Sequence[str],
    rows: Sequence[Sequence[Any]],
    *,
    as_json: bool,
    title: str = "",
) -> None:
    """Print a value as JSON for programs, or as a table for people."""
    if as_json:
        print_json(value)
    else:
        print_table(columns, rows, title=title)


def print_answer(answer: Answer) -> None:
    """Print an answer with its sources, for people."""
    console.print(escape(shown(answer)))
    for choice in answer.choices:
        console.print(f"  • {escape(choice.label)}")
    for source in answer.sources:
        place = ", ".join(p for p in (source.title, source.location, source.updated) if p)
        console.print(f"[dim]  {escape(source.document)} ({escape(place)})[/dim]")
    console.print(
        f"[dim]{answer.kind}, {answer.confidence:.0%} sure, release {answer.release}, "
        f"{answer.timings_ms.get('total', 0):.0f} ms[/dim]"
    )


def print_ingest(report: IngestReport) -> None:
    """Print what an ingest changed, or would change."""
    touched = [f for f in report.files if f.added or f.changed or f.removed or f.error or f.skipped]
    if touched:
        print_table(
            ("file", "added", "changed", "removed", "unchanged", "skipped"),
            [
                (f.doc_id, f.added, f.changed, f.removed, f.unchanged, len(f.skipped))
                for f in touched[:_SHOWN]
            ],
        )
    if len(touched) > _SHOWN:
        console.print(f"… and {len(touched) - _SHOWN} more files; --json has them all")
    for file in report.files:
        if file.error:
            console.print(f"[red]not taken[/red] {escape(file.error)}")
    notes = [(f.doc_id, s) for f in report.files for s in f.skipped]
    for name, skipped in notes[:_SHOWN]:
        console.print(
            f"skipped  {escape(name)}, {escape(skipped.location)}: {escape(skipped.reason)}"
        )
    if len(notes) > _SHOWN:
        console.print(f"… and {len(notes) - _SHOWN} more skipped parts; --json has them all")
    for reason in [reason for file in report.files for reason in file.unfit]:
        console.print(f"[yellow]to review[/yellow] {escape(reason)}")
    for finding in report.findings[:_SHOWN]:
        console.print(f"[yellow]{FINDINGS[finding.kind]:9}[/yellow] {escape(describe(finding))}")
    if len(report.findings) > _SHOWN:
        console.print(f"… and {len(report.findings) - _SHOWN} more findings; --json has them all")
    if report.uncompared:
        console.print(
            f"{report.uncompared} texts were compared with others word for word only: too many "
            "for a preview"
        )
    added, changed, removed, unchanged = (
        sum(getattr(file, name) for file in report.files)
        for name in ("added", "changed", "removed", "unchanged")
    )
    will = "would be" if report.dry_run else "were"
    console.print(
        f"{len(report.files)} files: +{added} ~{changed} -{removed} chunks, "
        f"{unchanged} unchanged; {report.embedded} texts {will} embedded, "
        f"{report.seconds:.1f} s; release {report.release} is live"
    )
    for line in answers_text(report):
        console.print(escape(line))


def progress() -> Progress:
    """Return a progress display on standard error; it shows nothing where nobody looks."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        console=errors,
        disable=not errors.is_terminal,
        transient=True,
    )
