"""What programs ask: answers as JSON, health, figures."""

import asyncio
import json
import secrets
from collections.abc import Awaitable, Callable, Mapping

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic_core import ErrorDetails
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from console.form import is_blank
from console.security import client_address
from core.health import Health
from core.metrics import Metrics
from core.render import answer_to_dict
from kb.answering.desk import Desk

_QUESTION_CHARS = 20_000
_LANGUAGE_CHARS = 16
_SHOWN_CHARS = 60
_SEND = 'Send {"question": "…"}.'


class Question(BaseModel):
    """Body of ``POST /api/ask``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    question: str = Field(max_length=_QUESTION_CHARS)
    language: str = Field("", max_length=_LANGUAGE_CHARS, pattern=r"^([A-Za-z]{2,3}([-_].*)?)?$")
    """Language code of the asker's app, for questions too short to tell."""
    conversation: str = Field("", pattern=r"^[A-Za-z0-9_-]{0,64}$")
    """Names the conversation, so that a later question may refer to an earlier one."""

    @field_validator("question")
    @classmethod
    def _has_words(cls, question: str) -> str:
        if is_blank(question):
            raise ValueError
        return question


class Api:
    """Endpoints for programs."""

    def __init__(
        self,
        *,
        desk: Desk,
        health: Callable[[], Awaitable[Health]],
        metrics: Metrics,
        mishaps: Callable[[], Awaitable[Mapping[str, float]]],
        detailed_health: Callable[[Request], Awaitable[bool]],
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
            return error_json(_wrong(first), 400 if first["type"] == "json_invalid" else 422)
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
        if await self._detailed_health(request):
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


def _wrong(error: ErrorDetails) -> str:
    """Return what is wrong with a body, with the value, and what to do."""
    if not error["loc"]:
        what = "JSON" if error["type"] == "json_invalid" else "a JSON object"
        return f"The body is not {what}. {_SEND}"
    field, value = error["loc"][0], error["input"]
    shown = json.dumps(value, ensure_ascii=False, default=str)
    shown = shown if len(shown) <= _SHOWN_CHARS else f"{shown[:_SHOWN_CHARS]}…"
    match error["type"]:
        case "missing":
            return f'"{field}" is missing. {_SEND}'
        case "value_error":
            return f'"{field}" is empty. Write what is asked.'
        case "extra_forbidden":
            known = ", ".join(Question.model_fields)
            return f'"{field}" is not a field. Leave it out: there are {known}.'
        case "string_too_long":
            most = _QUESTION_CHARS if field == "question" else _LANGUAGE_CHARS
            return f'"{field}" has {len(value):,} characters. Shorten it to {most:,} at most.'
        case "string_pattern_mismatch" if field == "language":
            return f'"{field}" is {shown}. Write a code such as de, es or zh, or leave it out.'
        case "string_pattern_mismatch":
            return (
                f'"{field}" is {shown}. Use letters, digits, "-" and "_" alone, 64 of them at most.'
            )
        case _:
            return f'"{field}" is {shown}, which is not text. Put text in quotation marks.'


def error_json(sentence: str, status: int) -> JSONResponse:
    """Return an error as JSON with one sentence."""
    return JSONResponse({"error": sentence}, status)
