"""The try-it page: a chat that works as a plain form, and streams where there is JavaScript."""

import json
import logging
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from console.form import Refused, fields_of, is_blank, read_number
from console.labels import Labels
from console.pages import Pages
from console.security import CookieSigner, client_address
from console.stream import Asking, as_it_is_made, event_stream
from console.transcripts import Exchange, Transcripts
from console.view import show_answer
from core.errors import ConversationErased
from core.health import Health
from core.types import Answer, Sentence, Waiting
from db.conversations import Conversations
from kb.answering.desk import Desk

logger = logging.getLogger(__name__)

COOKIE = "answerdesk_chat"
_COOKIE_LASTS_S = 30 * 24 * 3600
_MAX_SHOWN = 2000


@dataclass(frozen=True, kw_only=True)
class ChatPages:
    """Endpoints of the try-it page."""

    desk: Desk
    verdicts: Conversations
    pages: Pages
    signer: CookieSigner
    health: Callable[[], Awaitable[Health]]
    examples: Callable[[str], Awaitable[Sequence[str]]]
    _transcripts: Transcripts = field(default_factory=Transcripts, init=False)

    async def show(self, request: Request) -> Response:
        """Show the conversation of this browser so far."""
        return await self._page(request)

    async def ask(self, request: Request) -> Response:
        """Answer a posted question: as a stream of events if asked for one, else as the page."""
        question = (await fields_of(request))["question"].strip()
        labels = Labels(_language(request))
        streams = "text/event-stream" in request.headers.get("accept", "")
        if is_blank(question):
            notice = labels("empty")
            if streams:
                return Response(notice, 400, media_type="text/plain")
            return await self._page(request, notice=notice, status=400)
        known = self._session(request)
        session = known or secrets.token_urlsafe(16)
        # Whoever sends no cookie has a new conversation each time.
        asking = partial(
            self.desk.ask,
            question,
            chat=_chat(session),
            channel="web",
            language_code=_language(request),
            asker="" if known else client_address(request),
        )
        response: Response
        if streams:

            async def shown(answer: Answer) -> dict[str, Any]:
                given = await self._given(answer, question, session, labels)
                values = {"answer": show_answer(given, labels), "labels": labels}
                return {"html": self.pages.text("_answer.html", values)}

            response = streamed(asking, labels=labels, shown=shown)
        else:
            try:
                answer = await asking()
            except ConversationErased:
                return await self._page(request, notice=labels("erased"), status=410)
            await self._given(answer, question, session, labels)
            # Redirected, so that reloading the page does not ask again.
            response = RedirectResponse("/#latest", 303)
        response.set_cookie(
            COOKIE,
            self.signer.sign(session),
            max_age=_COOKIE_LASTS_S,
            httponly=True,
            samesite="lax",
            secure=request.url.scheme == "https",
        )
        return response

    async def rate(self, request: Request) -> Response:
        """Store whether an answer of this browser's conversation helped."""
        fields, session = await fields_of(request), self._session(request)
        answer_id, helpful = read_number(fields["answer"]), fields["helpful"]
        own = session is not None and self._transcripts.rate(session, answer_id)
        if not own or helpful not in ("yes", "no"):
            raise Refused("Only an answer that is shown here can be rated.", 400)
        await self.verdicts.give_feedback(answer_id, helpful=helpful == "yes")
        return RedirectResponse("/#latest", 303)

    async def start_again(self, request: Request) -> Response:
        """Begin a new conversation; the old one is no longer shown."""
        session = self._session(request)
        if session:
            self._transcripts.forget(session)
        return _without_conversation()

    async def forget(self, request: Request) -> Response:
        """Erase the conversation of this browser."""
        session = self._session(request)
        if session:
            await self.desk.forget(_chat(session))
            self._transcripts.forget(session)
        return _without_conversation()

    async def _page(self, request: Request, *, notice: str = "", status: int = 200) -> Response:
        labels = Labels(_language(request))
        session = self._session(request)
        exchanges = self._transcripts.of(session) if session else ()
        return self.pages.response(
            "chat.html",
            status=status,
            labels=labels,
            exchanges=[
                (e.question, show_answer(e.answer, labels, rated=e.rated)) for e in exchanges
            ],
            examples=await self.examples(labels.language),
            health=await self.health(),
            notice=notice,
        )

    async def _given(self, answer: Answer, question: str, session: str, labels: Labels) -> Answer:
        """Return an answer as it is given here, after it was kept for showing it again."""
        # Nobody watches this page, so no person may be promised here, unlike in Telegram.
        if answer.kind == "held":
            answer = await given_as(answer, labels, "held_here", to=self.verdicts)
        elif answer.intent == "person":
            answer = await given_as(answer, labels, "person_here", to=self.verdicts)
        self._transcripts.add(session, Exchange(question[:_MAX_SHOWN], answer))
        return answer

    def _session(self, request: Request) -> str | None:
        return self.signer.read(request.cookies.get(COOKIE, ""))


def _without_conversation() -> Response:
    response = RedirectResponse("/", 303)
    response.delete_cookie(COOKIE)
    return response


def _chat(session: str) -> str:
    return f"web:{session}"


def _language(request: Request) -> str:
    """Return the first language of the browser, ``zh`` for ``zh-CN,zh;q=0.9``."""
    first = request.headers.get("accept-language", "").split(",")[0].split(";")[0].strip()
    code = first.split("-")[0].lower()
    return code if code.isalpha() and len(code) <= 3 else ""


def streamed(
    asking: Asking, *, labels: Labels, shown: Callable[[Answer], Awaitable[dict[str, Any]]]
) -> Response:
    """Answer as a stream of events: ``sentence`` and ``waiting``, then ``answer`` with what `shown`
    returns, or ``erased`` or ``trouble`` with the sentence that says why there is none."""

    async def stream() -> AsyncIterator[str]:
        async with aclosing(as_it_is_made(asking)) as events:
            async for one in events:
                if isinstance(one, Sentence):
                    yield event("sentence", {"text": one.text})
                elif isinstance(one, Waiting):
                    yield event("waiting", {"seconds": round(one.seconds)})
                elif isinstance(error := one.exception(), ConversationErased):
                    yield event("erased", {"text": labels("erased")})
                elif error:
                    logger.error("A question of the web was not answered", exc_info=error)
                    yield event("trouble", {"text": labels("trouble")})
                else:
                    yield event("answer", await shown(one.result()))

    return event_stream(stream())


async def given_as(answer: Answer, labels: Labels, key: str, *, to: Conversations) -> Answer:
    """Return an answer in words of the page's own, and let the conversation have them."""
    given = replace(answer, text=labels(key), language=labels.language)
    await to.said(given)
    return given


def event(name: str, data: dict[str, Any]) -> str:
    """Return a server-sent event."""
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"
