"""Target 10: damage the index in 200 ways; each time it repairs itself and answers the same.

python -m tests.soak.damage --states 200 [--folder F --piece 40]
"""

import random
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

from core.errors import AnswerdeskError
from tests.fakes import WordEmbedder
from tests.kb.workshop import Workshop, workshop
from tests.soak import pieces

HARMS = ("zero", "cut", "delete", "noise")


@dataclass(slots=True)
class Damage(pieces.Found):
    """What became of the damaged copies."""

    rebuilt: int = 0
    """Of them, how many needed a new index; the others answered as they were."""
    embedded: int = 0
    """Of those, how many had vectors that could not be read and were computed again."""
    wrong: int = 0
    """Copies that answered otherwise afterwards, or could not be opened."""
    slowest_s: float = 0.0
    kinds: dict[str, int] = field(default_factory=dict)
    """Damaged files by kind."""

    @property
    def broken(self) -> bool:
        """Tell whether a promise was broken."""
        return self.wrong > 0 or self.slowest_s > 60


def harm(target: Path, how: str, chance: random.Random) -> None:
    """Damage one file."""
    data = target.read_bytes()
    match how:
        case "delete":
            target.unlink()
        case "zero":
            target.write_bytes(b"")
        case "cut":
            target.write_bytes(data[: chance.randrange(max(1, len(data)))])
        case _:
            at = chance.randrange(max(1, len(data)))
            target.write_bytes(data[:at] + chance.randbytes(16) + data[at + 16 :])


async def seen(shop: Workshop) -> object:
    """Return all rows with their vectors, and what a search finds."""
    found = [hit.text for hit in await (await shop.index.view()).search_text("three", 5)]
    return found, (await shop.snapshot())[1:]


async def run(folder: Path, numbers: range, seed: int, report: Damage) -> AsyncIterator[None]:
    """Damage copies of a knowledge base of several releases; the newest files most."""
    with tempfile.TemporaryDirectory() as temporary:
        live, copy = Path(temporary, "live"), Path(temporary, "copy")
        async with workshop(live, WordEmbedder()) as shop:
            for number in range(5):
                faq = "\n".join(f"question {n}?|Answer {n + number // 2}." for n in range(40))
                await shop.put(faq=faq, page=f"one\ntwo\nthree {number}")
            expected = await seen(shop)
        files = [path for path in (live / "index").rglob("*") if path.is_file()]
        files.sort(key=lambda path: -path.stat().st_mtime)
        for number in numbers:
            chance = random.Random(f"{seed} {number}")
            shutil.copytree(live, copy)
            newest = files[: len(files) // 3] if number % 2 else files
            for file in chance.sample(newest, chance.choice((1, 1, 2, 5))):
                harm(copy / file.relative_to(live), chance.choice(HARMS), chance)
                inner = file.parent.name.startswith("_")
                kind = file.parent.name if inner else file.suffix or "other"
                report.kinds[kind] = report.kinds.get(kind, 0) + 1
            report.wrong += not await repaired(copy, expected, number, report)
            shutil.rmtree(copy)
            yield


async def repaired(copy: Path, expected: object, number: int, report: Damage) -> bool:
    """Open a damaged copy; tell whether it answers as before and can be published to."""
    started = time.perf_counter()
    async with workshop(copy, WordEmbedder()) as shop:
        try:
            repair = await shop.releases.open_or_rebuild()
            found = await seen(shop)
            seconds = time.perf_counter() - started
            await shop.put(late="works")
            works = "works" in await shop.texts()
        except AnswerdeskError as error:
            sys.stderr.write(f"state {number}: {error}\n")
            return False
    if repair is not None:
        report.rebuilt += 1
        report.embedded += repair.embedded > 0
    report.slowest_s = round(max(report.slowest_s, seconds), 2)
    if found != expected:
        sys.stderr.write(f"state {number}: other rows or answers than before\n")
    return works and found == expected


def main(arguments: list[str] | None = None) -> int:
    """Run, print one line of figures, return 1 if a promise was broken."""
    return pieces.main(run, Damage(), name="damage", steps="states", total=200, arguments=arguments)


if __name__ == "__main__":
    sys.exit(main())
