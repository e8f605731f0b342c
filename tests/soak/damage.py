"""Target 10: damage the index in 200 ways; each time it repairs itself and answers the same.

python -m tests.soak.damage --states 200
"""

import argparse
import asyncio
import json
import random
import shutil
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

from core.errors import AnswerdeskError
from tests.fakes import WordEmbedder
from tests.kb.workshop import workshop

HARMS = ("zero", "cut", "delete", "noise")


@dataclass(slots=True)
class Damage:
    """What became of the damaged copies."""

    states: int = 0
    rebuilt: int = 0
    """Of them, how many needed a new index; the others answered as they were."""
    wrong: int = 0
    """Copies that answered otherwise afterwards, or could not be opened."""
    slowest_s: float = 0.0
    kinds: dict[str, int] = field(default_factory=dict)
    """Damaged files by kind."""


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


async def run(folder: Path, *, states: int, seed: int) -> Damage:
    """Damage copies of a knowledge base of several releases; the newest files most."""
    chance = random.Random(seed)
    live = folder / "live"
    async with workshop(live, WordEmbedder()) as shop:
        for number in range(5):
            faq = "\n".join(f"question {n}?|Answer {n + number // 2}." for n in range(40))
            await shop.put(faq=faq, page=f"one\ntwo\nthree {number}")
        expected = (await shop.snapshot())[1:]
        hits = [hit.text for hit in await shop.index.search_text("three", 5)]
    files = [path for path in (live / "index").rglob("*") if path.is_file()]
    files.sort(key=lambda path: -path.stat().st_mtime)
    report = Damage()
    for number in range(states):
        copy = folder / "copy"
        shutil.copytree(live, copy)
        newest = files[: len(files) // 3] if number % 2 else files
        for file in chance.sample(newest, chance.choice((1, 1, 2, 5))):
            target = copy / "index" / file.relative_to(live / "index")
            harm(target, chance.choice(HARMS), chance)
            kind = file.parent.name if file.parent.name.startswith("_") else file.suffix or "other"
            report.kinds[kind] = report.kinds.get(kind, 0) + 1
        started = time.perf_counter()
        async with workshop(copy, WordEmbedder()) as shop:
            repair = await shop.releases.open_or_rebuild()
            found = [hit.text for hit in await shop.index.search_text("three", 5)]
            seconds = time.perf_counter() - started
            same = (await shop.snapshot())[1:] == expected and found == hits
            try:
                await shop.put(late="works")
            except AnswerdeskError as error:
                sys.stderr.write(f"state {number}: {error}\n")
                same = False
            same = same and "works" in await shop.texts()
        report.states += 1
        report.rebuilt += repair is not None
        report.wrong += not same
        report.slowest_s = round(max(report.slowest_s, seconds), 2)
        shutil.rmtree(copy)
    return report


def main(arguments: list[str] | None = None) -> int:
    """Run, print one line of figures, return 1 if a promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--states", type=int, default=200)
    parser.add_argument("--seed", type=int, default=10)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as temporary:
        report = asyncio.run(run(Path(temporary), states=options.states, seed=options.seed))
    sys.stdout.write(json.dumps({"run": "damage", **asdict(report)}) + "\n")
    return int(report.wrong > 0 or report.slowest_s > 60)


if __name__ == "__main__":
    sys.exit(main())
