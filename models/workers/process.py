"""One child process of a model, as the event loop sees it."""

import asyncio
import contextlib
import json
import logging
import sys
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.child import child_environment
from models.workers.ipc import LENGTHS, pack, unpack_lengths

_logger = logging.getLogger(__name__)

_ROOT = Path(__file__).parents[2]
_LAST_WORDS = 12
_CLOSE_GRACE_S = 3
_MISSED = 2
"""Beats in a row without a sign of life: one alone may be due to a late event loop of ours."""
_MISSED_AT_WORK = 8
"""The same for one of which a thread would run if it could: the machine may be overloaded."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A part or the end of a reply."""

    last: bool
    values: Mapping[str, Any]
    blob: bytes
    error: Mapping[str, Any] | None = None
    """What went wrong, in place of the end."""


class ProcessEnded(Exception):
    """The process is gone; the text says how, for the operator."""


class ChildProcess:
    """A running child: replies are handed to `on_reply`, its end to `on_exit`, on the loop."""

    def __init__(
        self,
        name: str,
        process: asyncio.subprocess.Process,
        *,
        on_reply: Callable[["ChildProcess", int, Reply], None],
        on_exit: Callable[["ChildProcess", str], None],
        beat_s: float,
    ) -> None:
        self.name = name
        self.ready: asyncio.Future[Mapping[str, Any]] = asyncio.get_running_loop().create_future()
        self.served = 0
        self._process = process
        self._on_reply = on_reply
        self._on_exit = on_exit
        self._last_words: deque[str] = deque(maxlen=_LAST_WORDS)
        self._failed = ""
        self._beat_s = beat_s
        self._heard = False
        """Whether anything came from the child since the last beat."""
        self._task = asyncio.create_task(self._run(), name=f"{name}-process")

    @classmethod
    async def spawn(
        cls,
        name: str,
        module: str,
        settings: Mapping[str, Any],
        *,
        environment: Mapping[str, str],
        on_reply: Callable[["ChildProcess", int, Reply], None],
        on_exit: Callable[["ChildProcess", str], None],
        beat_s: float,
    ) -> "ChildProcess":
        """Start ``python -m module`` and send it its settings. It has no secret of ours.

        Once it is ready it is asked for a sign of life every `beat_s` seconds, and ended when two
        in a row are missing, eight if it only lacks a processor: one that was stopped would hold
        up every customer.
        """
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            module,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=child_environment(PYTHONPATH=str(_ROOT), **environment),
            process_group=0,  # Ctrl-C is for the parent; it closes us
        )
        started = cls(name, process, on_reply=on_reply, on_exit=on_exit, beat_s=beat_s)
        started.send({"settings": dict(settings)})
        return started

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.returncode is None

    def send(self, header: Mapping[str, Any]) -> None:
        """Send a frame; a process that is gone is noticed by `on_exit`, not here."""
        if self._process.stdin is not None and not self._process.stdin.is_closing():
            self._process.stdin.write(pack(header))

    def kill(self) -> None:
        """End the process at once."""
        if self.alive:
            self._process.kill()

    async def close(self) -> None:
        """End the process: by closing its input, and if it does not listen, by killing it."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            async with asyncio.timeout(_CLOSE_GRACE_S):
                await asyncio.shield(self._task)
        except TimeoutError:
            self.kill()
            await self._task

    async def _run(self) -> None:
        errors = asyncio.create_task(self._read_errors(), name=f"{self.name}-stderr")
        beats = asyncio.create_task(self._beat(), name=f"{self.name}-beats")
        try:
            await self._read_replies()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        except Exception as error:  # whatever it is: a child that nobody reads must not stay
            _logger.exception("%s cannot be understood", self.name)
            what = f"{type(error).__name__}: {error}"
            self._failed = self._failed or f"it sent something that is no reply ({what})"
            self.kill()
        code = await self._process.wait()
        beats.cancel()
        await asyncio.gather(errors, beats, return_exceptions=True)
        reason = self._reason(code)
        if not self.ready.done():
            self.ready.set_exception(ProcessEnded(reason))
            self.ready.exception()  # read here, so that an unobserved one is no warning
        self._on_exit(self, reason)

    async def _beat(self) -> None:
        """Ask for signs of life, and end the process when they are missing."""
        await asyncio.wait({self.ready})
        missed = 0
        while missed < _MISSED or (missed < _MISSED_AT_WORK and _is_at_work(self.pid)):
            self._heard = False
            self.send({"beat": True})
            await asyncio.sleep(self._beat_s)
            missed = 0 if self._heard else missed + 1
        self._failed = f"it gave no sign of life for {missed * self._beat_s:g} s"
        self.kill()

    async def _read_replies(self) -> None:
        reader = self._process.stdout
        assert reader is not None
        while True:
            header_size, blob_size = unpack_lengths(await reader.readexactly(LENGTHS.size))
            header = json.loads(await reader.readexactly(header_size))
            blob = await reader.readexactly(blob_size)
            self._heard = True
            if "beat" in header:
                continue
            if "ready" in header:
                self.ready.set_result(header["ready"])
            elif "failed" in header:
                self._failed = header["failed"]
            elif "item" in header:
                self._on_reply(self, header["id"], Reply(False, header["item"], blob))
            elif "error" in header:
                self._on_reply(self, header["id"], Reply(True, {}, blob, header["error"]))
            else:
                self._on_reply(self, header["id"], Reply(True, header["done"], blob))

    async def _read_errors(self) -> None:
        reader = self._process.stderr
        assert reader is not None
        while line := await _read_line(reader):
            text = line.decode(errors="replace").rstrip()
            if text:
                self._last_words.append(text)
                _logger.debug("%s: %s", self.name, text)

    def _reason(self, code: int) -> str:
        if self._failed:
            return self._failed
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        words = self._last_words[-1] if self._last_words else ""
        return f"the process ended with {how}" + (f": {words}" if words else "")


def _is_at_work(pid: int) -> bool:
    """Tell whether a thread of a process runs, or waits for a processor or a disk.

    One that was stopped, or whose threads wait for each other, has none. On Linux only.
    """
    states = []
    with contextlib.suppress(OSError):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            _, _, rest = (thread / "stat").read_text().rpartition(")")
            states.append(rest.split()[0])
    return bool({"R", "D"} & set(states))


async def _read_line(reader: asyncio.StreamReader) -> bytes:
    """Read a line, or a piece of one that is too long."""
    try:
        return await reader.readuntil(b"\n")
    except asyncio.IncompleteReadError as error:
        return error.partial
    except asyncio.LimitOverrunError as error:
        return await reader.readexactly(error.consumed)
