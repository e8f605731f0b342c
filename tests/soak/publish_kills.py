"""Target 8: kill a process at random moments of upload, refresh, rollback; look at what is left.

python -m tests.soak.publish_kills --kills 200 [--folder F --piece 40]
"""

import asyncio
import random
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from core.errors import AnswerdeskError
from tests.fakes import WordEmbedder
from tests.kb.workshop import Workshop, workshop
from tests.soak import pieces

LONGEST_S = 1.0
"""A process lives up to this long after it is ready."""


@dataclass(slots=True)
class PublishKills(pieces.Found):
    """What was found after the kills."""

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


async def look(folder: Path, told: int, report: PublishKills) -> None:
    """Open what the kill left and compare it with the truth."""
    started = time.perf_counter()
    async with workshop(folder / "data", WordEmbedder()) as shop:
        rebuilt = await shop.releases.open_or_rebuild()
        await (await shop.index.view()).search_text("refund", 5)
        seconds = time.perf_counter() - started
        live = await shop.repository.current()
        number = live.number if live else 0
        lost = int(number < told)
        for sha256 in await shop.repository.originals():
            try:
                await asyncio.to_thread(shop.originals.checked_path, sha256)
            except AnswerdeskError:
                lost += 1
        rows, _ = await (await shop.index.view()).all_rows()
        wanted = await _texts(shop, number)
        report.releases = number
        report.lost += lost
        report.half += sorted((r.doc_id, r.text) for r in rows) != wanted
        report.duplicates += len({row.row_id for row in rows}) < len(rows)
        report.rebuilt += rebuilt is not None
        report.slowest_s = round(max(report.slowest_s, seconds), 2)


async def _texts(shop: Workshop, number: int) -> list[tuple[str, str]]:
    """Return document and text of every row that the live originals make."""
    found = set()
    for doc_id, document in (await shop.repository.documents(number)).items():
        text = shop.originals.path(document.sha256).read_text("utf-8")
        found |= {(doc_id, line.split("|")[0]) for line in text.splitlines()}
    return sorted(found)


async def run(folder: Path, numbers: range, seed: int, report: PublishKills) -> AsyncIterator[None]:
    """Go on with the knowledge base in `folder`."""
    for number in numbers:
        await look(folder, await kill_once(folder, seed + number), report)
        yield


def main(arguments: list[str] | None = None) -> int:
    """Run, print one line of figures, return 1 if a promise was broken."""
    return pieces.main(
        run, PublishKills(), name="publish_kills", steps="kills", total=200, arguments=arguments
    )


if __name__ == "__main__":
    sys.exit(main())
