"""What came of customers' questions, counted; and the questions behind each figure."""

import math
import re
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from datetime import time as clock_time
from functools import cache
from typing import Literal, TypeAlias, get_args
from zoneinfo import ZoneInfo

from sqlalchemy import (
    JSON,
    Case,
    ColumnElement,
    Integer,
    Row,
    case,
    cast,
    func,
    literal,
    or_,
    select,
)
from sqlalchemy.orm import Session, aliased

from core.types import AnswerChange
from db.accounts import AssignmentRow
from db.base import Database, Repository, reads, record
from db.conversations import AnswerRow, FeedbackRow
from db.handover import Message

Outcome: TypeAlias = Literal[
    "answered", "hedged", "held", "choices", "refused", "handed_over", "other"
]
"""``other``: greetings, thanks, lookups and the like. ``choices``: choices alone, which early
versions offered. ``held``: an operator was to send the answer."""
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)

_TICK_S = 1e-6
"""An hour ends before the next begins."""
_SLOT_S = 900
"""Every time zone is off by a multiple of it."""
_DAY_S = 86_400
LASTING_S = 7 * _DAY_S
_HALF_SURE = 0.5
LOW_CONFIDENCE = 0.7
"""Answers that were given with less are listed as unsure."""


def _outcome_of(row: type[AnswerRow]) -> Case[str]:
    return case(
        (row.intent == "person", "handed_over"),
        (row.intent != "question", "other"),
        (row.kind == "unknown", "refused"),
        (row.kind == "clarify", "choices"),
        (row.kind == "held", "held"),
        (row.hedged, "hedged"),
        (row.kind.in_(("faq", "composed", "quoted")), "answered"),
        else_="other",
    )


_MARK = re.compile(r"(?<!\w)[#@]\w+")
OUTCOME = _outcome_of(AnswerRow)
_LISTED = select(AnswerRow, OUTCOME, FeedbackRow.helpful, FeedbackRow.reason).outerjoin(
    FeedbackRow, FeedbackRow.answer_id == AnswerRow.id
)


@dataclass(frozen=True, slots=True)
class Which:
    """Some of the answers; what is empty does not count."""

    since: float
    """UTC epoch seconds."""
    outcome: str = ""
    language: str = ""
    feedback: str = ""
    """``yes`` or ``no``: whether it helped."""
    hour: int = -1
    """Of the day, 0 to 23; -1: any."""
    unsure: bool = False
    """Answered with less than `LOW_CONFIDENCE`."""
    latest: bool = False
    """Of each conversation the latest alone."""
    until: float = math.inf
    """UTC epoch seconds."""
    resolved: str = ""
    """``once``: answered, and the customer did not say that it did not help; an answer under a
    reservation only if it helped, or was half sure and not followed by a question within a day.
    ``lasting``: and the customer did not within seven days ask in vain or for a person, or get an
    answer that did not help. ``reopened``: but did."""
    same_as: int = 0
    """An answer: those to the same words; case and blanks around them do not count."""
    mark: str = ""
    """A ``#word`` or ``@name`` in a note of the conversation."""
    assigned: int | None = None
    """The account of who looks after the conversation; 0: nobody does; ``None``: any."""
    cites: Sequence[str] | None = None
    """Chunks: those that cite one of them; ``None``: any."""
    among: Sequence[int] | None = None
    """Answers by number; ``None``: any."""


