"""What must survive a crash of the Telegram side: updates received, messages to send, chats."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from sqlalchemy import (
    JSON,
    BigInteger,
    Index,
    String,
    Text,
    UniqueConstraint,
    delete,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from db.base import Base, Database
from db.group_commit import GroupCommit

Json: TypeAlias = dict[str, Any]

OutboxState: TypeAlias = Literal["queued", "sent", "uncertain", "failed"]
"""``queued``: not sent as far as is known. ``uncertain``: Telegram may have sent it; never repeated
by itself. ``failed``: Telegram refused it."""

_SEEN_AGAIN_S = 3600.0
_REMEMBERED = 20_000
"""Chats whose language and name are kept in memory."""


class InboxRow(Base):
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
    """How often its handling began; more than its failures if the process died meanwhile."""
    failures: Mapped[int] = mapped_column(default=0)
    payload: Mapped[str] = mapped_column(Text)
    """The update as JSON; emptied when it is done."""
    error: Mapped[str] = mapped_column(Text, default="")
    finished: Mapped[float | None]


class OutboxRow(Base):
    """A message to send, or sent."""

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
    state: Mapped[str] = mapped_column(String(12), default="queued", index=True)
    message_id: Mapped[int | None] = mapped_column(BigInteger)
    error: Mapped[str] = mapped_column(Text, default="")
    created: Mapped[float] = mapped_column(index=True)
    finished: Mapped[float | None]


class ChatRow(Base):
    """A chat that wrote to the bot."""

    __tablename__ = "telegram_chats"

    chat_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(String(256), default="")
    language: Mapped[str] = mapped_column(String(8), default="")
    """Chosen with /language; empty: as the customer writes."""
    payload: Mapped[str] = mapped_column(String(64), default="")
    """What the link of the first /start carried."""
    first_seen: Mapped[float]
    last_seen: Mapped[float] = mapped_column(index=True)
    blocked: Mapped[bool] = mapped_column(default=False)
    """The customer stopped the bot."""
    banned: Mapped[bool] = mapped_column(default=False)
    """The team does not want to hear from this chat."""


@dataclass(frozen=True, slots=True)
class NewUpdate:
    """An update as it arrived."""

    update_id: int
    chat_id: int | None
    payload: str
    """JSON."""
    error: str = ""
    """Why it cannot be read; it is then stored as a dead letter."""


@dataclass(frozen=True, slots=True)
class StoredUpdate:
    """An update on record."""

    update_id: int
    chat_id: int | None
    payload: str
    received: float
    """UTC epoch seconds."""
    starts: int
    failures: int
    error: str = ""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message to send."""

    chat_id: int
    method: str
    params: Mapping[str, Any]
    context: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """A message of the bot on record."""

    outbox_id: int
    update_id: int | None
    chat_id: int
    method: str
    params: Json
    context: Json
    state: OutboxState
    message_id: int | None
    error: str
    created: float


