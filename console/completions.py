"""OpenAI's chat completions: the service as a model called ``answerdesk``."""

import json
import logging
import re
import secrets
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from functools import partial
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, field_validator
from pydantic_core import PydanticCustomError
from starlette.requests import Request
from starlette.responses import Response

from console.api import QUESTION_CHARS
from console.form import is_blank
from console.openapi import NAME, Given, Operation, Reply
from console.security import client_address
from console.stream import Asking, as_it_is_made, event_stream
from core.shown import clean, shown
from core.types import Answer, Sentence, Turn, Waiting
from kb.answering.desk import Desk
from kb.answering.texts import service_text

logger = logging.getLogger(__name__)

MODEL = "answerdesk"
_BODY_BYTES = 256 * 1024
_TURNS = 3
_RULE = "\n\n---\n"
"""Separates a reply from its sources, which are not part of a turn."""


class _Sent(Given):
    model_config = ConfigDict(extra="ignore")


class Part(_Sent):
    """Part of a message; only text is read."""

    type: str = Field(max_length=40)
    text: str = Field("", max_length=QUESTION_CHARS)


class Message(_Sent):
    """Something that was said."""

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: Annotated[str, Field(max_length=QUESTION_CHARS)] | list[Part] | None = None

    @property
    def text(self) -> str:
        """What was said, in words."""
        if isinstance(self.content, str):
            return self.content
        return "\n".join(part.text for part in self.content or () if part.type == "text")


class Completion(_Sent):
    """A chat whose last message of the role ``user`` is answered; other settings are ignored."""

    model: str = Field(MODEL, max_length=200)
    messages: list[Message] = Field(min_length=1, max_length=500)
    stream: bool = False
    user: str = Field("", max_length=200)
    """If letters, digits, ``-`` and ``_`` alone: names the conversation."""

    @field_validator("messages")
    @classmethod
    def _asks(cls, messages: list[Message]) -> list[Message]:
        if is_blank(_asked(messages)[0]):
            raise PydanticCustomError("blank", "End with what the user asks.")
        return messages


class Spoken(Reply):
    """The reply, with its sources below it."""

    role: Literal["assistant"] = "assistant"
    content: str
    refusal: None = None


class Choice(Reply):
    """The one reply."""

    index: Literal[0] = 0
    message: Spoken
    logprobs: None = None
    finish_reason: Literal["stop"] = "stop"


class Usage(Reply):
    """Tokens of the generator; most answers need none."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class Completed(Reply):
    """A whole reply."""

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str = MODEL
    choices: list[Choice]
    usage: Usage


class Model(Reply):
    """The service."""

    id: str = MODEL
    object: Literal["model"] = "model"
    created: int = 0
    owned_by: str = MODEL


class Models(Reply):
    """All models: the service."""

    object: Literal["list"] = "list"
    data: tuple[Model, ...] = (Model(),)


class Completions:
    """The endpoints."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def operations(self) -> list[Operation]:
        """Return what clients may do."""
        chat = "/v1/chat/completions"
        return [
            Operation("POST", chat, "ask", self.complete, max_body_bytes=_BODY_BYTES),
            Operation("GET", "/v1/models", "ask", self.models),
        ]

    async def models(self, request: Request, given: None) -> Models:
        """List the one model."""
        return Models()

    async def complete(self, request: Request, given: Completion) -> Completed | Response:
        """Answer the last message; with ``stream`` as events, as OpenAI's clients read them."""
        question, history = _asked(given.messages)
        name = given.user if re.fullmatch(NAME, given.user) else ""
        asking = partial(
            self._desk.ask,
            question,
            chat=f"api:{name or secrets.token_urlsafe(16)}",
            channel="api",
            history=history,
            asker="" if name else client_address(request),
        )
        if given.stream:
            return _streamed(asking)
        answer = await asking()
        used = answer.tokens
        return Completed(
            id=_new_id(),
            created=int(time.time()),
            choices=[Choice(message=Spoken(content=_said(answer)))],
            usage=Usage(
                prompt_tokens=used.prompt,
                completion_tokens=used.generated,
                total_tokens=used.prompt + used.generated,
            ),
        )


def _asked(messages: Sequence[Message]) -> tuple[str, list[Turn]]:
    """Return the last question, and the exchanges before it."""
    history: list[Turn] = []
    asked = ""
    for message in messages:
        if message.role == "user":
            asked = message.text
        elif message.role == "assistant" and not is_blank(asked):
            history.append(Turn(asked, message.text.partition(_RULE)[0]))
            asked = ""
    return asked, history[-_TURNS:]


def _said(answer: Answer) -> str:
    """Return the text of a reply, with its choices and sources below."""
    parts = [shown(answer), "\n".join(f"- {clean(choice.label)}" for choice in answer.choices)]
    said = "\n\n".join(part for part in parts if part)
    if not answer.sources:
        return said
    places = (
        " · ".join(filter(None, (source.title, source.document, source.location)))
        for source in answer.sources
    )
    listed = "\n".join(f"- {clean(place)}" for place in dict.fromkeys(places))
    return f"{said}{_RULE}{service_text('sources', answer.language)}:\n{listed}"


def _streamed(asking: Asking) -> Response:
    """Return the reply as events."""
    one = {
        "id": _new_id(),
        "object": "chat.completion.chunk",
        "created": int(time.time()),
        "model": MODEL,
    }

    def chunk(delta: Mapping[str, str], finish: str | None = None) -> str:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return f"data: {json.dumps({**one, 'choices': [choice]}, ensure_ascii=False)}\n\n"

    async def stream() -> AsyncIterator[str]:
        sent = ""
        yield chunk({"role": "assistant", "content": ""})
        async with aclosing(as_it_is_made(asking)) as events:
            async for event in events:
                if isinstance(event, Sentence):
                    space = " " if sent and sent[-1] not in "。！？" else ""
                    sent += space + event.text
                    yield chunk({"content": space + event.text})
                elif isinstance(event, Waiting):
                    yield ": waiting\n\n"
                elif error := event.exception():
                    logger.error("A chat was not answered", exc_info=error)
                    trouble = {"message": service_text("trouble", "en"), "type": "server_error"}
                    yield f"data: {json.dumps({'error': trouble})}\n\n"
                else:
                    said = _said(event.result())
                    rest = said.removeprefix(sent) if said.startswith(sent) else f"\n\n{said}"
                    for piece in re.findall(r"\S*\s*", rest):
                        if piece:
                            yield chunk({"content": piece})
                    yield chunk({}, "stop")
                    yield "data: [DONE]\n\n"

    return event_stream(stream())


def _new_id() -> str:
    return f"chatcmpl-{secrets.token_hex(12)}"
