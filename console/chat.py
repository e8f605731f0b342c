"""The try-it page: a chat that works as a plain form, and streams where there is JavaScript."""

import asyncio
import json
import logging
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any, Literal, TypeAlias

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse

from console.form import is_blank
from console.labels import LabelKey, Labels
from console.pages import Pages
from console.security import CookieSigner, client_address
from console.transcripts import Exchange, Transcripts
from console.view import show_answer
from core.errors import ConversationErased
from core.health import Health
from core.types import Answer, AnswerEvent, Sentence, Waiting
from db.conversations import Conversations
from kb.answering.desk import Desk

logger = logging.getLogger(__name__)

COOKIE = "answerdesk_chat"
_COOKIE_LASTS_S = 30 * 24 * 3600
_MAX_SHOWN = 2000
_MAX_DIGITS = 16

Ended: TypeAlias = Literal["trouble", "erased"]
"""Why a question gets no answer; the key of the sentence that says so."""


class ChatPages:
    """Endpoints of the try-it page."""

    def __init__(
        self,
        *,
        desk: Desk,
        verdicts: Conversations,
        pages: Pages,
        signer: CookieSigner,
        health: Callable[[], Awaitable[Health]],
        examples: Sequence[str],
    ) -> None:
        self._desk = desk
        self._verdicts = verdicts
        self._pages = pages
        self._signer = signer
        self._health = health
        self._examples = tuple(examples)
        self._transcripts = Transcripts()

    async def show(self, request: Request) -> Response:
        """Show the conversation of this browser so far."""
        return await self._page(request)

    async def ask(self, request: Request) -> Response:
        """Answer a posted question: as a stream of events if asked for one, else as the page."""
        async with request.form(max_files=0, max_fields=4) as form:
            question = str(form.get("question", "")).strip()
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
        asker = "" if known else client_address(request)
        response: Response
        if streams:
            response = StreamingResponse(
                self._stream(
                    question,
                    session=session,
                    language_code=_language(request),
                    labels=labels,
                    asker=asker,
                ),
                media_type="text/event-stream",
                headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
            )
        else:
            try:
                answer = await self._desk.ask(
                    question,
                    chat=_chat(session),
                    channel="web",
                    language_code=_language(request),
                    asker=asker,
                )
            except ConversationErased:
                return await self._page(request, notice=labels("erased"), status=410)
            answer = await self._said(answer, labels)
            self._transcripts.add(session, Exchange(question[:_MAX_SHOWN], answer))
            # Redirected, so that reloading the page does not ask again.
            response = RedirectResponse("/#latest", 303)
        response.set_cookie(
            COOKIE,
            self._signer.sign(session),
            max_age=_COOKIE_LASTS_S,
            httponly=True,
            samesite="lax",
            secure=request.url.scheme == "https",
        )
        return response

    async def rate(self, request: Request) -> Response:
        """Store whether an answer of this browser's conversation helped."""
        async with request.form(max_files=0, max_fields=4) as form:
            answer_id = str(form.get("answer", ""))
            helpful = str(form.get("helpful", ""))
        session = self._session(request)
        own = (
            session is not None
            and len(answer_id) < _MAX_DIGITS
            and answer_id.isdecimal()
            and self._transcripts.rate(session, int(answer_id))
        )
        if not own or helpful not in ("yes", "no"):
            raise HTTPException(400)
        await self._verdicts.give_feedback(int(answer_id), helpful=helpful == "yes")
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
            await self._desk.forget(_chat(session))
            self._transcripts.forget(session)
        return _without_conversation()

    async def _page(self, request: Request, *, notice: str = "", status: int = 200) -> Response:
        labels = Labels(_language(request))
        session = self._session(request)
        exchanges = self._transcripts.of(session) if session else ()
        return self._pages.response(
            "chat.html",
            status=status,
            labels=labels,
            exchanges=[
                (e.question, show_answer(e.answer, labels, rated=e.rated)) for e in exchanges
            ],
            examples=self._examples,
            health=await self._health(),
            notice=notice,
        )

    async def _stream(
        self, question: str, *, session: str, language_code: str, labels: Labels, asker: str
    ) -> AsyncIterator[str]:
        """Yield server-sent events: ``sentence``, ``waiting``, then ``answer`` or an `Ended`."""
        work = asking(
            self._desk, question, chat=_chat(session), language_code=language_code, asker=asker
        )
        async for one in work:
            if isinstance(one, Sentence):
                yield event("sentence", {"text": one.text})
            elif isinstance(one, Waiting):
                yield event("waiting", {"seconds": round(one.seconds)})
            elif isinstance(one, str):
                yield event(one, {"text": labels(one)})
            else:
                answer = await self._said(one, labels)
                self._transcripts.add(session, Exchange(question[:_MAX_SHOWN], answer))
                values = {"answer": show_answer(answer, labels), "labels": labels}
                yield event("answer", {"html": self._pages.text("_answer.html", values)})

    async def _said(self, answer: Answer, labels: Labels) -> Answer:
        """Return an answer as it is given here."""
        if answer.intent != "person":
            return answer
        # Nobody watches this page: what is true in Telegram would be a false promise here.
        return await given_as(answer, labels, "person_here", to=self._verdicts)

    def _session(self, request: Request) -> str | None:
        return self._signer.read(request.cookies.get(COOKIE, ""))


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


async def asking(
    desk: Desk,
    question: str,
    *,
    chat: str,
    language_code: str,
    asker: str,
    channel: str = "web",
) -> AsyncIterator[AnswerEvent | Answer | Ended]:
    """Yield what may be shown before the answer, then the answer, or why there is none.

    If nobody reads on, as when a browser goes away, the work is cancelled: others need not wait.
    """
    events: asyncio.Queue[AnswerEvent | None] = asyncio.Queue()
    task = asyncio.create_task(
        desk.ask(
            question,
            chat=chat,
            channel=channel,
            language_code=language_code,
            on_event=events.put,
            asker=asker,
        )
    )
    task.add_done_callback(lambda _: events.put_nowait(None))
    try:
        while (one := await events.get()) is not None:
            yield one
    finally:
        task.cancel()
    error = task.exception()
    if isinstance(error, ConversationErased):
        yield "erased"
    elif error:
        logger.error("A question of the web was not answered", exc_info=error)
        yield "trouble"
    else:
        yield task.result()


async def given_as(answer: Answer, labels: Labels, key: LabelKey, *, to: Conversations) -> Answer:
    """Return an answer in words of the page's own, and let the conversation have them."""
    given = replace(answer, text=labels(key), language=labels.language)
    await to.said(given)
    return given


def event(name: str, data: dict[str, Any]) -> str:
    """Return a server-sent event."""
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"
