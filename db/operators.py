"""Who may do what in Telegram, by what code they came in, and what they did."""

import secrets
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BigInteger, Select, String, Text, delete, func, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from core.rights import ROLES, Role
from db.base import Base, Database, Repository, digest_of, reads, writes

CODE_LIFE_S = 3600.0
_TELEGRAM = "telegram:"
MAX_FAILURES = 5
"""Wrong codes of one person within `CODE_LIFE_S`; after that even the right one is refused."""


class Operator(Base):
    """Somebody of the team."""

    __tablename__ = "telegram_operators"

    user_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    role: Mapped[Role] = mapped_column(String(8))
    name: Mapped[str] = mapped_column(String(256))
    added: Mapped[float]
    """UTC epoch seconds."""
    added_by: Mapped[int] = mapped_column(BigInteger)
    """0: by a code that the program printed, or from the command line."""
    account_id: Mapped[int] = mapped_column(default=0)
    """Account on the console whose role this is; 0: none."""


class OperatorCodeRow(Base):
    """A code that makes whoever sends it first an operator."""

    __tablename__ = "telegram_operator_codes"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    """sha256 of the code; the code itself is nowhere."""
    role: Mapped[str] = mapped_column(String(8))
    made_by: Mapped[int] = mapped_column(BigInteger)
    expires: Mapped[float]
    account_id: Mapped[int] = mapped_column(default=0)
    """Account on the console that its sender is to be linked with; 0: none."""


class AuditRow(Base):
    """Something an operator did."""

    __tablename__ = "telegram_audit"

    audit_id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[float] = mapped_column(index=True)
    actor: Mapped[int] = mapped_column(BigInteger)
    """User id in Telegram; 0: on the console."""
    person: Mapped[str] = mapped_column(String(64), default="")
    """Name on the console."""
    action: Mapped[str] = mapped_column(String(64))
    details: Mapped[str] = mapped_column(Text)

    @property
    def moment(self) -> str:
        """When, in UTC."""
        return datetime.fromtimestamp(self.at, UTC).isoformat(sep=" ", timespec="seconds")[:19]


class TeamSettingRow(Base):
    """A setting of the team, such as the number of its group."""

    __tablename__ = "telegram_team"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    value: Mapped[str] = mapped_column(Text)


