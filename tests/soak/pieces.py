"""A long run that may be cut in pieces: what it found is kept, and the next piece adds to it."""

import argparse
import asyncio
import json
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar


@dataclass(slots=True)
class Found:
    """What a run has found so far."""

    @property
    def broken(self) -> bool:
        """Tell whether a promise was broken."""
        raise NotImplementedError


F = TypeVar("F", bound=Found)

Run = Callable[[Path, range, int, F], AsyncIterator[None]]
"""Takes a folder, the numbers of the steps to take, a seed and what was found; adds to that, and
yields after each step."""


def main(
    run: Run[F],
    found: F,
    *,
    name: str,
    steps: str,
    total: int,
    arguments: list[str] | None = None,
) -> int:
    """Take the steps that the command line asks for, print one line of figures.

    Args:
        run: takes the steps.
        found: nothing yet; a folder's earlier pieces are read into it.
        name: of the run.
        steps: what a step is called, in the plural.
        total: how many there are unless the command line says otherwise.
        arguments: of the command line.

    Returns:
        1 if a promise was broken, else 0.
    """
    parser = argparse.ArgumentParser(prog=f"python -m tests.soak.{name}")
    parser.add_argument(f"--{steps}", dest="total", type=int, default=total)
    parser.add_argument("--piece", type=int, default=10**6, help="at most so many in this call")
    parser.add_argument("--folder", type=Path, help="keeps the run, so that it can go on")
    parser.add_argument("--seed", type=int, default=10)
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        kept = folder / f"{name}.json"
        first = 0
        if kept.exists():
            first, values = json.loads(kept.read_text("utf-8"))
            found = type(found)(**values)
        numbers = range(first, min(given.total, first + given.piece))
        asyncio.run(_take(run(folder, numbers, given.seed, found), numbers, found, kept))
    done = {"run": name, steps: max(first, numbers.stop), **asdict(found)}
    sys.stdout.write(json.dumps(done) + "\n")
    return int(found.broken)


async def _take(taken: AsyncIterator[None], numbers: range, found: Found, kept: Path) -> None:
    done = numbers.start
    async for _ in taken:
        done += 1
        kept.write_text(json.dumps([done, asdict(found)]), "utf-8")
