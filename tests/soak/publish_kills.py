"""Target 8: kill a process at random moments of upload, refresh, rollback; look at what is left.

python -m tests.soak.publish_kills --kills 200 [--folder F --piece 40]

With a folder the run is kept there, and goes on with the next piece when it is called again.
"""

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from core.errors import AnswerdeskError
from tests.fakes import WordEmbedder
from tests.kb.workshop import Workshop, workshop

LONGEST_S = 1.0
"""A process lives up to this long after it is ready."""


@dataclass(frozen=True, slots=True)
class PublishKills:
    """What was found after the kills."""

    kills: int = 0
    releases: int = 0
    lost: int = 0
    """Releases that were said to be live and are not there, or originals that are gone."""
    half: int = 0
    """Times that the live rows were not those of the live documents."""
    duplicates: int = 0
    """Times that a row id was there twice."""
    rebuilt: int = 0
    """Times that the index had to be made again."""
    slowest_s: float = 0.0
    """From opening the data folder to the first answer."""

    @property
    def broken(self) -> bool:
        """Tell whether a promise was broken."""
        return bool(self.lost or self.half or self.duplicates or self.slowest_s > 10)


async def kill_once(folder: Path, seed: int) -> int:
    """Let a process work for a while, kill it, and return the last release that it told of."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.soak.publishing",
        str(folder),
        str(seed),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"ready\n"
    await asyncio.sleep(random.Random(seed).uniform(0, LONGEST_S))
    process.kill()
    told, _ = await process.communicate()
    numbers = [int(line) for line in told.split(b"\n")[:-1]]
    return numbers[-1] if numbers else 0


async def look(folder: Path, told: int, report: PublishKills) -> PublishKills:
    """Open what the kill left and compare it with the truth."""
    started = time.perf_counter()
    async with workshop(folder / "data", WordEmbedder()) as shop:
        rebuilt = await shop.releases.open_or_rebuild()
        await shop.index.search_text("refund", 5)
        seconds = time.perf_counter() - started
        live = await shop.repository.current()
        number = live.number if live else 0
        lost = int(number < told)
        for sha256 in await shop.repository.originals():
            try:
                await asyncio.to_thread(shop.originals.checked_path, sha256)
            except AnswerdeskError:
                lost += 1
        rows, _ = await shop.index.all_rows()
        wanted = await _texts(shop, number)
        return replace(
            report,
            kills=report.kills + 1,
            releases=number,
            lost=report.lost + lost,
            half=report.half + (sorted((r.doc_id, r.text) for r in rows) != wanted),
            duplicates=report.duplicates + (len({row.row_id for row in rows}) < len(rows)),
            rebuilt=report.rebuilt + (rebuilt is not None),
            slowest_s=round(max(report.slowest_s, seconds), 2),
        )


async def _texts(shop: Workshop, number: int) -> list[tuple[str, str]]:
    """Return document and text of every row that the live originals make."""
    found = set()
    for doc_id, document in (await shop.repository.documents(number)).items():
        text = shop.originals.path(document.sha256).read_text("utf-8")
        found |= {(doc_id, line.split("|")[0]) for line in text.splitlines()}
    return sorted(found)


async def run(folder: Path, *, kills: int, piece: int, seed: int) -> PublishKills:
    """Go on with the run in `folder` by up to `piece` kills."""
    kept = folder / "report.json"
    report = PublishKills(**json.loads(kept.read_text())) if kept.exists() else PublishKills()
    for number in range(report.kills, min(kills, report.kills + piece)):
        told = await kill_once(folder, seed + number)
        report = await look(folder, told, report)
        kept.write_text(json.dumps(asdict(report)))
    return report


def main(arguments: list[str] | None = None) -> int:
    """Run, print one line of figures, return 1 if a promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--piece", type=int, default=10**6)
    parser.add_argument("--seed", type=int, default=8)
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        report = asyncio.run(
            run(folder, kills=options.kills, piece=options.piece, seed=options.seed)
        )
    sys.stdout.write(json.dumps({"run": "publish_kills", **asdict(report)}) + "\n")
    return int(report.broken)


if __name__ == "__main__":
    sys.exit(main())
