"""Target 12: 8 uploaders, a scheduler and a console change one FAQ at once, 500 rounds.

python -m tests.soak.turns --rounds 500 [--folder F --piece 50]

Half of the uploads go through a connection of their own. Target 15 is the same on an index that
ANSWERDESK__INDEX names, such as s3://bucket/path at AWS_ENDPOINT, 100 rounds.
"""

import asyncio
import os
import random
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from core.errors import AnswerdeskError
from db.knowledge import SourceRepository
from jobs.refresh import Refresh
from kb.releases.ingestor import IncomingFile
from sources.local import Folder
from tests.fakes import WordEmbedder
from tests.kb.workshop import Workshop, workshop
from tests.soak import pieces

UPLOADERS = 8


@dataclass(slots=True)
class Turns(pieces.Found):
    """What became of the edits."""

    releases: int = 0
    duplicates: int = 0
    lost: int = 0
    """Edits that were said to be live, that nobody replaced, and that are not there."""
    refused: int = 0
    """Edits that were refused with a sentence, since another had changed the entry."""

    @property
    def broken(self) -> bool:
        """Tell whether a promise was broken."""
        return bool(self.lost or self.duplicates)


async def one_round(
    shop: Workshop, other: Workshop, folder: Path, number: int, report: Turns
) -> None:
    """Let everybody change something at once, through two connections, then look."""
    chance = random.Random(number)
    (folder / "page.txt").write_text(f"page of round {number}", "utf-8")
    own = {f"own{n}.txt": f"own {n} of round {number}" for n in range(UPLOADERS // 2)}
    shared = [f"refund?|Answer {number}-{n}.\nfixed?|Fixed." for n in range(UPLOADERS // 2)]
    variant = f"wording {number} of process {os.getpid()}"  # a round cut short is taken again

    async def edit() -> bool:
        (entry,) = [e for e in await shop.entries.find("fixed?") if e.doc_id == "faq.txt"]
        try:
            await shop.entries.change(entry.chunk_id, "variant", text=variant)
        except AnswerdeskError as error:
            sys.stderr.write(f"{error}\n")
            return False
        return True

    async def refresh() -> None:
        places = [Folder(folder)]
        await Refresh(shop.ingestor, shop.repository, SourceRepository(shop.database), places).run()

    uploads = [("faq.txt", text) for text in shared] + list(own.items())
    chance.shuffle(uploads)
    results = await asyncio.gather(
        refresh(),
        edit(),
        *(
            (other if turn % 2 else shop).ingestor.ingest([IncomingFile(name, text.encode())])
            for turn, (name, text) in enumerate(uploads)
        ),
    )
    release, rows, _ = await shop.snapshot()
    texts = [row.text for row in rows.values()]
    wanted = [f"page of round {number}", *own.values()]
    if results[1]:
        wanted.append(variant)
    answers = {row.answer for row in rows.values() if row.text == "refund?"}
    report.releases = release
    report.duplicates += len(texts) - len(set(texts))
    report.lost += sum(text not in texts for text in wanted)
    report.lost += answers not in [{f"Answer {number}-{n}."} for n in range(UPLOADERS // 2)]
    report.refused += not results[1]
    if number % 10 == 9:  # an entry does not have hundreds of variants
        for change in await shop.entries.curations.open():
            await shop.entries.take_back(change.curation_id)


async def run(folder: Path, numbers: range, _seed: int, report: Turns) -> AsyncIterator[None]:
    """Run some rounds on a knowledge base in `folder`."""
    source = folder / "source"
    source.mkdir(exist_ok=True)
    index = os.environ.get("ANSWERDESK__INDEX", "")
    async with (
        workshop(folder / "data", WordEmbedder(), index=index) as shop,
        workshop(folder / "data", WordEmbedder(), index=index) as other,
    ):
        await shop.put(faq="refund?|Yes.\nfixed?|Fixed.")
        for number in numbers:
            await one_round(shop, other, source, number, report)
            if number % 5 == 4:
                await shop.releases.prune(20)
            yield


def main(arguments: list[str] | None = None) -> int:
    """Run, print one line of figures, return 1 if a promise was broken."""
    return pieces.main(run, Turns(), name="turns", steps="rounds", total=500, arguments=arguments)


if __name__ == "__main__":
    sys.exit(main())
