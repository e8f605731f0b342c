"""What the models say of the parts of a passage, and the rest of its document."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from core.errors import ModelError
from core.protocols import Embedder, Reader
from core.recent import Recent
from core.types import Chunk, Hit, Matrix, Vector
from kb.text.layout import heading_of

SILENT = -4.4
"""Log-odds up to which the likeliest sentence says nothing of a question without its context. Of
31 second questions whose answer stood beside that of the first two fall below, of 29 others 20."""
_REMEMBERED = 500
"""Passages whose vectors are kept, about 10 kB each."""

Odds: TypeAlias = npt.NDArray[np.float64]
ChunksOf: TypeAlias = Callable[[Sequence[str]], Awaitable[Sequence[Chunk]]]
"""Returns the chunks of documents, by their ids."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question that a reply is built for."""

    text: str
    """With what it follows, if it does."""
    vector: Vector | None
    latest: str
    """What the customer wrote last, if `text` has more; else empty."""

    @property
    def wordings(self) -> tuple[str, ...]:
        """The question; of one that follows another also alone: what it adds counts twice."""
        return (self.text, self.latest) if self.latest not in ("", self.text) else (self.text,)

    @property
    def last(self) -> str:
        """What the customer wrote last."""
        return self.latest or self.text


@dataclass(frozen=True, eq=False)
class PartReader:
    """Reads sentences, steps and rows; remembers the vectors of those of some passages."""

    embedder: Embedder | None = None
    """Tells how near sentences are to a question; ``None`` compares words alone."""
    chunks_of: ChunksOf | None = None
    """Gives the rest of a procedure or table that was cut; ``None``: nothing does."""
    reader: Reader | None = None
    """Says of each sentence how likely it answers; ``None``: words and nearness do."""
    _vectors: Recent[str, Matrix] = field(default_factory=lambda: Recent(_REMEMBERED), init=False)

    async def document(self, chunk: Chunk, others: Sequence[Hit] = ()) -> list[Chunk]:
        """Return the passages of a document; without `chunks_of` those that were found."""
        found: Sequence[Chunk]
        if self.chunks_of is not None:
            found = await self.chunks_of([chunk.doc_id])
        else:
            found = [hit.chunk for hit in others if hit.chunk.doc_id == chunk.doc_id]
        own = [chunk if c.chunk_id == chunk.chunk_id else c for c in found if c.kind == "passage"]
        return own if chunk in own else [chunk, *own]

    async def odds(
        self, question: str, chunk: Chunk, texts: Sequence[str], *, least: int = 2
    ) -> Odds | None:
        """Return the reader's log-odds of texts of a passage; ``None`` if it is not asked.

        Of fewer than `least` texts it is not.
        """
        if self.reader is None or len(texts) < least:
            return None
        heading = heading_of(chunk.title)
        headed = [f"{heading}\n{text}" for text in texts]
        try:
            return np.asarray(await self.reader.read(question, headed))
        except ModelError:
            return None

    async def odds_of_all(
        self, asked: Asked, chunk: Chunk, texts: Sequence[str]
    ) -> list[float] | None:
        """Return the sums of the log-odds by all wordings of a question; see `odds`."""
        odds = [await self.odds(wording, chunk, texts) for wording in asked.wordings]
        told = [one for one in odds if one is not None]
        return np.sum(told, axis=0).tolist() if len(told) == len(odds) else None

    async def near(
        self, vector: Vector | None, key: str, texts: Sequence[str]
    ) -> npt.NDArray[np.float32] | None:
        """Return the cosines of a question with texts; ``None`` if they are not embedded.

        Fewer than two are not. `key` names the texts.
        """
        if self.embedder is None or vector is None or len(texts) < 2:
            return None
        known = self._vectors.get(key)
        if known is None or len(known) != len(texts):
            known = await self.embedder.embed_passages(list(texts))
            self._vectors.put(key, known)
        return known @ vector
