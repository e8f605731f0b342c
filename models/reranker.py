"""The cross-encoder as the rest of the project sees it: scores from a child process."""

from collections.abc import Sequence

from models.worker_model import WorkerModel

_DEADLINE_S = 60


class WorkerReranker(WorkerModel):
    """`core.protocols.Reranker` on a worker process."""

    async def scores(self, question: str, texts: Sequence[str]) -> Sequence[float]:
        """Return how well each text answers, in order; higher is better."""
        params = {"question": question, "texts": list(texts)}
        reply = await self._worker.call("score", params, deadline_s=_DEADLINE_S)
        return list(reply.values["scores"])
