"""From a question to candidates with probabilities: embed, search, rank, read."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from core.errors import ModelError, Overloaded
from core.protocols import Embedder, Reader
from core.types import ChunkKind, Hit, Vector
from kb.index.table import RowHit
from kb.index.view import View
from kb.ranking.align import AlignedEmbedder
from kb.ranking.candidates import MOST, Reading
from kb.ranking.ranker import SENTENCES_OF, Ranked, Ranker
from kb.ranking.second import SecondEmbedder
from kb.text.language import may_be
from kb.text.segmentation import normalise

OWN_ROWS = 100
STATED_ROWS = 60
TEXT_ROWS = 50
"""Rows of each search that are looked at. An entry may have dozens of variants among them."""
SMALL = 600
"""Rows of a knowledge base whose texts the reader need not read anew for each question …"""
_OF_LARGE = 12
"""… and candidates that it reads of a larger one; of a small one, all."""
_LITERAL = 0.99
"""Probability that an entry answers its own question, whatever was learned from others."""

_COMPARED = 6
"""Hits of which none shall say what another says in another language."""
_SAME: Mapping[ChunkKind, float] = {"faq": 0.75, "passage": 0.85}
"""Cosine of aligned vectors from which on two of them do. Of 80 entries of the Debian FAQ in
German, Chinese and Russian 1.0, .96 and 1.0 reach it with the same one in English, of other pairs
.01. Of passages eight such pairs in one base have .85 to .94, others .83 at most."""
_RIVAL, _SLACK = 0.4, 0.1
"""Of two that are both likely, the one at least this share of the other, that much less tells it:
"Versand" and "Delivery of pieces" (.81) both answer what shipping costs."""

logger = logging.getLogger(__name__)


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
    readings: Mapping[str, Reading] = field(default_factory=dict)
    """What the reader says, by chunk id; empty if it read nothing."""
    ranked: Ranked | None = None
    """What spoke for each candidate."""

    @property
    def answerable(self) -> float:
        """Probability that the best candidate answers the question; 0 without candidates."""
        return self.hits[0].probability if self.hits else 0.0


Views: TypeAlias = Callable[[], Awaitable[View]]
"""Returns the release that is searched."""
Rankers: TypeAlias = Callable[[int], Awaitable[Ranker]]
"""Returns the ranker of a release, the default one while it has none of its own."""


@dataclass
class Retriever:
    """Finds the entries and passages that may answer a question.

    Without a `reader`, or while it is down, the order and the certainty are those of the search:
    less is answered.
    """

    embedder: Embedder
    """Questions are embedded with what the rows were embedded with."""
    view: Views
    ranker: Rankers
    second: SecondEmbedder | None = None
    """Helps to judge entries."""
    reader: Reader | None = None
    unread: int = field(default=0, init=False)
    """Questions that the reader should have judged and could not."""
    _reader_down: bool = field(default=False, init=False)

    async def retrieve(self, question: str, *, k: int = 10, today: str = "") -> Retrieval:
        """Return the `k` most probable candidates for one question; typing errors are corrected.

        Entries that are not valid on `today` (ISO date) are left out; empty: none is.

        Raises:
            IndexDamaged, IndexMismatch: if the index cannot be read.
            ModelUnavailable: if the embedding model is down.
        """
        started = time.perf_counter()
        view = await self.view()
        ranker = await self.ranker(view.release)
        question = await asyncio.to_thread(ranker.corrected, question)
        vector = await self.embedder.embed_query(question)
        embedded = time.perf_counter()
        own, stated, text, second, rows = await asyncio.gather(
            view.search_dense(vector, OWN_ROWS, today=today, rows="own"),
            view.search_dense(vector, STATED_ROWS, today=today, rows="stated"),
            view.search_text(question, TEXT_ROWS, today=today, rows="all"),
            self._by_second(question, ranker),
            view.count(),
        )
        searched = time.perf_counter()
        objections = await view.objections(vector)
        near = [*own, *stated]
        own, stated, text = (_unobjected(rows, near, objections) for rows in (own, stated, text))
        ranked = ranker.rank(question, vector, own=own, stated=stated, text=text, second=second)
        literal = _literal(question, own)
        readings: dict[str, Reading] = {}
        if not literal and not ranked.settled:
            most = MOST if rows <= SMALL else _OF_LARGE
            ranked, readings = await self._read(ranker, ranked, most)
        hits = await self._said_once(view, question, _literal_first(ranked.hits(), literal))
        decided = time.perf_counter()
        timings = {
            "embed": (embedded - started) * 1000,
            "search": (searched - embedded) * 1000,
            "decide": (decided - searched) * 1000,
        }
        return Retrieval(question, vector, tuple(hits[:k]), view.release, timings, readings, ranked)

    async def _said_once(self, view: View, question: str, hits: Sequence[Hit]) -> list[Hit]:
        """Leave out what the first hits say in another language too.

        The one in the question's language stays, as probable as the likelier of both.
        """
        first = list(hits[:_COMPARED])
        own = [may_be(question, hit.chunk.language) for hit in first]
        aligned = isinstance(self.embedder, AlignedEmbedder)  # to others all texts are alike
        if not aligned or all(own) or not any(own):
            return list(hits)
        vectors = await view.statements(hit.chunk.chunk_id for hit in first)
        for place, hit in enumerate(first):
            chunk, vector = hit.chunk, vectors.get(hit.chunk.chunk_id)
            if own[place] or vector is None:
                continue
            near = {
                other: float(vectors[twin.chunk.chunk_id] @ vector)
                for other, twin in enumerate(first)
                if own[other] and twin.chunk.kind == chunk.kind and twin.chunk.chunk_id in vectors
            }
            twin = max(near, key=near.__getitem__, default=-1)
            if twin < 0:
                continue
            rival = first[twin].probability >= _RIVAL * hit.probability
            if near[twin] >= _SAME[chunk.kind] - _SLACK * rival:
                likelier = max(first[twin].probability, hit.probability)
                first[twin] = replace(first[twin], probability=likelier)
                first[place] = replace(hit, probability=0.0)
        kept = [hit for hit in first if hit.probability > 0]
        return [*sorted(kept, key=lambda hit: -hit.probability), *hits[_COMPARED:]]

    async def _by_second(self, question: str, ranker: Ranker) -> Vector | None:
        """Embed a question with the second model, if that helps to judge entries."""
        if self.second is None or not ranker.asks_second(question):
            return None
        return await self.second.vector(question)

    async def _read(
        self, ranker: Ranker, ranked: Ranked, most: int
    ) -> tuple[Ranked, dict[str, Reading]]:
        """Let the reader judge the best candidates whole, then the best of these by sentences.

        They stay as they are if it cannot.
        """
        if self.reader is None:
            return ranked, {}
        question, candidates = ranked.question, ranked.candidates[:most]
        try:
            odds = await self.reader.read(question, [c.statement for c in candidates])
            wholes = {c.chunk.chunk_id: o for c, o in zip(candidates, odds, strict=True)}
            by_wholes = ranker.read(ranked, [Reading(o, ()) for o in odds])
            best = by_wholes.candidates[:SENTENCES_OF]
            sentences = [c.sentences() for c in best]
            each = iter(await self.reader.read(question, [t for own in sentences for t in own]))
        except ModelError as error:
            self.unread += 1
            if isinstance(error, Overloaded):  # the next question may be read again
                return ranked, {}
            if not self._reader_down:
                logger.warning("Questions are answered without the reader: %s", error)
            self._reader_down = True
            return ranked, {}
        self._reader_down = False
        said = {
            c.chunk.chunk_id: Reading(
                wholes[c.chunk.chunk_id], tuple((text, next(each)) for text in own)
            )
            for c, own in zip(best, sentences, strict=True)
        }
        return ranker.read(by_wholes, list(said.values())), said


def _unobjected(
    rows: list[RowHit], near: Sequence[RowHit], objections: Mapping[str, float]
) -> list[RowHit]:
    """Leave out entries whose negative examples are nearer to the question than their own texts."""
    if not objections:
        return rows
    best: dict[str, float] = {}
    for row in near:
        best[row.chunk.chunk_id] = max(row.score, best.get(row.chunk.chunk_id, -1.0))
    return [
        row
        for row in rows
        if objections.get(row.chunk.chunk_id, -1.0) <= best.get(row.chunk.chunk_id, -1.0)
    ]


def _literal(question: str, own: Sequence[RowHit]) -> set[str]:
    """Return the entries of which the customer wrote a question word for word."""
    wanted = normalise(question)
    return {
        row.chunk.chunk_id
        for row in own
        if row.chunk.kind == "faq" and normalise(row.text) == wanted
    }


def _literal_first(hits: list[Hit], literal: set[str]) -> list[Hit]:
    sure = [
        replace(hit, probability=max(hit.probability, _LITERAL))
        if hit.chunk.chunk_id in literal
        else hit
        for hit in hits
    ]
    return sorted(sure, key=lambda hit: (hit.chunk.chunk_id not in literal, -hit.probability))
