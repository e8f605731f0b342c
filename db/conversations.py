"""What was asked and what was answered: answers, feedback, questions that found no answer."""

import asyncio
import logging
import time
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, cast

from sqlalchemy import JSON, ColumnElement, ForeignKey, String, Text, delete, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from core.errors import StorageError
from core.types import Answer, Turn, Urgency
from db.accounts import AssignmentRow
from db.base import Base, CustomerText, Database, Repository, pressing_first, writes
from db.drafts import REACHABLE, draft_row
from db.handover import Handover, Message, number_of

logger = logging.getLogger(__name__)

OpenStatus: TypeAlias = Literal["open", "answered", "dismissed", "found"]
"""``found``: a later release answers it, as the service noticed by itself."""

_LOOKED_AT = 5_000
_KEPT = 1_000
"""Exchanges that wait in memory for a database that cannot be written; some megabytes."""
_TRY_AGAIN_S = 5.0
"""A database that cannot be written is left alone for so long: no customer waits for it."""


class AnswerRow(Base):
    """One reply as it was given, with the release it came from."""

    __tablename__ = "answers"

    id: Mapped[int] = mapped_column(primary_key=True)
    chat: Mapped[str] = mapped_column(String(80), index=True)
    channel: Mapped[str] = mapped_column(String(16))
    created: Mapped[float] = mapped_column(index=True)
    question: Mapped[str] = mapped_column(CustomerText)
    intent: Mapped[str] = mapped_column(String(16))
    kind: Mapped[str] = mapped_column(String(16), index=True)
    text: Mapped[str] = mapped_column(Text)
    language: Mapped[str] = mapped_column(String(8))
    confidence: Mapped[float]
    release: Mapped[int]
    chunk_ids: Mapped[list[str]] = mapped_column(JSON)
    """Chunks the answer cites, best first."""
    total_ms: Mapped[float]
    urgency: Mapped[str] = mapped_column(String(8), default="")
    """``angry``, ``urgent`` or empty."""
    hedged: Mapped[bool] = mapped_column(default=False)
    """Given with the reservation that it may not be what was asked for."""


class OpenQuestionRow(Base):
    """A question that found no answer, until an operator deals with it."""

    __tablename__ = "open_questions"

    id: Mapped[int] = mapped_column(primary_key=True)
    answer_id: Mapped[int] = mapped_column(
        ForeignKey("answers.id", ondelete="CASCADE"), unique=True
    )
    status: Mapped[str] = mapped_column(String(16), default="open", index=True)
    """See `OpenStatus`."""
    resolved: Mapped[float | None]
    change: Mapped[int | None]
    """The operators' change of an entry that answered it."""
    same_as: Mapped[int | None]
    """Another open question: an operator said that it asks the same."""
    part: Mapped[str] = mapped_column(CustomerText, default="")
    """What of the message is open, if the rest was answered; empty: all of it."""


class FeedbackRow(Base):
    """What a customer thought of an answer; a later verdict replaces the earlier one."""

    __tablename__ = "feedback"

    answer_id: Mapped[int] = mapped_column(
        ForeignKey("answers.id", ondelete="CASCADE"), primary_key=True
    )
    helpful: Mapped[bool]
    reason: Mapped[str] = mapped_column(String(32), default="")
    """``wrong``, ``incomplete``, ``outdated``, ``not_my_question`` or empty."""
    created: Mapped[float]


@dataclass(frozen=True, slots=True)
class OpenQuestion:
    """A question that waits for an operator."""

    open_id: int
    answer_id: int
    chat: str
    question: str
    language: str
    confidence: float
    asked: float
    """UTC epoch seconds."""
    urgency: Urgency = ""
    kind: str = "unknown"
    """How the reply came about (`core.types.AnswerKind`; an emergency waits whatever was said); of
    a part that was not answered
    ``unknown``, of a question whose answer the customer then refused ``refused``."""
    reply: str = ""
    """What the customer was told."""
    channel: str = ""
    """Where it was asked: ``widget``, ``telegram``, …"""
    same_as: int = 0
    """Another question that an operator said asks the same; 0: none."""
    message: str = ""
    """The whole message, where `question` is the part of it that was left open."""


@dataclass(frozen=True, slots=True)
class _Exchange:
    """What was asked and answered."""

    question: str
    answer: Answer
    chat: str
    channel: str
    created: float
    """UTC epoch seconds."""