@dataclass(frozen=True, slots=True)
class Cell:
    """How many answers of one day, way in, language and outcome."""

    day: str
    """ISO 8601."""
    channel: str
    language: str
    outcome: str
    answers: int
    helpful: int
    unhelpful: int


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with its answer, as it is listed."""

    answer_id: int
    asked: float
    """UTC epoch seconds."""
    question: str
    text: str
    kind: str
    outcome: str
    language: str
    channel: str
    confidence: float
    helpful: bool | None
    """``None``: the customer did not say."""
    reason: str
    chat: str
    chunk_ids: Sequence[str]


class Figures(Repository):
    """Counts answers. Nothing is written."""

    def __init__(self, database: Database, *, timezone: str = "UTC") -> None:
        """`timezone` is that of days and hours."""
        super().__init__(database)
        sqlite = database.engine.dialect.name == "sqlite"
        self._elements = "json_each" if sqlite else "json_array_elements_text"
        self.timezone = timezone
        self._zone = ZoneInfo(timezone)

    async def cells(self, *, since: float) -> tuple[list[Cell], list[int]]:
        """Return the counts since a moment, oldest day first, and how many questions came in each
        hour of the day, 24 numbers."""
        found: Counter[tuple[str, str, str, str]] = Counter()
        verdicts: Counter[tuple[tuple[str, str, str, str], bool]] = Counter()
        hours = [0] * 24

        @cache
        def local(slot: int) -> tuple[str, int]:
            moment = datetime.fromtimestamp(slot * _SLOT_S, self._zone)
            return moment.date().isoformat(), moment.hour

        for slot, channel, language, outcome, helpful, count in await self._counts(since):
            day, hour = local(slot)
            key = (day, channel, language, outcome)
            found[key] += count
            if helpful is not None:
                verdicts[key, helpful] += count
            if outcome != "other":
                hours[hour] += count
        cells = [
            Cell(*key, found[key], verdicts[key, True], verdicts[key, False])
            for key in sorted(found)
        ]
        return cells, hours

    async def computing(self, *, since: float) -> tuple[float, float, float]:
        """Return how many seconds questions took since a moment: half of them at most, 95 of 100 at
        most, and all together."""
        asked = AnswerRow.created >= since, AnswerRow.intent == "question"
        sums = select(func.count(), func.coalesce(func.sum(AnswerRow.total_ms), 0.0))
        ((count, total),) = await self._rows(sums.where(*asked))
        times = select(AnswerRow.total_ms).where(*asked).order_by(AnswerRow.total_ms).limit(1)
        half, most = [
            await self._first(times.offset(int(share * count))) or 0.0 for share in (0.5, 0.95)
        ]
        return half / 1000, most / 1000, total / 1000

    async def answers(self, which: Which, *, limit: int, offset: int = 0) -> list[Asked]:
        """Return answers, newest first."""
        where = [*self._where(which, AnswerRow, FeedbackRow)]
        if which.hour >= 0:
            spans = self._spans(which.hour, since=which.since)
            where.append(or_(*(AnswerRow.created.between(*span) for span in spans)))
        if which.latest:
            row, verdict = aliased(AnswerRow), aliased(FeedbackRow)
            later = (
                select(row.id)
                .outerjoin(verdict, verdict.answer_id == row.id)
                .where(row.chat == AnswerRow.chat, row.id > AnswerRow.id)
                .where(*self._where(which, row, verdict))
            )
            where.append(~later.exists())
        rows = await self._rows(
            _LISTED.where(*where)
            .order_by(AnswerRow.created.desc(), AnswerRow.id.desc())  # as an index has them
            .limit(limit)
            .offset(offset)
        )
        return [_asked(*row) for row in rows]

    async def count(self, which: Which) -> int:
        """Return how many answers `answers` would list in all."""
        counted = (
            select(func.count(AnswerRow.id))
            .outerjoin(FeedbackRow, FeedbackRow.answer_id == AnswerRow.id)
            .where(*self._where(which, AnswerRow, FeedbackRow))
        )
        return await self._first(counted) or 0

    async def most_asked(self, *, since: float, limit: int) -> list[tuple[int, int]]:
        """Return what was asked more than once, most often first: last answer, how often."""
        times, last = func.count(AnswerRow.id), func.max(AnswerRow.id)
        asked = (
            select(last, times)
            .where(AnswerRow.created >= since, AnswerRow.intent == "question")
            .group_by(_folded(AnswerRow))
            .having(times > 1)
            .order_by(times.desc(), last.desc())
            .limit(limit)
        )
        return [(row[0], row[1]) for row in await self._rows(asked)]

    async def questions(self, answer_ids: Sequence[int]) -> dict[int, str]:
        """Return the questions of those answers that are still there."""
        asked = select(AnswerRow.id, AnswerRow.question).where(AnswerRow.id.in_(answer_ids))
        return {row[0]: row[1] for row in await self._rows(asked)}

    async def named(self, changes: Sequence[AnswerChange]) -> dict[int, str]:
        """Return the customers' questions that changes of answers concern, as far as they are on
        record, by their answers."""
        return await self.questions([one for change in changes for one in change.answer_ids])

    async def marks(self) -> list[str]:
        """Return every ``#word`` and ``@name`` of notes, the most frequent first."""
        notes = select(Message.text).where(
            Message.author == "note", or_(*(Message.text.contains(sign) for sign in "#@"))
        )
        counts = Counter(mark for text in await self._all(notes) for mark in {*_MARK.findall(text)})
        return [mark for mark, _ in counts.most_common()]

    async def one(self, answer_id: int) -> Asked | None:
        """Return an answer."""
        rows = await self._rows(_LISTED.where(AnswerRow.id == answer_id))
        return next((_asked(*row) for row in rows), None)

    async def languages(self, *, latest: int) -> Counter[tuple[str, str]]:
        """Return how often the latest answers cited a chunk to customers of a language, by both."""
        rows = select(AnswerRow.chunk_ids, AnswerRow.language).order_by(AnswerRow.id.desc())
        found = await self._rows(rows.limit(latest))
        return Counter((cited, language) for chunk_ids, language in found for cited in chunk_ids)

    async def last_of(self, chats: Sequence[str]) -> dict[str, Asked]:
        """Return the last answer of each conversation that has any, by its name."""
        last = select(func.max(AnswerRow.id)).where(AnswerRow.chat.in_(chats))
        rows = await self._rows(_LISTED.where(AnswerRow.id.in_(last.group_by(AnswerRow.chat))))
        return {row[0].chat: _asked(*row) for row in rows}

    @reads
    def conversation(self, session: Session, answer_id: int, *, limit: int) -> list[Asked]:
        """Return the chat of an answer, oldest first; of a long one what is around the answer."""
        row = session.get(AnswerRow, answer_id)
        if row is None:
            return []
        query = _LISTED.where(AnswerRow.chat == row.chat)
        before = session.execute(
            query.where(AnswerRow.id <= answer_id).order_by(AnswerRow.id.desc()).limit(limit)
        )
        after = session.execute(
            query.where(AnswerRow.id > answer_id).order_by(AnswerRow.id).limit(limit)
        )
        return [_asked(*found) for found in (*reversed(before.all()), *after.all())]

    async def _counts(self, since: float) -> Sequence[Row[int, str, str, str, bool | None, int]]:
        """Count answers by quarter of an hour since 1970, way in, language, outcome and verdict."""
        slot = cast(func.floor(AnswerRow.created / _SLOT_S), Integer)
        keys = (
            slot.label("slot"),
            AnswerRow.channel,
            AnswerRow.language,
            OUTCOME.label("outcome"),
            FeedbackRow.helpful,
        )
        return await self._rows(
            select(*keys, func.count())
            .select_from(AnswerRow)
            .outerjoin(FeedbackRow, FeedbackRow.answer_id == AnswerRow.id)
            .where(AnswerRow.created >= since)
            .group_by("slot", AnswerRow.channel, AnswerRow.language, "outcome", keys[-1])
        )

    def _where(
        self, which: Which, row: type[AnswerRow], verdict: type[FeedbackRow]
    ) -> Sequence[ColumnElement[bool]]:
        found = [*_where(which, row, verdict)]
        elements = getattr(func, self._elements)
        if which.among is not None:  # as one value: there may be more than a statement may have
            numbers = elements(literal(which.among, JSON)).table_valued("value")
            found.append(row.id.in_(select(cast(numbers.c.value, Integer))))
        if which.cites is not None:
            cited = elements(row.chunk_ids).table_valued("value")
            found.append(select(cited.c.value).where(cited.c.value.in_(which.cites)).exists())
        return found

    def _spans(self, hour: int, *, since: float) -> Iterator[tuple[float, float]]:
        """Yield when an hour of the day began and ended on each day since a moment."""
        day = datetime.fromtimestamp(since, self._zone).date()
        while day <= datetime.now(self._zone).date():
            begin = datetime.combine(day, clock_time(hour), self._zone)
            # Where clocks are set back, the hour comes twice; where forward, perhaps not at all.
            yield begin.timestamp(), begin.replace(fold=1).timestamp() + 3600 - _TICK_S
            day += timedelta(days=1)


