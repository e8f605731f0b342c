"""What of Telegram's messages went wrong and waits for an operator's word; of every bot."""

import time
from collections.abc import Sequence
from typing import Any

from sqlalchemy import delete, func, select, update

from db.base import Repository
from db.inbox import StoredUpdate
from db.outbox import StoredMessage

_DEAD = StoredUpdate.state == "failed"
_UNCERTAIN = StoredMessage.state == "uncertain"


class Mishaps(Repository):
    """Reads what went wrong, and drops it; what was said stays out."""

    async def counts(self) -> tuple[int, int]:
        """Return how many dead letters and uncertain messages there are."""
        dead = await self._first(select(func.count()).where(_DEAD))
        return dead or 0, await self._first(select(func.count()).where(_UNCERTAIN)) or 0

    async def dead_letters(self, *, limit: int) -> Sequence[StoredUpdate]:
        """Return the newest dead letters, newest first.

        Where the handling of one never began (`StoredUpdate.starts`), trying again is in vain.
        """
        return await self._all(
            select(StoredUpdate).where(_DEAD).order_by(StoredUpdate.seq.desc()).limit(limit)
        )

    async def uncertain_sends(self, *, limit: int) -> Sequence[StoredMessage]:
        """Return the newest messages that may have arrived, newest first."""
        return await self._all(
            select(StoredMessage)
            .where(_UNCERTAIN)
            .order_by(StoredMessage.outbox_id.desc())
            .limit(limit)
        )

    async def drop_dead_letter(self, number: int) -> bool:
        """Forget what a dead letter said; return whether it still was one."""
        return await self._done(
            update(StoredUpdate)
            .where(StoredUpdate.seq == number, _DEAD)
            .values(state="done", payload="", error="dropped by an operator", finished=time.time())
            .returning(StoredUpdate.seq)
        )

    async def drop_send(self, number: int) -> bool:
        """Delete a message that may have arrived; return whether it still was one."""
        return await self._done(
            delete(StoredMessage)
            .where(StoredMessage.outbox_id == number, _UNCERTAIN)
            .returning(StoredMessage.outbox_id)
        )

    async def _done(self, statement: Any) -> bool:
        options = {"synchronize_session": False}  # no row of it is in the session
        return bool(await self._execute(statement.execution_options(**options)))