class Conversations(Repository):
    """Stores what was asked and answered."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._unrecorded: deque[_Exchange] = deque()
        self._refused = ""
        self._refused_at = 0.0
        self._lost = 0
        self._catching_up = asyncio.Lock()

    async def record(self, question: str, answer: Answer, *, chat: str, channel: str) -> int:
        """Store a reply, and the question as open if it found no answer; return the answer's id.

        0 if the database cannot be written: the reply goes out all the same, and is stored when
        that works again (`catch_up`).
        """
        exchange = _Exchange(question, answer, chat, channel, time.time())
        if not await self.catch_up():
            self._keep(exchange)
            return 0
        try:
            return await self._store(exchange)
        except StorageError as error:
            self._refuse(error)
            self._keep(exchange)
            return 0

    async def catch_up(self) -> bool:
        """Store what could not be stored before; return whether nothing is left of it."""
        async with self._catching_up:
            while self._unrecorded:
                if time.monotonic() - self._refused_at < _TRY_AGAIN_S:
                    return False
                exchange = self._unrecorded[0]
                try:
                    answer_id = await self._store(exchange)
                    if exchange not in self._unrecorded:  # its chat was forgotten meanwhile
                        await self._delete(AnswerRow, AnswerRow.id == answer_id)
                        continue
                except StorageError as error:
                    self._refuse(error)
                    return False
                self._unrecorded.popleft()
            if self._lost:
                logger.error("%d answers were never recorded: too many had to wait", self._lost)
                self._lost = 0
        return True

    @property
    def unrecorded(self) -> int:
        """Number of replies that went out and are not stored yet."""
        return len(self._unrecorded)

    @property
    def trouble(self) -> str:
        """What is wrong with recording, as a sentence; empty if nothing is."""
        if not self._unrecorded:
            return ""
        lost = f", and {self._lost} older ones never will be" if self._lost else ""
        return f"{self.unrecorded} answers are not recorded yet{lost}: {self._refused}"

    def _refuse(self, error: StorageError) -> None:
        if not self._unrecorded:
            logger.warning("Answers go out unrecorded for now: %s", error)
        self._refused, self._refused_at = str(error), time.monotonic()

    def _keep(self, exchange: _Exchange) -> None:
        self._unrecorded.append(exchange)
        if len(self._unrecorded) > _KEPT:
            self._unrecorded.popleft()
            self._lost += 1

    @writes
    def _store(self, session: Session, exchange: _Exchange) -> int:
        answer = exchange.answer
        row = AnswerRow(
            chat=exchange.chat,
            channel=exchange.channel,
            created=exchange.created,
            question=exchange.question,
            intent=answer.intent,
            kind=answer.kind,
            text=answer.text,
            language=answer.language,
            confidence=answer.confidence,
            release=answer.release,
            chunk_ids=[source.chunk_id for source in answer.sources]
            or [choice.chunk_id for choice in answer.choices],
            total_ms=answer.timings_ms.get("total", 0.0),
            urgency=answer.urgency,
            hedged=answer.hedged,
        )
        session.add(row)
        session.flush()
        if answer.draft and exchange.channel in REACHABLE:
            session.add(draft_row(row.id, exchange.chat, answer.draft))
        unknown = answer.kind == "unknown" and answer.intent == "question"
        pressing = answer.urgency == "urgent" and answer.intent != "person"
        if unknown or answer.unanswered or pressing:
            part = answer.unanswered
            session.add(OpenQuestionRow(answer_id=row.id, part=part))
        return row.id

    async def turns(self, chat: str, *, limit: int) -> list[Turn]:
        """Return the last `limit` exchanges of a chat that were questions, oldest first."""
        rows = await self._rows(
            select(AnswerRow.question, AnswerRow.text)
            .where(AnswerRow.chat == chat, AnswerRow.intent == "question")
            .order_by(AnswerRow.id.desc())
            .limit(limit)
        )
        return [Turn(question, text) for question, text in reversed(rows)]

    async def open_questions(
        self,
        *,
        limit: int = 100,
        open_ids: Sequence[int] | None = None,
        status: OpenStatus = "open",
    ) -> list[OpenQuestion]:
        """Return questions of a status: urgent, angry, others; of each the newest first.

        With `open_ids` those questions, whatever became of them; who was forgotten is left out.
        """
        wanted = (
            OpenQuestionRow.status == status
            if open_ids is None
            else OpenQuestionRow.id.in_(open_ids)
        )
        rows = await self._rows(
            select(OpenQuestionRow, AnswerRow)
            .join(AnswerRow, OpenQuestionRow.answer_id == AnswerRow.id)
            .where(wanted)
            .order_by(pressing_first(AnswerRow.urgency), OpenQuestionRow.id.desc())
            .limit(limit)
        )
        return [
            OpenQuestion(
                open_id=open_row.id,
                answer_id=row.id,
                chat=row.chat,
                channel=row.channel,
                question=open_row.part or row.question,
                language=row.language,
                confidence=0.0 if open_row.part else row.confidence,
                asked=row.created,
                urgency=cast(Urgency, row.urgency),
                kind=_kind_of(open_row, row),
                reply=row.text,
                same_as=open_row.same_as or 0,
                message=row.question if open_row.part else "",
            )
            for open_row, row in rows
        ]

    async def count_open(self) -> int:
        """Return how many questions wait for an operator."""
        waiting = select(func.count()).where(OpenQuestionRow.status == "open")
        return await self._first(waiting) or 0

    async def leave_open(self, answer_id: int) -> None:
        """Let the question of an answer wait for an operator, though the bot said something."""
        await self._database.write(lambda session: _leave_open(session, answer_id))

    async def taken(self, answer_id: int) -> None:
        """Note that the customer took one of the choices: the question waits for nobody."""
        which = OpenQuestionRow.answer_id == answer_id, OpenQuestionRow.status == "open"
        await self._delete(OpenQuestionRow, *which)

    async def reopen(self, open_ids: Sequence[int] = (), *, change: int | None = None) -> int:
        """Let questions wait for an operator again; return how many these are.

        `change` is one of an entry that answered them and was taken back.
        """
        which: ColumnElement[bool] = OpenQuestionRow.id.in_(open_ids)
        if change is not None:
            which |= OpenQuestionRow.change == change
        settled = OpenQuestionRow.status != "open"
        waits = {"status": "open", "resolved": None, "change": None}
        return await self._update(OpenQuestionRow, which, settled, **waits)

    async def resolve(
        self, open_ids: Sequence[int], *, status: OpenStatus, change: int | None = None
    ) -> int:
        """Mark open questions with a status; return how many were still open.

        `change` is what answered them, if it is a change of an entry.
        """
        which = OpenQuestionRow.id.in_(open_ids), OpenQuestionRow.status == "open"
        settled = {"status": status, "resolved": time.time(), "change": change}
        return await self._update(OpenQuestionRow, *which, **settled)

    async def put_together(self, open_ids: Sequence[int], *, with_: int | None) -> None:
        """Note that questions ask the same as another; ``None``: that none of them does."""
        await self._update(OpenQuestionRow, OpenQuestionRow.id.in_(open_ids), same_as=with_)

    async def said(self, answer: Answer) -> None:
        """Store the words in which an answer was given, where they are not those it was made in.

        If the database cannot be written, what is on record stays.
        """
        try:
            await self._update(AnswerRow, AnswerRow.id == answer.answer_id, text=answer.text)
        except StorageError as error:
            logger.warning("The words in which an answer was given are not recorded: %s", error)

    @writes
    def give_feedback(
        self, session: Session, answer_id: int, *, helpful: bool, reason: str = ""
    ) -> bool:
        """Store a verdict on an answer; return whether the answer exists.

        The question of one that did not help waits for an operator.
        """
        if session.get(AnswerRow, answer_id) is None:
            return False
        if not helpful:
            _leave_open(session, answer_id)
        session.merge(
            FeedbackRow(answer_id=answer_id, helpful=helpful, reason=reason, created=time.time())
        )
        return True

    async def most_asked(self, *, since: float, limit: int) -> list[tuple[str, int, int]]:
        """Return what was asked most often since a moment (UTC epoch seconds), with how often, and
        the last answer to it.


        Case and blanks do not count. The last 5,000 questions are looked at.
        """
        rows = await self._rows(
            select(AnswerRow.question, AnswerRow.id)
            .where(AnswerRow.intent == "question", AnswerRow.created >= since)
            .order_by(AnswerRow.id.desc())
            .limit(_LOOKED_AT)
        )
        asked = [(" ".join(row[0].split()).casefold(), row[0], row[1]) for row in rows]
        counts = Counter(folded for folded, _, _ in asked)
        last = {folded: (question, number) for folded, question, number in reversed(asked)}
        return [
            (last[folded][0], count, last[folded][1]) for folded, count in counts.most_common(limit)
        ]

    async def counts(self) -> dict[str, int]:
        """Count stored answers by kind."""
        rows = await self._rows(select(AnswerRow.kind, func.count()).group_by(AnswerRow.kind))
        return {kind: count for kind, count in rows}

    async def cited(self, *, since: float) -> dict[str, set[int]]:
        """Return the answers given since a moment (UTC epoch seconds), by each chunk they cite."""
        rows = await self._rows(
            select(AnswerRow.id, AnswerRow.chunk_ids).where(
                AnswerRow.created >= since, AnswerRow.kind.in_(("faq", "composed", "quoted"))
            )
        )
        found: dict[str, set[int]] = {}
        for answer_id, chunk_ids in rows:
            for chunk_id in chunk_ids:
                found.setdefault(chunk_id, set()).add(answer_id)
        return found

    async def forget(self, chat: str) -> int:
        """Erase everything a chat asked, wrote and was told; return how many answers that were."""
        self._unrecorded = deque(one for one in self._unrecorded if one.chat != chat)
        answers = await self._execute(
            delete(Message).where(Message.chat == chat),
            delete(AssignmentRow).where(AssignmentRow.chat == chat),
            delete(Handover).where(Handover.chat_id == number_of(chat)),
            delete(AnswerRow).where(AnswerRow.chat == chat).returning(AnswerRow.id),
        )
        await self._database.scrub()
        return len(answers)


def _leave_open(session: Session, answer_id: int) -> None:
    if session.get(AnswerRow, answer_id) is None:
        return
    known = session.scalar(select(OpenQuestionRow).where(OpenQuestionRow.answer_id == answer_id))
    if known is None:
        session.add(OpenQuestionRow(answer_id=answer_id))
    elif known.status == "open":
        known.part = ""  # what was answered did not help either


def _kind_of(question: OpenQuestionRow, answer: AnswerRow) -> str:
    if not question.part:
        return answer.kind
    return "refused" if answer.kind == "unknown" else "unknown"
