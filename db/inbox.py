"""Updates of Telegram, stored before Telegram is told that they arrived."""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import BigInteger, String, Text, UniqueConstraint, insert, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from db.base import Base, Database, Repository, writes


class StoredUpdate(Base):
    """An update of Telegram, stored before Telegram is told that it arrived."""

    __tablename__ = "telegram_inbox"
    __table_args__ = (UniqueConstraint("bot_id", "update_id"),)

    seq: Mapped[int] = mapped_column(primary_key=True)
    bot_id: Mapped[int] = mapped_column(BigInteger)
    update_id: Mapped[int] = mapped_column(BigInteger)
    chat_id: Mapped[int | None] = mapped_column(BigInteger, index=True)
    received: Mapped[float] = mapped_column(index=True)
    state: Mapped[str] = mapped_column(String(8), default="new", index=True)
    """``new``, ``done`` or ``failed`` (a dead letter)."""
    starts: Mapped[int] = mapped_column(default=0)
    """How often its handling began, where it can be read: the first time counts when it is stored.
    More than its failures if the process died meanwhile."""
    failures: Mapped[int] = mapped_column(default=0)
    payload: Mapped[str] = mapped_column(Text)
    """The update as JSON; emptied when it is done."""
    error: Mapped[str] = mapped_column(Text, default="")
    finished: Mapped[float | None]


@dataclass(frozen=True, slots=True)
class NewUpdate:
    """An update as it arrived."""

    update_id: int
    chat_id: int | None
    payload: str
    """JSON."""
    error: str = ""
    """Why it cannot be read; it is then stored as a dead letter."""


class Inbox(Repository):
    """Updates of one bot, each handled once."""

    def __init__(self, database: Database, *, bot_id: int) -> None:
        super().__init__(database)
        self._bot_id = bot_id
        self._mine = StoredUpdate.bot_id == bot_id

    @writes
    def store(self, session: Session, updates: Sequence[NewUpdate]) -> set[int]:
        """Store updates; return the ids of those that were not there yet."""
        now = time.time()
        known = set(
            session.scalars(
                select(StoredUpdate.update_id).where(
                    self._mine, StoredUpdate.update_id.in_([u.update_id for u in updates])
                )
            )
        )
        fresh = {u.update_id: u for u in updates if u.update_id not in known}
        rows = [
            {
                "bot_id": self._bot_id,
                "received": now,
                "state": "failed" if u.error else "new",
                "starts": 0 if u.error else 1,
                **asdict(u),
            }
            for u in fresh.values()
        ]
        if rows:
            session.execute(insert(StoredUpdate), rows)
        return set(fresh)

    async def pending(self) -> Sequence[StoredUpdate]:
        """Return what was received and not finished, oldest first."""
        return await self._all(
            select(StoredUpdate)
            .where(self._mine, StoredUpdate.state == "new")
            .order_by(StoredUpdate.seq)
        )

    async def start(self, update_id: int) -> None:
        """Count that the handling of an update of an earlier run begins."""
        await self._change(update_id, starts=StoredUpdate.starts + 1)

    async def failed_once(self, update_id: int, error: str) -> int:
        """Count a failure; return how many there were."""
        found = await self._execute(
            update(StoredUpdate)
            .where(self._mine, StoredUpdate.update_id == update_id)
            .values(failures=StoredUpdate.failures + 1, error=error)
            .returning(StoredUpdate.failures)
        )
        return found[0] if found else 0

    async def finish(self, *update_ids: int, note: str = "") -> None:
        """Mark updates as handled, and forget what they said."""
        done = {"state": "done", "payload": "", "error": note, "finished": time.time()}
        await self._update(StoredUpdate, self._mine, StoredUpdate.update_id.in_(update_ids), **done)

    async def bury(self, update_id: int, error: str) -> None:
        """Make an update a dead letter; its payload is kept."""
        await self._change(update_id, state="failed", error=error, finished=time.time())

    async def revive(self, number: int) -> StoredUpdate | None:
        """Let a dead letter be handled again; return it, ``None`` if there is none to handle.

        `number` is its row's. One that could not be read stays what it is.
        """
        dead = StoredUpdate.state == "failed", StoredUpdate.starts > 0
        revived = await self._execute(
            update(StoredUpdate)
            .where(self._mine, StoredUpdate.seq == number, *dead)
            .values(state="new", starts=0, failures=0, finished=None)
            .returning(StoredUpdate)
        )
        return revived[0] if revived else None

    async def purge(self, *, before: float) -> None:
        """Delete handled updates that arrived before a time.

        Telegram delivers an update again for a day at most; its ids start anew after a quiet week.
        """
        await self._delete(
            StoredUpdate, StoredUpdate.state == "done", StoredUpdate.received < before
        )

    @writes
    def forget_at(
        self, session: Session, chat_ids: Sequence[int], *, about: Callable[[str], bool]
    ) -> None:
        """Delete the dead letters of the team's chats that are `about` a customer, as JSON."""
        theirs = StoredUpdate.chat_id.in_(chat_ids), StoredUpdate.state == "failed"
        for row in session.scalars(select(StoredUpdate).where(self._mine, *theirs)):
            if about(row.payload):
                session.delete(row)

    async def _change(self, update_id: int, **values: Any) -> None:
        await self._update(StoredUpdate, self._mine, StoredUpdate.update_id == update_id, **values)
