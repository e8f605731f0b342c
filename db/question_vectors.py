"""Vectors of customers' questions, for the map; each goes with the answer that it belongs to."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from sqlalchemy import ColumnElement, ForeignKey, Integer, String, cast, delete, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from db.base import Base, Repository, writes
from db.conversations import AnswerRow, FeedbackRow
from db.figures import OUTCOME

Standing: TypeAlias = tuple[int, int, int, int]
"""How many questions there are, how many answers were judged, how many helped, and the last one."""
Stored: TypeAlias = tuple[int, bytes, str, bool | None]
"""An answer, the vector of its question, what came of it, and whether it helped."""

LAST = 2**31 - 1
"""No answer has a greater number."""


class QuestionVectorRow(Base):
    """The vector of a question."""

    __tablename__ = "question_vectors"

    answer_id: Mapped[int] = mapped_column(
        ForeignKey("answers.id", ondelete="CASCADE"), primary_key=True
    )
    model: Mapped[str] = mapped_column(String(64))
    """Fingerprint of the embedder."""
    vector: Mapped[bytes]
    """A signed byte for each dimension."""


class QuestionVectors(Repository):
    """Keeps them. Of what was no question there is none."""

    async def count_unread(self, model: str, since: float) -> int:
        """Return how many questions since a moment have no vector of a model."""
        unread = select(func.count(AnswerRow.id)).where(*_asked(since), ~_read(model))
        return await self._first(unread) or 0

    async def unread(
        self, model: str, since: float, *, limit: int, before: int = LAST
    ) -> dict[int, str]:
        """Return the newest of those before an answer, by their answers."""
        unread = select(AnswerRow.id, AnswerRow.question).where(*_asked(since), ~_read(model))
        older = unread.where(AnswerRow.id < before).order_by(AnswerRow.id.desc())
        rows = await self._rows(older.limit(limit))
        return {row[0]: row[1] for row in rows}

    @writes
    def add(self, session: Session, model: str, vectors: Mapping[int, bytes]) -> None:
        """Store vectors by answer; those of answers that were erased meanwhile are left out."""
        row = QuestionVectorRow
        session.execute(delete(row).where(row.answer_id.in_(vectors)))
        there = session.scalars(select(AnswerRow.id).where(AnswerRow.id.in_(vectors)))
        session.add_all(row(answer_id=n, model=model, vector=vectors[n]) for n in there)

    async def list(self, model: str, since: float, *, last: int) -> Sequence[Stored]:
        """Return what is stored of questions since a moment, up to an answer, in their order."""
        row = QuestionVectorRow
        read = (
            select(row.answer_id, row.vector, OUTCOME, FeedbackRow.helpful)
            .join(AnswerRow, AnswerRow.id == row.answer_id)
            .outerjoin(FeedbackRow, FeedbackRow.answer_id == row.answer_id)
            .where(*_asked(since), row.model == model, row.answer_id <= last)
        )
        return await self._rows(read.order_by(row.answer_id))

    async def standing(self, since: float, *, last: int = LAST) -> Standing:
        """Return how questions stand, up to an answer, to see whether that has changed."""
        helped = func.sum(cast(FeedbackRow.helpful, Integer))
        counted = (
            select(func.count(), func.count(FeedbackRow.helpful), helped, func.max(AnswerRow.id))
            .select_from(AnswerRow)
            .outerjoin(FeedbackRow, FeedbackRow.answer_id == AnswerRow.id)
            .where(*_asked(since), AnswerRow.id <= last)
        )
        there, judged, good, newest = (await self._rows(counted))[0]
        return there, judged, good or 0, newest or 0


def _asked(since: float) -> Sequence[ColumnElement[bool]]:
    return AnswerRow.created >= since, OUTCOME != "other"


def _read(model: str) -> ColumnElement[bool]:
    row = QuestionVectorRow
    return select(row.answer_id).where(row.answer_id == AnswerRow.id, row.model == model).exists()
