"""Golden questions: what each release must still answer, or must still refuse."""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from sqlalchemy import String, Text, delete, select
from sqlalchemy.orm import Mapped, mapped_column

from core.errors import AnswerdeskError
from db.base import Base, Repository, record


class GoldenNotFound(AnswerdeskError):
    """No golden question has this number."""

    def __init__(self, number: int) -> None:
        super().__init__(
            f"There is no golden question {number}; `answerdesk golden list` has them."
        )


class GoldenRow(Base):
    """One golden question."""

    __tablename__ = "golden_questions"

    golden_id: Mapped[int] = mapped_column(primary_key=True)
    question: Mapped[str] = mapped_column(Text)
    refuse: Mapped[bool]
    document: Mapped[str] = mapped_column(String(1024))
    entry: Mapped[str] = mapped_column(Text)
    words: Mapped[str] = mapped_column(Text)
    author: Mapped[str] = mapped_column(String(64))
    created: Mapped[float]


@dataclass(frozen=True, slots=True)
class Golden:
    """A question with what must come of it.

    Either it is refused, or it is answered: from the document, with the entry and with the words
    that are named, as far as any is.
    """

    question: str
    refuse: bool = False
    document: str = ""
    """Id of the document that an answer must rest on."""
    entry: str = ""
    """Question of the entry that an answer must rest on."""
    words: str = ""
    """What must stand in the answer."""
    author: str = ""
    golden_id: int = 0


class GoldenQuestions(Repository):
    """Stores golden questions."""

    async def add(self, questions: Sequence[Golden]) -> None:
        """Store questions, all or none; one that is there already gets the new expectation."""
        latest = {golden.question: golden for golden in questions}
        async with self._database.session() as session:
            for golden in latest.values():
                await session.execute(
                    delete(GoldenRow).where(GoldenRow.question == golden.question)
                )
                session.add(GoldenRow(**{**asdict(golden), "golden_id": None}, created=time.time()))

    async def list(self) -> Sequence[Golden]:
        """Return all questions in the order in which they were stored."""
        rows = await self._all(select(GoldenRow).order_by(GoldenRow.golden_id))
        return [record(Golden, row) for row in rows]

    async def remove(self, number: int) -> None:
        """Delete a question; raises `GoldenNotFound` if none has this number."""
        gone = delete(GoldenRow).where(GoldenRow.golden_id == number)
        if not await self._execute(gone.returning(GoldenRow.golden_id)):
            raise GoldenNotFound(number)
