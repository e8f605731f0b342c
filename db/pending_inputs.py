"""What the bot expects an operator to write next, such as another wording of a draft."""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from sqlalchemy import BigInteger, ColumnElement, String, or_, select
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base, Repository

LIFE_S = 3600.0
"""An older request is forgotten: what the operator writes then is a message like any other."""


class PendingInputRow(Base):
    """An operator's next message in one place is for this."""

    __tablename__ = "telegram_awaited"

    user_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    chat_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    thread_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    purpose: Mapped[str] = mapped_column(String(16))
    ref: Mapped[int] = mapped_column(BigInteger)
    """What it is about: a customer's chat, an upload, an open question."""
    message_id: Mapped[int] = mapped_column(BigInteger, default=0)
    """Not used any more."""
    update_id: Mapped[int] = mapped_column(BigInteger, default=0)
    """The update that brought the message; 0 while it is awaited."""
    created: Mapped[float]


@dataclass(frozen=True, slots=True)
class Writer:
    """Somebody in one chat or topic."""

    user_id: int
    chat_id: int
    thread_id: int = 0


@dataclass(frozen=True, slots=True)
class PendingInput:
    """What an operator's next message is for."""

    purpose: str
    ref: int


class PendingInputs(Repository):
    """Stores for what the next messages of operators are meant, across restarts."""

    async def expect(self, writer: Writer, pending: PendingInput) -> None:
        """Take the next message of `writer` for this; an earlier request is replaced."""
        await self._put(
            PendingInputRow(**asdict(writer), **asdict(pending), update_id=0, created=time.time())
        )

    async def find(self, writer: Writer, *, update_id: int) -> PendingInput | None:
        """Return for what a message is meant; ``None`` if nothing was asked for.

        The same update finds it again when it is handled once more after a crash.
        """
        row = await self._first(select(PendingInputRow).where(*_of(writer)))
        if row is None or row.update_id not in (0, update_id):
            return None
        if not row.update_id and row.created < time.time() - LIFE_S:
            return None
        return PendingInput(row.purpose, row.ref)

    async def use(self, writer: Writer, *, update_id: int) -> None:
        """Note which update brought the message; the next message is one like any other."""
        await self._update(PendingInputRow, *_of(writer), update_id=update_id)

    async def drop(self, writer: Writer) -> None:
        """Expect nothing any more."""
        await self._delete(PendingInputRow, *_of(writer))

    async def forget(self, chat_id: int) -> None:
        """Erase what concerns a customer's chat."""
        about = or_(PendingInputRow.ref == chat_id, PendingInputRow.chat_id == chat_id)
        await self._delete(PendingInputRow, about)


def _of(writer: Writer) -> Sequence[ColumnElement[bool]]:
    return [getattr(PendingInputRow, name) == value for name, value in asdict(writer).items()]
