"""States of prompt prefixes on disk, so that a restart does not make the model read again.

One file per state, named by what decides it: the weights, llama.cpp's build and settings, and the
exact tokens. It carries a checksum, and is deleted when that does not fit. When the budget is full,
those that were not used for longest go first. Nothing here is truth: losing it costs time.
"""

import contextlib
import hashlib
import logging
import os
import queue
import shutil
import struct
import threading
from pathlib import Path

from core.durable import write_durably
from models.llama.prefixes import MemoryPrefixes, Tokens

_logger = logging.getLogger(__name__)

_FORMAT = 2
_SUFFIX = ".state"
_MAX_UNWRITTEN = 16
"""States that may wait for the disk; beyond it the newest is not stored."""


class DiskPrefixes(MemoryPrefixes):
    """States in memory, with a folder behind it.

    Reading happens where it is called, writing in a thread of its own. The time of change of a file
    is that of its last use.
    """

    def __init__(
        self,
        folder: Path,
        memory_bytes: int,
        *,
        model: str,
        budget_bytes: int,
        resident: int = 4,
    ) -> None:
        """Open the states of one model; those of other models or settings are deleted.

        `model` names weights, build and settings: whatever changes the numbers.
        """
        super().__init__(memory_bytes, resident=resident)
        self._folder = folder / hashlib.sha256(f"{_FORMAT} {model}".encode()).hexdigest()[:16]
        self._disk_budget = budget_bytes
        self._unwritten: queue.Queue[tuple[Path, bytes] | None] = queue.Queue(_MAX_UNWRITTEN)
        for other in folder.glob("*"):
            if other.is_dir() and other != self._folder:
                shutil.rmtree(other, ignore_errors=True)
        self._folder.mkdir(parents=True, exist_ok=True)
        for leftover in self._folder.glob("*.new"):
            leftover.unlink(missing_ok=True)
        self._writer = threading.Thread(target=self._write_all, name="prefixes", daemon=True)
        self._writer.start()

    def has(self, tokens: Tokens) -> bool:
        """Tell whether a state is kept; one on disk may still turn out to be unreadable."""
        return super().has(tokens) or self._path(tokens).is_file()

    def get(self, tokens: Tokens) -> bytes | None:
        """Return the state after exactly these tokens, from memory or disk."""
        path = self._path(tokens)
        with contextlib.suppress(OSError):
            os.utime(path)
        state = super().get(tokens)
        if state is None and path.is_file():
            state = _read(path)
            if state is not None:
                super().put(tokens, state, resident=False)
        return state

    def put(self, tokens: Tokens, state: bytes, *, resident: bool) -> None:
        """Keep a state in memory, and soon on disk."""
        super().put(tokens, state, resident=resident)
        if len(state) > self._disk_budget:
            return
        try:
            self._unwritten.put_nowait((self._path(tokens), state))
        except queue.Full:
            _logger.warning("The disk is too slow to store the state of a passage")

    def close(self) -> None:
        """Write what is waiting."""
        self._unwritten.put(None)
        self._writer.join()

    def _path(self, tokens: Tokens) -> Path:
        content = struct.pack(f"<{len(tokens)}i", *tokens)
        return self._folder / f"{hashlib.sha256(content).hexdigest()[:32]}{_SUFFIX}"

    def _write_all(self) -> None:
        while (job := self._unwritten.get()) is not None:
            path, state = job
            try:
                write_durably(path, _digest(path, state) + state)
                self._make_room()
            except OSError as error:
                _logger.warning("A state cannot be stored: %s", error)

    def _make_room(self) -> None:
        """Delete the states that were not used for longest until the budget holds."""
        known = [(path.stat(), path) for path in self._folder.glob(f"*{_SUFFIX}")]
        size = sum(stat.st_size for stat, _ in known)
        for stat, path in sorted(known, key=lambda one: one[0].st_mtime_ns):
            if size <= self._disk_budget:
                return
            size -= stat.st_size
            path.unlink()


def _read(path: Path) -> bytes | None:
    """Return the state of a file; one that is cut, changed or of other tokens is deleted."""
    try:
        content = path.read_bytes()
        digest, state = content[:32], content[32:]
        if digest == _digest(path, state):
            return state
        path.unlink()
    except OSError as error:
        _logger.warning("The stored state %s cannot be read: %s", path.name, error)
    else:
        _logger.warning("The stored state %s is dropped: its checksum is wrong", path.name)
    return None


def _digest(path: Path, state: bytes) -> bytes:
    return hashlib.sha256(path.name.encode() + state).digest()
