"""Files of vectors by key, beside the index; any of them may be deleted at any time."""

import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from core.durable import temporary_file
from core.types import Vector


def read_vectors(path: Path) -> dict[str, Vector]:
    """Return the vectors in a file by their keys; none if it is torn or not there."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            return dict(zip(stored["keys"].tolist(), stored["vectors"], strict=True))
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return {}


def write_vectors(path: Path, vectors: Mapping[str, Vector]) -> None:
    """Put vectors into a file, whole or not at all; raises OSError on a full disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with temporary_file(path.parent) as temporary:
        with temporary.open("wb") as file:
            np.savez(file, keys=np.array(list(vectors)), vectors=np.stack([*vectors.values()]))
        temporary.replace(path)
