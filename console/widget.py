"""The chat on the company's own website: what its script asks, and who may ask how often.

`console.security_middleware` lets through the origins of ``config.yaml`` alone, and answers them
with CORS.
"""

import json
import logging
import re
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from console.chat import event, given_as, streamed
from console.labels import Labels
from console.pages import STATIC
from console.security import CookieSigner, address_group, client_address
from console.view import show_answer
from core.hours import WorkingHours
from core.recent import Recent
from core.types import Answer
from db.conversations import Conversations
from db.handover import Handovers, number_of
from kb.answering.desk import Desk
from kb.answering.texts import TextKey, service_text

logger = logging.getLogger(__name__)

_SCRIPT = (STATIC / "widget.js").read_bytes()
_NO_STORE = {"Cache-Control": "no-store"}
_MAX_VISITORS = 10_000
_PERSON_COSTS = 5
"""Questions that one message to a person counts as: each takes the time of one."""
_LOOKS = 10
"""Times that a widget may look for news for each question it may ask."""
CHANNEL = "widget"
_CONTACT = re.compile(r"[^\s@<>]+@[^\s@<>]+\.[^\s@<>]+|\+?(?:[\d()/.\s-]*\d){6,}[\d()/.\s-]*")
_LABELS = (
    "open_chat", "close_chat", "new_chat", "erase_chat", "erase_sure", "conversation", "you_asked",
    "your_question", "placeholder", "send", "looking_up", "queue", "connection_lost", "as_of",
    "helpful", "yes", "no", "cancel", "your_message", "your_contact", "contact_wrong",
    "leave_contact", "call_person", "contact_optional", "team", "new_message"
)  # fmt: skip
_SERVICE_TEXTS: tuple[TextKey, ...] = (
    "none_of_these", "say_otherwise", "talk_to_person", "feedback_thanks", "forgotten",
    "what_was_wrong", "why_wrong", "why_incomplete", "why_outdated", "why_not_my_question",
    "source", "sources"
)  # fmt: skip

_Body = TypeVar("_Body", bound=BaseModel)


class _Sent(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)

    languages: str = Field("", max_length=100)
    """Language codes with commas between them, best first."""


class Asked(_Sent):
    """Body of ``POST /widget/ask``."""

    question: str = Field(min_length=1, max_length=20_000)
    session: str = Field("", max_length=200)
    picked: str = Field("", max_length=200)
    """The answer under which this question was a choice."""


class Rated(_Sent):
    """Body of ``POST /widget/feedback``."""

    answer: str = Field(max_length=200)
    helpful: bool
    reason: Literal["", "wrong", "incomplete", "outdated", "not_my_question"] = ""


class Called(_Sent):
    """Body of ``POST /widget/person``."""

    message: str = Field(min_length=1, max_length=2000)
    contact: str = Field("", max_length=200)
    """May be empty while people answer."""
    session: str = Field("", max_length=200)


class Looked(_Sent):
    """Body of ``POST /widget/messages``."""

    session: str = Field(max_length=200)
    after: int = Field(0, ge=0, lt=2**31)
    """The last message that the widget has."""


class Erased(_Sent):
    """Body of ``POST /widget/forget``."""

    session: str = Field(min_length=1, max_length=200)


