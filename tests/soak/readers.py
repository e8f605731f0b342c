"""Target 13: 16 readers while one writer publishes, prunes and optimises, 200 times.

python -m tests.soak.readers --rounds 200 [--folder F --piece 50]
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from tests.fakes import WordEmbedder
from tests.kb.workshop import Workshop, workshop
from tests.soak import pieces

READERS = 16
ENTRIES = 30
KEPT = 3
"""Releases that pruning leaves."""


@dataclass(slots=True)
class Readers(pieces.Found):
    """What readers saw."""

    reads: int = 0
    missing: int = 0
    """Reads that did not find what every release has, or that found it half changed."""

    @property
    def broken(self) -> bool:
        """Tell whether a promise was broken."""
        return self.missing > 0


async def read(shop: Workshop, report: Readers, done: asyncio.Event, number: int) -> None:
    """Ask for the same entry by vector and by words until the writer is done."""
    question = f"fixed question {number}?"
    vector = await shop.embedder.embed_query(question)
    while not done.is_set():
        view = await shop.index.view()
        dense = await view.search_dense(vector, 1)
        text = await view.search_text(question, ENTRIES)
        entries = await view.chunks_of(["changing.txt"])
        report.reads += 1
        report.missing += not (
            dense[0].text == question
            and question in {hit.text for hit in text}
            and len(entries) == ENTRIES
            and len({entry.answer for entry in entries}) == 1
        )


async def run(folder: Path, numbers: range, _seed: int, report: Readers) -> AsyncIterator[None]:
    """Publish, prune and optimise while others read; an error of a reader ends the run."""
    async with (
        workshop(folder / "data", WordEmbedder()) as shop,
        workshop(folder / "data", WordEmbedder()) as other,
    ):
        await shop.put(
            fixed="\n".join(f"fixed question {n}?|Fixed." for n in range(READERS)),
            changing=_changing(-1),
        )
        done = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            for number in range(READERS):
                # Half of them with another connection, as another process has.
                own = shop if number % 2 else other
                group.create_task(read(own, report, done, number))
            try:
                for number in numbers:
                    await shop.put(changing=_changing(number))
                    await shop.releases.prune(KEPT)
                    yield
            finally:
                done.set()


def _changing(number: int) -> str:
    return "\n".join(f"changing {n}?|Answer of round {number}." for n in range(ENTRIES))


def main(arguments: list[str] | None = None) -> int:
    """Run, print one line of figures, return 1 if a promise was broken."""
    return pieces.main(
        run, Readers(), name="readers", steps="rounds", total=200, arguments=arguments
    )


if __name__ == "__main__":
    sys.exit(main())
