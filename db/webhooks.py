"""What happened and is told to other programs: written with what happened, in one transaction."""

import time
from collections.abc import Collection, Sequence
from typing import Literal, TypeAlias

from sqlalchemy import BigInteger, String, event, inspect, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from db.base import Base, Database, Repository
from db.conversations import OpenQuestionRow
from db.handover import Handover
from db.knowledge import Release

EventName: TypeAlias = Literal[
    "question.unanswered", "conversation.handed_over", "release.published"
]
DeliveryState: TypeAlias = Literal["waiting", "delivered", "failed", "dropped"]
"""``failed``: tried often enough. ``dropped``: what it was about, or its webhook, is gone."""


class Delivery(Base):
    """An event on its way to one webhook."""

    __tablename__ = "webhook_deliveries"

    delivery_id: Mapped[int] = mapped_column(primary_key=True)
    url: Mapped[str] = mapped_column(String(2048))
    event: Mapped[EventName] = mapped_column(String(32))
    subject: Mapped[int] = mapped_column(BigInteger)
    """The answer, the number of the conversation or the release; 0 once nothing is sent any more.
    What is said of it is read when it is sent, so that nothing outlives its erasure."""
    created: Mapped[float]
    """UTC epoch seconds, as `due`."""
    state: Mapped[DeliveryState] = mapped_column(String(16), default="waiting")
    due: Mapped[float] = mapped_column(index=True)
    """When it is tried next, or was settled."""
    attempts: Mapped[int] = mapped_column(default=0)
    result: Mapped[str] = mapped_column(String(255), default="")
    """What came of the last attempt."""


def announce(database: Database, hooks: Sequence[tuple[str, Collection[str]]]) -> None:
    """From now on, write what happens in a database for webhooks: address and events of each."""

    def after_flush(session: Session, _context: object) -> None:
        for row in [*session.new, *session.dirty]:
            if found := _event_of(row, new=row in session.new):
                name, subject = found
                now = time.time()
                session.add_all(
                    Delivery(url=url, event=name, subject=subject, created=now, due=now)
                    for url, events in hooks
                    if name in events
                )

    if hooks:
        event.listen(database.sessions, "after_flush", after_flush)


def _event_of(row: object, *, new: bool) -> tuple[EventName, int] | None:
    if isinstance(row, OpenQuestionRow) and new:
        return "question.unanswered", row.answer_id
    if isinstance(row, Release) and new:
        return "release.published", row.number
    if not isinstance(row, Handover) or row.state != "waiting":
        return None
    # Other changes while somebody waits leave the time alone.
    began = inspect(row).attrs.asked.history.has_changes()
    return ("conversation.handed_over", row.chat_id) if began else None


class Deliveries(Repository):
    """Stores what is on its way."""

    async def due(self, *, limit: int = 20) -> Sequence[Delivery]:
        """Return what is to be tried now, oldest first."""
        waiting = select(Delivery).where(Delivery.state == "waiting", Delivery.due <= time.time())
        return await self._all(waiting.order_by(Delivery.due).limit(limit))

    async def latest(self, *, limit: int) -> Sequence[Delivery]:
        """Return the newest, newest first."""
        return await self._all(select(Delivery).order_by(Delivery.delivery_id.desc()).limit(limit))

    async def tried(
        self, delivery: Delivery, state: DeliveryState, result: str, *, again_s: float = 0.0
    ) -> None:
        """Remember an attempt; what still waits is due in `again_s` seconds."""
        settled = {} if state == "waiting" else {"subject": 0}
        await self._update(
            Delivery,
            Delivery.delivery_id == delivery.delivery_id,
            state=state,
            result=result[:255],
            attempts=delivery.attempts + 1,
            due=time.time() + again_s,
            **settled,
        )

    async def purge(self, *, before: float) -> None:
        """Forget what was settled before a time."""
        await self._delete(Delivery, Delivery.state != "waiting", Delivery.due < before)
