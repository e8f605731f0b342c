"""Whom the service has forgotten or shut out, so that a backup cannot bring them back."""

import hashlib
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import delete, exists, not_, or_, select, update
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.orm import Session as OrmSession

from core.errors import StorageError
from core.rights import Role, role_named
from db.accounts import Account, AssignmentRow, Session
from db.base import Base, Database
from db.chats import ChatRow
from db.conversations import AnswerRow
from db.handover import Handover, Message, MirrorRow
from db.inbox import StoredUpdate
from db.keys import Key
from db.operators import AuditRow, Operator, OperatorCodeRow
from db.outbox import StoredMessage
from db.pending_inputs import PendingInputRow
from db.uploads import Upload

NAME = "erased.txt"
"""In the data folder. A restored folder needs the newest one."""


@dataclass(frozen=True, slots=True)
class _Named:
    """A table of rows that the list names by one of their columns."""

    kind: str
    """Begins the name: ``telegram`` in ``telegram:123``; empty where the column has all of it."""
    table: type[Base]
    column: InstrumentedAttribute[Any]
    since: InstrumentedAttribute[float]


@dataclass(frozen=True, slots=True)
class AccountState:
    """What an account was given."""

    at: float
    """UTC epoch seconds."""
    role: Role
    password: str
    """Its hash; empty: it has none yet."""


_SAID: Sequence[type[AnswerRow] | type[Message]] = (AnswerRow, Message)
_NAMED: Sequence[_Named] = (
    *(_Named("", table, table.chat, table.created) for table in _SAID),
    _Named("", Handover, Handover.visitor, Handover.asked),
    _Named("", AssignmentRow, AssignmentRow.chat, AssignmentRow.assigned),
    _Named("telegram", ChatRow, ChatRow.chat_id, ChatRow.first_seen),
    _Named("telegram", StoredUpdate, StoredUpdate.chat_id, StoredUpdate.received),
    _Named("telegram", StoredMessage, StoredMessage.chat_id, StoredMessage.created),
    _Named("telegram", Handover, Handover.chat_id, Handover.asked),
    _Named("telegram", MirrorRow, MirrorRow.customer, MirrorRow.created),
    _Named("telegram", Upload, Upload.customer, Upload.created),
    _Named("telegram", PendingInputRow, PendingInputRow.ref, PendingInputRow.created),
    _Named("account", Account, Account.key, Account.added),
    _Named("operator", Operator, Operator.user_id, Operator.added),
    _Named("key", Key, Key.name, Key.created),
)
_OF_ACCOUNTS = (Session, AssignmentRow, Operator, OperatorCodeRow)
"""Tables whose rows go with the account that they name; 0: they name none."""


_STATE = "@"
"""Stands before the hash of an account that is not removed: a line torn there removes nobody."""


class ErasureList:
    """A line for each chat that was forgotten, and each account, operator of Telegram and key that
    was removed: when, and a hash that names it to nobody who reads.

    It is a file of its own, since it must outlive the database: a backup made before an erasure
    knows nothing of it.

    For the same reason it has a line for each password (its hash) and role that was set: those of
    a backup may have been changed because somebody else knew them.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def add(
        self,
        name: str,
        *,
        role: str = "",
        password: str = "",
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Note that a chat (``telegram:123``) is forgotten from now on, or an account
        (``account:ada``) removed; with a role, that it has this role and password now.
        Blocking, on the disk.

        Raises:
            StorageError: if it cannot be written; no chat may be erased then.
        """
        try:
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            try:
                what = f"@{_digest(name)} {password or '-'} {role}" if role else _digest(name)
                # A line of its own, also after one that a power cut tore.
                os.write(descriptor, f"\n{clock():.6f} {what}\n".encode())
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise StorageError(f"{NAME} cannot be written: {error.strerror or error}") from error

    def read(self) -> Mapping[str, float]:
        """Return when each was erased last (UTC epoch seconds), by its hash. Blocking.

        A line that is not whole, such as the last one before a power cut, is left out.
        """
        found: dict[str, float] = {}
        for at, digest, *_ in self._lines():
            if not digest.startswith(_STATE):
                found[digest] = max(float(at), found.get(digest, 0.0))
        return found

    def accounts(self) -> Mapping[str, AccountState]:
        """Return what each account was given last, by the hash of its name. Blocking."""
        return {
            digest.removeprefix(_STATE): AccountState(float(at), role, state[0].removeprefix("-"))
            for at, digest, *state in self._lines()
            if state[1:] and (role := role_named(state[1]))  # else the line is not whole
        }

    def _lines(self) -> list[list[str]]:
        if not self._path.is_file():
            return []
        lines = [line.split(" ") for line in self._path.read_text("ascii", "replace").splitlines()]
        return [
            line
            for line in lines
            if line[0].replace(".", "", 1).isdigit()
            and len("".join(line[1:2]).removeprefix(_STATE)) == len(_digest(""))
        ]


