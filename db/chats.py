"""Chats that wrote to the bot: who, in which language, and what is erased when they ask."""

import time
from typing import Any

from sqlalchemy import BigInteger, String, delete, select, update
from sqlalchemy.orm import InstrumentedAttribute, Mapped, Session, mapped_column

from core.recent import Recent
from db.base import Base, Database, Repository, writes
from db.inbox import StoredUpdate
from db.outbox import StoredMessage

_SEEN_AGAIN_S = 3600.0
_REMEMBERED = 20_000
"""Chats whose language and name are kept in memory."""


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


class Chats(Repository):
    """Chats that wrote to the bot."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._languages: Recent[int, str] = Recent(_REMEMBERED)
        self._seen: Recent[int, tuple[str, float]] = Recent(_REMEMBERED)
        self._banned: set[int] | None = None

    async def see(self, chat_id: int, *, name: str, payload: str = "") -> None:
        """Remember that a chat wrote, to the hour; keep the first payload that a link carried."""
        now = time.time()
        known, at = self._seen.get(chat_id) or ("", 0.0)
        if known == name and now - at < _SEEN_AGAIN_S and not payload:
            return
        self._seen.put(chat_id, (name, now))

        def write(session: Session) -> None:
            row = session.get(ChatRow, chat_id)
            if row is None:
                row = ChatRow(chat_id=chat_id, first_seen=now)
                session.add(row)
            row.name = name[:256]
            row.payload = row.payload or payload[:64]
            row.last_seen = now
            row.blocked = False

        await self._database.write(write)

    async def language(self, chat_id: int) -> str:
        """Return the language a chat chose, empty if it chose none."""
        chosen = self._languages.get(chat_id)
        if chosen is None:
            chosen = await self._column(ChatRow.language, chat_id)
            self._languages.put(chat_id, chosen)
        return chosen

    async def record(self, chat_id: int) -> dict[str, Any]:
        """Return what is stored about a chat itself, for its customer to read."""
        row = await self._first(select(ChatRow).where(ChatRow.chat_id == chat_id))
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
        self._languages.put(chat_id, language)

    async def block(self, chat_id: int) -> None:
        """Remember that a customer stopped the bot."""
        self._seen.drop(chat_id)
        await self._change(chat_id, blocked=True)

    async def ban(self, chat_id: int, *, banned: bool) -> None:
        """Stop listening to a chat, or listen again."""
        await self._change(chat_id, banned=banned)
        self._banned = None

    async def is_banned(self, chat_id: int) -> bool:
        """Tell whether the team does not want to hear from a chat."""
        if self._banned is None:
            self._banned = set(await self._all(select(ChatRow.chat_id).where(ChatRow.banned)))
        return chat_id in self._banned

    async def name(self, chat_id: int) -> str:
        """Return how a chat's customer is called, empty if it never wrote."""
        return await self._column(ChatRow.name, chat_id)

    @writes
    def migrate(self, session: Session, old: int, new: int) -> None:
        """Give a group's record its new number after Telegram made it a supergroup."""
        if session.get(ChatRow, new) is None:
            session.execute(update(ChatRow).where(ChatRow.chat_id == old).values(chat_id=new))
        session.execute(
            update(StoredMessage).where(StoredMessage.chat_id == old).values(chat_id=new)
        )

    async def forget(self, chat_id: int) -> None:
        """Erase what is stored about a chat here: its record, its updates, its messages."""
        self._languages.drop(chat_id)
        self._seen.drop(chat_id)
        tables = (ChatRow, StoredMessage, StoredUpdate)
        await self._execute(*(delete(t).where(t.chat_id == chat_id) for t in tables))
        await self._database.scrub()

    async def _change(self, chat_id: int, **values: Any) -> None:
        await self._update(ChatRow, ChatRow.chat_id == chat_id, **values)

    async def _column(self, column: InstrumentedAttribute[str], chat_id: int) -> str:
        return await self._first(select(column).where(ChatRow.chat_id == chat_id)) or ""