class Inbox:
    """Updates of one bot, each handled once."""

    def __init__(self, database: Database, writer: GroupCommit, *, bot_id: int) -> None:
        self._database = database
        self._writer = writer
        self._bot_id = bot_id

    async def store(self, updates: Sequence[NewUpdate]) -> set[int]:
        """Store updates; return the ids of those that were not there yet."""
        now = time.time()

        async def write(session: AsyncSession) -> set[int]:
            known = set(
                await session.scalars(
                    select(InboxRow.update_id).where(
                        InboxRow.bot_id == self._bot_id,
                        InboxRow.update_id.in_([u.update_id for u in updates]),
                    )
                )
            )
            fresh = {u.update_id: u for u in updates if u.update_id not in known}
            rows = [
                {
                    "bot_id": self._bot_id,
                    "update_id": u.update_id,
                    "chat_id": u.chat_id,
                    "received": now,
                    "state": "failed" if u.error else "new",
                    "payload": u.payload,
                    "error": u.error,
                }
                for u in fresh.values()
            ]
            if rows:
                await session.execute(insert(InboxRow), rows)
            return set(fresh)

        return await self._writer.run(write)

    async def pending(self) -> list[StoredUpdate]:
        """Return what was received and not finished, oldest first."""
        return await self._list(InboxRow.state == "new")

    async def dead_letters(self, *, limit: int = 100) -> list[StoredUpdate]:
        """Return the updates that could not be handled, oldest first."""
        return await self._list(InboxRow.state == "failed", limit=limit)

    async def start(self, update_id: int) -> None:
        """Count that an update's handling begins."""
        await self._change(update_id, starts=InboxRow.starts + 1)

    async def failed_once(self, update_id: int, error: str) -> int:
        """Count a failure; return how many there were."""

        async def write(session: AsyncSession) -> int:
            statement = (
                update(InboxRow)
                .where(InboxRow.bot_id == self._bot_id, InboxRow.update_id == update_id)
                .values(failures=InboxRow.failures + 1, error=error)
                .returning(InboxRow.failures)
            )
            return await session.scalar(statement) or 0

        return await self._writer.run(write)

    async def finish(self, *update_ids: int, note: str = "") -> None:
        """Mark updates as handled, and forget what they said."""

        async def write(session: AsyncSession) -> None:
            await session.execute(self._finished(update_ids, note))

        await self._writer.run(write)

    async def bury(self, update_id: int, error: str) -> None:
        """Make an update a dead letter; its payload is kept."""
        await self._change(update_id, state="failed", error=error, finished=time.time())

    async def revive(self, update_id: int) -> None:
        """Let a dead letter be tried again at the next start."""
        await self._change(update_id, state="new", starts=0, failures=0, finished=None)

    async def purge(self, *, before: float) -> int:
        """Delete handled updates that arrived before a time; return how many.

        Telegram delivers an update again for a day at most; its ids start anew after a quiet week.
        """

        async def write(session: AsyncSession) -> int:
            gone = await session.scalars(
                delete(InboxRow)
                .where(InboxRow.state == "done", InboxRow.received < before)
                .returning(InboxRow.seq)
            )
            return len(gone.all())

        return await self._writer.run(write)

    def _finished(self, update_ids: Sequence[int], note: str) -> Any:
        return (
            update(InboxRow)
            .where(InboxRow.bot_id == self._bot_id, InboxRow.update_id.in_(update_ids))
            .values(state="done", payload="", error=note, finished=time.time())
        )

    async def _change(self, update_id: int, **values: Any) -> None:
        async def write(session: AsyncSession) -> None:
            await session.execute(
                update(InboxRow)
                .where(InboxRow.bot_id == self._bot_id, InboxRow.update_id == update_id)
                .values(**values)
            )

        await self._writer.run(write)

    async def _list(self, *conditions: Any, limit: int | None = None) -> list[StoredUpdate]:
        async with self._database.session() as session:
            rows = await session.scalars(
                select(InboxRow)
                .where(InboxRow.bot_id == self._bot_id, *conditions)
                .order_by(InboxRow.seq)
                .limit(limit)
            )
            return [
                StoredUpdate(
                    r.update_id, r.chat_id, r.payload, r.received, r.starts, r.failures, r.error
                )
                for r in rows
            ]


