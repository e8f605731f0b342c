"""The seams of the project: what the knowledge base asks of a model.

Each has real implementations in `models/` and a deterministic fake in `tests/fakes.py`; one suite
of tests runs over all of them.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from core.types import GenerationEvent, Matrix, Prompt, Vector


class Embedder(Protocol):
    """Texts to unit vectors. Questions and passages are embedded with prompts of their own."""

    @property
    def name(self) -> str:
        """Name of the model, for people."""

    @property
    def dim(self) -> int:
        """Length of every vector."""

    @property
    def fingerprint(self) -> str:
        """Hash of the model's files and prompts: equal fingerprints give equal vectors."""

    @property
    def max_tokens(self) -> int:
        """Longest text the model reads, prompt and special tokens included."""

    async def embed_query(self, text: str) -> Vector:
        """Embed one customer's question, ahead of any waiting batch."""

    async def embed_queries(self, texts: Sequence[str]) -> Matrix:
        """Embed questions (also the questions of FAQ entries), one row each, in order."""

    async def embed_passages(self, texts: Sequence[str]) -> Matrix:
        """Embed passages, one row each, in order.

        Raises:
            TextTooLong: if a text has more than `max_tokens` tokens; nothing is cut silently.
        """

    async def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Count the tokens of each text, without prompt and special tokens."""


class Reader(Protocol):
    """Reads a question together with each of a few texts (trained in `training/`)."""

    async def read(self, question: str, texts: Sequence[str]) -> Sequence[float]:
        """Return the log-odds that each text answers the question; a longer text is cut.

        Raises:
            ModelUnavailable: if the model is down, still loading, or late.
            Overloaded: if the queue of waiting calls is full.
        """


class Generator(Protocol):
    """A prompt to text."""

    @property
    def name(self) -> str:
        """Name of the model, for people."""

    @property
    def context_tokens(self) -> int:
        """Longest prompt and reply together."""

    async def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Count the tokens of each text."""

    def stream(
        self, prompt: Prompt, *, max_tokens: int, deadline_s: float, stop: Sequence[str] = ()
    ) -> AsyncIterator[GenerationEvent]:
        """Write a reply of at most `max_tokens` tokens, at temperature 0.

        Yields `Piece` as they are written and one `TokenUsage` at the end. Closing the iterator
        (``aclose``) cancels the work within one token.

        Raises:
            Overloaded: if the queue of waiting calls is full.
            ModelUnavailable: if the model is down, still loading, or late (`deadline_s` seconds).
            PromptTooLong: if prompt and reply do not fit the context.
        """
