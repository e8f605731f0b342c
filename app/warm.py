"""Keep the generator's states of likely passages ready while the service runs."""

import asyncio
import logging
import time

from app.demo import read_demo
from app.wiring import Service
from core.errors import AnswerdeskError
from kb.answering.warm import WarmUp
from models.generator import WorkerGenerator

logger = logging.getLogger(__name__)

_PAUSE_S = 60.0
"""Between two looks at what customers ask for and at the release."""
_IDLE_S = 5.0
"""Reading takes all cores: it waits until no customer has asked anything for so long."""
_LOOK_BACK_S = 30 * 24 * 3600.0


async def keep_warm(service: Service) -> None:
    """Read passages ahead and forget those that are gone, until cancelled.

    Ends at once where there are no stored states.
    """
    most = service.knowledge.config.models.warm_passages
    generator = service.generator
    if not isinstance(generator, WorkerGenerator):
        return

    async def cited(limit: int) -> list[str]:
        since = time.time() - _LOOK_BACK_S
        found = await service.knowledge.conversations.most_cited(
            ("composed", "quoted"), since=since, limit=limit
        )
        return list(dict.fromkeys(chunk_id for chunk_id, _ in found))

    async def idle() -> None:
        while (left := _IDLE_S - service.desk.quiet_s()) > 0:  # noqa: ASYNC110 - time is waited for
            await asyncio.sleep(left)

    warm_up = WarmUp(
        service.knowledge.index,
        generator,
        cited=cited,
        expected=read_demo().questions if most else (),
        find=service.answerer.would_read,
        most=most,
        idle=idle,
    )
    while True:
        try:
            count = await warm_up.run()
        except AnswerdeskError:
            logger.exception("Passages could not be read ahead; trying again")
        else:
            if count:
                logger.info("%d passages were read ahead of their questions", count)
        await asyncio.sleep(_PAUSE_S)
