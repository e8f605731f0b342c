"""What is wrong at the moment: for /health, and for the page that lists what went wrong."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from app.check import SelfCheck
from app.disk import LOW_BYTES, free_bytes
from app.models import ModelEmbedder, ModelGenerator
from app.wiring import Service
from bot.telegram_app import TelegramBot
from console.mishaps import Disk, Restarts, Watched
from core.health import Health
from db.jobs import JobRepository
from db.mishaps import Mishaps
from db.uploads import Uploads
from jobs.schedule import Scheduler


@dataclass(slots=True)
class Troubles:
    """What is wrong at the moment, by subject; empty when all is well."""

    sentences: dict[str, str] = field(default_factory=dict)
    prepared: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the knowledge base has been made ready."""
    bot: TelegramBot | None = None
    """While Telegram is served."""


def _models(service: Service) -> Sequence[ModelEmbedder | ModelGenerator]:
    knowledge = service.knowledge
    models = (knowledge.embedder, knowledge.second, service.generator)
    return [model for model in models if model is not None]


def watched(service: Service, troubles: Troubles, scheduler: Scheduler) -> Watched:
    """Return where it is known what went wrong, and what tries it again."""
    database, folder = service.knowledge.database, service.knowledge.paths.data

    def restarts() -> Sequence[Restarts]:
        states = [(model.name, model.state) for model in _models(service)]
        return [Restarts(name, s.restarts, s.trouble, s.trouble_at) for name, s in states]

    async def disk() -> Disk:
        free = await asyncio.to_thread(free_bytes, folder)
        return Disk(folder, free, "disk" in troubles.sentences or free < LOW_BYTES)

    return Watched(
        Mishaps(database),
        JobRepository(database),
        Uploads(database, channel="console"),
        service.desk,
        models=restarts,
        disk=disk,
        run_again=scheduler.ask_for,
        due=scheduler.due,
        telegram=lambda: troubles.bot.recovery if troubles.bot else None,
    )


def health_of(service: Service, troubles: Troubles, check: SelfCheck) -> Health:
    """Return how the service is, with a sentence for each trouble."""
    reasons = list(troubles.sentences.values())
    knowledge = service.knowledge
    for model in _models(service):
        if model.state.status == "down":
            reasons.append(f"The model {model.name!r} is down: {model.state.reason}.")
    if knowledge.conversations.trouble:
        reasons.append(knowledge.conversations.trouble)
    last = check.result()
    if last is None:
        return Health("loading", tuple(reasons) or ("Models and knowledge base are loading.",))
    if last.error:
        reasons.insert(0, f"A question of the service to itself was not answered: {last.error}")
        return Health("failing", tuple(reasons), last)
    return Health("degraded" if reasons else "ok", tuple(reasons), last)
