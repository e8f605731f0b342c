"""What of Telegram's messages went wrong and waits for an operator's word; of every bot."""

import time
from collections.abc import Sequence

from sqlalchemy import func, select

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
        which = StoredUpdate.seq == number, _DEAD
        said = {"payload": "", "error": "dropped by an operator"}
        return bool(
            await self._update(StoredUpdate, *which, state="done", finished=time.time(), **said)
        )

    async def drop_send(self, number: int) -> bool:
        """Delete a message that may have arrived; return whether it still was one."""
        which = StoredMessage.outbox_id == number, _UNCERTAIN
        return bool(await self._delete(StoredMessage, *which))
