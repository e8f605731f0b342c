"""What of Telegram's messages went wrong and waits for an operator's word; of every bot."""

import time
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, func, select, update

from db.group_commit import WritingRepository
from db.inbox import InboxRow
from db.outbox import OutboxRow


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An update that could not be handled."""

    number: int
    update_id: int
    received: float
    """UTC epoch seconds."""
    error: str
    readable: bool
    """Whether its handling ever began; else trying again is in vain."""


@dataclass(frozen=True, slots=True)
class UncertainSend:
    """A message that may have arrived."""

    number: int
    created: float
    """UTC epoch seconds."""
    error: str


_DEAD = InboxRow.state == "failed"
_UNCERTAIN = OutboxRow.state == "uncertain"


class Mishaps(WritingRepository):
    """Reads what went wrong, and drops it; what was said stays out."""

    async def counts(self) -> tuple[int, int]:
        """Return how many dead letters and uncertain messages there are."""
        dead = await self._first(select(func.count()).where(_DEAD))
        return dead or 0, await self._first(select(func.count()).where(_UNCERTAIN)) or 0

    async def dead_letters(self, *, limit: int) -> list[DeadLetter]:
        """Return the newest dead letters, newest first."""
        query = select(InboxRow).where(_DEAD).order_by(InboxRow.seq.desc()).limit(limit)
        return [
            DeadLetter(row.seq, row.update_id, row.received, row.error, row.starts > 0)
            for row in await self._all(query)
        ]

    async def uncertain_sends(self, *, limit: int) -> list[UncertainSend]:
        """Return the newest messages that may have arrived, newest first."""
        query = (
            select(OutboxRow).where(_UNCERTAIN).order_by(OutboxRow.outbox_id.desc()).limit(limit)
        )
        return [
            UncertainSend(row.outbox_id, row.created, row.error) for row in await self._all(query)
        ]

    async def drop_dead_letter(self, number: int) -> bool:
        """Forget what a dead letter said; return whether it still was one."""
        return await self._done(
            update(InboxRow)
            .where(InboxRow.seq == number, _DEAD)
            .values(state="done", payload="", error="dropped by an operator", finished=time.time())
            .returning(InboxRow.seq)
        )

    async def drop_send(self, number: int) -> bool:
        """Delete a message that may have arrived; return whether it still was one."""
        return await self._done(
            delete(OutboxRow)
            .where(OutboxRow.outbox_id == number, _UNCERTAIN)
            .returning(OutboxRow.outbox_id)
        )

    async def _done(self, statement: Any) -> bool:
        options = {"synchronize_session": False}  # no row of it is in the session
        return bool(await self._writer.execute(statement.execution_options(**options)))
