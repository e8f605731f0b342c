"""Files of models on disk: hashing, what was checked already, writing that survives a crash."""

import contextlib
import json
from dataclasses import dataclass
from pathlib import Path

from core.durable import sha256_of, write_durably


@dataclass(frozen=True, slots=True)
class _Seen:
    size: int
    mtime_ns: int
    ctime_ns: int
    """Of the last change of content or rights, which no program can set."""
    sha256: str


class HashMemory:
    """Remembers the hash of files, so that a start need not read a gigabyte again.

    A file whose size or times of change differ from what was seen is read again. What is
    remembered lies in one small JSON file per model; losing it costs time only.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def hashes(self, key: str, files: dict[str, Path]) -> dict[str, str]:
        """Return the sha256 of each file, by its name.

        Raises:
            FileNotFoundError: if one does not exist.
        """
        note = self._folder / f"{key}.json"
        seen = _read_note(note)
        now: dict[str, _Seen] = {}
        for name, path in files.items():
            stat = path.stat()
            known = seen.get(name)
            times = stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns
            if known and (known.size, known.mtime_ns, known.ctime_ns) == times:
                now[name] = known
            else:
                now[name] = _Seen(*times, sha256_of(path))
        if now != seen:
            _write_note(note, now)
        return {name: entry.sha256 for name, entry in now.items()}


def _read_note(note: Path) -> dict[str, _Seen]:
    try:
        values = json.loads(note.read_bytes())
        return {name: _Seen(*entry) for name, entry in values.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def _write_note(note: Path, entries: dict[str, _Seen]) -> None:
    values = {name: [e.size, e.mtime_ns, e.ctime_ns, e.sha256] for name, e in entries.items()}
    with contextlib.suppress(OSError):  # a read-only folder only costs the time of hashing
        note.parent.mkdir(parents=True, exist_ok=True)
        write_durably(note, json.dumps(values, indent=0).encode())
