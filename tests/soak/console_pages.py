"""How long each page of the console takes at 100,000 conversations and 20,000 entries.

``python -m tests.soak.console_pages`` prints the first time and the median of each page, in
milliseconds; more than 300 at the median is a failure. It runs for some minutes.
"""

import asyncio
import random
import statistics
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from sqlalchemy import insert

from console.knowledge import Editing
from db.conversations import AnswerRow, FeedbackRow, OpenQuestionRow
from kb.releases.ingestor import IncomingFile
from tests.console.conftest import Builder, records_of
from tests.console.fakes import ScriptedDesk
from tests.console.uploads import upload_desk
from tests.database import session_of
from tests.fakes import WordEmbedder
from tests.kb.workshop import InProcess, Workshop, library_of, tracer_of, workshop

CONVERSATIONS = 100_000
ENTRIES = 20_000
TIMES = 9
MOST_MS = 300
_DAYS = 28
_WAITING = 2_000
_KINDS = ("faq", "faq", "faq", "composed", "quoted", "unknown")
PAGES = (
    "",
    "/questions",
    f"/question?number={_WAITING - 5}",
    "/questions/dismissed",
    "/conversations",
    "/conversations?outcome=refused",
    "/conversations?feedback=no",
    "/conversations?outcome=handed_over",
    "/conversations?unsure=yes",
    "/conversations?language=de",
    "/conversations?page=100",
    "/conversation?answer=150000",
    "/careful?scope=shadow&sure=hold",
    "/knowledge",
    "/knowledge?q=part+777",
    "/knowledge?kind=stale",
    "/contradictions",
    "/uploads",
    "/bench",
    "/figures",
    "/figures/map",
    "/figures.csv",
    "/answers?resolved=once",
    "/answers?resolved=lasting",
    "/answers?hour=11",
    "/mishaps",
)


async def fill(shop: Workshop) -> None:
    """Make entries and conversations, the same each time."""
    rows = "\n".join(f"How do I order part {n}?,Write to our shop {n}." for n in range(ENTRIES))
    table = f"question,answer\n{rows}\n".encode()
    ingestor = replace(shop.ingestor, max_file_bytes=len(table))
    report = await ingestor.ingest([IncomingFile("parts.csv", table)])
    assert report.files[0].added == ENTRIES, report.files[0].error
    dice, now = random.Random(7), time.time()
    answers = []
    for number in range(2 * CONVERSATIONS):
        kind = dice.choice(_KINDS)
        answers.append(
            {
                "id": number + 1,
                "chat": f"web:{dice.randrange(CONVERSATIONS)}",
                "channel": "widget",
                "created": now - _DAYS * 86_400 * (1 - number / (2 * CONVERSATIONS)),
                "question": f"How do I order part {int(dice.paretovariate(0.4)) % ENTRIES}?",
                "intent": "person" if dice.random() < 0.02 else "question",
                "kind": kind,
                "text": "Write to our shop, and name the number that stands on the part.",
                "language": dice.choice(("en", "en", "en", "de", "es")),
                "confidence": dice.random() if kind == "unknown" else 0.5 + dice.random() / 2,
                "release": 1,
                "chunk_ids": [],
                "total_ms": 30.0,
                "hedged": dice.random() < 0.1,
            }
        )
    unknown = [one["id"] for one in answers if one["kind"] == "unknown"][-_WAITING:]
    async with session_of(shop.database) as session:
        for start in range(0, len(answers), 5_000):
            await session.execute(insert(AnswerRow), answers[start : start + 5_000])
        await session.execute(
            insert(FeedbackRow),
            [
                {"answer_id": n, "helpful": dice.random() < 0.7, "created": now}
                for n in range(1, 2 * CONVERSATIONS, 20)
            ],
        )
        await session.execute(insert(OpenQuestionRow), [{"answer_id": n} for n in unknown])


async def main() -> int:
    """Measure; return the exit status."""
    with tempfile.TemporaryDirectory(prefix="answerdesk-pages-") as folder:
        async with (
            workshop(Path(folder), WordEmbedder(), parser=InProcess()) as shop,
            upload_desk(shop) as desk,
        ):
            await fill(shop)
            builder = Builder(ScriptedDesk(), records_of(shop.database), shop.database)
            slow = 0
            async with builder.client(
                editing=Editing(shop.entries, shop.releases),
                questions=library_of(shop).questions,
                uploads=desk,
                tracer=tracer_of(shop),
            ) as client:
                for page in PAGES:
                    while "data-seconds" in (await client.get(f"/console{page}")).text:
                        pass  # counted or drawn beside, which the page awaits a while
                    taken = []
                    for _ in range(TIMES):
                        began = time.perf_counter()
                        response = await client.get(f"/console{page}")
                        taken.append(1000 * (time.perf_counter() - began))
                        assert response.status_code == 200, page
                    median = statistics.median(taken)
                    slow += median > MOST_MS
                    sys.stdout.write(f"{taken[0]:8.0f} {median:8.0f}  /console{page}\n")
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
