"""Files of models on disk: hashing, what was checked already, writing that survives a crash."""

import contextlib
import json
from pathlib import Path
from typing import TypeAlias

from core.durable import sha256_of, write_durably

_Seen: TypeAlias = list[int | str]
"""Size, both times of change and sha256 of a file."""


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
            # The last is the time of a change of content or rights, which no program can set.
            state = [stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns]
            known = seen.get(name, [])
            now[name] = known if known[:-1] == state else [*state, sha256_of(path)]
        if now != seen:
            with contextlib.suppress(OSError):  # a read-only folder only costs the time of hashing
                note.parent.mkdir(parents=True, exist_ok=True)
                write_durably(note, json.dumps(now, indent=0).encode())
        return {name: str(entry[-1]) for name, entry in now.items()}


def _read_note(note: Path) -> dict[str, _Seen]:
    try:
        return dict(json.loads(note.read_bytes()))
    except (OSError, ValueError, TypeError):
        return {}
