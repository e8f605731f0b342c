"""The embedder as the rest of the project sees it: vectors from a child process."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np

from core.errors import Overloaded
from core.recent import Recent
from core.types import Matrix, Vector
from models.batches import batches
from models.workers.contract import ModelStopped, Priority
from models.workers.process import Reply
from models.workers.worker import Worker
from models.workers.worker_model import WorkerModel

_BATCH_BYTES = 2048
"""Texts of about 450 tokens go to the child at a time: more at once are not faster."""
_BATCH_TEXTS = 32
_COUNT_TEXTS = 512
_CACHED_QUESTIONS = 2000
_LEAST_COST = 64
_KEPT = 32
"""How much quicker a question is read with a text that was read before."""
_QUESTION_DEADLINE_S = 12
"""A customer is answered, or told that it cannot be done, within 15 s; a process that hangs is
found and replaced in half of it."""
_READ_DEADLINE_S = 5
"""… and gets the order of the search if the reader takes longer."""
_MOST_READING = 8
"""Questions that the reader may have before it at a time."""
_BATCH_DEADLINE_S = 300


class WorkerEmbedder(WorkerModel):
    """`core.protocols.Embedder` on a worker process."""

    def __init__(
        self,
        worker: Worker,
        *,
        name: str,
        dim: int,
        max_tokens: int,
        fingerprint: str,
        at_once: int = 1,
        reads: bool = False,
    ) -> None:
        """`at_once` is how many batches the child works on at a time; `reads`: it has a reader."""
        self.reads = reads
        self.dim = dim
        self.max_tokens = max_tokens
        self.fingerprint = fingerprint
        super().__init__(worker, name=name)
        self._at_once = at_once
        self._questions: Recent[str, Vector] = Recent(_CACHED_QUESTIONS)
        self._reading = 0

    async def embed_query(self, text: str) -> Vector:
        """Embed one question; the last ones are remembered. A very long one is averaged."""
        known = self._questions.get(text)
        if known is None:
            params = {"texts": [text], "prompt": "query", "windows": True}
            reply = await self._call("embed", params, Priority.CUSTOMER)
            known = np.frombuffer(reply.blob, np.float32)
            known.flags.writeable = False
            self._questions.put(text, known)
        return known

    async def embed_queries(self, texts: Sequence[str]) -> Matrix:
        """Embed questions of the knowledge base."""
        return await self._embed_all(texts, "query")

    async def embed_passages(self, texts: Sequence[str]) -> Matrix:
        """Embed passages."""
        return await self._embed_all(texts, "passage")

    async def read(self, question: str, texts: Sequence[str]) -> Sequence[float]:
        """Return the log-odds that each text answers; see `core.protocols.Reader`.

        Raises:
            Overloaded: if too many other questions are being read.
        """
        if not texts:
            return ()
        if self._reading >= _MOST_READING:
            raise Overloaded(self._reading, _MOST_READING)
        params = {"question": question, "texts": list(texts)}
        self._reading += 1
        try:
            reply = await self._call("read", params, Priority.CUSTOMER)
        finally:
            self._reading -= 1
        found: list[float] = np.frombuffer(reply.blob, np.float32).tolist()
        return found

    async def read_ahead(self, texts: Sequence[str]) -> None:
        """Let the reader keep what it sees in texts, after customers and what is being ingested."""
        await self._call("read", {"question": "", "texts": list(texts)}, Priority.READ_AHEAD)

    async def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Count tokens with the model's own tokenizer."""
        counts: list[int] = []
        for start in range(0, len(texts), _COUNT_TEXTS):
            part = list(texts[start : start + _COUNT_TEXTS])
            reply = await self._call("count", {"texts": part}, Priority.INGEST)
            counts += reply.values["counts"]
        return counts

    async def _embed_all(self, texts: Sequence[str], prompt: Literal["query", "passage"]) -> Matrix:
        rows = np.empty((len(texts), self.dim), np.float32)
        sizes = [len(text.encode()) for text in texts]
        left = batches(sizes, most=_BATCH_BYTES, number=_BATCH_TEXTS)

        async def work() -> None:
            for batch in left:
                params = {"texts": [texts[i] for i in batch], "prompt": prompt}
                reply = await self._call("embed", params, Priority.INGEST)
                rows[batch] = np.frombuffer(reply.blob, np.float32).reshape(len(batch), self.dim)

        workers = [asyncio.create_task(work(), name="batches") for _ in range(self._at_once)]
        try:
            await asyncio.gather(*workers)
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)
        return rows

    async def _call(self, method: str, params: Mapping[str, Any], priority: Priority) -> Reply:
        """Send a request, and once more if the process ended meanwhile: nothing is half done."""
        customer = priority is Priority.CUSTOMER
        loop = asyncio.get_running_loop()
        of_customer = _READ_DEADLINE_S if method == "read" else _QUESTION_DEADLINE_S
        end = loop.time() + (of_customer if customer else _BATCH_DEADLINE_S)

        async def send() -> Reply:
            return await self._worker.call(
                method,
                params,
                priority=priority,
                deadline_s=end - loop.time(),
                at_once=method == "count",
                cost=_cost(params) if customer else 0,
            )

        try:
            return await send()
        except ModelStopped:
            return await send()


def _cost(params: Mapping[str, Any]) -> int:
    """Return about how long a question takes, in bytes of text; even the shortest takes a while.

    The texts that it is read with are mostly kept as they were read before.
    """
    size = sum(len(text.encode()) for text in params["texts"])
    asked = params.get("question")
    return _LEAST_COST + (size if asked is None else len(asked.encode()) + size // _KEPT)