def _where(
    which: Which, row: type[AnswerRow], verdict: type[FeedbackRow]
) -> Sequence[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [row.created >= which.since]
    outcome = _outcome_of(row)
    if which.outcome:
        found.append(outcome.in_((which.outcome,)))
    elif which.unsure or which.resolved:
        found.append(outcome.in_(("answered", "hedged")))
    elif not which.feedback:
        found.append(outcome != "other")
    if which.unsure:
        found.append(row.confidence < LOW_CONFIDENCE)
    if which.language:
        found.append(row.language == which.language)
    if which.feedback:
        found.append(verdict.helpful.is_(which.feedback == "yes"))
    if which.until < math.inf:
        found.append(row.created < which.until)
    if which.same_as:
        same = select(_folded(AnswerRow)).where(AnswerRow.id == which.same_as)
        found += [_folded(row) == same.scalar_subquery(), row.intent == "question"]
    if which.mark:
        whole = rf"(?i)(^|\W){re.escape(which.mark)}($|\W)"
        marked = Message.text.regexp_match(whole)
        note = select(Message.message_id).where(Message.chat == row.chat, Message.author == "note")
        found.append(note.where(marked).exists())
    if which.assigned is not None:
        whose = select(AssignmentRow.chat).where(AssignmentRow.chat == row.chat)
        theirs = whose.where(AssignmentRow.account_id == which.assigned).exists()
        found.append(theirs if which.assigned else ~whose.exists())
    if which.resolved:
        asked = aliased(AnswerRow)
        another = (
            select(asked.id)
            .where(asked.chat == row.chat, asked.id > row.id, asked.intent == "question")
            .where(asked.created < row.created + _DAY_S)
        )
        taken = (row.confidence >= _HALF_SURE) & ~another.exists()
        found += [
            verdict.helpful.is_not(False),
            or_(row.hedged.is_(False), verdict.helpful.is_(True), taken),
        ]
    if which.resolved in ("lasting", "reopened"):
        later, said = aliased(AnswerRow), aliased(FeedbackRow)
        in_vain = _outcome_of(later).in_(("refused", "handed_over"))
        failed = (
            select(later.id)
            .outerjoin(said, said.answer_id == later.id)
            .where(later.chat == row.chat, later.id > row.id)
            .where(later.created < row.created + LASTING_S)
            .where(or_(in_vain, said.helpful.is_(False)))
        )
        if which.resolved == "reopened":
            found.append(failed.exists())
        else:
            found += [row.created < time.time() - LASTING_S, ~failed.exists()]
    return found


def _folded(row: type[AnswerRow]) -> ColumnElement[str]:
    return func.lower(func.trim(row.question))


def _asked(row: AnswerRow, outcome: str, helpful: bool | None, reason: str | None) -> Asked:
    more = {"outcome": outcome, "helpful": helpful, "reason": reason or ""}
    return record(Asked, row, answer_id=row.id, asked=row.created, **more)
