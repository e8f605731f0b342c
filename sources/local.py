"""Folders and single files on this machine."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from sources import Found, SourceUnreadable, Visit
from sources.scan import scan


@dataclass(frozen=True, slots=True)
class OnThisMachine:
    """A place in the file system."""

    path: Path

    @property
    def location(self) -> str:
        """Return its absolute path."""
        return str(self.path.absolute())

    @property
    def wanted_name(self) -> str:
        """Return its own name."""
        return self.path.absolute().name


@dataclass(frozen=True, slots=True)
class Folder(OnThisMachine):
    """A folder with all that it holds, as far as a pattern fits."""

    patterns: Sequence[str] = ("**/*",)
    kind: ClassVar[str] = "folder"

    async def find(self, visit: Visit) -> Found:
        """List its files; a list that is not complete is a failure."""
        try:
            scanned = await asyncio.to_thread(scan, self.path, self.patterns)
        except SourceUnreadable as error:
            return Found(failure=str(error))
        files = {f"{visit.name}/{file}": self.path / file for file in scanned.files}
        return Found(files, scanned.skipped)


@dataclass(frozen=True, slots=True)
class SingleFile(OnThisMachine):
    """One file."""

    kind: ClassVar[str] = "file"

    @property
    def wanted_name(self) -> str:
        """Return the file's name without its ending."""
        return self.path.stem

    async def find(self, visit: Visit) -> Found:
        """Check that it is there."""
        if not await asyncio.to_thread(self.path.is_file):
            return Found(
                failure=f"The file {self.location!r} does not exist or is no file. What was read "
                "from it before stays: correct refresh.sources, or put it back."
            )
        return Found({f"{visit.name}/{self.path.name}": self.path})
