"""Handle a form once that is sent twice, as by a double click.

The browser gives up the first request of a double press, but what it asked for is done all the
same; so the second one waits for that and gets its reply.
"""

import asyncio
import hashlib
import secrets

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from console.form import Endpoint, fields_of
from core.recent import Recent

_MOST = 200
"""Replies that are kept; most of them lead to another page and have no text."""


def once() -> Markup:
    """Return the hidden field that identifies one copy of a form."""
    # Firefox would fill in the old value after a reload.
    field = '<input type="hidden" name="once" value="{}" autocomplete="off">'
    return Markup(field).format(secrets.token_urlsafe(12))


class Once:
    """Recent results of forms with the field `once`."""

    def __init__(self) -> None:
        self._done: Recent[bytes, asyncio.Task[Response]] = Recent(_MOST)

    def over(self, endpoint: Endpoint) -> Endpoint:
        """Return `endpoint`, which handles the same copy with the same content once.

        What was refused or failed may be tried again.
        """

        async def done_once(request: Request) -> Response:
            if request.headers.get("content-type", "").startswith("multipart/"):
                return await endpoint(request)  # files are read piece by piece
            fields = await fields_of(request)
            if not fields.get("once"):
                return await endpoint(request)
            sent = repr((request.url.path, sorted(fields.items())))
            key = hashlib.sha256(sent.encode()).digest()
            work = self._done.get(key)
            if work is None:
                work = asyncio.create_task(endpoint(request))
                self._done.put(key, work)
                work.add_done_callback(lambda done: self._settle(key, done))
            return await asyncio.shield(work)

        return done_once

    def _settle(self, key: bytes, done: asyncio.Task[Response]) -> None:
        if done.cancelled() or done.exception() or done.result().status_code >= 400:
            self._done.drop(key)
