"""Measure speed on this machine; every figure against a baseline.

A baseline is measured in the same run where there is one to compare with (`ingest_vs_embed`), else
it is the bound we promise. `ratio` above 1 is better than the baseline, for times and for rates.
"""

import asyncio
import csv
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

from app.files import collect
from app.paths import PROJECT, find_paths
from app.wiring import open_knowledge
from core.config import Config, data_folder
from core.errors import AnswerdeskError
from kb.ingest import IncomingFile
from kb.rows import embedded_text

_ASK_BOUND_S = 20.0
_FAQ_BOUND_MS = 150.0
_PARENT_BOUND_MB = 250.0
_READY_S = 180.0
_EDITIONS = 12
"""Copies of each document: enough texts that starting the parser and training weigh little."""


class BenchFailed(AnswerdeskError):
    """A measurement could not be taken."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One row of the table."""

    name: str
    value: float
    unit: str
    baseline: float
    ratio: float
    """How many times better than the baseline; above 1 is better."""


def _less_is_better(name: str, value: float, unit: str, baseline: float) -> Figure:
    return Figure(name, round(value, 2), unit, round(baseline, 2), round(baseline / value, 2))


async def ask_warm_start(_config: Config) -> list[Figure]:
    """Time `answerdesk ask` from the start of the process to the answer on the screen."""
    command = [sys.executable, "-m", "app", "ask", "Can I try a bike before I buy it?", "--json"]
    times = []
    for _ in range(3):
        started = time.perf_counter()
        process = await asyncio.create_subprocess_exec(
            *command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=PROJECT
        )
        out, _err = await process.communicate()
        times.append(time.perf_counter() - started)
        if process.returncode or not json.loads(out)["text"]:
            raise BenchFailed("`answerdesk ask` failed; run it by hand to see why.")
    return [_less_is_better("ask_warm_start_s", statistics.median(times), "s", _ASK_BOUND_S)]


async def running_service(config: Config) -> list[Figure]:
    """Ask a running service over HTTP: time of faq answers, memory of the parent process."""
    async with _service() as (client, process):
        times = []
        for question in _demo_variants():
            reply = (await client.post("/api/ask", json={"question": question})).json()
            if reply["kind"] == "faq":
                times.append(reply["timings_ms"]["total"])
        if not times:
            raise BenchFailed(
                "No question of the demo shop was answered from its FAQ: the knowledge base in "
                "use is another one. Point ANSWERDESK_DATA at a new folder."
            )
        memory = psutil.Process(process.pid).memory_info().rss / 1e6
    return [
        _less_is_better("faq_p50_ms", statistics.median(times), "ms", _FAQ_BOUND_MS),
        _less_is_better("parent_mb", memory, "MB", _PARENT_BOUND_MB),
    ]


async def ingest_rate(config: Config) -> list[Figure]:
    """Ingest editions of this project's own documents, then embed the very same texts alone."""
    with tempfile.TemporaryDirectory(prefix="answerdesk-bench-") as folder:
        paths = find_paths(data_folder(), base=Path(folder).name)
        try:
            files = _editions(Path(folder))
            async with open_knowledge(config, paths) as knowledge:
                await knowledge.embedder.start(wait=True)
                started = time.perf_counter()
                report = await knowledge.ingestor.ingest(files)
                ingesting = time.perf_counter() - started
                rows, _vectors = await knowledge.index.all_rows()
                texts = [embedded_text(row) for row in rows]
                started = time.perf_counter()
                await knowledge.embedder.embed_passages(texts)
                embedding = time.perf_counter() - started
        finally:
            shutil.rmtree(paths.data, ignore_errors=True)
    value, baseline = report.embedded / ingesting, len(texts) / embedding
    return [
        Figure(
            "ingest_vs_embed",
            round(value, 1),
            "texts/s",
            round(baseline, 1),
            round(value / baseline, 2),
        )
    ]


BENCHMARKS: Mapping[str, Callable[[Config], Awaitable[list[Figure]]]] = {
    "ask": ask_warm_start,
    "service": running_service,
    "ingest": ingest_rate,
}


@asynccontextmanager
async def _service() -> AsyncIterator[tuple[httpx.AsyncClient, asyncio.subprocess.Process]]:
    """Start `answerdesk run` on a free port, wait until it is ready, stop it at the end."""
    port = _free_port()
    environment = {**os.environ, "ANSWERDESK__CONSOLE__PORT": str(port)}
    environment.pop("TELEGRAM_BOT_TOKEN", None)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "app", "run", cwd=PROJECT, env=environment,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        async with httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=60
        ) as client:
            await _until_ready(client, process)
            yield client, process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _until_ready(client: httpx.AsyncClient, process: asyncio.subprocess.Process) -> None:
    end = time.monotonic() + _READY_S
    while time.monotonic() < end:
        if process.returncode is not None:
            raise BenchFailed("`answerdesk run` ended early; start it by hand to see why.")
        try:
            if (await client.get("/health")).json()["status"] != "loading":
                return
        except httpx.TransportError:
            pass
        await asyncio.sleep(0.2)
    raise BenchFailed(f"`answerdesk run` was not ready within {_READY_S:.0f} s.")


def _editions(folder: Path) -> list[IncomingFile]:
    """Write the documents several times, each paragraph with the edition's number behind it."""
    for path in [*(PROJECT / "docs").glob("*.md"), *(PROJECT / "demo" / "documents").glob("*.md")]:
        paragraphs = path.read_text("utf-8").split("\n\n")
        for edition in range(_EDITIONS):
            text = "\n\n".join(f"{part} (Edition {edition}.)" for part in paragraphs)
            (folder / f"{path.stem}-{edition}.md").write_text(text, "utf-8")
    return collect([folder])


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _demo_variants() -> list[str]:
    """Return the demo's own ways of asking, none of which a cache has seen."""
    with (PROJECT / "demo" / "faq.csv").open(encoding="utf-8", newline="") as file:
        return [
            variant.strip()
            for row in csv.DictReader(file)
            for variant in row["variants"].split("|")
            if variant.strip()
        ]
