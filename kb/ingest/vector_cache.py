"""Vectors of runs not yet published, so that an interrupted one continues where it was."""

import contextlib
import threading
import time
import uuid
from collections.abc import Collection, Mapping
from pathlib import Path

from core.types import Vector
from kb.index.vector_files import read_vectors, write_vectors

_KEPT_S = 7 * 24 * 3600.0
"""Vectors of an abandoned run are deleted after this time."""


class VectorSpool:
    """A folder of small files, one for each batch that was embedded. Blocking.

    Nothing in it is needed: a file that is torn or gone costs embedding its texts again. It holds
    no text, only hashes and vectors.
    """

    def __init__(self, folder: Path, fingerprint: str) -> None:
        self._folder = folder
        self._model = fingerprint[-24:]
        self._files: dict[Path, frozenset[str]] = {}
        self._lock = threading.Lock()

    def load(self) -> dict[str, Vector]:
        """Return the vectors that stopped runs of this model left, by vector key."""
        found: dict[str, Vector] = {}
        for path in sorted(self._folder.iterdir()) if self._folder.is_dir() else ():
            with contextlib.suppress(FileNotFoundError):  # another process published it meanwhile
                if path.stat().st_mtime < time.time() - _KEPT_S:
                    path.unlink()
                elif path.suffix == ".npz" and path.name.startswith(f"{self._model}-"):
                    batch = read_vectors(path)
                    if not batch:  # torn
                        path.unlink()
                    found |= batch
                    with self._lock:
                        self._files[path] = frozenset(batch)
        return found

    def add(self, vectors: Mapping[str, Vector]) -> None:
        """Keep a batch until it is published; on a full disk it is silently not kept."""
        with contextlib.suppress(OSError):
            path = self._folder / f"{self._model}-{time.time_ns()}-{uuid.uuid4().hex}.npz"
            write_vectors(path, vectors)
            with self._lock:
                self._files[path] = frozenset(vectors)

    def published(self, keys: Collection[str]) -> None:
        """Delete the batches whose vectors are all in the index now."""
        published = frozenset(keys)
        with self._lock:
            done = [path for path, batch in self._files.items() if batch <= published]
            for path in done:
                del self._files[path]
        for path in done:
            path.unlink(missing_ok=True)
