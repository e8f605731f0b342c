"""People with an account on the console, and the browsers in which they are logged in."""

import secrets
import time
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, String, Text, delete, func, select, update
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.orm import Session as OrmSession

from core.errors import AnswerdeskError
from core.rights import Role, may
from core.wording import N_, tr
from db.base import Base, Repository, digest_of, writes
from db.operators import Operator, OperatorCodeRow

INVITATION_LASTS_S = 72 * 3600.0
SESSION_LASTS_S = 12 * 3600.0
_SEEN_S = 60.0
"""Within it a session's last use is not written again."""
NAME_CHARS = 64
BY_PASSWORD = N_("console password")
"""Name of whoever comes in without an account; no account has it."""


class Account(Base):
    """Somebody with a name and a password."""

    __tablename__ = "accounts"

    account_id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(192), unique=True)
    """The name without the difference of capitals."""
    name: Mapped[str] = mapped_column(String(NAME_CHARS))
    role: Mapped[Role] = mapped_column(String(8))
    password: Mapped[str] = mapped_column(Text, default="")
    """Its hash; empty until the invitation was used."""
    invitation: Mapped[str] = mapped_column(String(64), default="")
    """sha256 of what the link has; empty if there is none."""
    invited_until: Mapped[float] = mapped_column(default=0.0)
    totp: Mapped[str] = mapped_column(String(64), default="")
    """Secret of the authenticator app; empty without one."""
    totp_step: Mapped[int] = mapped_column(default=0)
    """When the newest code was made that was used, in steps of 30 s; none is used twice."""
    recovery: Mapped[str] = mapped_column(Text, default="")
    """sha256 of each recovery code that is left, with blanks between."""
    added: Mapped[float] = mapped_column(default=time.time)
    language: Mapped[str] = mapped_column(String(16), default="")
    """Chosen for the console's texts; empty: the browser's."""

    @property
    def recovery_codes(self) -> int:
        """How many recovery codes are left."""
        return len(self.recovery.split())


class Session(Base):
    """A browser in which somebody is logged in."""

    __tablename__ = "console_sessions"

    session_id: Mapped[int] = mapped_column(primary_key=True)
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    account_id: Mapped[int] = mapped_column(index=True)
    """0: with the password of the console."""
    created: Mapped[float]
    seen: Mapped[float]
    """Last use, to the minute."""
    address: Mapped[str] = mapped_column(String(64))
    browser: Mapped[str] = mapped_column(String(200))


class AssignmentRow(Base):
    """Who looks after a conversation."""

    __tablename__ = "assignments"

    chat: Mapped[str] = mapped_column(String(80), primary_key=True)
    account_id: Mapped[int] = mapped_column(index=True)
    assigned: Mapped[float]


class NameTaken(AnswerdeskError):
    """There is an account of this name."""

    def __init__(self, name: str) -> None:
        super().__init__(
            tr("There is an account %(name)r already. Choose another name.", name=name)
        )


class LastOwner(AnswerdeskError):
    """Without this account there would be no owner."""

    def __init__(self) -> None:
        super().__init__(tr("This is the last owner. Make somebody else an owner first."))


class CannotTalk(AnswerdeskError):
    """Nobody of this name may talk to customers."""

    def __init__(self, name: str, names: Sequence[str]) -> None:
        super().__init__(
            tr(
                "No account %(name)r may talk to customers. These may: %(names)s.",
                name=name,
                names=", ".join(names) or "–",
            )
        )


