"""Keys of programs: what each may do and how often, and when it was last used."""

import secrets
import time
from collections.abc import Collection, Sequence
from typing import Literal, TypeAlias, cast, get_args

from sqlalchemy import String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from core.errors import AnswerdeskError
from core.wording import tr
from db.base import Base, Repository, digest_of, writes

Grant: TypeAlias = Literal["ask", "read", "write"]
"""``ask``: questions, verdicts on the answers, erasing. ``read``: conversations, knowledge,
releases. ``write``: change knowledge and make it live. None includes another."""
GRANTS: tuple[Grant, ...] = get_args(Grant)

PREFIX = "adk_"
"""Keys begin so, which tells them from the console's password."""
PER_MINUTE = 60
_NAME_CHARS = 50
_MOST_PER_MINUTE = 100_000
_USED_EVERY_S = 60.0
"""A use is not written more often than this."""


class BadKey(AnswerdeskError):
    """A key cannot be made so, or there is none of this name."""


class Key(Base):
    """A program's key, without what only the program has."""

    __tablename__ = "api_keys"

    key_id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(_NAME_CHARS), unique=True)
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    """sha256 of the key; the key itself is nowhere."""
    granted: Mapped[str] = mapped_column("grants", String(32))
    """Separated by commas."""
    per_minute: Mapped[int]
    """Requests."""
    created: Mapped[float]
    """UTC epoch seconds."""
    used: Mapped[float | None]
    """UTC epoch seconds, to a minute; ``None``: never."""

    @property
    def grants(self) -> tuple[Grant, ...]:
        """What it may do."""
        return cast(tuple[Grant, ...], tuple(self.granted.split(",")))


class Keys(Repository):
    """Stores keys."""

    @writes
    def add(
        self, session: Session, name: str, grants: Collection[str], *, per_minute: int = PER_MINUTE
    ) -> str:
        """Make a key and return it; it cannot be read again.

        Raises:
            BadKey: if there is one of this name, or it would be good for nothing.
        """
        name = " ".join(name.split())
        if not 0 < len(name) <= _NAME_CHARS:
            raise BadKey(tr("The name of a key has 1 to %(most)s characters.", most=_NAME_CHARS))
        if not grants or not set(grants) <= set(GRANTS):
            raise BadKey(
                tr("The rights of a key are some of %(rights)s.", rights=", ".join(GRANTS))
            )
        if not 0 < per_minute <= _MOST_PER_MINUTE:
            raise BadKey(
                tr("A key allows 1 to %(most)s requests a minute.", most=f"{_MOST_PER_MINUTE:,}")
            )
        token = PREFIX + secrets.token_urlsafe(32)
        if session.scalar(select(Key.key_id).where(Key.name == name)):
            raise BadKey(
                tr(
                    "There is a key %(name)r already. Revoke it first, or take another name.",
                    name=name,
                )
            )
        session.add(
            Key(
                name=name,
                digest=digest_of(token),
                granted=",".join(grant for grant in GRANTS if grant in grants),
                per_minute=per_minute,
                created=time.time(),
            )
        )
        return token

    async def list(self) -> Sequence[Key]:
        """Return all keys by name."""
        return await self._all(select(Key).order_by(Key.name))

    @writes
    def use(self, session: Session, token: str) -> Key | None:
        """Return the key that a program sent, which counts as its use; ``None``: there is none.

        Read anew each time: one that was revoked a moment ago is good for nothing any more.
        """
        row = session.scalar(select(Key).where(Key.digest == digest_of(token)))
        if row is None:
            return None
        if time.time() - (row.used or 0) > _USED_EVERY_S:
            row.used = time.time()
        return row

    async def revoke(self, name: str) -> None:
        """Make a key worthless; raises `BadKey` if there is none of this name."""
        if not await self._delete(Key, Key.name == name):
            raise BadKey(tr("There is no key %(name)r.", name=name))
        await self._database.note_erased(f"key:{name}")
