"""Answers that wait for an operator, and whether what a person sent was the same."""

import re
import time
from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher
from typing import Literal, TypeAlias

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    ForeignKey,
    String,
    Text,
    and_,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from core.types import Draft
from db.base import Base, Repository

Agreement: TypeAlias = Literal["as_is", "edited", "own", "discarded"]
"""``own``: a person replied in words of their own. ``discarded``: nobody sent anything for it."""

REACHABLE = frozenset({"telegram", "widget"})
"""Channels in which a person can write back; in others nobody waits, and neither does a draft."""
_SAME = 0.6
"""Share of words in common from which a reply is an edited draft: difflib's own measure of close
matches."""
_WORD = re.compile(r"[\u4e00-\u9fff]|[^\W\u4e00-\u9fff]+|[^\w\s]")
"""A word, or a sign of Chinese or of punctuation."""


class HeldAnswer(Base):
    """One held answer."""

    __tablename__ = "drafts"

    answer_id: Mapped[int] = mapped_column(
        ForeignKey("answers.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    chat: Mapped[str] = mapped_column(String(80), index=True)
    drafted: Mapped[str] = mapped_column("text", Text)
    edited: Mapped[str] = mapped_column(Text, default="")
    """An operator's wording, before it is sent; empty: there is none."""
    document: Mapped[str] = mapped_column(Text)
    category: Mapped[str] = mapped_column(Text)
    agreement: Mapped[str] = mapped_column(String(16), default="", index=True)
    """Empty while it waits."""
    settled: Mapped[float | None]
    sent_by: Mapped[int] = mapped_column(BigInteger, default=0)
    """The press that sends it; 0: none yet."""

    @property
    def text(self) -> str:
        """As it would be sent now."""
        return self.edited or self.drafted


class Drafts(Repository):
    """Reads and sends held answers."""

    async def waiting(self, chat: str) -> Sequence[HeldAnswer]:
        """Return the drafts of a conversation, oldest first."""
        return await self._all(
            select(HeldAnswer)
            .where(HeldAnswer.chat == chat, HeldAnswer.agreement == "")
            .order_by(HeldAnswer.answer_id)
        )

    async def one(self, answer_id: int) -> HeldAnswer | None:
        """Return a draft; ``None`` if it does not wait any more."""
        return await self._first(select(HeldAnswer).where(*_waiting(answer_id)))

    async def edit(self, answer_id: int, text: str) -> None:
        """Replace what would be sent."""
        await self._change(answer_id, edited=text)

    async def claim(self, answer_id: int, *, press: int) -> HeldAnswer | None:
        """Return a draft for sending, to one press alone; the same press gets it again."""
        waits = and_(HeldAnswer.sent_by == 0, HeldAnswer.agreement == "")
        which = HeldAnswer.answer_id == answer_id, or_(waits, HeldAnswer.sent_by == press)
        return next(iter(await self._changed(HeldAnswer, *which, sent_by=press)), None)

    async def release(self, answer_id: int) -> None:
        """Let a draft wait again that did not arrive."""
        await self._change(answer_id, sent_by=0)

    async def discard(self, answer_id: int) -> bool:
        """Let a draft wait no more; return whether it did."""
        return await self._change(answer_id, agreement="discarded", settled=time.time())

    async def agreement(self, *, since: float) -> Mapping[tuple[str, str], Mapping[str, int]]:
        """Return how often people sent what the bot proposed, by document and category."""
        columns = (HeldAnswer.document, HeldAnswer.category, HeldAnswer.agreement)
        rows = await self._rows(
            select(*columns, func.count())
            .where(HeldAnswer.agreement != "", HeldAnswer.settled >= since)
            .group_by(*columns)
            .order_by(*columns)
        )
        found: dict[tuple[str, str], dict[str, int]] = {}
        for document, category, agreement, count in rows:
            found.setdefault((document, category), {})[agreement] = count
        return found

    async def _change(self, answer_id: int, **values: object) -> bool:
        """Change a draft if it still waits; return whether it does."""
        return bool(await self._update(HeldAnswer, *_waiting(answer_id), **values))


def _waiting(answer_id: int) -> tuple[ColumnElement[bool], ...]:
    return HeldAnswer.answer_id == answer_id, HeldAnswer.agreement == ""


def draft_row(answer_id: int, chat: str, draft: Draft) -> HeldAnswer:
    """Return the row of a new draft."""
    return HeldAnswer(
        answer_id=answer_id,
        chat=chat,
        drafted=draft.text,
        document=draft.document,
        category=draft.category,
    )


def settle(session: Session, chat: str, sent: str, *, answer_id: int = 0) -> bool:
    """Compare what a person sent with a draft; 0: the newest that waits in the conversation.

    Returns whether none waits any more.
    """
    which = [HeldAnswer.chat == chat, HeldAnswer.agreement == ""]
    which += [HeldAnswer.answer_id == answer_id] if answer_id else [HeldAnswer.sent_by == 0]
    newest = select(HeldAnswer).where(*which).order_by(HeldAnswer.answer_id.desc()).limit(1)
    if row := session.scalar(newest):
        row.agreement, row.settled = compare(row.drafted, sent), time.time()
    others = select(HeldAnswer.answer_id).where(HeldAnswer.chat == chat, HeldAnswer.agreement == "")
    return session.scalar(others.limit(1)) is None


def settle_all(session: Session, chat: str) -> None:
    """Discard what still waits in a conversation that is over."""
    session.execute(
        update(HeldAnswer)
        .where(HeldAnswer.chat == chat, HeldAnswer.agreement == "", HeldAnswer.sent_by == 0)
        .values(agreement="discarded", settled=time.time())
    )


def compare(draft: str, sent: str) -> Agreement:
    """Tell how what was sent came of a draft; blanks do not count."""
    if draft.split() == sent.split():
        return "as_is"
    alike = SequenceMatcher(None, _WORD.findall(draft), _WORD.findall(sent), autojunk=False)
    return "edited" if alike.ratio() >= _SAME else "own"
