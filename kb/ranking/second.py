"""Vectors that are kept on the disk; those of the second embedder, for whom nobody waits."""

import asyncio
import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.errors import ModelError
from core.protocols import Embedder
from core.types import Matrix, Vector
from kb.index.vector_files import read_vectors, write_vectors

log = logging.getLogger(__name__)

_PATIENCE_S = 1.0
"""A question takes 3 ms; one that waits longer is scored by the first embedder alone."""


@dataclass(frozen=True)
class KeptVectors:
    """Vectors of the same questions again and again, kept until a call has new ones."""

    embedder: Embedder
    folder: Path
    """Of the file, which may be deleted any time."""
    name: str

    async def of(self, texts: Sequence[str]) -> Matrix:
        """Return the vectors of questions, row by row; only new ones are embedded."""
        path = self.folder / f"{self.name}-{_hash(self.embedder.fingerprint)[:16]}.npz"
        keys = [_hash(text) for text in texts]
        known = await asyncio.to_thread(read_vectors, path)
        new = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
        if new:
            found = await self.embedder.embed_queries(list(new.values()))
            known |= dict(zip(new, found, strict=True))
            await asyncio.to_thread(write_vectors, path, {key: known[key] for key in keys})
        return np.stack([known[key] for key in keys])


@dataclass(frozen=True)
class SecondEmbedder(KeptVectors):
    """Vectors by a second model, for questions and for training (`kb.ranking.pair`)."""

    name: str = "second"

    async def vector(self, question: str) -> Vector | None:
        """Return the vector of a question; ``None`` if the model is down, busy or not ready."""
        try:
            async with asyncio.timeout(_PATIENCE_S):
                return await self.embedder.embed_query(question)
        except (ModelError, TimeoutError):
            return None

    async def vectors(self, texts: Sequence[str]) -> Matrix | None:
        """Return the vectors of questions, row by row; ``None`` if the model is down."""
        try:
            return await self.of(texts)
        except ModelError as error:
            log.warning("Entries are scored by the first embedder alone: %s", error)
            return None


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