class Outbox:
    """Messages to send, and what became of each."""

    def __init__(self, database: Database, writer: GroupCommit, *, bot_id: int) -> None:
        self._database = database
        self._writer = writer
        self._bot_id = bot_id

    async def add(
        self,
        messages: Sequence[Outgoing],
        *,
        update_id: int | None = None,
        answers_also: Sequence[int] = (),
    ) -> list[StoredMessage]:
        """Queue messages, all or none; updates in `answers_also` are finished with them."""
        now = time.time()

        async def write(session: AsyncSession) -> list[StoredMessage]:
            position = 0
            if update_id is not None:
                position = (
                    await session.scalar(
                        select(func.count()).where(
                            OutboxRow.bot_id == self._bot_id, OutboxRow.update_id == update_id
                        )
                    )
                    or 0
                )
            rows = [
                OutboxRow(
                    bot_id=self._bot_id,
                    update_id=update_id,
                    position=position + number,
                    chat_id=message.chat_id,
                    method=message.method,
                    params=dict(message.params),
                    context=dict(message.context),
                    state="queued",
                    error="",
                    created=now,
                )
                for number, message in enumerate(messages)
            ]
            session.add_all(rows)
            if answers_also:
                await session.execute(
                    update(InboxRow)
                    .where(InboxRow.bot_id == self._bot_id, InboxRow.update_id.in_(answers_also))
                    .values(state="done", payload="", error="answered together", finished=now)
                )
            await session.flush()
            return [_stored(row) for row in rows]

        return await self._writer.run(write)

    async def finish(
        self,
        outbox_id: int,
        state: OutboxState,
        *,
        message_id: int | None = None,
        error: str = "",
    ) -> None:
        """Record what became of a message.

        A message that was sent keeps its context for its buttons and loses its text.
        """

        async def write(session: AsyncSession) -> None:
            values: Json = {
                "state": state,
                "message_id": message_id,
                "error": error,
                "finished": time.time(),
            }
            if state == "sent":
                values["params"] = {}
            await session.execute(
                update(OutboxRow).where(OutboxRow.outbox_id == outbox_id).values(**values)
            )

        await self._writer.run(write)

    async def of_update(self, update_id: int) -> list[StoredMessage]:
        """Return the messages that answer an update, in order."""
        return await self._list(OutboxRow.update_id == update_id)

    async def unanswering(self) -> list[StoredMessage]:
        """Return queued messages that no pending update would send again, oldest first."""
        waiting = select(InboxRow.update_id).where(
            InboxRow.bot_id == self._bot_id, InboxRow.state == "new"
        )
        return await self._list(
            OutboxRow.state == "queued",
            OutboxRow.update_id.is_(None) | OutboxRow.update_id.not_in(waiting),
        )

    async def in_state(self, state: OutboxState, *, limit: int = 100) -> list[StoredMessage]:
        """Return messages in a state, oldest first."""
        return await self._list(OutboxRow.state == state, limit=limit)

    async def find(self, chat_id: int, message_id: int) -> StoredMessage | None:
        """Return a message by what Telegram calls it."""
        found = await self._list(OutboxRow.chat_id == chat_id, OutboxRow.message_id == message_id)
        return found[-1] if found else None

    async def replies_to(self, chat_id: int, question_message_id: int) -> list[StoredMessage]:
        """Return the messages that answer a customer's message, in order."""
        return [
            message
            for message in await self._list(OutboxRow.chat_id == chat_id, newest=200)
            if message.context.get("question_message_id") == question_message_id
        ]

    async def change_context(self, outbox_id: int, context: Mapping[str, Any]) -> None:
        """Replace what a message's buttons need."""

        async def write(session: AsyncSession) -> None:
            await session.execute(
                update(OutboxRow)
                .where(OutboxRow.outbox_id == outbox_id)
                .values(context=dict(context))
            )

        await self._writer.run(write)

    async def counts(self) -> dict[str, int]:
        """Count messages by state."""
        async with self._database.session() as session:
            rows = await session.execute(
                select(OutboxRow.state, func.count()).group_by(OutboxRow.state)
            )
            return {state: count for state, count in rows.all()}

    async def drop_failures(self, chat_ids: Sequence[int]) -> None:
        """Delete the messages to some chats that did not arrive, or may not have.

        They keep their text, and what is said to the team may be about a customer who asks to be
        forgotten.
        """

        async def write(session: AsyncSession) -> None:
            await session.execute(
                delete(OutboxRow).where(
                    OutboxRow.bot_id == self._bot_id,
                    OutboxRow.chat_id.in_(chat_ids),
                    OutboxRow.state.in_(("failed", "uncertain")),
                )
            )

        await self._writer.run(write)

    async def purge(self, *, before: float) -> int:
        """Delete finished messages created before a time; their buttons no longer work."""

        async def write(session: AsyncSession) -> int:
            gone = await session.scalars(
                delete(OutboxRow)
                .where(OutboxRow.state != "queued", OutboxRow.created < before)
                .returning(OutboxRow.outbox_id)
            )
            return len(gone.all())

        return await self._writer.run(write)

    async def _list(
        self, *conditions: Any, limit: int | None = None, newest: int | None = None
    ) -> list[StoredMessage]:
        order = OutboxRow.outbox_id.desc() if newest else OutboxRow.outbox_id
        async with self._database.session() as session:
            rows = await session.scalars(
                select(OutboxRow)
                .where(OutboxRow.bot_id == self._bot_id, *conditions)
                .order_by(order)
                .limit(newest or limit)
            )
            found = [_stored(row) for row in rows]
        return found[::-1] if newest else found


