"""The generator as the rest of the project sees it: text streamed from a child process."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import asdict

from core.types import GenerationEvent, Piece, Prompt, TokenUsage
from models.workers.worker import Worker
from models.workers.worker_model import WorkerModel

_COUNT_DEADLINE_S = 30


class WorkerGenerator(WorkerModel):
    """`core.protocols.Generator` on a worker process."""

    def __init__(self, worker: Worker, *, name: str, context_tokens: int) -> None:
        self._context_tokens = context_tokens
        super().__init__(worker, name=name)

    @property
    def context_tokens(self) -> int:
        """Longest prompt and reply together."""
        return int(self._worker.info.get("context_tokens", self._context_tokens))

    async def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Count tokens with the model's own tokenizer; does not wait for replies being written."""
        reply = await self._worker.call(
            "count", {"texts": list(texts)}, deadline_s=_COUNT_DEADLINE_S, at_once=True
        )
        return list(reply.values["counts"])

    async def stream(
        self, prompt: Prompt, *, max_tokens: int, deadline_s: float, stop: Sequence[str] = ()
    ) -> AsyncGenerator[GenerationEvent, None]:
        """Write a reply."""
        params = asdict(prompt) | {"max_tokens": max(1, max_tokens), "stop": list(stop)}
        replies = self._worker.stream("generate", params, deadline_s=deadline_s)
        async with aclosing(replies):
            async for reply in replies:
                if reply.last:
                    yield TokenUsage(**reply.values)
                else:
                    yield Piece(reply.values["text"])
