"""A program that receives what webhooks send."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from db.webhooks import EventName
from jobs.webhooks import SIGNATURE
from tests.console.served import on_loopback

EVENTS: tuple[EventName, ...] = (
    "question.unanswered",
    "conversation.handed_over",
    "release.published",
)


@dataclass
class Receiver:
    """A program that is told."""

    address: str = ""
    status: int = 200
    got: list[tuple[str, bytes]] = field(default_factory=list)

    async def take(self, request: Request) -> Response:
        self.got.append((request.headers[SIGNATURE], await request.body()))
        if self.status == 302:
            return RedirectResponse(f"{self.address}/elsewhere", 302)
        return Response(status_code=self.status)


@asynccontextmanager
async def receiver() -> AsyncIterator[Receiver]:
    one = Receiver()
    routes = [Route(path, one.take, methods=["POST", "GET"]) for path in ("/hook", "/elsewhere")]
    async with on_loopback(Starlette(routes=routes)) as one.address:
        yield one
