"""Conversations that a person should take or has taken, and what was said in them on which side.

One table and one set of states for customers in Telegram and visitors of the website.
"""

import hashlib
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeAlias

from sqlalchemy import BigInteger, String, Text, case, cast, delete, func, or_, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from core.masking import mask
from core.types import Urgency
from db.base import Base, CustomerText, Repository, pressing_first, reads, writes
from db.drafts import settle, settle_all

HandoverState: TypeAlias = Literal["waiting", "held", "closed"]
"""``waiting``: a person was asked for. ``held``: a person has it and the bot is silent."""
Author: TypeAlias = Literal["customer", "team", "bot", "note"]
"""``bot``: a notice that a person came or went. ``note``: for the team alone."""


class Handover(Base):
    """One customer's conversation that waits for a person, has one, or had one."""

    __tablename__ = "telegram_handovers"

    chat_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    """Telegram's; of a visitor of the website `number_of`, which is below zero."""
    visitor: Mapped[str] = mapped_column("chat", String(80), default="")
    """Name of a visitor's conversation; empty in Telegram."""
    state: Mapped[HandoverState] = mapped_column(String(8), index=True)
    reason: Mapped[str] = mapped_column(CustomerText, default="")
    """The question that led to it."""
    asked: Mapped[float]
    """UTC epoch seconds."""
    urgency: Mapped[Urgency] = mapped_column(String(8), default="")
    """``angry``, ``urgent`` or empty."""
    closed: Mapped[float | None]
    thread_id: Mapped[int] = mapped_column(BigInteger, default=0, index=True)
    """The customer's topic in the team's group, kept from one conversation to the next."""
    card_id: Mapped[int] = mapped_column(BigInteger, default=0)
    """The message at the head of the topic, with the buttons."""
    holder: Mapped[int] = mapped_column(BigInteger, default=0)
    """The operator who has it."""
    proposed: Mapped[str] = mapped_column("draft", Text, default="")
    """The answer the bot proposes to the operator."""
    draft_sent: Mapped[int] = mapped_column(BigInteger, default=0)
    """The update that sent the draft; 0: it was not sent."""
    found: Mapped[str] = mapped_column(Text, default="")
    """Where the bot looked, and how sure it was."""
    answer: Mapped[str] = mapped_column(Text, default="")
    """What an operator last told the customer."""
    language: Mapped[str] = mapped_column(String(8), default="")
    """The customer's language, for the bot's own words."""
    for_draft: Mapped[bool] = mapped_column(default=False)
    """Nobody asked for a person: an answer was held. It ends when that is sent."""
    rating: Mapped[int] = mapped_column(default=0)
    """What the customer gave after closing, 1 to 5; 0: nothing."""

    @property
    def chat(self) -> str:
        """Name of the conversation, as answers have it."""
        return self.visitor or f"telegram:{self.chat_id}"

    @property
    def draft(self) -> str:
        """The answer that is proposed and was not sent."""
        return "" if self.draft_sent else self.proposed


class MirrorRow(Base):
    """A message and its copy on the other side: customer's chat or team's group."""

    __tablename__ = "telegram_mirrors"

    chat_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    message_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    customer: Mapped[int] = mapped_column(BigInteger, index=True)
    copy_chat_id: Mapped[int] = mapped_column(BigInteger)
    copy_message_id: Mapped[int] = mapped_column(BigInteger)
    created: Mapped[float]


class Message(Base):
    """What a person wrote in a conversation, and notices around it; the bot's answers are not."""

    __tablename__ = "messages"

    message_id: Mapped[int] = mapped_column("id", primary_key=True)
    chat: Mapped[str] = mapped_column(String(80), index=True)
    created: Mapped[float]
    """UTC epoch seconds."""
    author: Mapped[Author] = mapped_column(String(8))
    text: Mapped[str] = mapped_column(Text)


