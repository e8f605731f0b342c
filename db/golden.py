"""Golden questions: what each release must still answer, or must still refuse."""

import time
from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import String, Text, delete, select
from sqlalchemy.orm import Mapped, MappedAsDataclass, Session, mapped_column

from core.errors import AnswerdeskError
from db.base import Base, Repository, writes


class GoldenNotFound(AnswerdeskError):
    """No golden question has this number."""

    def __init__(self, number: int) -> None:
        super().__init__(
            f"There is no golden question {number}; `answerdesk golden list` has them."
        )


class Golden(MappedAsDataclass, Base):
    """A question with what must come of it.

    Either it is refused, or it is answered: from the document, with the entry and with the words
    that are named, as far as any is.
    """

    __tablename__ = "golden_questions"

    golden_id: Mapped[int] = mapped_column(primary_key=True, init=False)
    question: Mapped[str] = mapped_column(Text)
    refuse: Mapped[bool] = mapped_column(default=False)
    document: Mapped[str] = mapped_column(String(1024), default="")
    """Id of the document that an answer must rest on."""
    entry: Mapped[str] = mapped_column(Text, default="")
    """Question of the entry that an answer must rest on."""
    words: Mapped[str] = mapped_column(Text, default="")
    """What must stand in the answer."""
    author: Mapped[str] = mapped_column(String(64), default="")
    created: Mapped[float] = mapped_column(default_factory=time.time, init=False, compare=False)


class GoldenQuestions(Repository):
    """Stores golden questions."""

    @writes
    def add(self, session: Session, questions: Sequence[Golden]) -> None:
        """Store questions, all or none; one that is there already gets the new expectation."""
        latest = {golden.question: golden for golden in questions}
        session.execute(delete(Golden).where(Golden.question.in_(latest)))
        session.add_all(replace(golden) for golden in latest.values())

    async def list(self) -> Sequence[Golden]:
        """Return all questions in the order in which they were stored."""
        return await self._all(select(Golden).order_by(Golden.golden_id))

    async def remove(self, number: int) -> None:
        """Delete a question; raises `GoldenNotFound` if none has this number."""
        if not await self._delete(Golden, Golden.golden_id == number):
            raise GoldenNotFound(number)