class Chats:
    """Chats that wrote to the bot."""

    def __init__(self, database: Database, writer: GroupCommit) -> None:
        self._database = database
        self._writer = writer
        self._languages: dict[int, str] = {}
        self._seen: dict[int, tuple[str, float]] = {}
        self._banned: set[int] | None = None

    async def see(self, chat_id: int, *, name: str, payload: str = "") -> None:
        """Remember that a chat wrote, to the hour; keep the first payload that a link carried."""
        now = time.time()
        known, at = self._seen.get(chat_id, ("", 0.0))
        if known == name and now - at < _SEEN_AGAIN_S and not payload:
            return
        if len(self._seen) >= _REMEMBERED:
            self._seen.clear()
        self._seen[chat_id] = (name, now)

        async def write(session: AsyncSession) -> None:
            row = await session.get(ChatRow, chat_id)
            if row is None:
                row = ChatRow(
                    chat_id=chat_id, language="", payload="", first_seen=now, banned=False
                )
                session.add(row)
            row.name = name[:256]
            row.payload = row.payload or payload[:64]
            row.last_seen = now
            row.blocked = False

        await self._writer.run(write)

    async def language(self, chat_id: int) -> str:
        """Return the language a chat chose, empty if it chose none."""
        if chat_id not in self._languages:
            if len(self._languages) >= _REMEMBERED:
                self._languages.clear()
            async with self._database.session() as session:
                chosen = await session.scalar(
                    select(ChatRow.language).where(ChatRow.chat_id == chat_id)
                )
            self._languages[chat_id] = chosen or ""
        return self._languages[chat_id]

    async def payload(self, chat_id: int) -> str:
        """Return what the link of the chat's first /start carried."""
        async with self._database.session() as session:
            return (
                await session.scalar(select(ChatRow.payload).where(ChatRow.chat_id == chat_id))
                or ""
            )

    async def record(self, chat_id: int) -> dict[str, Any]:
        """Return what is stored about a chat itself, for its customer to read."""
        async with self._database.session() as session:
            row = await session.get(ChatRow, chat_id)
        if row is None:
            return {}
        return {
            "name": row.name,
            "language": row.language,
            "start_payload": row.payload,
            "first_seen": row.first_seen,
            "last_seen": row.last_seen,
        }

    async def choose_language(self, chat_id: int, language: str) -> None:
        """Set the language of the bot's own words in a chat; empty: as the customer writes."""
        await self._change(chat_id, language=language)
        self._languages[chat_id] = language

    async def block(self, chat_id: int) -> None:
        """Remember that a customer stopped the bot."""
        self._seen.pop(chat_id, None)
        await self._change(chat_id, blocked=True)

    async def ban(self, chat_id: int, *, banned: bool) -> None:
        """Stop listening to a chat, or listen again."""
        await self._change(chat_id, banned=banned)
        self._banned = None

    async def is_banned(self, chat_id: int) -> bool:
        """Tell whether the team does not want to hear from a chat."""
        if self._banned is None:
            async with self._database.session() as session:
                found = await session.scalars(select(ChatRow.chat_id).where(ChatRow.banned))
                self._banned = set(found)
        return chat_id in self._banned

    async def name(self, chat_id: int) -> str:
        """Return how a chat's customer is called, empty if it never wrote."""
        async with self._database.session() as session:
            return (
                await session.scalar(select(ChatRow.name).where(ChatRow.chat_id == chat_id)) or ""
            )

    async def migrate(self, old: int, new: int) -> None:
        """Give a group's record its new number after Telegram made it a supergroup."""

        async def write(session: AsyncSession) -> None:
            if await session.get(ChatRow, new) is None:
                await session.execute(
                    update(ChatRow).where(ChatRow.chat_id == old).values(chat_id=new)
                )
            await session.execute(
                update(OutboxRow).where(OutboxRow.chat_id == old).values(chat_id=new)
            )

        await self._writer.run(write)

    async def forget(self, chat_id: int) -> None:
        """Erase what is stored about a chat here: its record, its updates, its messages."""

        async def write(session: AsyncSession) -> None:
            for table in (ChatRow, OutboxRow, InboxRow):
                await session.execute(delete(table).where(table.chat_id == chat_id))

        self._languages.pop(chat_id, None)
        self._seen.pop(chat_id, None)
        await self._writer.run(write)

    async def _change(self, chat_id: int, **values: Any) -> None:
        async def write(session: AsyncSession) -> None:
            await session.execute(
                update(ChatRow).where(ChatRow.chat_id == chat_id).values(**values)
            )

        await self._writer.run(write)


def _stored(row: OutboxRow) -> StoredMessage:
    state: Any = row.state
    return StoredMessage(
        outbox_id=row.outbox_id,
        update_id=row.update_id,
        chat_id=row.chat_id,
        method=row.method,
        params=row.params,
        context=row.context,
        state=state,
        message_id=row.message_id,
        error=row.error,
        created=row.created,
    )
