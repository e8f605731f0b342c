"""Ingest: beside embedding alone, and beside customers."""

import asyncio
import contextlib
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from app.demo import ingest_demo_if_empty
from app.files import collect
from app.paths import PROJECT, find_paths
from app.wiring import Knowledge, Service, open_knowledge, open_service
from core.config import Config, data_folder
from kb.index.rows import embedded_text
from kb.ingest.prepare import Progress
from kb.releases.ingestor import IncomingFile
from tests.bench.figure import Figure, Measured, Say, less, median, missing, more
from tests.bench.service import demo_variants

_EDITIONS = 12
"""Copies of each document: enough texts that starting the parser and training weigh little."""
_FILES = 1_000
_FAQ = 10
_ENOUGH = 3
"""Answers of a kind below which there is no figure."""
WRITTEN = (
    "How do I store the e-bike battery over the winter?",
    "How often should the chain be cleaned?",
    "What does the warranty of the frame cover?",
)


async def ingest_rate(config: Config, say: Say) -> Measured:
    """Ingest editions of this project's own documents, then embed the very same texts alone."""
    async with own_knowledge(config) as (knowledge, folder):
        files = _editions(folder)
        say(f"{len(files)} documents are ingested")
        started = time.perf_counter()
        report = await knowledge.ingestor.ingest(files)
        ingesting = time.perf_counter() - started
        rows, _vectors = await (await knowledge.index.view()).all_rows()
        texts = [embedded_text(row) for row in rows]
        say(f"{len(texts)} texts are embedded alone")
        started = time.perf_counter()
        await knowledge.embedder.embed_passages(texts)
        embedding = time.perf_counter() - started
    value, baseline = report.embedded / ingesting, len(texts) / embedding
    return [more("ingest_vs_embed", value, "texts/s", baseline, "embedding alone")]


async def beside_ingest(config: Config, say: Say) -> Measured:
    """Time answers of both kinds, first with nothing else to do, then beside 1,000 new files."""
    async with demo_service(config, say) as (service, folder):
        variants = demo_variants()
        for question in (*WRITTEN, variants[-1]):  # so that their passages were seen before
            await service.answerer.answer(question)
        say("answers alone")
        alone = await _answers(service, variants[: 2 * _FAQ : 2], until=lambda: False)
        files = _small_files(folder)
        say(f"answers beside an ingest of {len(files)} files")
        embeds = asyncio.Event()

        def on_progress(progress: Progress) -> None:
            if progress.texts:
                embeds.set()

        ingestor = service.knowledge.ingestor
        ingest = asyncio.create_task(ingestor.ingest(files, on_progress=on_progress))
        try:
            await embeds.wait()
            beside = await _answers(service, variants[1 : 2 * _FAQ : 2], until=ingest.done)
        finally:
            ingest.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await ingest
    names = ("faq_beside_ingest", "answer_beside_ingest")
    return list(map(_beside, names, beside, alone))


def _beside(name: str, beside: Sequence[float], alone: Sequence[float]) -> Figure:
    if min(len(beside), len(alone)) < _ENOUGH:
        return missing(name, "s", f"Only {len(beside)} answers were given before the ingest ended.")
    return less(name, median(beside), "s", median(alone), "the same with nothing else to do")


async def _answers(
    service: Service, questions: Sequence[str], *, until: Callable[[], bool]
) -> tuple[list[float], list[float]]:
    """Return the seconds of answers from the FAQ, and of written ones asked in between."""
    faq: list[float] = []
    written: list[float] = []
    for number, question in enumerate(questions):
        for asked, times in ((question, faq), (WRITTEN[number % len(WRITTEN)], written)):
            started = time.perf_counter()
            await service.answerer.answer(asked)
            if until():
                return faq, written
            times.append(time.perf_counter() - started)
    return faq, written


@asynccontextmanager
async def own_knowledge(config: Config) -> AsyncIterator[tuple[Knowledge, Path]]:
    """Open a knowledge base of its own that is gone afterwards, with a folder for files."""
    with tempfile.TemporaryDirectory(prefix="answerdesk-bench-") as folder:
        paths = find_paths(data_folder(), knowledge_base=Path(folder).name)
        try:
            async with open_knowledge(config, paths) as knowledge:
                await knowledge.embedder.start(wait=True)
                yield knowledge, Path(folder)
        finally:
            await asyncio.to_thread(shutil.rmtree, paths.data, ignore_errors=True)


@asynccontextmanager
async def demo_service(config: Config, say: Say) -> AsyncIterator[tuple[Service, Path]]:
    """Open `own_knowledge` with the demo shop in it, and what answers, its generator loaded."""
    async with own_knowledge(config) as (knowledge, folder), open_service(knowledge) as service:
        await ingest_demo_if_empty(knowledge, say=say)
        await knowledge.trainer.ensure()
        if service.generator is not None:
            await service.generator.start(wait=True)
        yield service, folder


def _editions(folder: Path) -> list[IncomingFile]:
    """Write the documents several times, each paragraph with the edition's number behind it."""
    for path in [*(PROJECT / "docs").glob("*.md"), *(PROJECT / "demo" / "documents").glob("*.md")]:
        paragraphs = path.read_text("utf-8").split("\n\n")
        for edition in range(_EDITIONS):
            text = "\n\n".join(f"{part} (Edition {edition}.)" for part in paragraphs)
            (folder / f"{path.stem}-{edition}.md").write_text(text, "utf-8")
    return collect([folder])


def _small_files(folder: Path) -> list[IncomingFile]:
    for number in range(_FILES):
        text = (
            f"# Part {number}\n\nPart {number} fits frames made since {1980 + number % 40}. It "
            f"weighs {number % 900 + 100} grams and comes in {number % 7 + 1} colours. Order it "
            f"under A-{number:05}; it is delivered within {number % 9 + 2} working days.\n\n"
        )
        text += " ".join(
            f"Step {step} of mounting part {number}: turn screw {step * number % 97} by "
            f"{step * 15} degrees and check that nothing rattles."
            for step in range(1, 5)
        )
        (folder / f"part-{number}.md").write_text(text, "utf-8")
    return collect([folder])