class Allowance:
    """Rate limit by address: questions a minute, as many of them at once."""

    def __init__(self, per_minute: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = per_minute
        self._clock = clock
        self._left: Recent[str, tuple[float, float]] = Recent(_MAX_VISITORS)

    def take(self, address: str, cost: int = 1) -> bool:
        """Return whether an address may, and count it if so."""
        group, now = address_group(address), self._clock()
        left, since = self._left.get(group) or (float(self._most), now)
        left = min(self._most, left + (now - since) * self._most / 60)
        allowed = left >= cost
        self._left.put(group, (left - cost if allowed else left, now))
        return allowed


@dataclass(kw_only=True)
class Widget:
    """Endpoints of the widget."""

    desk: Desk
    conversations: Conversations
    handovers: Handovers
    hours: WorkingHours
    """Those in which people answer."""
    shop: str
    welcome: Mapping[str, str]
    language: str
    """The company's."""
    secret: bytes = field(repr=False)
    per_minute: int
    tell: Callable[[str], Awaitable[None]]
    """Tells the team that somebody left a message."""

    def __post_init__(self) -> None:
        self._signer = CookieSigner(b"widget " + self.secret)
        self._allowance = Allowance(self.per_minute)
        self._looks = Allowance(self.per_minute * _LOOKS)

    async def script(self, request: Request) -> Response:
        """Return the script."""
        return Response(
            _SCRIPT, media_type="text/javascript", headers={"Cache-Control": "public, max-age=3600"}
        )

    async def texts(self, request: Request) -> Response:
        """Return the widget's words in the best language there is."""
        labels = Labels(*self._languages(request.query_params.get("languages", "")))
        words = {key: labels(key) for key in _LABELS}
        words |= {key: service_text(key, labels.language) for key in _SERVICE_TEXTS}
        words["title"] = self.shop
        words["greeting"] = self.welcome.get(labels.language) or service_text(
            "greeting", labels.language, company=self.shop
        )
        return JSONResponse(
            {"language": labels.language, "texts": words, "away": self._away()}, headers=_NO_STORE
        )

    async def ask(self, request: Request) -> Response:
        """Answer a question as a stream of events: ``sentence``, ``waiting``, then ``answer`` or
        why there is none.

        While a person has the conversation, keep it for them: ``held`` is the only event.
        """
        body = await self._read(request, Asked)
        labels = Labels(*self._languages(body.languages))
        if picked := self._answer_id(body.picked):
            await self.conversations.taken(picked)
        session = self._signer.read(body.session) or secrets.token_urlsafe(16)
        number = number_of(_chat(session))
        if await self.handovers.is_held(number):
            await self.handovers.wrote(number, body.question)
            kept = event("held", {"session": self._signer.sign(session)})
            return Response(kept, media_type="text/event-stream", headers=_NO_STORE)

        async def shown(answer: Answer) -> dict[str, Any]:
            if answer.intent == "person":
                key = "leave_contact" if self._away() else "call_person"
                answer = await given_as(answer, labels, key, to=self.conversations)
            elif answer.kind == "held":
                answer = await given_as(answer, labels, "called", to=self.conversations)
                if await self.handovers.ask(
                    number,
                    reason=body.question,
                    language=labels.language,
                    urgency=answer.urgency,
                    chat=_chat(session),
                    for_draft=True,
                ):
                    await self.tell(
                        "The answer to a visitor of the website waits for you to send it. It is in "
                        "the console under Conversations."
                    )
            return {"session": self._signer.sign(session), **self._shown(answer, labels)}

        asking = partial(
            self.desk.ask,
            body.question,
            chat=_chat(session),
            channel=CHANNEL,
            language_code=body.languages.split(",")[0].split("-")[0][:3],
            asker=client_address(request),
        )
        return streamed(asking, labels=labels, shown=shown)

    async def rate(self, request: Request) -> Response:
        """Store whether an answer that this widget was given helped."""
        body = await self._read(request, Rated)
        answer_id = self._answer_id(body.answer)
        if not answer_id:
            raise HTTPException(400)
        await self.conversations.give_feedback(answer_id, helpful=body.helpful, reason=body.reason)
        return JSONResponse({}, headers=_NO_STORE)

    async def person(self, request: Request) -> Response:
        """Let a visitor wait for a person, and put the message into the inbox.

        When nobody is there, an address for the reply is needed.
        """
        body = await self._read(request, Called, cost=_PERSON_COSTS)
        labels = Labels(*self._languages(body.languages))
        if (body.contact or self._away()) and not _CONTACT.fullmatch(body.contact):
            return JSONResponse({"error": labels("contact_wrong")}, 422, headers=_NO_STORE)
        session = self._signer.read(body.session) or secrets.token_urlsafe(16)
        chat = _chat(session)
        # The reply that is kept tells the operators where to write.
        said = labels("contact_kept", contact=body.contact) if body.contact else labels("called")
        reply = Answer("unknown", said, labels.language, intent="person", unanswered=body.message)
        await self.conversations.record(body.message, reply, chat=chat, channel=CHANNEL)
        number = number_of(chat)
        await self.handovers.ask(number, reason=body.message, language=labels.language, chat=chat)
        await self.tell(
            "A visitor of the website asks for a person. The message is in the console under "
            "Conversations, where you can reply, and in /unanswered."
        )
        return JSONResponse(
            {"text": said, "session": self._signer.sign(session)}, headers=_NO_STORE
        )

    async def messages(self, request: Request) -> Response:
        """Return what the team wrote to a visitor after a message."""
        body = await self._read(request, Looked, allowance=self._looks)
        session = self._signer.read(body.session)
        if not session:
            raise HTTPException(400)
        said = await self.handovers.said(_chat(session), after=body.after)
        news = [
            {"id": one.message_id, "text": one.text, "team": one.author == "team"}
            for one in said
            if one.author in ("team", "bot")
        ]
        return JSONResponse({"messages": news}, headers=_NO_STORE)

    async def forget(self, request: Request) -> Response:
        """Erase the conversation of a widget."""
        body = await self._read(request, Erased)
        session = self._signer.read(body.session)
        if not session or " " in session:  # an answer's token is signed with the same key
            raise HTTPException(400)
        await self.desk.forget(_chat(session))
        return JSONResponse({}, headers=_NO_STORE)

    def _away(self) -> bool:
        """Tell whether nobody of the team answers now."""
        return self.hours.next_opening(datetime.now(UTC)) is not None

    def _shown(self, answer: Answer, labels: Labels) -> dict[str, Any]:
        view = show_answer(answer, labels)
        return {
            "language": view.language,
            "badge": view.badge,
            "lines": view.lines,
            "sources": [
                {
                    "title": s.title or s.document,
                    "place": s.location,
                    "quote": s.quote,
                    "updated": s.updated,
                }
                for s in view.sources
            ],
            "choices": view.choices,
            "person": view.offers_person or answer.intent == "person" or answer.kind == "held",
            "called": answer.kind == "held",
            "rateable": bool(view.rateable_id),
            "answer": self._signer.sign(f"answer {answer.answer_id}") if answer.answer_id else "",
        }

    async def _read(
        self,
        request: Request,
        kind: type[_Body],
        *,
        cost: int = 1,
        allowance: Allowance | None = None,
    ) -> _Body:
        if request.headers.get("content-type", "").split(";")[0].strip() != "application/json":
            raise HTTPException(415)
        try:
            body = kind.model_validate(json.loads(await request.body()))
        except (ValidationError, ValueError) as error:
            raise HTTPException(400) from error
        if not (allowance or self._allowance).take(client_address(request), cost):
            raise HTTPException(429)
        return body

    def _languages(self, codes: str) -> tuple[str, ...]:
        return (*codes.split(","), self.language)

    def _answer_id(self, token: str) -> int:
        """Return the number in a token that we gave with an answer, 0 if it is none."""
        word, _, number = (self._signer.read(token) or "").partition(" ")
        return int(number) if word == "answer" else 0


def _chat(session: str) -> str:
    return f"web:{session}"
