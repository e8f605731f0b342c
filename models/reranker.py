"""The cross-encoder as the rest of the project sees it: scores from a child process."""

from collections.abc import Sequence

from models.calls import WorkerState
from models.worker import Worker

_DEADLINE_S = 60


class WorkerReranker:
    """`core.protocols.Reranker` on a worker process."""

    def __init__(self, worker: Worker, *, name: str) -> None:
        self.name = name
        self._worker = worker

    async def start(self, *, wait: bool = True) -> None:
        """Load the model; without `wait`, calls fail with `ModelUnavailable` until it is there.

        Raises:
            ModelUnavailable: if it cannot be loaded.
        """
        await self._worker.start(wait=wait)

    async def close(self) -> None:
        """End the process."""
        await self._worker.close()

    @property
    def state(self) -> WorkerState:
        """How the process is."""
        return self._worker.state

    async def scores(self, question: str, texts: Sequence[str]) -> Sequence[float]:
        """Return how well each text answers, in order; higher is better."""
        params = {"question": question, "texts": list(texts)}
        reply = await self._worker.call("score", params, deadline_s=_DEADLINE_S)
        return list(reply.values["scores"])
