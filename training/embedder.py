"""The embedder as the service computes, for what is fitted on top of it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from models.embedder import WorkerEmbedder
from models.factory import make_embedder

MODEL = "multilingual-e5-small"


@asynccontextmanager
async def open_embedder(data: Path) -> AsyncIterator[WorkerEmbedder]:
    """Start it, with its reader, in one process for all requests."""
    model = make_embedder(MODEL, data, recycle_after=10**9, precision="int8")
    assert isinstance(model, WorkerEmbedder)
    try:
        await model.start(wait=True)
        yield model
    finally:
        await model.close()
