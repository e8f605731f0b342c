"""Webhooks of the configuration, and what is said of each event."""

import os
from collections.abc import Mapping
from typing import Any

from app.wiring import Knowledge
from core.config import Config
from core.errors import ConfigError, ReleaseNotFound
from db.figures import Figures
from db.handover import Handovers
from db.webhooks import Deliveries, Delivery
from jobs.webhooks import Messenger, Webhook


def make_messenger(config: Config, knowledge: Knowledge) -> Messenger:
    """Return what delivers; raises `ConfigError` if a secret is not in the environment."""
    database = knowledge.database
    figures, handovers = Figures(database), Handovers(database)

    async def describe(delivery: Delivery, text: bool) -> Mapping[str, Any] | None:
        said: dict[str, Any]
        if delivery.event == "release.published":
            try:
                release = await knowledge.release_rows.get(delivery.subject)
            except ReleaseNotFound:
                return None
            return {"release": release.number, "kind": release.kind, "note": release.note}
        if delivery.event == "question.unanswered":
            asked = await figures.one(delivery.subject)
            if asked is None:
                return None
            said = {"conversation": asked.answer_id, "language": asked.language}
            return said | {"channel": asked.channel} | ({"text": asked.question} if text else {})
        handover = await handovers.get(delivery.subject)
        if handover is None:
            return None
        last = (await figures.last_of([handover.chat])).get(handover.chat)
        said = {"conversation": last.answer_id if last else None, "language": handover.language}
        # The website's conversations and those of the try-it page have names of one kind.
        said |= {"channel": last.channel if last else handover.chat.partition(":")[0]}
        said |= {"urgency": handover.urgency}
        return said | ({"text": handover.reason} if text else {})

    hooks = []
    for hook in config.webhooks:
        if not (secret := os.environ.get(hook.secret, "")):
            raise ConfigError(
                f"The webhook {hook.url!r} is signed with {hook.secret}, which is not set in the "
                "environment. Set it, or remove the webhook."
            )
        hooks.append(Webhook(hook.url, secret.encode(), hook.text))
    return Messenger(hooks, Deliveries(database), describe, allow_hosts=config.refresh.allow_hosts)
