"""Files that a power cut leaves whole, and their hashes. Blocking."""

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def sha256_of(path: Path) -> str:
    """Return the hash of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sync(*paths: Path) -> None:
    """Wait until files or folders have reached the disk."""
    for path in paths:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextmanager
def temporary_file(folder: Path) -> Iterator[Path]:
    """Yield the path of a new file in a folder; at the end it is gone, unless it was renamed."""
    descriptor, name = tempfile.mkstemp(dir=folder, suffix=".part")
    os.close(descriptor)
    try:
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)


def write_durably(path: Path, data: bytes) -> None:
    """Replace a file in one step: a crash leaves the old content or the new."""
    temporary = path.with_name(path.name + ".new")
    temporary.write_bytes(data)
    sync(temporary)
    temporary.replace(path)
    sync(path.parent)
