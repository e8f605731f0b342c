"""The second embedder of a knowledge base, if one is configured."""

import asyncio
import logging
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TypeAlias

from core.config import Config
from core.errors import ModelError
from models.embedder import WorkerEmbedder
from models.factory import make_embedder
from models.remote import HttpEmbedder

ModelEmbedder: TypeAlias = WorkerEmbedder | HttpEmbedder

logger = logging.getLogger(__name__)

_WITHOUT = "Entries are judged by the first embedder alone: %s"


async def open_second(
    stack: AsyncExitStack, config: Config, root: Path, *, steps_back: bool = False
) -> ModelEmbedder | None:
    """Start the second embedder without waiting for it, or say why there is none."""
    spec = config.models.second_embedder
    if spec in ("off", config.models.embedder):
        return None
    try:
        embedder = await asyncio.to_thread(
            make_embedder,
            spec,
            root,
            threads=1,  # it works beside the search, and questions are short
            recycle_after=config.models.recycle_after,
            precision=config.models.embedder_precision,
            steps_back=steps_back,
        )
        stack.push_async_callback(embedder.close)
        await embedder.start(wait=False)
    except ModelError as error:
        logger.warning(_WITHOUT, error)
        return None
    return embedder


async def wait_for(second: ModelEmbedder | None) -> None:
    """Return when it is loaded, or cannot be."""
    if second is None:
        return
    try:
        await second.start(wait=True)
    except ModelError as error:
        logger.warning(_WITHOUT, error)
