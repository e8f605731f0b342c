"""Every file as it was received, named by its sha256: authoritative, like the database."""

import hashlib
import io
import os
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

from core.durable import sync, temporary_file
from core.errors import OriginalMissing

_BLOCK_BYTES = 1 << 20


class Originals:
    """A folder of files that are never changed. Blocking: call it from a thread.

    A file is there whole or not at all, also after a power cut: it is written under another name,
    flushed to the disk and then renamed.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def store(self, data: bytes | Path | BinaryIO) -> str:
        """Keep these bytes, or those of this file or open file; return their sha256.

        Raises:
            OSError: if the file cannot be read or the disk is full; nothing half-written is left.
        """
        if isinstance(data, Path):
            with data.open("rb") as opened:
                return self.store(opened)
        file = io.BytesIO(data) if isinstance(data, bytes) else data
        file.seek(0)
        digest = hashlib.sha256()
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
        sha256 = digest.hexdigest()
        path = self.path(sha256)
        if path.is_file() and path.stat().st_size == file.tell():
            os.utime(path)  # it may be an upload again, which waits a week
            return sha256
        file.seek(0)
        # Hashed again while copying: the file may change between the two readings.
        return self._write(file)

    def path(self, sha256: str) -> Path:
        """Return where the original of this hash is, or would be."""
        return self._folder / sha256

    def checked_path(self, sha256: str) -> Path:
        """Return where the original is, after comparing its bytes with its name.

        Raises:
            OriginalMissing: if it is gone, was changed or cannot be read.
        """
        path = self.path(sha256)
        try:
            with path.open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
        except FileNotFoundError as error:
            raise OriginalMissing(sha256, "is not on disk") from error
        except OSError as error:
            raise OriginalMissing(sha256, f"cannot be read ({error.strerror})") from error
        if found != sha256:
            # Out of the way, so that sending the file again repairs it.
            path.replace(path.with_name(f"{sha256}.damaged"))
            raise OriginalMissing(sha256, f"was changed on disk (its hash is {found[:12]}…)")
        return path

    def names(self) -> set[str]:
        """Return the sha256 of every original on disk."""
        if not self._folder.is_dir():
            return set()
        return {path.name for path in self._folder.iterdir() if len(path.name) == 64}

    def size_bytes(self, sha256s: Iterable[str]) -> int:
        """Return the total size of these originals; missing ones count as nothing."""
        paths = [self.path(sha256) for sha256 in sha256s]
        return sum(path.stat().st_size for path in paths if path.is_file())

    def forget(self, kept: Iterable[str], *, older_than: float) -> int:
        """Delete originals that are not `kept` and unused since `older_than`; return how many.

        Younger ones, by epoch seconds, may belong to an upload still being looked at.
        """
        originals = map(self.path, self.names() - set(kept))
        gone = [path for path in originals if path.stat().st_mtime < older_than]
        parts = [path for path in self._folder.glob("*.part") if path.stat().st_mtime < older_than]
        for path in (*gone, *parts):
            path.unlink()
        return len(gone)

    def _write(self, original: BinaryIO) -> str:
        if not self._folder.is_dir():
            self._folder.mkdir(parents=True, exist_ok=True)  # another process may do it now
            sync(self._folder.parent)
        digest = hashlib.sha256()
        with temporary_file(self._folder) as temporary:
            with temporary.open("wb") as file:
                while block := original.read(_BLOCK_BYTES):
                    digest.update(block)
                    file.write(block)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self.path(digest.hexdigest()))
        sync(self._folder)
        return digest.hexdigest()