class Operators(Repository):
    """Stores who belongs to the team."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._failures: dict[int, list[float]] = {}

    async def role_of(self, user_id: int) -> Role | None:
        """Return what somebody may do; ``None`` for everybody outside of the team.

        Read anew each time: who was removed a moment ago may do nothing any more.
        """
        role = await self._first(select(Operator.role).where(Operator.user_id == user_id))
        return role if role in ROLES else None

    async def add(self, user_id: int, role: Role, *, name: str, by: int = 0) -> None:
        """Give somebody a role, instead of the one they had."""
        await self._put(
            Operator(user_id=user_id, role=role, name=name[:256], added=time.time(), added_by=by)
        )

    async def remove(self, user_id: int) -> bool:
        """Take somebody's role away; return whether there was one to take.

        The last owner stays: nobody could name another one.
        """

        def write(session: Session) -> bool:
            row = session.get(Operator, user_id)
            if row is None:
                return False
            if row.role == "owner":
                owners = session.scalar(select(func.count()).where(Operator.role == "owner"))
                if owners == 1:
                    return False
            session.delete(row)
            return True

        removed = await self._database.write(write)
        if removed:
            await self._database.note_erased(f"operator:{user_id}")
        return removed

    async def unlink(self, account_id: int) -> None:
        """Take from whoever linked an account what they may do in Telegram."""
        linked = delete(Operator).where(Operator.account_id == account_id)
        for user_id in await self._execute(linked.returning(Operator.user_id)):
            await self._database.note_erased(f"operator:{user_id}")

    async def list(self) -> Sequence[Operator]:
        """Return the team, in the order in which they came."""
        return await self._all(select(Operator).order_by(Operator.added))

    @writes
    def new_code(self, session: Session, role: Role, *, by: int = 0, account_id: int = 0) -> str:
        """Return a code that gives its first sender a role, within an hour.

        With an account of the console, the role is and remains that of the account.
        """
        code = secrets.token_urlsafe(12)
        now = time.time()
        session.execute(delete(OperatorCodeRow).where(OperatorCodeRow.expires < now))
        session.add(
            OperatorCodeRow(
                digest=digest_of(code),
                role=role,
                made_by=by,
                expires=now + CODE_LIFE_S,
                account_id=account_id,
            )
        )
        return code

    async def redeem(self, code: str, *, user_id: int, name: str) -> Role | None:
        """Use up a code; return the role it gave, ``None`` if it is wrong, used or too old."""
        now = time.time()
        recent = [at for at in self._failures.get(user_id, []) if now - at < CODE_LIFE_S]
        if len(recent) >= MAX_FAILURES:
            return None

        def write(session: Session) -> Role | None:
            used = session.scalars(
                delete(OperatorCodeRow)
                .where(OperatorCodeRow.digest == digest_of(code), OperatorCodeRow.expires >= now)
                .returning(OperatorCodeRow)
            )
            row = used.one_or_none()
            if row is None:
                return None
            role: Any = row.role
            session.merge(
                Operator(
                    user_id=user_id,
                    role=role,
                    name=name[:256],
                    added=now,
                    added_by=row.made_by,
                    account_id=row.account_id,
                )
            )
            return role if role in ROLES else None

        role = await self._database.write(write)
        if role is None:
            self._failures[user_id] = [*recent, now]
        return role


class Audit(Repository):
    """Stores what operators did. Entries are never changed."""

    async def record(self, actor: int, action: str, details: str = "", *, person: str = "") -> None:
        """Add an entry."""
        row = AuditRow(at=time.time(), actor=actor, person=person)
        row.action, row.details = action[:64], details[:2000]
        await self._put(row)

    async def forget(self, chat_id: int) -> None:
        """Erase which entries are about a customer's chat; that something was done stays."""
        about = or_(AuditRow.details == str(chat_id), AuditRow.actor == chat_id)
        await self._update(AuditRow, about, details="")

    async def recent(
        self, *, person: str = "", action: str = "", limit: int = 100, skip: int = 0
    ) -> Sequence[AuditRow]:
        """Return entries, newest first: of a person as `choices` names them, of an action.

        Who has no name on the console has that of the operator in Telegram, if it is known.
        """
        query = _audit(AuditRow).order_by(AuditRow.audit_id.desc()).limit(limit).offset(skip)
        user_id = person.removeprefix(_TELEGRAM)
        if user_id != person and user_id.isdecimal() and len(user_id) < 19:
            query = query.where(AuditRow.actor == int(user_id))
        elif person:
            query = query.where(AuditRow.person == person)
        if action:
            query = query.where(AuditRow.action == action)
        rows = await self._rows(query)
        for row, name in rows:
            row.person = row.person or name or ""
        return [row for row, _ in rows]

    @reads
    def choices(self, session: Session) -> tuple[Sequence[tuple[str, str]], Sequence[str]]:
        """Return who did something, each with the name to show, and what was done."""
        people = session.execute(_audit(AuditRow.actor, AuditRow.person).distinct())
        found = [
            (person or f"{_TELEGRAM}{actor}", person or f"{name or actor}, Telegram")
            for actor, person, name in people
            if person or actor
        ]
        actions = session.scalars(select(AuditRow.action).distinct())
        return sorted(found, key=lambda one: one[1].casefold()), sorted(actions)


class Team(Repository):
    """What the team as a whole has set, such as its group."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._group: int | None = None

    async def group(self) -> int:
        """Return the chat id of the team's group, 0 if it has none."""
        if self._group is None:
            query = select(TeamSettingRow.value).where(TeamSettingRow.name == "group")
            self._group = int(await self._first(query) or 0)
        return self._group

    async def set_group(self, chat_id: int) -> None:
        """Make a group the team's; 0: none."""
        await self._put(TeamSettingRow(name="group", value=str(chat_id)))
        self._group = chat_id


def _audit(*what: Any) -> Select[*tuple[Any, ...]]:
    """Select of the audit, with the name in Telegram of who did it."""
    return select(*what, Operator.name).outerjoin_from(
        AuditRow, Operator, Operator.user_id == AuditRow.actor
    )
