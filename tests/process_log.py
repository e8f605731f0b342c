"""What a process logs, so that a test waits for a line and not for a time."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

_LINE_BYTES = 1 << 24


class ProcessLog:
    """The lines of a process so far."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._more = asyncio.Event()
        self._looked_at = 0
        self._ended = False

    @property
    def text(self) -> str:
        """Everything so far."""
        return "".join(self.lines)

    async def until(self, words: str) -> None:
        """Wait for a line with `words`, behind those that were waited for before."""
        while True:
            while self._looked_at < len(self.lines):
                self._looked_at += 1
                if words in self.lines[self._looked_at - 1]:
                    return
            assert not self._ended, self.text[-3000:]
            self._more.clear()
            await self._more.wait()

    async def read(self, stream: asyncio.StreamReader) -> None:
        """Take lines in until the process ends."""
        async for line in stream:
            self.lines.append(line.decode("utf-8", "replace"))
            self._more.set()
        self._ended = True
        self._more.set()


@contextlib.asynccontextmanager
async def started(
    *command: str, cwd: Path, env: Mapping[str, str]
) -> AsyncIterator[tuple[asyncio.subprocess.Process, ProcessLog]]:
    """Run a process and read what it logs; whoever starts it also ends it."""
    process = await asyncio.create_subprocess_exec(
        *command, cwd=cwd, env=env, limit=_LINE_BYTES,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    assert process.stdout is not None
    log = ProcessLog()
    reading = asyncio.create_task(log.read(process.stdout))
    try:
        yield process, log
    finally:
        await reading
