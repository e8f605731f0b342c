"""Trace a question step by step, for operators who ask why."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass

from core.types import Answer, Chunk, Turn
from db.golden import Golden
from kb.answering.answerer import Answerer
from kb.answering.decision import Decision
from kb.index.index import Index
from kb.ranking.evidence import FEATURES
from kb.ranking.retriever import Retrieval
from kb.review.gate import Gate


@dataclass(frozen=True, slots=True)
class Judged:
    """A candidate with its evidence."""

    chunk: Chunk
    probability: float
    """Probability that it answers the question."""
    log_odds: float
    """Log-odds by which the candidates are ordered."""
    features: Mapping[str, float]
    """Evidence of the search (`kb.ranking.evidence`)."""
    own: float | None
    """Log-odds by the base's own questions; ``None``: they say nothing."""
    read: float | None
    """Log-odds by the reader; ``None``: it read something else, or nothing."""
    sentences: Sequence[tuple[str, float]]
    """What the reader read, and its log-odds that each sentence belongs to the answer."""


@dataclass(frozen=True, slots=True)
class Trace:
    """A question, what was found for it, and the reply."""

    searched: str
    """The question as searched for: a follow-up with its context."""
    candidates: Sequence[Judged]
    decision: Decision
    answer: Answer


@dataclass(frozen=True)
class Tracer:
    """Asks a release as customers do, and shows each step. Nothing is recorded."""

    answerer: Answerer
    index: Index
    gate: Gate
    _: KW_ONLY
    answerer_of: Callable[[int, str, str], Awaitable[Answerer]]
    """Returns what answers as a release does (0: the live one), with another value of a setting
    (empty: with all as they are)."""
    settings: Mapping[str, object]
    """Those that may be tried with another value, by name, with their own."""

    async def trace(
        self,
        message: str,
        *,
        language_code: str = "",
        history: Sequence[Turn] = (),
        release: int = 0,
        setting: str = "",
        value: str = "",
    ) -> Trace:
        """Answer a message and tell what led to the answer: now, or as an earlier `release` did, or
        with another `value` of a setting.

        Raises:
            ReleaseNotFound: if there is none with this number any more.
            ConfigError: if the value cannot be used.
        """
        answerer = self.answerer
        if release or setting:
            answerer = await self.answerer_of(release, setting, value)
        found = await answerer.evaluate(message, history)
        answer = await answerer.answer(
            message, language_code=language_code, history=history, found=found
        )
        retrieval = found.retrieval
        return Trace(retrieval.question, _judged(retrieval), found.decision, answer)

    async def keep(self, question: str, *, author: str) -> Golden:
        """Make a question golden: what comes of it now is expected from here on; see `Gate`."""
        golden = await self.gate.as_it_is(await self.index.view(), question, author=author)
        await self.gate.golden.add([golden])
        return golden


def _judged(retrieval: Retrieval) -> list[Judged]:
    ranked = retrieval.ranked
    if ranked is None:
        return []
    places = {c.chunk.chunk_id: place for place, c in enumerate(ranked.candidates)}
    found = []
    for hit in retrieval.hits:
        place = places[hit.chunk.chunk_id]
        reading = retrieval.readings.get(hit.chunk.chunk_id)
        said = reading.sentences if reading else ()
        own = float(ranked.own[place])
        found.append(
            Judged(
                hit.chunk,
                hit.probability,
                float(ranked.scores[place]),
                dict(zip(FEATURES, map(float, ranked.features[place]), strict=True)),
                None if own != own else own,  # NaN: they say nothing
                None if reading is None else reading.whole,
                # Without the heading under which each was read.
                [(text.partition("\n")[2], odds) for text, odds in said],
            )
        )
    return found
