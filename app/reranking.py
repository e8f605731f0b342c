"""Which model reads the best passages once more, if one is configured."""

import asyncio
import logging
from contextlib import AsyncExitStack
from pathlib import Path

from core.config import Config
from core.errors import ModelError
from kb.rerank import ByCrossEncoder, ByLikelihood, Rerank
from models.factory import make_reranker
from models.generator import WorkerGenerator
from models.reranker import WorkerReranker

logger = logging.getLogger(__name__)

BY_GENERATOR = "generator"
"""`models.reranker`: the generator's likelihood instead of a cross-encoder."""
NO_LIKELIHOOD = (
    "models.reranker is 'generator', and models.generator is none that runs here. Name a GGUF file "
    "or a model of the catalogue there, or set models.reranker to off."
)


async def open_reranker(stack: AsyncExitStack, config: Config, root: Path) -> WorkerReranker | None:
    """Start the cross-encoder, or say why passages keep their order."""
    if config.models.reranker in ("off", BY_GENERATOR):
        return None
    try:
        reranker = await asyncio.to_thread(
            make_reranker,
            config.models.reranker,
            root,
            threads=config.models.threads,
            recycle_after=config.models.recycle_after,
        )
    except ModelError as error:
        logger.warning("Passages are not reranked: %s", error)
        return None
    stack.push_async_callback(reranker.close)
    await reranker.start(wait=False)
    return reranker


def second_opinion(
    config: Config, reranker: WorkerReranker | None, generator: object
) -> Rerank | None:
    """Return what reads the best passages once more, if anything does."""
    reads: ByCrossEncoder | ByLikelihood | None = ByCrossEncoder(reranker) if reranker else None
    if config.models.reranker == BY_GENERATOR:
        if isinstance(generator, WorkerGenerator):
            reads = ByLikelihood(generator)
        else:
            logger.warning("Passages are not reranked: %s", NO_LIKELIHOOD)
    if reads is None:
        return None
    models = config.models
    return Rerank(reads, weight=models.reranker_weight, timeout_s=models.reranker_timeout_s)
