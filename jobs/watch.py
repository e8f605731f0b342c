"""Notice at once that a folder has changed. The schedule stays: what is missed here it finds."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path

logger = logging.getLogger(__name__)

_QUIET_S = 2.0
"""A change is told when nothing has changed for so long: files come in many pieces."""
_AT_MOST_S = 60.0
"""A folder that never rests is told of this often."""


@dataclass(frozen=True)
class Watcher:
    """Tells of changes in folders, with all below them, and of single files."""

    folders: Sequence[Path]
    """That exist when the watching begins."""
    files: Sequence[Path]
    """Likewise; the folder that holds one is watched, since editors replace files."""
    changed: Callable[[], Awaitable[object]]
    """Called once at the start, for what changed before, and after changes. What changes while it
    runs is told afterwards."""
    _: KW_ONLY
    quiet_s: float = _QUIET_S
    """How long nothing may have changed."""
    _told: asyncio.Event = field(default_factory=asyncio.Event, init=False)

    async def run(self) -> None:
        """Watch until cancelled."""
        self._told.set()
        async with asyncio.TaskGroup() as group:
            # First the watching, so that nothing falls between it and the first look.
            group.create_task(self._watch(self.folders, recursive=True))
            group.create_task(self._watch([file.parent for file in self.files], recursive=False))
            group.create_task(self._tell())

    async def _tell(self) -> None:
        while True:
            await self._told.wait()
            self._told.clear()
            await self.changed()

    async def _watch(self, folders: Sequence[Path], *, recursive: bool) -> None:
        from watchfiles import Change, awatch

        def counts(_change: Change, path: str) -> bool:
            name = Path(path).name
            wanted = recursive or Path(path) in self.files
            return wanted and not name.startswith((".", "~$"))

        there = [folder for folder in dict.fromkeys(folders) if folder.is_dir()]
        for folder in folders:
            if folder not in there:
                logger.warning("%s is not watched: it is no folder. The schedule stays.", folder)
        if not there:
            return
        try:
            async for _ in awatch(
                *there,
                watch_filter=counts,
                recursive=recursive,
                step=round(self.quiet_s * 1000),
                debounce=round(max(self.quiet_s, _AT_MOST_S) * 1000),
                ignore_permission_denied=True,
            ):
                self._told.set()
        except OSError as error:
            # Such as the limit of the system on watched folders.
            logger.warning("Folders are not watched: %s. The schedule stays.", error)
