"""What programs ask: answers as JSON, health, figures."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from console.security import client_address
from core.health import Health
from core.metrics import Metrics
from core.render import answer_to_dict
from kb.answering.desk import Desk


class Question(BaseModel):
    """Body of ``POST /api/ask``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    question: str = Field(min_length=1, max_length=20_000)
    language: str = Field("", max_length=16)
    """Language code of the asker's app, for questions too short to tell."""
    conversation: str = Field("", pattern=r"^[A-Za-z0-9_-]{0,64}$")
    """Names the conversation, so that a later question may refer to an earlier one."""


class Api:
    """Endpoints for programs."""

    def __init__(
        self,
        *,
        desk: Desk,
        health: Callable[[], Awaitable[Health]],
        metrics: Metrics,
        mishaps: Callable[[], Awaitable[Mapping[str, float]]],
        detailed_health: Callable[[Request], bool],
    ) -> None:
        self._desk = desk
        self._health = health
        self._metrics = metrics
        self._mishaps = mishaps
        self._detailed_health = detailed_health

    async def ask(self, request: Request) -> Response:
        """Answer a question with the same object as ``answerdesk ask --json``."""
        content_type = request.headers.get("content-type", "").split(";")[0].strip()
        if content_type != "application/json":
            return error_json("Send the question as JSON with Content-Type: application/json.", 415)
        try:
            body = Question.model_validate_json(await request.body())
        except ValidationError as error:
            first = error.errors()[0]
            field = ".".join(str(part) for part in first["loc"]) or "the body"
            return error_json(f'{field}: {first["msg"]}. Send {{"question": "…"}}.', 400)
        answer = await self._desk.ask(
            body.question,
            chat=f"api:{body.conversation or secrets.token_urlsafe(16)}",
            channel="web",
            language_code=body.language,
            asker="" if body.conversation else client_address(request),
        )
        return JSONResponse(answer_to_dict(answer), headers={"Cache-Control": "no-store"})

    async def forget(self, request: Request) -> Response:
        """Erase a conversation that was named when it was asked; also if it has nothing."""
        name = request.path_params["name"]
        return JSONResponse({"erased": await self._desk.forget(f"api:{name}")})

    async def health(self, request: Request) -> Response:
        """Say whether the service works; 503 while customers are not answered."""
        health = await self._health()
        body: dict[str, object] = {"status": health.status}
        if self._detailed_health(request):
            body["reasons"] = list(health.reasons)
            if health.check is not None:
                body["check"] = {
                    "answered": not health.check.error,
                    "age_s": round(health.check.age_s, 1),
                    "took_s": round(health.check.took_s, 3),
                }
        status = 503 if health.status in ("loading", "failing") else 200
        return JSONResponse(body, status, headers={"Cache-Control": "no-store"})

    async def metrics(self, request: Request) -> Response:
        """Return the figures for Prometheus."""
        self._metrics.observe_mishaps(await self._mishaps())
        # In a thread: figures of the process are read from files.
        text = await asyncio.to_thread(self._metrics.render)
        return Response(text, headers={"Content-Type": Metrics.content_type})


def error_json(sentence: str, status: int) -> JSONResponse:
    """Return an error as JSON with one sentence."""
    return JSONResponse({"error": sentence}, status)