class Accounts(Repository):
    """Stores who may log in, and where they did."""

    async def list(self) -> Sequence[Account]:
        """Return all accounts by name."""
        return await self._all(select(Account).order_by(Account.key))

    async def get(self, account_id: int) -> Account | None:
        """Return an account."""
        return await self._first(select(Account).where(Account.account_id == account_id))

    async def named(self, name: str) -> Account | None:
        """Return the account of a name, in capitals or not."""
        return await self._first(select(Account).where(Account.key == _key(name)))

    @writes
    def invite(self, session: OrmSession, name: str, role: Role) -> str:
        """Make an account; return what its link must have, once and within 72 hours.

        Raises:
            NameTaken: if there is such an account.
        """
        shown, token = " ".join(name.split())[:NAME_CHARS], secrets.token_urlsafe(24)
        same = select(Account).where(Account.key == _key(shown))
        if _key(shown) == BY_PASSWORD or session.scalar(same):
            raise NameTaken(shown)
        row = Account(key=_key(shown), name=shown, role=role)
        row.invitation, row.invited_until = digest_of(token), time.time() + INVITATION_LASTS_S
        session.add(row)
        return token

    async def invite_again(self, account_id: int) -> str:
        """Return what a new link of an account must have; an earlier link is worthless now."""
        token = secrets.token_urlsafe(24)
        until = time.time() + INVITATION_LASTS_S
        await self._set(account_id, invitation=digest_of(token), invited_until=until)
        return token

    async def invited(self, token: str) -> Account | None:
        """Return whose link this is; ``None`` if it is wrong, used or too old."""
        return await self._first(_invited(token))

    async def accept(self, token: str, password: str) -> Account | None:
        """Use up a link: give its account the password (a hash), and take its second factor off.

        Who is logged in with the account is logged out. ``None`` as `invited`.
        """

        def write(session: OrmSession) -> Account | None:
            row = session.scalar(_invited(token))
            if row is None:
                return None
            row.password, row.invitation, row.totp, row.recovery = password, "", "", ""
            session.execute(delete(Session).where(_of(row.account_id)))
            return row

        account = await self._database.write(write)
        await self._note(account)
        return account

    async def set_password(self, account_id: int, password: str) -> None:
        """Change a password, given as its hash, and log out everywhere."""
        await self._set(account_id, password=password)
        await self.end_sessions(account_id)
        await self._note(await self.get(account_id))

    async def set_language(self, account_id: int, language: str) -> None:
        """Choose the language of the console's texts; empty: the browser's."""
        await self._set(account_id, language=language)

    async def in_telegram(self, user_id: int) -> Account | None:
        """Return the account that an operator is linked with."""
        linked = Account.account_id == Operator.account_id
        return await self._first(
            select(Account).join(Operator, linked).where(Operator.user_id == user_id)
        )

    async def talking(self) -> Sequence[Account]:
        """Return who may talk to customers, by name."""
        return [one for one in await self.list() if may(one.role, "talk")]

    async def set_role(self, account_id: int, role: Role) -> None:
        """Change a role, in Telegram too, and log out everywhere.

        Raises:
            LastOwner: nothing is changed.
        """

        def write(session: OrmSession) -> None:
            if row := session.get(Account, account_id):
                if role != "owner":
                    _keep_an_owner(session, row)
                row.role = role
                linked = Operator.account_id == account_id
                session.execute(update(Operator).where(linked).values(role=role))
                _end(session, account_id)

        await self._database.write(write)
        await self._note(await self.get(account_id))

    async def remove(self, account_id: int) -> None:
        """Remove an account, its logins, and what its person may do in Telegram; what they looked
        after is nobody's.

        Raises:
            LastOwner: nothing is changed.
        """

        def write(session: OrmSession) -> str:
            row = session.get(Account, account_id)
            if row is None:
                return ""
            _keep_an_owner(session, row)
            linked = Operator.account_id == account_id
            session.execute(delete(Operator).where(linked))
            mine = AssignmentRow.account_id == account_id
            session.execute(delete(AssignmentRow).where(mine))
            _end(session, account_id)
            session.delete(row)
            return row.key

        if key := await self._database.write(write):
            await self._database.note_erased(f"account:{key}")

    @writes
    def assign(
        self, session: OrmSession, chat: str, account_id: int, *, if_nobodys: bool = False
    ) -> None:
        """Let a person look after a conversation; 0: nobody. `if_nobodys`: where nobody does."""
        row = session.get(AssignmentRow, chat)
        if row is not None and if_nobodys:
            return
        there = select(Account.account_id).where(Account.account_id == account_id)
        if session.scalar(there):
            session.merge(AssignmentRow(chat=chat, account_id=account_id, assigned=time.time()))
        elif row is not None:
            session.delete(row)

    async def assign_to(self, chat: str, name: str) -> Account | None:
        """Let the person of a name look after a conversation, empty for nobody; or `CannotTalk`."""
        found = await self.named(name) if name else None
        if name and (found is None or not may(found.role, "talk")):
            raise CannotTalk(name, [one.name for one in await self.talking()])
        await self.assign(chat, found.account_id if found else 0)
        return found

    async def assigned(self, chats: Sequence[str]) -> dict[str, Account]:
        """Return who looks after those of the conversations that somebody does."""
        found = (
            select(AssignmentRow.chat, Account)
            .join(Account, Account.account_id == AssignmentRow.account_id)
            .where(AssignmentRow.chat.in_(chats))
        )
        return {chat: account for chat, account in await self._rows(found)}

    async def set_totp(
        self, account_id: int, secret: str, codes: Sequence[str] = (), *, used: int = 0
    ) -> None:
        """Set the secret of the authenticator app, empty for none, and the recovery codes.

        `used`: the step whose code showed that the app has the secret.
        """
        recovery = " ".join(digest_of(code) for code in codes)
        await self._set(account_id, totp=secret, totp_step=used, recovery=recovery)

    async def use_totp(self, account_id: int, step: int) -> bool:
        """Use up the code of a step; return whether neither it nor a later one was used."""
        unused = Account.totp_step < step
        return bool(await self._set(account_id, unused, totp_step=step))

    @writes
    def use_recovery(self, session: OrmSession, account_id: int, code: str) -> bool:
        """Use up a recovery code; return whether it was one."""
        row = session.get(Account, account_id)
        left = row.recovery.split() if row else []
        if row is None or digest_of(code) not in left:
            return False
        row.recovery = " ".join(one for one in left if one != digest_of(code))
        return True

    @writes
    def open_session(
        self, session: OrmSession, account_id: int, digest: str, *, address: str, browser: str
    ) -> None:
        """Remember a login; those that are too old are dropped."""
        now = time.time()
        session.execute(delete(Session).where(Session.created < now - SESSION_LASTS_S))
        if account_id and session.get(Account, account_id) is None:
            return  # it was removed meanwhile
        row = Session(digest=digest, account_id=account_id, created=now, seen=now)
        row.address, row.browser = address[:64], browser[:200]
        session.add(row)

    async def session(self, digest: str) -> tuple[Session, Account | None] | None:
        """Return a login that is not too old, with its account; none for the console's password."""
        now = time.time()
        rows = await self._rows(
            select(Session, Account)
            .outerjoin(Account, Account.account_id == Session.account_id)
            .where(Session.digest == digest, Session.created >= now - SESSION_LASTS_S)
        )
        if not rows:
            return None
        found, account = rows[0]
        if found.seen < now - _SEEN_S:
            await self._update(Session, Session.digest == digest, seen=now)
        return found, account

    async def sessions(self, account_id: int) -> Sequence[Session]:
        """Return where somebody is logged in, the latest first."""
        since = time.time() - SESSION_LASTS_S
        return await self._all(
            select(Session)
            .where(_of(account_id), Session.created >= since)
            .order_by(Session.created.desc())
        )

    async def end_session(self, account_id: int, session_id: int) -> None:
        """Log one browser of an account out."""
        await self._delete(Session, _of(account_id), Session.session_id == session_id)

    async def end_sessions(self, account_id: int) -> None:
        """Log an account out everywhere."""
        await self._delete(Session, _of(account_id))

    async def _note(self, account: Account | None) -> None:
        """Note role and password, so that no backup brings earlier ones back."""
        if account:
            name, role, password = f"account:{_key(account.name)}", account.role, account.password
            await self._database.note_erased(name, role=role, password=password)

    async def _set(self, account_id: int, *which: ColumnElement[bool], **values: object) -> int:
        return await self._update(Account, Account.account_id == account_id, *which, **values)


def _key(name: str) -> str:
    return " ".join(name.split()).casefold()


def _of(account_id: int) -> Any:
    return Session.account_id == account_id


def _invited(token: str) -> Select[Account]:
    return select(Account).where(
        Account.invitation == digest_of(token), Account.invited_until > time.time()
    )


def _end(session: OrmSession, account_id: int) -> None:
    """Log an account out everywhere; codes that would link it in its old role are worthless."""
    of_account = OperatorCodeRow.account_id == account_id
    session.execute(delete(OperatorCodeRow).where(of_account))
    session.execute(delete(Session).where(_of(account_id)))


def _keep_an_owner(session: OrmSession, row: Account) -> None:
    """Refuse if the account is the only owner's who can log in."""
    if row.role == "owner" and row.password:
        able = (Account.role == "owner") & (Account.password != "")
        if session.scalar(select(func.count()).where(able)) == 1:
            raise LastOwner
