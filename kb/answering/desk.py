"""The one service object: every way in (Telegram, web, command line, evaluation) asks here."""

import asyncio
import logging
import time
import traceback
from collections import deque
from collections.abc import Coroutine, Sequence
from dataclasses import KW_ONLY, dataclass, field, replace
from functools import partial
from typing import Any, Protocol
from weakref import WeakValueDictionary

from core.asker import working_for
from core.errors import AnswerdeskError, ConversationErased, StorageError
from core.metrics import Metrics
from core.request import request_id
from core.types import Answer, OnEvent, Turn
from db.conversations import Conversations
from db.erasure import ErasureList
from kb.answering.answerer import Answerer
from kb.answering.texts import in_script_of, service_text
from kb.text.language import detect_language

logger = logging.getLogger(__name__)

_HISTORY_TURNS = 3
"""Earlier exchanges that a follow-up question may refer to."""

_FAILURES_KEPT = 50


@dataclass(frozen=True, slots=True)
class Failure:
    """A message that was not answered for trouble of our own; what it said is not kept."""

    request: str
    """As the lines of the log about it have it; empty on the command line."""
    at: float
    """UTC epoch seconds."""
    error: str


class Lookups(Protocol):
    """What the desk needs of `lookups.dialogue.Lookups`."""

    async def answer(self, message: str, *, chat: str, language_code: str = "") -> Answer | None:
        """Answer a message about the customer's own records; ``None`` if it is about others."""
        ...

    def forget(self, chat: str) -> None:
        """Drop what a chat has given so far."""
        ...


class _Chat:
    """What is under way in a conversation."""

    def __init__(self) -> None:
        self.turn = asyncio.Lock()
        self.work: asyncio.Task[Answer] | None = None
        self.erased = False

    async def do(self, work: Coroutine[Any, Any, Answer]) -> Answer:
        """Return what `work` does, unless the conversation is erased meanwhile."""
        self.work = asyncio.create_task(work)
        try:
            return await self.work
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if self.erased and not (task and task.cancelling()):
                raise ConversationErased from None
            raise
        finally:
            self.work = None

    def check(self) -> None:
        if self.erased:
            raise ConversationErased


@dataclass(eq=False)
class Desk:
    """Answers messages and remembers what it said.

    Messages of one chat are answered one by one, in the order in which they were asked.
    """

    answerer: Answerer
    conversations: Conversations
    metrics: Metrics
    lookups: Lookups | None = None
    _: KW_ONLY
    most_chars: int = 2000
    """Of a message that are read; whoever writes more is told so."""
    erasures: ErasureList | None = None
    """Outlives the database; without it a backup brings back who was erased."""
    failures: deque[Failure] = field(default_factory=partial(deque, maxlen=_FAILURES_KEPT))
    """The last ones since the service was started, oldest first."""
    failed: int = 0
    """How many there were."""
    # Weak: it lives only while one of the chat's messages is answered or waits.
    _chats: WeakValueDictionary[str, _Chat] = field(default_factory=WeakValueDictionary)

    async def ask(
        self,
        text: str,
        *,
        chat: str,
        channel: str,
        language_code: str = "",
        history: Sequence[Turn] | None = None,
        on_event: OnEvent | None = None,
        asker: str = "",
    ) -> Answer:
        """Answer one message.

        Never raises for what a customer wrote: trouble of our own is logged and becomes an
        ``unknown`` answer that offers a person.

        Args:
            text: the message as written.
            chat: names the conversation, ``telegram:123``; its earlier turns are remembered.
            channel: ``telegram``, ``web``, ``cli`` or ``eval``; the last is not recorded.
            language_code: of the customer's app, for messages too short to tell.
            history: earlier turns, if the caller keeps them; else those on record.
            on_event: receives checked sentences and waiting times while the answer is made.
            asker: whose share of the models it takes, such as an address; empty: the chat's.

        Raises:
            ConversationErased: if the chat is erased before the answer is there.
        """
        recorded = channel != "eval"
        under_way = self._chats.setdefault(chat, _Chat())
        async with under_way.turn:
            if history is None:
                history = await self._turns(chat) if recorded else ()
            under_way.check()
            with working_for(asker or chat):
                answer = await under_way.do(
                    self._answer(
                        text, language_code, history, on_event, chat=chat if recorded else ""
                    )
                )
            self.metrics.observe_answer(answer, channel=channel)
            took_ms = answer.timings_ms["total"]
            logger.info("%s: answered (%s) in %.0f ms", channel, answer.kind, took_ms)
            if recorded:
                record = self.conversations.record
                answer_id = await record(text, answer, chat=chat, channel=channel)
                under_way.check()
                answer = replace(answer, answer_id=answer_id)
            if answer.kind == "held":  # neither the draft nor its sources reach the customer
                answer = replace(answer, draft=None, sources=(), choices=())
            return answer

    async def forget(self, chat: str) -> int:
        """Erase a conversation, and give up its messages that are being answered or wait.

        Returns:
            How many answers were erased.

        Raises:
            StorageError: if it cannot be listed as erased, or not be erased.
        """
        under_way = self._chats.pop(chat, None) or _Chat()
        under_way.erased = True
        if under_way.work:
            under_way.work.cancel()
        async with under_way.turn:  # so that nothing of it is recorded after this
            if self.erasures:
                await asyncio.to_thread(self.erasures.add, chat)
            if self.lookups:
                self.lookups.forget(chat)
            return await self.conversations.forget(chat)

    async def _answer(
        self,
        text: str,
        language_code: str,
        history: Sequence[Turn],
        on_event: OnEvent | None,
        *,
        chat: str,
    ) -> Answer:
        """Return the answer with the time it took, whatever happens; no lookup without `chat`."""
        started = time.perf_counter()
        try:
            answer = None
            if self.lookups and chat:
                answer = await self.lookups.answer(text, chat=chat, language_code=language_code)
            answer = answer or await self.answerer.answer(
                text, language_code=language_code, history=history, on_event=on_event
            )
        except Exception as error:  # noqa: BLE001 - whatever it is, the customer is told
            # The message itself stays out of log and list: it is the customer's, and may be part
            # of what an error says that is not ours.
            kind = str(error) if isinstance(error, AnswerdeskError) else type(error).__name__
            self.failures.append(Failure(request_id(), time.time(), kind))
            self.failed += 1
            logger.error(  # noqa: TRY400
                "A message of %d characters was not answered: %s\n%s",
                len(text),
                kind,
                "".join(traceback.format_tb(error.__traceback__)),
            )
            language = detect_language(text, language_code)
            answer = Answer("unknown", service_text("trouble", language), language)
        if len(text) > self.most_chars:
            cut = service_text("cut", answer.language, count=self.most_chars)
            answer = replace(answer, text=f"{answer.text}\n\n{cut}")
        if answer.language == "zh":
            said = " ".join([text, *(turn.question for turn in history[-2:])])
            draft = answer.draft
            if draft:
                draft = replace(draft, text=in_script_of(said, draft.text, language_code))
            reply = in_script_of(said, answer.text, language_code)
            answer = replace(answer, text=reply, draft=draft)
        total = (time.perf_counter() - started) * 1000
        return replace(answer, timings_ms={**answer.timings_ms, "total": round(total, 1)})

    async def _turns(self, chat: str) -> Sequence[Turn]:
        """Return what was said before; nothing if that cannot be read."""
        try:
            return await self.conversations.turns(chat, limit=_HISTORY_TURNS)
        except StorageError as error:
            logger.warning("A message is answered without those before it: %s", error)
            return ()
