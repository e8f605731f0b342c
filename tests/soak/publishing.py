"""A process that changes a knowledge base without end, until somebody kills it.

``python -m tests.soak.publishing FOLDER SEED``; says ``ready``, then the release that is live after
each step.
"""

import asyncio
import random
import sys
from pathlib import Path

from db.knowledge import SourceRepository
from jobs.refresh import Refresh
from kb.releases.ingestor import IncomingFile
from sources.local import Folder
from tests.fakes import WordEmbedder
from tests.kb.workshop import Workshop, workshop

WORDS = ("refund", "shipping", "battery", "frame", "lamp", "warranty", "spare", "saddle", "brake")


def text_of(chance: random.Random) -> str:
    """Return a file of a few entries and passages."""
    lines = [f"{word} {chance.randrange(5)}?|Answer {chance.randrange(99)}." for word in WORDS]
    lines += [f"About {word} there is more to say {chance.randrange(99)}" for word in WORDS]
    return "\n".join(chance.sample(lines, chance.randrange(3, 12)))


async def step(shop: Workshop, folder: Path, chance: random.Random) -> None:
    """Upload, take out, refresh or roll back."""
    live = await shop.repository.current()
    match chance.choice(("upload", "upload", "refresh", "refresh", "rollback", "remove")):
        case "upload":
            name = f"{chance.choice('abc')}.txt"
            data = text_of(chance).encode()
            await shop.ingestor.ingest([IncomingFile(name, data)])
        case "remove":
            await shop.ingestor.ingest([], removed=[f"{chance.choice('abc')}.txt"])
        case "rollback" if live is not None and live.number > 1:
            await shop.releases.rollback(max(1, live.number - chance.randrange(1, 6)))
        case _:
            (folder / f"{chance.choice('de')}.txt").write_text(text_of(chance), "utf-8")
            await Refresh(
                shop.ingestor,
                shop.repository,
                SourceRepository(shop.database),
                [Folder(folder)],
                max_removed_share=1,
            ).run()


async def main(folder: Path, seed: int) -> None:
    """Take steps until killed."""
    chance = random.Random(seed)
    source = folder / "source"
    source.mkdir(exist_ok=True)
    async with workshop(folder / "data", WordEmbedder()) as shop:
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        while True:
            await step(shop, source, chance)
            live = await shop.repository.current()
            sys.stdout.write(f"{live.number if live else 0}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
