"""What the bot expects an operator to write next, such as another wording of a draft."""

import time
from dataclasses import asdict, dataclass

from sqlalchemy import BigInteger, String, delete, or_
from sqlalchemy.ext.asyncio import AsyncSession
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
        async with self._database.session() as session:
            row = await session.get(
                PendingInputRow, (writer.user_id, writer.chat_id, writer.thread_id)
            )
        if row is None or row.update_id not in (0, update_id):
            return None
        if not row.update_id and row.created < time.time() - LIFE_S:
            return None
        return PendingInput(row.purpose, row.ref)

    async def use(self, writer: Writer, *, update_id: int) -> None:
        """Note which update brought the message; the next message is one like any other."""

        async def write(session: AsyncSession) -> None:
            row = await session.get(
                PendingInputRow, (writer.user_id, writer.chat_id, writer.thread_id)
            )
            if row is not None:
                row.update_id = update_id

        await self._run(write)

    async def drop(self, writer: Writer) -> None:
        """Expect nothing any more."""
        await self._execute(
            delete(PendingInputRow).where(
                PendingInputRow.user_id == writer.user_id,
                PendingInputRow.chat_id == writer.chat_id,
                PendingInputRow.thread_id == writer.thread_id,
            )
        )

    async def forget(self, chat_id: int) -> None:
        """Erase what concerns a customer's chat."""
        await self._execute(
            delete(PendingInputRow).where(
                or_(PendingInputRow.ref == chat_id, PendingInputRow.chat_id == chat_id)
            )
        )