class CannedRow(Base):
    """A reply that the team sends often."""

    __tablename__ = "telegram_canned"

    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    text: Mapped[str] = mapped_column(Text)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a message stands."""

    chat_id: int
    message_id: int


def number_of(chat: str) -> int:
    """Return the number under which a conversation (``telegram:5``, ``web:…``) is handed over."""
    channel, _, name = chat.partition(":")
    if channel == "telegram":
        return int(name)
    return -1 - (int.from_bytes(hashlib.blake2b(chat.encode(), digest_size=8).digest()) >> 1)


class Handovers(Repository):
    """Stores who waits for a person, and whose conversation is whose."""

    @writes
    def ask(
        self,
        session: Session,
        chat_id: int,
        *,
        reason: str,
        language: str = "",
        draft: str = "",
        found: str = "",
        urgency: Urgency = "",
        chat: str = "",
        for_draft: bool = False,
    ) -> bool:
        """Let a chat wait for a person; return whether it did not wait already.

        `chat` names the conversation of a visitor of the website. `for_draft`: an answer was held,
        and nobody asked for a person.
        """
        row = session.get(Handover, chat_id)
        if row is not None and row.state != "closed":
            row.for_draft = row.for_draft and for_draft
            return False
        if row is None:
            row = Handover(chat_id=chat_id, visitor=chat, thread_id=0)
            session.add(row)
        row.state, row.reason, row.asked, row.closed = "waiting", reason, time.time(), None
        row.holder, row.proposed, row.language = 0, draft, language or row.language or ""
        row.draft_sent, row.found, row.answer, row.rating = 0, found, "", 0
        row.card_id, row.urgency, row.for_draft = 0, urgency, for_draft
        return True

    async def hasten(self, chat_id: int, urgency: Urgency) -> bool:
        """Let a chat that waits come before others; return whether that is news."""
        waits, less = Handover.state == "waiting", Handover.urgency.notin_(("urgent", urgency))
        which = Handover.chat_id == chat_id, waits, less
        return bool(await self._update(Handover, *which, urgency=urgency))

    async def get(self, chat_id: int) -> Handover | None:
        """Return what is known about a chat."""
        return await self._first(select(Handover).where(Handover.chat_id == chat_id))

    async def of_topic(self, thread_id: int) -> Handover | None:
        """Return the conversation that a topic of the team's group belongs to."""
        return await self._first(select(Handover).where(Handover.thread_id == thread_id))

    async def is_held(self, chat_id: int) -> bool:
        """Tell whether a person has the conversation, so that the bot is silent."""
        held = select(Handover.chat_id).where(Handover.chat_id == chat_id, Handover.state == "held")
        return await self._first(held) is not None

    async def open(self, *, web: bool = False) -> Sequence[Handover]:
        """Return the conversations that wait for a person or have one: urgent ones, angry ones,
        others; of each the longest wait first. With `web` those of the website too."""
        which = () if web else (Handover.visitor == "",)
        return await self._all(
            select(Handover)
            .where(Handover.state != "closed", *which)
            .order_by(pressing_first(Handover.urgency), Handover.asked)
        )

    async def set_topic(self, chat_id: int, *, thread_id: int, card_id: int) -> None:
        """Remember a conversation's topic and the card in it."""
        await self._change(chat_id, thread_id=thread_id, card_id=card_id)

    async def take(self, chat_id: int, *, holder: int) -> None:
        """Give a conversation to an operator; the bot is silent from now on."""
        await self._change(chat_id, state="held", holder=holder, closed=None)

    async def give_back(self, chat_id: int) -> None:
        """Let the bot answer again, with the person still within call."""
        await self._change(chat_id, state="waiting", holder=0)

    @writes
    def close(self, session: Session, chat_id: int) -> None:
        """End a conversation with a person."""
        row = session.get(Handover, chat_id)
        if row is not None:
            row.state, row.holder, row.closed = "closed", 0, time.time()
            settle_all(session, row.chat)

    async def set_draft(self, chat_id: int, draft: str) -> None:
        """Replace the answer that is proposed to the operator; it may be sent once."""
        await self._change(chat_id, proposed=draft, draft_sent=0)

    async def claim_draft(self, chat_id: int, *, update_id: int) -> str:
        """Return the draft for sending; empty if there is none, or another press sent it.

        The same update gets it again when it is handled once more after a crash.
        """
        claimed = await self._execute(
            update(Handover)
            .where(Handover.chat_id == chat_id, Handover.draft_sent.in_((0, update_id)))
            .values(draft_sent=update_id)
            .returning(Handover.proposed)
        )
        return claimed[0] if claimed else ""

    @writes
    def answered(self, session: Session, chat_id: int, answer: str, *, draft: int = 0) -> None:
        """Remember what an operator told the customer, and compare it with a held answer.

        `draft` is the one that was sent, as it was or edited; with the last of them a conversation
        ends for which nobody asked. Words without a draft are compared with the newest.
        """
        row = session.get(Handover, chat_id)
        if row is not None:
            row.answer = answer
            was_last = settle(session, row.chat, answer, answer_id=draft)
            if draft and was_last and row.for_draft and row.state == "waiting":
                row.state, row.closed = "closed", time.time()
            session.add(_message(row.chat, "team", answer))

    @writes
    def wrote(self, session: Session, chat_id: int, text: str) -> None:
        """Remember what the customer wrote to a person; it is the question if none led there."""
        row = session.get(Handover, chat_id)
        if row is not None:
            row.reason = row.reason or text
            session.add(_message(row.chat, "customer", text))

    async def note(self, chat: str, text: str, *, author: Author = "note") -> None:
        """Keep a note, or a notice, with a conversation."""
        await self._put(_message(chat, author, text))

    async def said(self, chat: str, *, after: int = 0) -> Sequence[Message]:
        """Return what people wrote in a conversation after a message, oldest first."""
        messages = await self._all(
            select(Message)
            .where(Message.chat == chat, Message.message_id > after)
            .order_by(Message.message_id)
        )
        for one in messages:  # earlier versions stored them as they were written
            one.text = _masked(one.author, one.text)
        return messages

    async def waits(self, *, since: float) -> list[float]:
        """Return how many seconds customers who called since a moment waited for a person's first
        words, the shortest first; of each the last call."""
        of_telegram = "telegram:" + cast(Handover.chat_id, String)
        chat = case((Handover.visitor != "", Handover.visitor), else_=of_telegram)
        replied = (Message.author == "team") & (Message.created >= Handover.asked)
        found = await self._rows(
            select(Handover.asked, func.min(Message.created))
            .join(Message, (Message.chat == chat) & replied)
            .where(Handover.asked >= since)
            .group_by(Handover.chat_id, Handover.asked)
        )
        return sorted(first - asked for asked, first in found)

    async def rate(self, chat_id: int, rating: int) -> None:
        """Store what the customer gave, 1 to 5."""
        await self._change(chat_id, rating=rating)

    async def mirror(self, original: Place, copy: Place, *, customer: int) -> None:
        """Remember that a message was copied to the other side."""
        await self._put(
            MirrorRow(
                **asdict(original),
                customer=customer,
                copy_chat_id=copy.chat_id,
                copy_message_id=copy.message_id,
                created=time.time(),
            )
        )

    @reads
    def copy_of(self, session: Session, original: Place) -> Place | None:
        """Return where the copy of a message stands."""
        row = session.get(MirrorRow, (original.chat_id, original.message_id))
        return Place(row.copy_chat_id, row.copy_message_id) if row else None

    async def purge(self, *, before: float) -> None:
        """Forget copies made before a time; later edits of them are not mirrored any more."""
        await self._delete(MirrorRow, MirrorRow.created < before)

    async def forget(self, chat_id: int) -> None:
        """Erase what is stored about a chat here."""
        of_chat = or_(MirrorRow.customer == chat_id, MirrorRow.chat_id == chat_id)
        await self._execute(
            delete(Handover).where(Handover.chat_id == chat_id),
            delete(Message).where(Message.chat == f"telegram:{chat_id}"),
            delete(MirrorRow).where(of_chat),
        )

    async def _change(self, chat_id: int, **values: Any) -> None:
        await self._update(Handover, Handover.chat_id == chat_id, **values)


class CannedReplies(Repository):
    """Stores replies that the team sends often."""

    async def all(self) -> dict[str, str]:
        """Return the texts by name, in order of the names."""
        rows = await self._all(select(CannedRow).order_by(CannedRow.name))
        return {row.name: row.text for row in rows}

    async def save(self, name: str, text: str) -> None:
        """Store a reply; an empty text removes it."""
        if text:
            await self._put(CannedRow(name=name, text=text))
        else:
            await self._delete(CannedRow, CannedRow.name == name)


def _message(chat: str, author: Author, text: str) -> Message:
    return Message(chat=chat, author=author, text=_masked(author, text), created=time.time())


def _masked(author: Author, text: str) -> str:
    """Return a text as it may be read: what the team writes to customers has to reach them."""
    return mask(text) if author == "customer" else text