async def restate(database: Database, states: Mapping[str, AccountState]) -> int:
    """Give accounts of a restored backup the roles and passwords that they had last, and log them
    out; return of how many something was different."""

    def write(session: OrmSession) -> int:
        count = 0
        for row in session.scalars(select(Account)):
            state = states.get(_digest(f"account:{row.key}"))
            if state is None or state.at < row.added:
                continue
            if (row.role, row.password) != (state.role, state.password):
                row.role, row.password, count = state.role, state.password, count + 1
                linked = Operator.account_id == row.account_id
                session.execute(update(Operator).where(linked).values(role=state.role))
                session.execute(delete(Session).where(Session.account_id == row.account_id))
        return count

    return await database.write(write)


async def replay(database: Database, erased: Mapping[str, float]) -> int:
    """Erase once more what was erased before; return how many names of the list had any of it.

    What a chat wrote after that stays, and so does who, or what, was added again.
    """
    if not erased:
        return 0

    def write(session: OrmSession) -> set[str]:
        found: set[str] = set()
        for rows in _NAMED:
            for value in session.scalars(select(rows.column).distinct()).all():
                name = f"{rows.kind}:{value}" if rows.kind else value
                if until := erased.get(_digest(name)):
                    gone = session.scalars(
                        delete(rows.table)
                        .where(rows.column == value, rows.since < until)
                        .returning(rows.since)
                    )
                    found |= {name} if gone.all() else set()
        for of_account in _OF_ACCOUNTS:
            number = of_account.account_id
            stay = select(Account.account_id)
            session.execute(delete(of_account).where(number != 0, number.not_in(stay)))
        return found

    found = await database.write(write)
    await database.scrub()  # an erasure that was cut short may have left only its bytes
    return len(found)


async def purge(database: Database, kept_since: Mapping[str, float], *, audit: float) -> int:
    """Delete what is older than it is kept; return how many answers that were.

    Questions that wait for the team, and verdicts, go with their answers. `kept_since` has UTC
    epoch seconds by the beginning of chats' names (``telegram``, ``api``); under the empty name,
    for all others. `audit` is the same for what operators did.
    """

    def write(session: OrmSession) -> int:
        count = 0
        for table in _SAID:
            named = [table.chat.startswith(f"{name}:") for name in kept_since if name]
            for name, since in kept_since.items():
                which = table.chat.startswith(f"{name}:") if name else not_(or_(*named))
                gone = session.scalars(
                    delete(table).where(which, table.created < since).returning(table.chat)
                )
                count += len(gone.all()) if table is AnswerRow else 0
        visitor = Handover.visitor != ""
        heard = exists().where(AnswerRow.chat == Handover.visitor)
        session.execute(delete(Handover).where(visitor, not_(heard)))
        heard = exists().where(AnswerRow.chat == AssignmentRow.chat)
        session.execute(delete(AssignmentRow).where(not_(heard)))
        session.execute(delete(AuditRow).where(AuditRow.at < audit))
        return count

    return await database.write(write)


def _digest(name: str) -> str:
    return hashlib.sha256(f"answerdesk erasure\0{name}".encode()).hexdigest()
