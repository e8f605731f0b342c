"""States of prompt prefixes on disk, so that a restart does not make the model read again.

One file per state, named by what decides it: the weights, llama.cpp's build and settings, and the
exact tokens. A file is written beside its place and renamed, carries a checksum, and is deleted
when that does not fit. When the budget is full the least useful go first: those asked for least,
an old use counting half as much after each week. Nothing here is truth: losing it costs time.
"""

import hashlib
import json
import logging
import os
import queue
import shutil
import struct
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from models.llama.prefixes import MemoryPrefixes, Tokens

_logger = logging.getLogger(__name__)

_MAGIC = b"ADPREFIX1"
_HEADER = struct.Struct(f"<{len(_MAGIC)}s32sI")
_INDEX = "index.json"
_SUFFIX = ".state"
_HALF_LIFE_S = 7 * 24 * 3600
_MAX_UNWRITTEN = 16
"""States that may wait for the disk; beyond it the newest is not stored."""

_Unwritten: TypeAlias = tuple[Tokens, bytes]
"""Tokens and state of a file."""


@dataclass(slots=True)
class _Entry:
    size: int
    uses: float
    used_at: float

    def usefulness(self, now: float) -> float:
        decay: float = 0.5 ** ((now - self.used_at) / _HALF_LIFE_S)
        return self.uses * decay


class DiskPrefixes(MemoryPrefixes):
    """States in memory, with a folder behind it.

    Reading happens where it is called, writing in a thread of its own.
    """

    def __init__(
        self,
        folder: Path,
        memory_bytes: int,
        *,
        model: str,
        budget_bytes: int,
        resident: int = 4,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Open the states of one model; those of other models or settings are deleted.

        `model` names weights, build and settings: whatever changes the numbers.
        """
        super().__init__(memory_bytes, resident=resident)
        name = hashlib.sha256(model.encode()).hexdigest()[:16]
        self._folder = folder / name
        self._disk_budget = budget_bytes
        self._clock = clock
        self._lock = threading.Lock()
        self._unwritten: queue.Queue[_Unwritten | None] = queue.Queue(_MAX_UNWRITTEN)
        for other in folder.glob("*"):
            if other.is_dir() and other.name != name:
                shutil.rmtree(other, ignore_errors=True)
        self._folder.mkdir(parents=True, exist_ok=True)
        self._entries = _read_index(self._folder)
        self._writer = threading.Thread(target=self._write_all, name="prefixes", daemon=True)
        self._writer.start()

    def has(self, tokens: Tokens) -> bool:
        """Tell whether a state is kept; one on disk may still turn out to be unreadable."""
        return super().has(tokens) or _name(tokens) in self._entries

    def get(self, tokens: Tokens) -> bytes | None:
        """Return the state after exactly these tokens, from memory or disk."""
        name = _name(tokens)
        with self._lock:
            entry = self._entries.get(name)
            if entry is not None:
                now = self._clock()
                entry.uses = entry.usefulness(now) + 1
                entry.used_at = now
        state = super().get(tokens)
        if state is None and entry is not None:
            state = self._read(name, tokens)
            if state is not None:
                super().put(tokens, state, resident=False)
        return state

    def put(self, tokens: Tokens, state: bytes, *, resident: bool) -> None:
        """Keep a state in memory, and soon on disk."""
        super().put(tokens, state, resident=resident)
        if len(state) > self._disk_budget:
            return
        try:
            self._unwritten.put_nowait((tokens, state))
        except queue.Full:
            _logger.warning("The disk is too slow to store the state of a passage")

    def close(self) -> None:
        """Write what is waiting."""
        self._unwritten.put(None)
        self._writer.join()

    def _read(self, name: str, tokens: Tokens) -> bytes | None:
        path = self._folder / (name + _SUFFIX)
        try:
            state = _unpack(path.read_bytes(), tokens)
        except (OSError, ValueError) as error:
            _logger.warning("The stored state %s is dropped: %s", path.name, error)
            with self._lock:
                self._drop(name)
            return None
        return state

    # --- in the writing thread -----------------------------------------------------------------

    def _write_all(self) -> None:
        while (job := self._unwritten.get()) is not None:
            try:
                self._write(*job)
            except OSError as error:
                _logger.warning("A state cannot be stored: %s", error)

    def _write(self, tokens: Tokens, state: bytes) -> None:
        name, data = _name(tokens), _pack(tokens, state)
        path = self._folder / (name + _SUFFIX)
        temporary = self._folder / f"{name}.{os.getpid()}.new"
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        with self._lock:
            temporary.replace(path)
            self._entries[name] = _Entry(len(data), 1, self._clock())
            self._make_room(keep=name)
            self._write_index()

    def _make_room(self, *, keep: str) -> None:
        """Delete the least useful states until the budget holds."""
        now = self._clock()
        size = sum(entry.size for entry in self._entries.values())
        for name in sorted(self._entries, key=lambda n: self._entries[n].usefulness(now)):
            if size <= self._disk_budget:
                return
            if name != keep:
                size -= self._entries[name].size
                self._drop(name)

    def _drop(self, name: str) -> None:
        self._entries.pop(name, None)
        (self._folder / (name + _SUFFIX)).unlink(missing_ok=True)

    def _write_index(self) -> None:
        values = {n: [e.uses, e.used_at] for n, e in self._entries.items()}
        temporary = self._folder / f"{_INDEX}.{os.getpid()}.new"
        temporary.write_text(json.dumps(values))
        temporary.replace(self._folder / _INDEX)


def _read_index(folder: Path) -> dict[str, _Entry]:
    """Return the states in a folder; temporary files and states not in the index are deleted."""
    for leftover in folder.glob("*.new"):
        leftover.unlink(missing_ok=True)
    try:
        known = json.loads((folder / _INDEX).read_bytes())
    except (OSError, ValueError):
        known = {}
    entries: dict[str, _Entry] = {}
    for path in folder.glob("*" + _SUFFIX):
        match known.get(path.stem):
            case [uses, used_at]:
                size = path.stat().st_size
                entries[path.stem] = _Entry(size, float(uses), float(used_at))
            case _:
                path.unlink(missing_ok=True)
    return entries


def _name(tokens: Sequence[int]) -> str:
    return hashlib.sha256(_token_bytes(tokens)).hexdigest()[:32]


def _token_bytes(tokens: Sequence[int]) -> bytes:
    return struct.pack(f"<{len(tokens)}i", *tokens)


def _pack(tokens: Sequence[int], state: bytes) -> bytes:
    body = _token_bytes(tokens) + state
    return _HEADER.pack(_MAGIC, hashlib.sha256(body).digest(), len(tokens)) + body


def _unpack(data: bytes, tokens: Sequence[int]) -> bytes:
    """Return the state of a file.

    Raises:
        ValueError: if the file is cut, changed, or of other tokens.
    """
    if len(data) < _HEADER.size:
        raise ValueError("it is cut")
    magic, digest, count = _HEADER.unpack_from(data)
    body = memoryview(data)[_HEADER.size :]
    if magic != _MAGIC or hashlib.sha256(body).digest() != digest:
        raise ValueError("its checksum is wrong")
    expected = _token_bytes(tokens)
    if count != len(tokens) or body[: len(expected)] != expected:
        raise ValueError("it is of other tokens")
    return bytes(body[len(expected) :])
