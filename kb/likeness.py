"""How alike two texts in different languages are, on a scale that holds for any embedding model."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import yaml

from core.protocols import Embedder
from core.types import Matrix

REFERENCE = Path(__file__).parent / "data" / "reference.yaml"
"""Unrelated statements by language."""
_SMALLEST_SPREAD = 1e-3


class Likeness:
    """Compares sentences with passages by embeddings.

    A cosine means something else for each model: with e5-small unrelated texts have .75. So a
    cosine is taken relative to those with twenty unrelated statements in the passage's language.
    """

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._references: dict[str, Matrix] = {}

    async def embed(self, sentences: Sequence[str]) -> Matrix:
        """Embed the sentences of a passage."""
        return await self._embedder.embed_passages(sentences)

    async def nearest(self, sentence: str, passage: Matrix, *, language: str) -> tuple[float, int]:
        """Return how far the nearest sentence of a passage stands out, and which one it is.

        The first is in standard deviations above the mean of unrelated statements in `language`
        (that of the passage).
        """
        vector = (await self._embedder.embed_passages([sentence]))[0]
        unrelated = await self._reference(language) @ vector
        cosines = passage @ vector
        spread = max(float(unrelated.std()), _SMALLEST_SPREAD)
        return float((cosines.max() - unrelated.mean()) / spread), int(cosines.argmax())

    async def _reference(self, language: str) -> Matrix:
        if language not in self._references:
            statements = _statements()
            chosen = statements.get(language, statements["en"])
            self._references[language] = await self._embedder.embed_passages(chosen)
        return self._references[language]


@cache
def _statements() -> dict[str, list[str]]:
    statements: dict[str, list[str]] = yaml.safe_load(REFERENCE.read_text("utf-8"))
    return statements
