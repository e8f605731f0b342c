"""Messages to send, and what became of each: nothing is lost, and nothing is sent twice."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeAlias

from sqlalchemy import (
    JSON,
    BigInteger,
    Index,
    String,
    Text,
    UniqueConstraint,
    func,
    select,
    update,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from db.base import Base, Database, Repository, writes
from db.inbox import StoredUpdate

Json: TypeAlias = dict[str, Any]

OutboxState: TypeAlias = Literal["queued", "sent", "uncertain", "failed"]
"""``queued``: not sent as far as is known. ``uncertain``: Telegram may have sent it; never repeated
by itself. ``failed``: Telegram refused it."""


class StoredMessage(Base):
    """A message of the bot on record: to send, or sent."""

    __tablename__ = "telegram_outbox"
    __table_args__ = (
        UniqueConstraint("bot_id", "update_id", "position"),
        Index("ix_telegram_outbox_chat_message", "chat_id", "message_id"),
    )

    outbox_id: Mapped[int] = mapped_column(primary_key=True)
    bot_id: Mapped[int] = mapped_column(BigInteger)
    update_id: Mapped[int | None] = mapped_column(BigInteger)
    """The update it answers; ``None`` if none does."""
    position: Mapped[int] = mapped_column(default=0)
    chat_id: Mapped[int] = mapped_column(BigInteger, index=True)
    method: Mapped[str] = mapped_column(String(32))
    params: Mapped[Json] = mapped_column(JSON)
    """What the method is called with; emptied when it is sent."""
    context: Mapped[Json] = mapped_column(JSON)
    """What its buttons need: sources, choices, the answer's number."""
    state: Mapped[OutboxState] = mapped_column(String(12), default="queued", index=True)
    message_id: Mapped[int | None] = mapped_column(BigInteger)
    error: Mapped[str] = mapped_column(Text, default="")
    created: Mapped[float] = mapped_column(index=True)
    finished: Mapped[float | None]


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message to send."""

    chat_id: int
    method: str
    params: Mapping[str, Any]
    context: Mapping[str, Any]


class Outbox(Repository):
    """Messages to send, and what became of each."""

    def __init__(self, database: Database, *, bot_id: int) -> None:
        super().__init__(database)
        self._bot_id = bot_id

    @writes
    def add(
        self,
        session: Session,
        messages: Sequence[Outgoing],
        *,
        update_id: int | None = None,
        answers_also: Sequence[int] = (),
    ) -> list[StoredMessage]:
        """Queue messages, all or none; updates in `answers_also` are finished with them."""
        now = time.time()
        before = select(func.count()).where(
            StoredMessage.bot_id == self._bot_id, StoredMessage.update_id == update_id
        )
        position = session.scalar(before) or 0 if update_id is not None else 0
        rows = [
            StoredMessage(
                bot_id=self._bot_id,
                update_id=update_id,
                position=position + number,
                created=now,
                **asdict(message),
            )
            for number, message in enumerate(messages)
        ]
        session.add_all(rows)
        if answers_also:
            session.execute(
                update(StoredUpdate)
                .where(
                    StoredUpdate.bot_id == self._bot_id,
                    StoredUpdate.update_id.in_(answers_also),
                )
                .values(state="done", payload="", error="answered together", finished=now)
            )
        session.flush()
        return rows

    async def finish(
        self, outbox_id: int, state: OutboxState, *, message_id: int | None = None, error: str = ""
    ) -> None:
        """Record what became of a message.

        A message that was sent keeps its context for its buttons and loses its text.
        """
        sent: Json = {"params": {}} if state == "sent" else {}
        done = {"state": state, "message_id": message_id, "error": error, "finished": time.time()}
        await self._update(StoredMessage, StoredMessage.outbox_id == outbox_id, **done, **sent)

    async def queue_again(self, outbox_id: int) -> StoredMessage | None:
        """Let a message be sent again that may have arrived; ``None`` if it is none of those."""

        queued = await self._execute(
            update(StoredMessage)
            .where(
                StoredMessage.bot_id == self._bot_id,
                StoredMessage.outbox_id == outbox_id,
                StoredMessage.state == "uncertain",
            )
            .values(state="queued", error="", finished=None)
            .returning(StoredMessage)
        )
        return queued[0] if queued else None

    async def of_update(self, update_id: int) -> list[StoredMessage]:
        """Return the messages that answer an update, in order."""
        return await self._list(StoredMessage.update_id == update_id)

    async def unanswering(self) -> list[StoredMessage]:
        """Return queued messages that no pending update would send again, oldest first."""
        waiting = select(StoredUpdate.update_id).where(
            StoredUpdate.bot_id == self._bot_id, StoredUpdate.state == "new"
        )
        return await self._list(
            StoredMessage.state == "queued",
            StoredMessage.update_id.is_(None) | StoredMessage.update_id.not_in(waiting),
        )

    async def find(self, chat_id: int, message_id: int) -> StoredMessage | None:
        """Return a message by what Telegram calls it."""
        found = await self._list(
            StoredMessage.chat_id == chat_id, StoredMessage.message_id == message_id
        )
        return found[-1] if found else None

    async def replies_to(self, chat_id: int, question_message_id: int) -> list[StoredMessage]:
        """Return the messages that answer a customer's message, in order."""
        return [
            message
            for message in await self._list(StoredMessage.chat_id == chat_id, newest=200)
            if message.context.get("question_message_id") == question_message_id
        ]

    async def change_context(self, outbox_id: int, context: Mapping[str, Any]) -> None:
        """Replace what a message's buttons need."""
        which = StoredMessage.outbox_id == outbox_id
        await self._update(StoredMessage, which, context=dict(context))

    @writes
    def forget_at(
        self, session: Session, chat_ids: Sequence[int], *, about: Callable[[str], bool]
    ) -> None:
        """Erase what the messages to the team's chats say of a customer.

        Those that did not arrive, or may not have, are deleted; those that wait to be sent, if
        `about` tells of their parameters and context, as JSON, that they are about the customer.
        Of those that were sent, what their buttons need is emptied.
        """
        rows = session.scalars(
            select(StoredMessage).where(
                StoredMessage.bot_id == self._bot_id, StoredMessage.chat_id.in_(chat_ids)
            )
        )
        for row in rows:
            said = json.dumps([row.params, row.context], ensure_ascii=False)
            if row.state in ("failed", "uncertain"):
                session.delete(row)
            elif about(said):
                if row.state == "sent":
                    row.context = {}
                else:
                    session.delete(row)

    async def purge(self, *, before: float) -> None:
        """Delete finished messages created before a time; their buttons no longer work."""
        await self._delete(
            StoredMessage, StoredMessage.state != "queued", StoredMessage.created < before
        )

    async def _list(self, *conditions: Any, newest: int | None = None) -> list[StoredMessage]:
        order = StoredMessage.outbox_id.desc() if newest else StoredMessage.outbox_id
        found = await self._all(
            select(StoredMessage)
            .where(StoredMessage.bot_id == self._bot_id, *conditions)
            .order_by(order)
            .limit(newest)
        )
        return list(found)[::-1] if newest else list(found)
