"""Tell other programs what happened: signed, tried again until they take it.

An attempt goes through the address rules of sources: no addresses of inner networks but of hosts
in ``refresh.allow_hosts``, and no redirects.
"""

import asyncio
import hashlib
import hmac
import json
import logging
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpcore

from core.errors import AnswerdeskError, StorageError
from db.webhooks import Deliveries, Delivery
from sources.fetch.address import read_url
from sources.fetch.connect import CheckedBackend

logger = logging.getLogger(__name__)

AGAIN_S = (10.0, 60.0, 300.0, 1800.0, 7200.0, 21600.0, 43200.0)
"""Pauses after failed attempts; after the last one, within a day, it is given up."""
SIGNATURE = "Answerdesk-Signature"
_TIMEOUT_S = 10.0
_LOOK_S = 2.0
_KEPT_S = 30 * 86400.0

Describe = Callable[[Delivery, bool], Awaitable[Mapping[str, Any] | None]]
"""Returns the data of an event, with customers' text if asked for; ``None``: it is gone."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """Who is told."""

    url: str
    secret: bytes
    text: bool
    """Whether with what customers wrote."""


class Messenger:
    """Sends what is due, for ever."""

    def __init__(
        self,
        hooks: Sequence[Webhook],
        deliveries: Deliveries,
        describe: Describe,
        *,
        allow_hosts: Collection[str] = (),
        again_s: Sequence[float] = AGAIN_S,
    ) -> None:
        self._hooks = {hook.url: hook for hook in hooks}
        self._deliveries = deliveries
        self._describe = describe
        self._backend = CheckedBackend(allow_hosts=allow_hosts)
        self._again_s = again_s

    async def run(self) -> None:
        """Send until cancelled; without webhooks, end at once."""
        while self._hooks:
            try:
                if not await self.send_due():
                    await asyncio.sleep(_LOOK_S)
            except StorageError as error:
                logger.warning("Webhooks wait: %s", error)
                await asyncio.sleep(_LOOK_S)

    async def send_due(self) -> int:
        """Try everything that is due once; return how many these were."""
        await self._deliveries.purge(before=time.time() - _KEPT_S)
        due = await self._deliveries.due()
        await asyncio.gather(*map(self._send, due))
        return len(due)

    async def _send(self, delivery: Delivery) -> None:
        hook = self._hooks.get(delivery.url)
        data = await self._describe(delivery, hook.text) if hook else None
        if hook is None or data is None:
            await self._deliveries.tried(delivery, "dropped", "it, or the webhook, is gone")
            return
        try:
            status = await self._post(hook, delivery, data)
            trouble = "" if 200 <= status < 300 else f"the reply was {status}"
        except (AnswerdeskError, OSError, TimeoutError, httpcore.NetworkError) as error:
            trouble = str(error) or type(error).__name__
        except (httpcore.TimeoutException, httpcore.ProtocolError) as error:
            trouble = type(error).__name__
        if not trouble:
            await self._deliveries.tried(delivery, "delivered", f"the reply was {status}")
        elif delivery.attempts < len(self._again_s):
            pause_s = self._again_s[delivery.attempts]
            await self._deliveries.tried(delivery, "waiting", trouble, again_s=pause_s)
        else:
            await self._deliveries.tried(delivery, "failed", trouble)

    async def _post(self, hook: Webhook, delivery: Delivery, data: Mapping[str, Any]) -> int:
        body = json.dumps(
            {
                "id": delivery.delivery_id,
                "event": delivery.event,
                "created": round(delivery.created),
                "data": data,
            },
            ensure_ascii=False,
        ).encode()
        headers: dict[bytes | str, bytes | str] = {
            "Content-Type": "application/json",
            "User-Agent": "Answerdesk",
            SIGNATURE: sign(hook.secret, body, at=int(time.time())),
        }
        target = read_url(hook.url)
        async with (
            asyncio.timeout(_TIMEOUT_S),
            httpcore.AsyncConnectionPool(network_backend=self._backend) as pool,
            pool.stream("POST", target.url, headers=headers, content=body) as response,
        ):
            return int(response.status)


def sign(secret: bytes, body: bytes, *, at: int) -> str:
    """Return the header that proves who sent a body, and when: HMAC-SHA256 of time, dot, body."""
    digest = hmac.new(secret, f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"
