"""Flush the files of a table to the disk, and verify them later by their checksums.

LanceDB never calls fsync and keeps no sums of its own: a disk that changes a few bytes of a vector
would change answers, and nobody would notice.
"""

import json
import zlib
from collections.abc import Iterator
from pathlib import Path

from core.durable import sync, write_durably

_PIECE_BYTES = 2**20
_SUMMED = frozenset({"data", "_deletions", "_indices", "_versions"})
"""Folders of a table that answers are read from; of the transactions, only the last one is."""


class TableFiles:
    """The files of one table. Blocking; raises OSError for one that cannot be read."""

    def __init__(self, index: Path, table: str) -> None:
        self._folder = index / f"{table}.lance"
        self._sums = index / f"{table}.sums"

    def written(self) -> frozenset[Path]:
        """Return the files that are written once: those with unique names from LanceDB."""
        return frozenset(path for path in self._folder.rglob("*") if path.suffix != ".json")

    def reach_the_disk(self, old: frozenset[Path]) -> None:
        """Flush the files written since `old` to the disk, and store their checksums."""
        new = [path for path in self._folder.rglob("*") if path not in old]
        sync(*new, *{path.parent for path in new}, self._folder.parent)
        self._note()

    def damaged(self) -> str:
        """Return what is wrong with a file that was brought to the disk; empty: nothing.

        Files that are gone are not looked for: those of old releases are deleted.
        """
        if not self._sums.exists():
            return ""  # written by an earlier version, or never
        known = self._known()
        if known is None:
            return f"{self._sums.name} cannot be read"
        for path in self._summed():
            name = self._name(path)
            try:
                if name in known and _sum(path) != known[name]:
                    return f"{name} is not what was written"
            except FileNotFoundError:
                continue  # its release was pruned meanwhile
        return ""

    def forget(self) -> None:
        """Delete the checksums of a deleted table."""
        self._sums.unlink(missing_ok=True)

    def _note(self) -> None:
        known = self._known() or {}
        names = {self._name(path): path for path in self._summed()}
        sums = {n: known[n] if n in known else _sum(path) for n, path in names.items()}
        write_durably(self._sums, json.dumps(sums).encode())

    def _known(self) -> dict[str, int] | None:
        try:
            found: dict[str, int] = json.loads(self._sums.read_text("utf-8"))
        except (FileNotFoundError, ValueError):
            return None
        return found if isinstance(found, dict) else None

    def _summed(self) -> Iterator[Path]:
        for path in sorted(self.written()):
            if path.relative_to(self._folder).parts[0] in _SUMMED and path.is_file():
                yield path

    def _name(self, path: Path) -> str:
        return path.relative_to(self._folder).as_posix()


def _sum(path: Path) -> int:
    found = 0
    with path.open("rb") as file:
        while piece := file.read(_PIECE_BYTES):
            found = zlib.crc32(piece, found)
    return found
