"""Target 22: many questions to the real service object with its real models: does memory grow?

python -m tests.soak.memory REPORT.jsonl --questions 50000 --seconds 150

One in a hundred goes to the documents and is written by the model, the others are the demo shop's
own; after every 250 a changed file is taken in and old releases are deleted. A run ends after so
many seconds or when REPORT has all questions; the next one goes on, with processes that have to
warm up anew. Each line of REPORT is a sample. Growth is that of each run after its first fifth, by
least squares, weighted by its questions. The process keeps its memory small as the service's does.
"""

import argparse
import asyncio
import itertools
import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import psutil

from app.commands.common import read_config
from app.demo import ingest_demo_if_empty
from app.main import keep_memory_small
from app.paths import find_paths
from app.wiring import open_knowledge, open_service
from core.config import data_folder
from kb.releases.ingestor import IncomingFile
from tests.bench.ingesting import WRITTEN
from tests.bench.service import demo_variants
from tests.soak.service import own_data

_SAMPLE_EVERY = 100
_WARM_UP = 0.2
_MB_PER_1000 = 1.0
"""Growth that is allowed, of any process."""
_FILES = 5
"""Open files that may come and go."""
_INGEST_EVERY = 250
_DISK = 3.0
"""The data folder without its models, against what it was after the first of these ingests."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What the processes have after so many questions."""

    run: int
    asked: int
    """Of this run."""
    written: int
    """Answers of this run that the generator was asked for."""
    megabytes: dict[str, float]
    """Resident memory of each process."""
    open_files: dict[str, int]
    disk_mb: float = 0.0
    """The data folder, without its models."""


def _sample(run: int, asked: int, written: int, folder: Path) -> Sample:
    parent = psutil.Process()
    named = {"service": parent}
    for child in parent.children(recursive=True):
        module = next((part for part in child.cmdline() if part.endswith("_child")), "")
        if module:
            named[module.removeprefix("models.").removesuffix("_child")] = child
    return Sample(
        run=run,
        asked=asked,
        written=written,
        megabytes={name: round(p.memory_info().rss / 1e6, 2) for name, p in named.items()},
        open_files={name: p.num_fds() for name, p in named.items()},
        disk_mb=_megabytes(folder),
    )


def _megabytes(folder: Path) -> float:
    """Return what is in a data folder, but for its models; a link is not followed."""
    files = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    kept = [path.stat().st_size for path in files if folder / "models" not in path.parents]
    return round(sum(kept) / 1e6, 2)


def _questions() -> Iterator[str]:
    """Yield questions without end, one in a hundred about a document."""
    written = itertools.cycle(WRITTEN)
    for number, question in enumerate(itertools.cycle(demo_variants()), 1):
        yield next(written) if number % 100 == 0 else question


async def ask(report: Path, *, run: int, most: int, seconds: float) -> None:
    """Ask until there were `most` questions or so many seconds are over."""
    end = time.monotonic() + seconds
    written = 0
    config, paths = read_config(), find_paths(data_folder())
    async with open_knowledge(config, paths) as knowledge, open_service(knowledge) as service:
        await ingest_demo_if_empty(knowledge, say=lambda _: None)
        await knowledge.trainer.ensure()
        if service.generator is not None:
            await service.generator.start(wait=True)
        for number, question in enumerate(itertools.islice(_questions(), most), 1):
            answer = await service.answerer.answer(question)
            written += answer.tokens.prompt > 0
            if number % _INGEST_EVERY == 0:
                rows = "".join(f"What is part {n}?,Part {n} of run {number}.\n" for n in range(100))
                data = f"question,answer\n{rows}".encode()
                await knowledge.ingestor.ingest([IncomingFile("soak.csv", data)])
                await knowledge.releases.prune(config.knowledge.keep_releases)
            if number % _SAMPLE_EVERY == 0:
                sample = await asyncio.to_thread(_sample, run, number, written, paths.data)
                line = json.dumps(asdict(sample))
                with report.open("a") as file:
                    file.write(line + "\n")
                if time.monotonic() > end:
                    return


def growth(samples: Sequence[Sample]) -> dict[str, float]:
    """Return megabytes per 1,000 questions of each process."""
    found: dict[str, list[tuple[float, int]]] = {}
    for _, group in itertools.groupby(samples, key=lambda sample: sample.run):
        run = list(group)
        warm = [s for s in run if s.asked >= _WARM_UP * run[-1].asked]
        for name in warm[0].megabytes if len(warm) > 2 else ():
            there = [s for s in warm if name in s.megabytes]
            x, y = [s.asked / 1000 for s in there], [s.megabytes[name] for s in there]
            found.setdefault(name, []).append((float(np.polyfit(x, y, 1)[0]), run[-1].asked))
    return {
        name: round(float(np.average([mb for mb, _ in values], weights=[n for _, n in values])), 3)
        for name, values in found.items()
    }


def read(report: Path) -> list[Sample]:
    """Return the samples of all runs so far."""
    if not report.exists():
        return []
    return [Sample(**json.loads(line)) for line in report.read_text("utf-8").splitlines()]


def lost_files(samples: Sequence[Sample]) -> dict[str, int]:
    """Return by how much the open files of each process grew within a run, at most."""
    lost: dict[str, int] = {}
    for _, group in itertools.groupby(samples, key=lambda sample: sample.run):
        run = list(group)
        warm = next(s for s in run if s.asked >= _WARM_UP * run[-1].asked)
        for name, count in run[-1].open_files.items():
            more = count - warm.open_files.get(name, count)
            lost[name] = max(more, lost.get(name, more))
    return lost


def disk_times(samples: Sequence[Sample]) -> float:
    """Return how many times larger the data folder is than after the first ingests."""
    sizes = [sample.disk_mb for sample in samples if sample.asked > _INGEST_EVERY]
    return round(sizes[-1] / sizes[0], 2) if sizes and sizes[0] else 0.0


def main(arguments: list[str] | None = None) -> int:
    """Ask, print the growth over all runs; return 1 if a process grew too much."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("report", type=Path)
    parser.add_argument("--questions", type=int, default=50_000)
    parser.add_argument("--seconds", type=float, default=150)
    options = parser.parse_args(arguments)
    keep_memory_small()
    before = read(options.report)
    done = {sample.run: sample.asked for sample in before}
    left = options.questions - sum(done.values())
    if left > 0:
        run = max(done, default=0) + 1
        with own_data():
            asyncio.run(ask(options.report, run=run, most=left, seconds=options.seconds))
    samples = read(options.report)
    last = {sample.run: sample for sample in samples}
    slopes, files, times = growth(samples), lost_files(samples), disk_times(samples)
    summary = {
        "run": "memory",
        "asked": sum(sample.asked for sample in last.values()),
        "written": sum(sample.written for sample in last.values()),
        "mb_per_1000": slopes,
        "files_more": files,
        "megabytes": samples[-1].megabytes if samples else {},
        "disk_times": times,
    }
    sys.stdout.write(json.dumps(summary) + "\n")
    grown = max(slopes.values(), default=0) > _MB_PER_1000
    return int(grown or times > _DISK or max(files.values(), default=0) > _FILES)


if __name__ == "__main__":
    sys.exit(main())
