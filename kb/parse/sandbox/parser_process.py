"""Files read in processes of their own, so that none can slow, crash or take over the service."""

import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.errors import IngestError, UnreadableFile
from core.types import ParsedFile
from kb.parse.formats.picture import MAX_READ_PAGES
from kb.parse.limits import OnPage
from kb.parse.sandbox.ipc import HEADER, read_page_frame, read_reply, request

log = logging.getLogger(__name__)

_AT_ONCE = 2
_FILES_PER_PROCESS = 64
_ROOT = Path(__file__).resolve().parents[3]
_WAIT = 10
"""How many times its processor time a file may take by the clock, on a busy machine."""
_STDERR_BYTES = 20_000


@dataclass(frozen=True, slots=True)
class Limits:
    """What reading one file may take."""

    memory_bytes: int = 1024 * 2**20
    timeout_s: float = 25.0
    """Processor time, for each page anew that is read as a picture. By the clock ten times that."""
    wait_s: float = 30.0
    """Allowance for starting Python on a busy machine, on top of that."""
    file_bytes: int = 50 * 2**20
    output_bytes: int = 256 * 2**20


class ParserProcess:
    """Reads files in confined child processes; `confine` says what they cannot do."""

    def __init__(self, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._slots = asyncio.Semaphore(_AT_ONCE)

    async def parse_many(
        self, files: Sequence[tuple[str, Path]], *, columns: Mapping[str, str], on_page: OnPage
    ) -> AsyncGenerator[ParsedFile | IngestError, None]:
        """Read many files, in order; one result for each, or an error that operators can read.

        `columns` has what `kb.parse.parse` is told of them, by name; `on_page` is its own. A
        process is used for up to 64 files, and replaced after one that it could not survive.
        """
        child: _Child | None = None
        try:
            for name, path in files:
                for last in (False, True):
                    async with self._slots:
                        if child is None or child.served >= _FILES_PER_PROCESS:
                            await _close(child)
                            child = await _Child.start(self._limits)
                        result = await child.read(name, path, columns.get(name, ""), on_page)
                    late = child.late
                    if not child.usable:
                        await _close(child)
                        child = None
                    if last or not late:
                        break
                yield result
        finally:
            await _close(child)


class _Child:
    """One running process."""

    def __init__(self, process: asyncio.subprocess.Process, limits: Limits) -> None:
        self._process = process
        self._limits = limits
        self._errors = asyncio.create_task(_drain(process.stderr))
        self.served = 0
        self.usable = True
        self.late = False
        """Whether the last file was given up by the clock: the machine was busy."""

    @classmethod
    async def start(cls, limits: Limits) -> "_Child":
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-X", "utf8", "-m", "kb.parse.sandbox.child"),
            *(str(limits.memory_bytes), str(int(limits.timeout_s) + 1), str(limits.file_bytes)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=_ROOT,
            env=_environment(),
        )
        return cls(process, limits)

    async def read(
        self, name: str, path: Path, columns: str, on_page: OnPage
    ) -> ParsedFile | IngestError:
        """Ask for one file; afterwards `usable` says whether the process may be asked again."""
        deadline_s = _WAIT * self._limits.timeout_s + self._limits.wait_s
        self.served += 1
        self.usable = False
        try:
            async with asyncio.timeout(deadline_s) as deadline:
                assert self._process.stdin is not None
                self._process.stdin.write(request(name, path, columns))
                await self._process.stdin.drain()
                encoded = await self._frame()
                at = 0
                while (page := read_page_frame(encoded)) and at < page[0] <= MAX_READ_PAGES:
                    at = page[0]
                    on_page(*page)
                    deadline.reschedule(asyncio.get_running_loop().time() + deadline_s)
                    encoded = await self._frame()
            result = await asyncio.to_thread(read_reply, name, encoded)
        except TimeoutError:
            self.late = True
            return UnreadableFile(
                name,
                f"The machine was so busy that it was not read within {deadline_s:.0f} s, twice. "
                "Try again when less is going on.",
            )
        except (asyncio.IncompleteReadError, ConnectionError):
            return UnreadableFile(name, await self._death(name))
        except ValueError as error:
            log.warning("The reader of %r sent nonsense: %s", name, error)
            return UnreadableFile(name, "Reading it gave no usable result. Save it again.")
        self.usable = True
        return result

    async def _frame(self) -> bytes:
        stdout = self._process.stdout
        assert stdout is not None
        (size,) = HEADER.unpack(await stdout.readexactly(HEADER.size))
        if size > self._limits.output_bytes:
            raise ValueError(f"{size} bytes are more than allowed")
        return await stdout.readexactly(size)

    async def _death(self, name: str) -> str:
        """Return why the process ended, for the operator; the details go to the log."""
        code = await self._process.wait()
        errors = await self._errors
        log.warning("The reader of %r ended with %s: %s", name, code, errors[-2000:])
        if code == -signal.SIGXCPU:
            return (
                f"Reading it took longer than {self._limits.timeout_s:.0f} s of processor time and "
                "was stopped (knowledge.parse_timeout_s). Split it, or save it in a simpler form."
            )
        if "MemoryError" in errors or "bad_alloc" in errors or "Cannot allocate memory" in errors:
            megabytes = self._limits.memory_bytes / 2**20
            return (
                f"Reading it needs more than {megabytes:.0f} MB of memory "
                "(knowledge.parse_memory_mb). Split it."
            )
        what = signal.Signals(-code).name if code < 0 else errors.strip().rsplit("\n", 1)[-1][:120]
        return (
            f"It is damaged in a way that its reader did not survive ({what or code}). "
            "Open it in the program it comes from, save it again and upload that."
        )

    async def close(self) -> None:
        """End the process and wait until it is gone."""
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
        await self._process.wait()
        await self._errors
        if self._process.stdin is not None:
            self._process.stdin.close()


async def _close(child: _Child | None) -> None:
    if child is not None:
        await asyncio.shield(child.close())


async def _drain(stream: asyncio.StreamReader | None) -> str:
    """Read to the end, so that the writer never waits; keep the last part."""
    kept = b""
    while stream is not None and (piece := await stream.read(65_536)):
        kept = (kept + piece)[-_STDERR_BYTES:]
    return kept.decode("utf-8", "replace")


def _environment() -> dict[str, str]:
    """Return what the child may know: no token, no password."""
    passed = {key: os.environ[key] for key in ("PATH", "LANG", "LC_ALL") if key in os.environ}
    return {
        **passed,
        "PYTHONPATH": str(_ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONNOUSERSITE": "1",
        "OMP_NUM_THREADS": "1",
        "MALLOC_ARENA_MAX": "2",  # each reserves 64 MB of the memory that is allowed
    }
