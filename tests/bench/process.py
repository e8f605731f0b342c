"""A baseline's process: lines of JSON in and out."""

import asyncio
import contextlib
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from typing import Any

from app.paths import PROJECT
from tests.bench.figure import BenchFailed

DEADLINE_S = 170.0
_CLOSE_S = 5.0


class Baseline:
    """The parent's side of `tests.bench.baselines.lines.Pipe`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    def send(self, values: Mapping[str, Any]) -> None:
        """Send a request."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(values).encode() + b"\n")

    async def receive(self) -> dict[str, Any]:
        """Return the next reply; raises `BenchFailed` if the process ended."""
        assert self._process.stdout is not None
        line = await asyncio.wait_for(self._process.stdout.readline(), DEADLINE_S)
        if not line:
            raise BenchFailed("A baseline's process ended early: is there enough memory?")
        values: dict[str, Any] = json.loads(line)
        return values


@contextlib.asynccontextmanager
async def baseline(name: str, *arguments: object) -> AsyncIterator[tuple[Baseline, dict[str, Any]]]:
    """Start ``tests.bench.baselines.NAME``; give it with what it said when it was ready."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", f"tests.bench.baselines.{name}", *map(str, arguments), cwd=PROJECT,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        running = Baseline(process)
        yield running, await running.receive()
    finally:
        if process.stdin is not None:
            process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), _CLOSE_S)
        except TimeoutError:
            process.kill()
            await process.wait()
