"""Conversations that a person should take, or has taken."""

import time
from dataclasses import dataclass
from typing import Literal, TypeAlias

from sqlalchemy import BigInteger, String, Text, delete, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base, Database
from db.group_commit import GroupCommit

HandoverState: TypeAlias = Literal["waiting", "held", "closed"]
"""``waiting``: a person was asked for. ``held``: a person has it and the bot is silent."""


class HandoverRow(Base):
    """One customer's conversation with a person."""

    __tablename__ = "telegram_handovers"

    chat_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    state: Mapped[str] = mapped_column(String(8), index=True)
    reason: Mapped[str] = mapped_column(Text, default="")
    """The question that led to it."""
    asked: Mapped[float]
    closed: Mapped[float | None]


@dataclass(frozen=True, slots=True)
class Handover:
    """A conversation that waits for a person, or has one."""

    chat_id: int
    state: HandoverState
    reason: str
    asked: float
    """UTC epoch seconds."""


class Handovers:
    """Stores who waits for a person."""

    def __init__(self, database: Database, writer: GroupCommit) -> None:
        self._database = database
        self._writer = writer

    async def ask(self, chat_id: int, *, reason: str) -> bool:
        """Let a chat wait for a person; return whether it did not wait already."""

        async def write(session: AsyncSession) -> bool:
            row = await session.get(HandoverRow, chat_id)
            if row is not None and row.state != "closed":
                return False
            if row is None:
                row = HandoverRow(chat_id=chat_id)
                session.add(row)
            row.state, row.reason, row.asked, row.closed = "waiting", reason, time.time(), None
            return True

        return await self._writer.run(write)

    async def open(self) -> list[Handover]:
        """Return the conversations that wait for a person or have one, longest wait first."""
        async with self._database.session() as session:
            rows = await session.scalars(
                select(HandoverRow).where(HandoverRow.state != "closed").order_by(HandoverRow.asked)
            )
            return [_handover(row) for row in rows]

    async def forget(self, chat_id: int) -> None:
        """Erase what is stored about a chat here."""

        async def write(session: AsyncSession) -> None:
            await session.execute(delete(HandoverRow).where(HandoverRow.chat_id == chat_id))

        await self._writer.run(write)


def _handover(row: HandoverRow) -> Handover:
    state: HandoverState = row.state  # type: ignore[assignment]
    return Handover(row.chat_id, state, row.reason, row.asked)
