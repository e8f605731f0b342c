"""The operators' rules for what a person must send, each with its reason; and what would come of
others."""

import json
import logging
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

from sqlalchemy import String, Text, func, select
from sqlalchemy.orm import Mapped, mapped_column

from core.careful import Rules, Scope, Step, Tier
from core.errors import StorageError
from db.base import Base, Database, Repository
from db.conversations import AnswerRow

logger = logging.getLogger(__name__)

_KNOWN_S = 2.0
"""What another process changed counts after so long."""
_KINDS = ("faq", "composed", "quoted", "held")


class Change(Base):
    """A rule as it was set; the latest of a scope and name counts. Rows are never changed."""

    __tablename__ = "careful_rules"

    id: Mapped[int] = mapped_column(primary_key=True)
    scope: Mapped[str] = mapped_column(String(16))
    name: Mapped[str] = mapped_column(Text)
    sure: Mapped[str] = mapped_column(String(8))
    """Empty: the rule was taken back."""
    unsure: Mapped[str] = mapped_column(String(8))
    reason: Mapped[str] = mapped_column(Text)
    at: Mapped[float]
    """UTC epoch seconds."""

    @property
    def tier(self) -> Tier | None:
        """What was set; ``None``: the rule was taken back."""
        return Tier(cast(Step, self.sure), cast(Step, self.unsure)) if self.sure else None


@dataclass(frozen=True, slots=True)
class Given:
    """Answers of one first source."""

    chunk_id: str
    sure: bool
    count: int


class CarefulStart(Repository):
    """Stores the rules; each question needs them, so they are kept in memory, too."""

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(database)
        self._clock = clock
        self._known: Rules = {}
        self._known_until = -math.inf

    async def rules(self) -> Rules:
        """Return the rules that are on; those last known while the database cannot be read."""
        if self._clock() < self._known_until:
            return self._known
        self._known_until = self._clock() + _KNOWN_S
        newest = select(func.max(Change.id)).group_by(Change.scope, Change.name)
        try:
            rows = await self._all(select(Change).where(Change.id.in_(newest)))
        except StorageError as error:
            logger.warning("The rules of the careful start cannot be read: %s", error)
        else:
            self._known = {
                (cast(Scope, row.scope), row.name): tier
                for row in rows
                if (tier := row.tier) is not None
            }
        return self._known

    async def set(self, scope: Scope, name: str, tier: Tier | None, *, reason: str) -> None:
        """Put a rule in the place of the one before; ``None`` takes it back."""
        sure, unsure = (tier.sure, tier.unsure) if tier else ("", "")
        change = Change(scope=scope, name=name, sure=sure, unsure=unsure, reason=reason)
        change.at = time.time()
        await self._put(change)
        self._known_until = -math.inf

    async def changes(self, *, limit: int) -> Sequence[Change]:
        """Return what was set, the latest first."""
        return await self._all(select(Change).order_by(Change.id.desc()).limit(limit))

    async def given(self, *, since: float, answer_at: float) -> Sequence[Given]:
        """Return how many answers were given from each first source since a moment, or held."""
        cited, sure = AnswerRow.chunk_ids.cast(String), AnswerRow.confidence >= answer_at
        rows = await self._rows(
            select(cited, sure, func.count())
            .where(AnswerRow.created >= since, AnswerRow.kind.in_(_KINDS))
            .group_by(cited, sure)
        )
        return [
            Given((json.loads(chunks) or [""])[0], bool(is_sure), count)
            for chunks, is_sure, count in rows
        ]
