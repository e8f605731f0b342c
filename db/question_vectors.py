"""Vectors of customers' questions, for the map; each goes with the answer that it belongs to."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from sqlalchemy import ColumnElement, ForeignKey, Integer, Row, String, cast, delete, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from db.base import Base, Repository
from db.conversations import AnswerRow, FeedbackRow
from db.figures import OUTCOME

Standing: TypeAlias = tuple[int, int, int]
"""How many questions are still there, how many answers were judged, and how many helped."""


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

    async def count_unread(self, model: str, *, since: float) -> int:
        """Return how many questions since a moment have no vector of a model."""
        unread = select(func.count(AnswerRow.id)).where(*_asked(since), ~_read(model))
        return await self._first(unread) or 0

    async def unread(self, model: str, *, since: float, limit: int) -> dict[int, str]:
        """Return the newest of them, by their answers."""
        unread = select(AnswerRow.id, AnswerRow.question).where(*_asked(since), ~_read(model))
        rows = await self._rows(unread.order_by(AnswerRow.id.desc()).limit(limit))
        return {row[0]: row[1] for row in rows}

    async def add(self, model: str, vectors: Mapping[int, bytes]) -> None:
        """Store vectors by answer; those of answers that were erased meanwhile are left out."""

        def write(session: Session) -> None:
            row = QuestionVectorRow
            session.execute(delete(row).where(row.answer_id.in_(vectors)))
            there = session.scalars(select(AnswerRow.id).where(AnswerRow.id.in_(vectors)))
            session.add_all(row(answer_id=n, model=model, vector=vectors[n]) for n in there)

        await self._run(write)

    async def list(self, model: str, *, since: float) -> Sequence[Row[int, bytes]]:
        """Return the vectors of questions since a moment, by their answers, in their order."""
        row = QuestionVectorRow
        read = select(row.answer_id, row.vector).join(AnswerRow, AnswerRow.id == row.answer_id)
        return await self._rows(
            read.where(*_asked(since), row.model == model).order_by(row.answer_id)
        )

    async def standing(self, *, since: float, last: int) -> Standing:
        """Return how questions stand, up to an answer, to see whether that has changed."""
        helpful = FeedbackRow.helpful
        counted = (
            select(func.count(AnswerRow.id), func.count(helpful), func.sum(cast(helpful, Integer)))
            .outerjoin(FeedbackRow, FeedbackRow.answer_id == AnswerRow.id)
            .where(*_asked(since), AnswerRow.id <= last)
        )
        there, judged, helped = (await self._rows(counted))[0]
        return there, judged, helped or 0

    async def outcomes(self, *, since: float, last: int) -> Sequence[Row[int, str, bool | None]]:
        """Return what came of questions, up to an answer: answer, outcome, whether it helped."""
        found = (
            select(AnswerRow.id, OUTCOME, FeedbackRow.helpful)
            .outerjoin(FeedbackRow, FeedbackRow.answer_id == AnswerRow.id)
            .where(*_asked(since), AnswerRow.id <= last)
        )
        return await self._rows(found)


def _asked(since: float) -> Sequence[ColumnElement[bool]]:
    return AnswerRow.created >= since, OUTCOME != "other"


def _read(model: str) -> ColumnElement[bool]:
    row = QuestionVectorRow
    return select(row.answer_id).where(row.answer_id == AnswerRow.id, row.model == model).exists()
