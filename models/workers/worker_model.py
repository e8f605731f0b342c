"""What every model has that runs in a process of its own."""

from models.workers.contract import WorkerState
from models.workers.worker import Worker


class WorkerModel:
    """A model on a worker process."""

    def __init__(self, worker: Worker, *, name: str) -> None:
        """`name` is for people."""
        self.name = name
        self._worker = worker

    async def start(self, *, wait: bool = True) -> None:
        """Load the model; see `Worker.start`."""
        await self._worker.start(wait=wait)

    async def close(self) -> None:
        """End the process."""
        await self._worker.close()

    @property
    def state(self) -> WorkerState:
        """How the process is."""
        return self._worker.state
