"""A folder of many real files: refreshed unchanged, and with one file changed (issue 5).

python -m tests.soak.unchanged FOLDER

The real parser and the real refresh; a section of a file is a chunk, and vectors are sums of word
vectors, so that a thousand files take minutes the first time and no model.
"""

import argparse
import asyncio
import json
import shutil
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from app.main import keep_memory_small


@dataclass(frozen=True, slots=True)
class Unchanged:
    """What the refreshes did."""

    files: int
    chunks: int
    first_s: float
    unchanged_s: float
    """At most 3."""
    unchanged_embedded: int
    unchanged_release: bool
    """Whether the release stayed the same."""
    one_changed_s: float
    one_changed_embedded: int
    """Exactly the one paragraph that was added."""

    @property
    def broken(self) -> bool:
        """Tell whether a promise was broken."""
        return (
            self.unchanged_s > 3
            or self.unchanged_embedded > 0
            or not self.unchanged_release
            or self.one_changed_embedded != 1
        )


async def measure(source: Path, folder: Path) -> Unchanged:
    """Refresh three times."""
    from db.knowledge import SourceRepository
    from jobs.refresh import Refresh
    from kb.parse.sandbox.parser_process import Limits, ParserProcess
    from sources.local import Folder
    from tests.fakes import WordEmbedder
    from tests.kb.workshop import workshop

    copy = folder / "source"
    await asyncio.to_thread(shutil.copytree, source, copy)
    files = [path for path in copy.rglob("*") if path.is_file()]
    async with workshop(folder / "data", WordEmbedder(), parser=ParserProcess(Limits())) as shop:

        async def refresh() -> tuple[float, int, int]:
            started = time.perf_counter()
            places = [Folder(copy)]
            sources = SourceRepository(shop.database)
            report = await Refresh(shop.ingestor, shop.repository, sources, places).run()
            return time.perf_counter() - started, report.ingest.embedded, report.ingest.release

        first_s, _, release = await refresh()
        chunks = await (await shop.index.view()).count()
        unchanged_s, embedded, still = await refresh()
        text = files[0].read_text("utf-8")
        files[0].write_text(f"{text}\n\n# Something new\n\nIt was not there before.\n", "utf-8")
        changed_s, added, _ = await refresh()
    return Unchanged(
        files=len(files),
        chunks=chunks,
        first_s=round(first_s, 1),
        unchanged_s=round(unchanged_s, 2),
        unchanged_embedded=embedded,
        unchanged_release=still == release,
        one_changed_s=round(changed_s, 2),
        one_changed_embedded=added,
    )


def main(arguments: list[str] | None = None) -> int:
    """Refresh, print one line of figures, return 1 if a promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    options = parser.parse_args(arguments)
    keep_memory_small()
    with tempfile.TemporaryDirectory() as temporary:
        found = asyncio.run(measure(options.folder, Path(temporary)))
    sys.stdout.write(json.dumps({"run": "unchanged", **asdict(found)}) + "\n")
    return int(found.broken)


if __name__ == "__main__":
    sys.exit(main())
