"""Stand-ins for the models: same protocols, no files, no processes, same output every run."""

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator, Sequence

import numpy as np

from core.types import GenerationEvent, Matrix, Piece, Prompt, TokenUsage, Vector
from kb.ranking.ranker import Ranker, Weights


class WordEmbedder:
    """Sums one fixed random vector per word, so texts that share words are near each other.

    Seeded from a digest, not `hash()`, which differs from one process to the next. A Chinese
    character counts as a word.
    """

    name = "fake-words"
    dim = 64
    max_tokens = 512

    def __init__(self, fingerprint: str = "fake-words-1") -> None:
        self.fingerprint = fingerprint
        self.embedded: list[str] = []
        """Every text that was embedded as part of the knowledge base, in order."""

    async def embed_query(self, text: str) -> Vector:
        return self._embed(text)

    async def embed_queries(self, texts: Sequence[str]) -> Matrix:
        return await self.embed_passages(texts)

    async def embed_passages(self, texts: Sequence[str]) -> Matrix:
        self.embedded += texts
        rows = [self._embed(t) for t in texts]
        return np.stack(rows) if rows else np.empty((0, self.dim), np.float32)

    async def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [len(words(t)) for t in texts]

    def _embed(self, text: str) -> Vector:
        total = np.zeros(self.dim, np.float32)
        for word in words(text):
            seed = int.from_bytes(hashlib.blake2b(word.encode(), digest_size=8).digest())
            total += np.random.default_rng(seed).standard_normal(self.dim).astype(np.float32)
        norm = float(np.linalg.norm(total))
        return total / norm if norm else total


def words(text: str) -> list[str]:
    """Split into lower-case words; each Chinese, Japanese or Korean character is one."""
    return re.findall(r"[぀-ヿ㐀-鿿가-힯]|[^\W_぀-ヿ㐀-鿿가-힯]+", text.lower())


class DefaultRanker:
    """The ranker that ships with the project, for every release."""

    def __init__(self) -> None:
        self._ranker = Ranker(Weights.load())

    async def ranker(self, release: int) -> Ranker:
        return self._ranker


class ScriptedGenerator:
    """Replies from a script, a word at a time, and remembers every prompt."""

    name = "fake-script"
    context_tokens = 2048

    def __init__(self, *replies: str | Exception) -> None:
        self._replies = list(replies)
        self.prompts: list[Prompt] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [len(words(t)) for t in texts]

    async def stream(
        self, prompt: Prompt, *, max_tokens: int, deadline_s: float, stop: Sequence[str] = ()
    ) -> AsyncIterator[GenerationEvent]:
        self.prompts.append(prompt)
        await self.gate.wait()
        reply = self._replies.pop(0)
        if isinstance(reply, Exception):
            raise reply
        pieces = re.findall(r"\S+\s*|\s+", reply)[:max_tokens]
        for piece in pieces:
            yield Piece(piece)
        yield TokenUsage(prompt=len(words(prompt.passage)), generated=len(pieces))
