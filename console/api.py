"""The API for programs: answers as JSON, health, metrics."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from operator import not_
from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from console.form import Refused, is_blank
from console.openapi import LANGUAGE, NAME, Given, Reply
from console.security import CookieSigner, client_address
from core.health import Health
from core.metrics import Metrics
from core.render import answer_to_dict
from core.types import AnswerKind, Urgency
from db.conversations import Conversations
from kb.answering.desk import Desk

QUESTION_CHARS = 20_000


def _has_words(text: str) -> str:
    if is_blank(text):
        raise PydanticCustomError("blank", "Write what is asked.")
    return text


class Question(Given):
    """A customer's question."""

    question: Annotated[str, Field(max_length=QUESTION_CHARS), AfterValidator(_has_words)]
    language: str = Field("", max_length=16, pattern=LANGUAGE)
    """Language code of the asker's app, for questions too short to tell."""
    conversation: str = Field("", pattern=NAME)
    """Names the conversation, so that a later question may refer to an earlier one."""


class CitedSource(Reply):
    """Where an answer comes from."""

    document: str
    title: str
    location: str
    quote: str
    score: float
    """Cosine similarity, -1 to 1."""
    updated: str
    """ISO 8601 date on which the document was received."""


class Tokens(Reply):
    """Tokens that the generator read and wrote."""

    prompt: int
    cached: int
    generated: int


class Answered(Reply):
    """The object that ``answerdesk ask --json`` prints, and its ticket."""

    kind: AnswerKind
    text: str
    confidence: float
    """Probability that this answers the question, 0 to 1."""
    language: str
    sources: list[CitedSource]
    release: int
    timings_ms: dict[str, float]
    tokens: Tokens
    hedged: bool = Field(False, exclude_if=not_)
    """Given with the reservation that it may not be what was asked for."""
    urgency: Urgency = Field("", exclude_if=not_)
    choices: tuple[str, ...] = Field((), exclude_if=not_)
    """Questions that may be meant instead."""
    ticket: str = ""
    """Names the answer for feedback; empty while the database cannot be written."""


class Verdict(Given):
    """Whether an answer helped."""

    ticket: str = Field(max_length=200)
    """Of the answer."""
    helpful: bool
    reason: Literal["", "wrong", "incomplete", "outdated", "not_my_question"] = ""


class Done(Reply):
    """That something was done."""

    done: bool = True


class Erased(Reply):
    """How many answers were erased."""

    erased: int


@dataclass(kw_only=True)
class Api:
    """Endpoints for programs that ask for customers, and for monitoring."""

    desk: Desk
    conversations: Conversations
    secret: bytes = field(repr=False)
    tell_health: Callable[[], Awaitable[Health]]
    figures: Metrics
    mishaps: Callable[[], Awaitable[Mapping[str, float]]]
    detailed_health: Callable[[Request], Awaitable[bool]]

    def __post_init__(self) -> None:
        self._signer = CookieSigner(b"ticket " + self.secret)

    async def ask(self, request: Request, given: Question) -> Answered:
        """Answer a question."""
        answer = await self.desk.ask(
            given.question,
            chat=f"api:{given.conversation or secrets.token_urlsafe(16)}",
            channel="api",
            language_code=given.language,
            asker="" if given.conversation else client_address(request),
        )
        ticket = self._signer.sign(str(answer.answer_id)) if answer.answer_id else ""
        return Answered.model_validate(answer_to_dict(answer) | {"ticket": ticket})

    async def rate(self, request: Request, given: Verdict) -> Done:
        """Store whether an answer helped; a later verdict replaces an earlier one."""
        number = int(self._signer.read(given.ticket) or 0)
        if not await self.conversations.give_feedback(
            number, helpful=given.helpful, reason=given.reason
        ):
            raise Refused("No answer has this ticket; it may have been erased, or deleted by now.")
        return Done(done=True)

    async def forget(self, request: Request, given: None) -> Erased:
        """Erase a conversation that was named when it was asked; also if it has nothing."""
        name = request.path_params["name"]
        return Erased(erased=await self.desk.forget(f"api:{name}"))

    async def health(self, request: Request) -> Response:
        """Say whether the service works; 503 while customers are not answered."""
        health = await self.tell_health()
        body: dict[str, object] = {"status": health.status}
        if await self.detailed_health(request):
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
        self.figures.observe_mishaps(await self.mishaps())
        # In a thread: figures of the process are read from files.
        text = await asyncio.to_thread(self.figures.render)
        return Response(text, headers={"Content-Type": Metrics.content_type})
