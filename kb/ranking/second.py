"""The second embedder, which may be late or down without anybody having to wait for it."""

import asyncio
import hashlib
import logging
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from core.errors import ModelError
from core.protocols import Embedder
from core.types import Matrix, Vector

log = logging.getLogger(__name__)

_PATIENCE_S = 1.0
"""A question takes 3 ms; one that waits longer is judged by the first embedder alone."""


class SecondEmbedder:
    """Vectors by a second model, for questions and for training (`kb.ranking.pair`)."""

    def __init__(self, embedder: Embedder, folder: Path) -> None:
        """Keep the vectors of the entries' questions in `folder`; they may be deleted any time."""
        self._embedder = embedder
        self._path = folder / f"second-{_hash(embedder.fingerprint)[:16]}.npz"

    @property
    def fingerprint(self) -> str:
        """Equal fingerprints give equal vectors."""
        return self._embedder.fingerprint

    async def vector(self, question: str) -> Vector | None:
        """Return the vector of a question; ``None`` if the model is down, busy or not ready."""
        try:
            async with asyncio.timeout(_PATIENCE_S):
                return await self._embedder.embed_query(question)
        except (ModelError, TimeoutError):
            return None

    async def vectors(self, texts: Sequence[str]) -> Matrix | None:
        """Return the vectors of questions, row by row; ``None`` if the model is down.

        They are kept on the disk until a call has new texts: a publish embeds only those.
        """
        keys = [_hash(text) for text in texts]
        known = await asyncio.to_thread(self._read)
        new = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
        if new:
            try:
                found = await self._embedder.embed_queries(list(new.values()))
            except ModelError as error:
                log.warning("Entries are judged by the first embedder alone: %s", error)
                return None
            known |= dict(zip(new, found, strict=True))
            await asyncio.to_thread(self._write, {key: known[key] for key in keys})
        return np.stack([known[key] for key in keys])

    def _read(self) -> dict[str, Vector]:
        try:
            with self._path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
                return dict(zip(stored["keys"].tolist(), stored["vectors"], strict=True))
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return {}  # not there yet, or torn: embedded again

    def _write(self, vectors: dict[str, Vector]) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        new = self._path.with_suffix(".new.npz")
        np.savez(new, keys=np.array(list(vectors)), vectors=np.stack([*vectors.values()]))
        new.replace(self._path)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
