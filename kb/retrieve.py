"""From a question to ranked candidates with probabilities."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from core.protocols import Embedder
from core.types import Chunk, Hit, Vector
from kb.passages import Opinion
from kb.rank import Defaults, FoundRow, Ranker
from kb.second import SecondEmbedder
from kb.text import normalise

DENSE_ROWS = 100
TEXT_ROWS = 50
"""Rows of each search that are looked at. An entry may have dozens of variants among them."""


_LITERAL = 0.99
"""Probability that an entry answers its own question, whatever was learned from others."""


@dataclass(frozen=True, slots=True)
class Retrieval:
    """What was found for a question."""

    question: str
    vector: Vector
    hits: tuple[Hit, ...]
    """The most probable first."""
    release: int = 0
    """The release that was searched."""
    timings_ms: Mapping[str, float] = field(default_factory=dict)
    """Milliseconds of ``embed``, ``search`` and ``decide``."""

    @property
    def answerable(self) -> float:
        """Probability that the best candidate answers the question; 0 without candidates."""
        return self.hits[0].probability if self.hits else 0.0


class SearchView(Protocol):
    """One release of the index, for reading (`kb.index_view.View`)."""

    release: int

    async def search_dense(self, vector: Vector, k: int, *, today: str = "") -> Sequence[FoundRow]:
        """Return the `k` rows nearest to a vector."""
        ...

    async def search_text(self, text: str, k: int, *, today: str = "") -> Sequence[FoundRow]:
        """Return the `k` best rows of full-text search."""
        ...

    async def objections(self, vector: Vector) -> Mapping[str, float]:
        """Return how near a question is to what entries do not answer, by chunk id."""
        ...


class SearchIndex(Protocol):
    """The index of a knowledge base (`kb.index.Index`)."""

    async def view(self) -> SearchView:
        """Return the live release."""
        ...


class Rankers(Protocol):
    """Gives the ranker of a release (`kb.train.Trainer`)."""

    async def ranker(self, release: int) -> Ranker:
        """Return the ranker of this release, the default one while it has none of its own."""
        ...


class SecondOpinion(Protocol):
    """Reads the best passages once more (`kb.rerank.Rerank`)."""

    async def opinion(self, question: str, chunks: Sequence[Chunk]) -> Opinion | None:
        """Return what it says of passages, best first; ``None`` if it says nothing."""
        ...


class DefaultRanker:
    """The ranker that ships with the project, for every release."""

    def __init__(self) -> None:
        self._ranker = Ranker(Defaults.load())

    async def ranker(self, release: int) -> Ranker:
        """Return the ranker with the weights that ship with the project."""
        return self._ranker


class Retriever:
    """Finds the entries and passages that may answer a question."""

    def __init__(
        self,
        embedder: Embedder,
        index: SearchIndex,
        rankers: Rankers,
        second: SecondEmbedder | None = None,
    ) -> None:
        """Take what questions and rows are embedded with, and what helps to judge entries."""
        self._embedder = embedder
        self.second = second
        self._index = index
        self._rankers = rankers
        self.second_opinion: SecondOpinion | None = None
        """Orders passages anew, where one of them comes first."""

    async def retrieve(self, question: str, *, k: int = 10, today: str = "") -> Retrieval:
        """Return the `k` most probable candidates for a question.

        Args:
            question: one question, in any language.
            k: chunks to return.
            today: ISO date; entries that are not valid on it are left out. Empty: none is.

        Raises:
            IndexDamaged, IndexMismatch: if the index cannot be read.
            ModelUnavailable: if the embedding model is down.
        """
        started = time.perf_counter()
        vector = await self._embedder.embed_query(question)
        embedded = time.perf_counter()
        view = await self._index.view()
        ranker = await self._rankers.ranker(view.release)
        dense, text, second = await asyncio.gather(
            view.search_dense(vector, DENSE_ROWS, today=today),
            view.search_text(question, TEXT_ROWS, today=today),
            self._by_second(question, ranker),
        )
        searched = time.perf_counter()
        hits = _literal_first(
            question, ranker.rank(question, vector, dense=dense, text=text, second=second), dense
        )
        opinion = await self._opinion(question, hits)
        if opinion is not None:
            hits = ranker.rank(
                question, vector, dense=dense, text=text, opinion=opinion, second=second
            )
        hits = _unobjected(hits, await view.objections(vector))
        decided = time.perf_counter()
        timings = {
            "embed": (embedded - started) * 1000,
            "search": (searched - embedded) * 1000,
            "decide": (decided - searched) * 1000,
        }
        return Retrieval(question, vector, tuple(hits[:k]), view.release, timings)

    async def _by_second(self, question: str, ranker: Ranker) -> Vector | None:
        """Embed a question with the second model, if that helps to judge entries."""
        if self.second is None or not ranker.asks_second(question):
            return None
        return await self.second.vector(question)

    async def _opinion(self, question: str, hits: Sequence[Hit]) -> Opinion | None:
        """Ask for a second opinion on the passages, where it may change the answer."""
        if self.second_opinion is None or not hits or hits[0].chunk.kind != "passage":
            return None
        passages = [hit.chunk for hit in hits if hit.chunk.kind == "passage"]
        return await self.second_opinion.opinion(question, passages)


def _unobjected(hits: Sequence[Hit], objections: Mapping[str, float]) -> Sequence[Hit]:
    """Leave out entries whose negative examples are nearer to the question than their own texts."""
    if not objections:
        return hits
    return [hit for hit in hits if objections.get(hit.chunk.chunk_id, -1.0) <= hit.score]


def _literal_first(question: str, hits: Sequence[Hit], dense: Sequence[FoundRow]) -> Sequence[Hit]:
    """Make entries certain of which the customer wrote a question word for word."""
    wanted = normalise(question)
    literal = {
        row.chunk.chunk_id
        for row in dense
        if row.chunk.kind == "faq" and normalise(row.text) == wanted
    }
    if not literal:
        return hits
    sure = [
        replace(hit, probability=max(hit.probability, _LITERAL))
        if hit.chunk.chunk_id in literal
        else hit
        for hit in hits
    ]
    return sorted(sure, key=lambda hit: (hit.chunk.chunk_id not in literal, -hit.probability))
