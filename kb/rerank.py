"""Order the best passages once more, by a model that reads question and passage together.

Off unless configured: what it brings and what it costs is in docs/retrieval.md. A model that fails
or is late changes nothing.
"""

import asyncio
import logging
from collections.abc import Sequence
from typing import Protocol

import numpy as np

from core.errors import ModelError
from core.protocols import Reranker
from core.types import Chunk, Prompt
from kb.language import detect_language
from kb.passages import Opinion, sort_of
from kb.prompt import build_prompt, passage_of

logger = logging.getLogger(__name__)

CANDIDATES = 5
"""Passages that are read, the best by the first order; the figures in docs/retrieval.md are of so
many."""


class Reads(Protocol):
    """Reads passages with a question."""

    odds: tuple[float, float]
    """What is added to the first passage's log-odds: for each unit that its score is above the mean
    of the others', and in any case. Zero where that was not learned."""

    async def read(self, question: str, chunks: Sequence[Chunk]) -> Sequence[float]:
        """Return how well each answers, higher is better; nothing if this model cannot help.

        Only numbers of one call can be compared.

        Raises:
            ModelError: if the model cannot.
        """
        ...


class Scorer(Protocol):
    """A generator that can say how likely it finds a text (`models.generator`)."""

    async def likelihood(self, prompt: Prompt) -> float:
        """Return the mean log-probability of the tokens of `Prompt.question` but the first.

        Raises:
            ModelUnavailable, Overloaded, PromptTooLong: as `core.protocols.Generator.stream`.
        """
        ...


class ByCrossEncoder:
    """Asks a cross-encoder. Its numbers have no common scale, so they only order."""

    odds = (0.0, 0.0)

    def __init__(self, reranker: Reranker) -> None:
        self._reranker = reranker

    async def read(self, question: str, chunks: Sequence[Chunk]) -> Sequence[float]:
        """Return its scores."""
        return await self._reranker.scores(question, [passage_of(chunk) for chunk in chunks])


class ByLikelihood:
    """Asks the generator how likely the question is after each passage.

    The prompt is the one that replies are written from, so a passage whose state is stored is not
    read again, and one that is read now is stored for the reply. It is asked only where question
    and first passage are in two languages: within one it brings nothing (docs/retrieval.md).
    """

    odds = (2.0, -0.7)
    """Chosen on questions of xquad between Chinese, English and German (docs/retrieval.md)."""

    def __init__(self, scorer: Scorer) -> None:
        self._scorer = scorer

    async def read(self, question: str, chunks: Sequence[Chunk]) -> Sequence[float]:
        """Return the likelihoods; one after the other, so that replies are not kept waiting."""
        if sort_of(question, chunks[0]) != "across":
            return []
        language = detect_language(question)
        return [
            await self._scorer.likelihood(_prompt(question, chunk, language)) for chunk in chunks
        ]


def _prompt(question: str, chunk: Chunk, language: str) -> Prompt:
    prompt = build_prompt(question, [passage_of(chunk)], language)
    asked = prompt.question.partition("\n")[0]  # without the words that ask for a reply
    return Prompt(prompt.instructions, prompt.passage, asked, (chunk.chunk_id,))


class Rerank:
    """What `kb.retrieve.Retriever` asks for a second opinion."""

    def __init__(self, reads: Reads, *, weight: float, timeout_s: float) -> None:
        """Take a model.

        Args:
            reads: the model.
            weight: log-odds that one standard deviation among the passages counts.
            timeout_s: seconds after which the first order stays.
        """
        self._reads = reads
        self._weight = weight
        self._timeout_s = timeout_s

    async def opinion(self, question: str, chunks: Sequence[Chunk]) -> Opinion | None:
        """Return what the model says of the passages; ``None`` if it fails, is late or is silent.

        Args:
            question: as it was asked.
            chunks: passages, the best first; those after the first `CANDIDATES` are not read.
        """
        read = chunks[:CANDIDATES]
        if len(read) < 2:
            return None
        try:
            async with asyncio.timeout(self._timeout_s):
                said = await self._reads.read(question, read)
        except TimeoutError:
            logger.info("Passages keep their order: no scores after %g s", self._timeout_s)
            return None
        except ModelError as error:
            logger.info("Passages keep their order: %s", error)
            return None
        scores = np.asarray(said, np.float64)
        if not len(scores) or not 0 < scores.std() < np.inf:  # nor if one of them is no number
            return None
        above = scores - scores.mean()
        likes = self._weight * above / scores.std()
        each, always = self._reads.odds
        surer = each * above * len(scores) / (len(scores) - 1) + always
        ids = [chunk.chunk_id for chunk in read]
        return Opinion(
            dict(zip(ids, likes.tolist(), strict=True)), dict(zip(ids, surer.tolist(), strict=True))
        )
