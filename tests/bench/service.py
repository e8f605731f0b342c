"""The running service: how soon it is there, how fast it answers, how much memory it has."""

import asyncio
import csv
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any, TypeAlias

import httpx
import psutil

from app.paths import PROJECT
from core.config import Config
from tests.bench.figure import BenchFailed, Measured, Say, less, median

_ASK_BOUND_S = 20.0
_FAQ_BOUND_MS = 150.0
_PARENT_BOUND_MB = 250.0
_ACCEPTS_BOUND_S = 2.0
_FIRST_FAQ_BOUND_S = 5.0
_READY_S = 180.0
_POLL_S = 0.02
_STARTS = 3
_BOUND = "our bound"

Check: TypeAlias = Callable[[], Awaitable[object]]


async def ask_warm_start(config: Config, say: Say) -> Measured:
    """Time `answerdesk ask` from the start of the process to the answer on the screen."""
    command = [sys.executable, "-m", "app", "ask", "Can I try a bike before I buy it?", "--json"]
    times = []
    for number in range(3):
        say(f"`answerdesk ask`, {number + 1} of 3")
        started = time.perf_counter()
        process = await asyncio.create_subprocess_exec(
            *command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=PROJECT
        )
        out, _err = await process.communicate()
        times.append(time.perf_counter() - started)
        if process.returncode or not json.loads(out)["text"]:
            raise BenchFailed("`answerdesk ask` failed; run it by hand to see why.")
    return [less("ask_warm_start_s", median(times), "s", _ASK_BOUND_S, _BOUND)]


async def running(config: Config, say: Say) -> Measured:
    """Ask a running service over HTTP: time of faq answers, memory of its own process."""
    async with _service() as (client, process):
        await _until_ready(client, process)
        times = []
        questions = demo_variants()
        say(f"{len(questions)} questions of the demo shop")
        for question in questions:
            reply = await _asked(client, question)
            if reply["kind"] == "faq":
                times.append(reply["timings_ms"]["total"])
        if not times:
            raise BenchFailed(_OTHER_KNOWLEDGE)
        memory = psutil.Process(process.pid).memory_info().rss / 1e6
    return [
        less("faq_p50_ms", median(times), "ms", _FAQ_BOUND_MS, _BOUND),
        less("parent_mb", memory, "MB", _PARENT_BOUND_MB, _BOUND),
    ]


async def start(config: Config, say: Say) -> Measured:
    """Start the service with everything on disk; ask from the first moment on."""
    question = demo_variants()[0]
    async with _service() as (client, process):  # the first start may index the demo shop
        await _until_ready(client, process)
        if not await _is_faq(client, question):
            raise BenchFailed(_OTHER_KNOWLEDGE)
    accepts, answers = [], []
    for number in range(_STARTS):
        say(f"start {number + 1} of {_STARTS}")
        started = time.perf_counter()
        async with _service() as (client, process):
            await _until(process, "did not listen", partial(client.get, "/health"))
            accepts.append(time.perf_counter() - started)
            await _until(process, "gave no answer from the FAQ", partial(_is_faq, client, question))
            answers.append(time.perf_counter() - started)
    return [
        less("start_accepts_s", median(accepts), "s", _ACCEPTS_BOUND_S, _BOUND),
        less("start_first_faq_s", median(answers), "s", _FIRST_FAQ_BOUND_S, _BOUND),
    ]


_OTHER_KNOWLEDGE = (
    "No question of the demo shop was answered from its FAQ: the knowledge base in use is "
    "another one. Point ANSWERDESK_DATA at a new folder with the models in it."
)


@asynccontextmanager
async def _service() -> AsyncIterator[tuple[httpx.AsyncClient, asyncio.subprocess.Process]]:
    """Start `answerdesk run` on a free port; stop it at the end."""
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
            yield client, process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _asked(client: httpx.AsyncClient, question: str) -> dict[str, Any]:
    reply: dict[str, Any] = (await client.post("/api/ask", json={"question": question})).json()
    return reply


async def _is_faq(client: httpx.AsyncClient, question: str) -> bool:
    return bool((await _asked(client, question))["kind"] == "faq")


async def _until(process: asyncio.subprocess.Process, what: str, so: Check) -> None:
    """Wait until something is so; while the service does not listen, nothing is."""
    end = time.monotonic() + _READY_S
    while time.monotonic() < end:
        if process.returncode is not None:
            raise BenchFailed("`answerdesk run` ended early; start it by hand to see why.")
        with suppress(httpx.TransportError):
            if await so():
                return
        await asyncio.sleep(_POLL_S)
    raise BenchFailed(f"`answerdesk run` {what} within {_READY_S:.0f} s.")


async def _until_ready(client: httpx.AsyncClient, process: asyncio.subprocess.Process) -> None:
    async def ready() -> bool:
        return bool((await client.get("/health")).json()["status"] != "loading")

    await _until(process, "was not ready", ready)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def demo_variants() -> list[str]:
    """Return the demo's own ways of asking, none of which a cache has seen."""
    with (PROJECT / "demo" / "faq.csv").open(encoding="utf-8", newline="") as file:
        return [
            variant.strip()
            for row in csv.DictReader(file)
            for variant in row["variants"].split("|")
            if variant.strip()
        ]
