"""Let the reader see the texts of each release before customers ask."""

import asyncio
import logging

from app.wiring import Knowledge
from core.errors import ModelError
from kb.ranking.read_ahead import read_ahead
from models.embedder import WorkerEmbedder

logger = logging.getLogger(__name__)

_PAUSE_S = 5.0
"""Between two looks at the release, and before another try."""


async def read_now(knowledge: Knowledge) -> int:
    """Read ahead what the live release has; return how many texts.

    Raises:
        ModelError: if the reader cannot.
    """
    reader = knowledge.retriever.reader
    if not isinstance(reader, WorkerEmbedder):
        return 0
    return await read_ahead(await knowledge.index.view(), reader.read_ahead)


async def keep_read(knowledge: Knowledge) -> None:
    """Read ahead what a release has, whenever it or the reader's process is new, until cancelled.

    The process is replaced after some thousand requests, and after a crash; it keeps what it read.
    """
    reader, done = knowledge.retriever.reader, (0, 0)
    while isinstance(reader, WorkerEmbedder):
        now = (await knowledge.index.view()).release, reader.state.pid
        try:
            if now != done:
                count = await read_now(knowledge)
                logger.info("Release %d: %d texts were read ahead", now[0], count)
                done = now
        except ModelError as error:
            logger.info("Reading ahead goes on later: %s", error)
        await asyncio.sleep(_PAUSE_S)
