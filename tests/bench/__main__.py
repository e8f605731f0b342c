"""``python -m tests.bench [NAME…] [--json | --markdown]``; no name: everything (``make bench``)."""

import argparse
import asyncio
import dataclasses
from collections.abc import Sequence
from typing import Any

from app import output
from app.commands.common import read_config, say
from core.errors import AnswerdeskError
from tests.bench.figure import Figure
from tests.bench.parts import chosen, measure

_COLUMNS = ("name", "value", "unit", "baseline", "ratio", "note")


async def run(names: Sequence[str]) -> list[Figure]:
    """Measure parts, or those that have the rows of these names."""
    figures: list[Figure] = []
    for part in chosen(names):
        say(f"{part.name} …")
        figures += await measure(part, read_config(), lambda text: say(f"  {text}"))
    return figures


def markdown(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Return a table."""
    table = [
        [str(cell).replace("|", "\\|").replace("\n", " ") for cell in row]
        for row in (columns, ["---"] * len(columns), *rows)
    ]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in table)


def main() -> None:
    """Measure and print; every figure against a baseline of the same run."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench")
    parser.add_argument("names", nargs="*", help="Parts or rows, see docs/performance.md.")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--markdown", action="store_true")
    given = parser.parse_args()
    try:
        figures = asyncio.run(run(given.names))
    except AnswerdeskError as error:
        parser.error(str(error))
    rows = [["–" if v is None else v for v in dataclasses.astuple(one)] for one in figures]
    if given.json:
        output.print_json([dataclasses.asdict(one) for one in figures])
    elif given.markdown:
        output.console.print(markdown(_COLUMNS, rows), markup=False, soft_wrap=True)
    else:
        output.print_table(_COLUMNS, rows)


if __name__ == "__main__":
    main()
