"""Vectors that say less about the language a text is in.

Multilingual models place a text partly by its language, so that a Chinese question lies nearer to
any Chinese text than it should. The directions in which languages differ were found from texts
that say the same in several languages (`kb/ranking/data/align-*.json` names them); taking these
out brings a question and its answer in another language together and leaves the rest as it was.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Self

import numpy as np

from core.protocols import Embedder
from core.types import Matrix, Vector
from kb.ranking.features import Floats

_DATA = Path(__file__).parent / "data"
_ROWS = "aligned2"
"""In the fingerprint: which texts of a chunk are embedded (`kb.index.rows`)."""


class AlignedEmbedder:
    """An embedder whose vectors are nearly free of language. Same protocol, other vectors."""

    def __init__(self, embedder: Embedder, *, shift: Floats, directions: Floats) -> None:
        """Wrap an embedder, whose vectors lose `shift` and what they have of `directions`.

        These are orthonormal, shape (n, dim).
        """
        self.name = embedder.name
        self.dim = embedder.dim
        self.max_tokens = embedder.max_tokens
        self.fingerprint = f"{_ROWS}-{embedder.fingerprint}"
        """Of the model and of what is taken out."""
        self._embedder = embedder
        self._shift = shift
        self._directions = directions

    @classmethod
    def load(cls, embedder: Embedder) -> Self | None:
        """Return an aligned embedder, or ``None`` if nothing is known about this model."""
        path = _DATA / f"align-{embedder.name}.json"
        if not path.is_file():
            return None
        values = json.loads(path.read_text("utf-8"))
        directions = np.asarray(values["directions"], np.float32)
        if directions.shape[1] != embedder.dim:
            return None
        return cls(embedder, shift=np.asarray(values["shift"], np.float32), directions=directions)

    async def embed_query(self, text: str) -> Vector:
        """Embed one question; see `Embedder.embed_query`."""
        return np.asarray(self._align((await self._embedder.embed_query(text))[None])[0])

    async def embed_queries(self, texts: Sequence[str]) -> Matrix:
        """Embed questions; see `Embedder.embed_queries`."""
        return self._align(await self._embedder.embed_queries(texts))

    async def embed_passages(self, texts: Sequence[str]) -> Matrix:
        """Embed passages; see `Embedder.embed_passages`."""
        return self._align(await self._embedder.embed_passages(texts))

    async def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Count the tokens of each text; see `Embedder.count_tokens`."""
        return await self._embedder.count_tokens(texts)

    def _align(self, vectors: Matrix) -> Matrix:
        if not len(vectors):
            return vectors
        moved = vectors - self._shift
        moved = moved - (moved @ self._directions.T) @ self._directions
        lengths = np.maximum(np.linalg.norm(moved, axis=1, keepdims=True), 1e-9)
        return np.asarray(moved / lengths, np.float32)
