"""The engine, the session and the base of all tables."""

import asyncio
import hashlib
import logging
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from dataclasses import fields
from functools import partial, wraps
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar, TypeVarTuple, cast

import sqlalchemy
from pysqlite3 import dbapi2
from sqlalchemy import (
    Case,
    ColumnElement,
    CursorResult,
    Dialect,
    Engine,
    MetaData,
    Row,
    Select,
    Text,
    TypeDecorator,
    UpdateBase,
    case,
    delete,
    event,
    inspect,
    make_url,
    update,
)
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, sessionmaker
from sqlalchemy.pool import StaticPool

from core.errors import DatabaseDamaged, StorageError
from core.masking import mask
from db import sqlite
from db.group_commit import GroupCommit, Operation

logger = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")
Ts = TypeVarTuple("Ts")

_WAL_SAFE = ((3, 51, 3), (3, 50, 7), (3, 44, 6))
"""Versions in which SQLite's WAL-reset bug is fixed (https://sqlite.org/releaselog/3_51_3.html)."""

_JOURNAL_BYTES = 16 * 2**20
"""What the log may keep of the disk after a checkpoint."""
_THREADS = 8
"""Transactions at a time; one writes, and readers take under a millisecond of a core."""


class Base(DeclarativeBase):
    """Base of all tables; constraint names are fixed so that migrations can refer to them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class CustomerText(TypeDecorator[str]):
    """What a customer wrote: card numbers and passwords are masked when it is stored and, for rows
    of earlier versions, when it is read."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Return what is stored."""
        return value and mask(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        """Return what is read."""
        return value and mask(value)


def wal_is_safe(version: tuple[int, ...]) -> bool:
    """Tell whether this SQLite may use its write-ahead log without the WAL-reset corruption."""
    if version >= _WAL_SAFE[0]:
        return True
    return any(version[:2] == fixed[:2] and version >= fixed for fixed in _WAL_SAFE[1:])


def database_url(configured: str, data: Path) -> str:
    """Return the SQLAlchemy address: the configured one, or SQLite in the data folder."""
    earlier, driver = "postgresql+asyncpg:", "postgresql+psycopg:"
    if configured.startswith(earlier):
        logger.warning(
            "`database` names the driver asyncpg, which is no longer used: read as %s//…, and "
            "refused by the next version. Write psycopg in its place.",
            driver,
        )
    address = configured.replace(earlier, driver)
    return address or f"sqlite:///{data / 'answerdesk.db'}"


def create_engine(url: str) -> Engine:
    """Open the engine. On SQLite every commit reaches the disk before it returns.

    Errors do not show what a statement was given: it may be what a customer wrote.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return sqlalchemy.create_engine(url, hide_parameters=True)
    journal = "WAL" if wal_is_safe(sqlite.VERSION) else "DELETE"
    file = parsed.database or ""
    # The most recently used connection first: it has the pages in its cache.
    lifo = {"pool_size": _THREADS, "pool_use_lifo": True}
    pool: dict[str, Any] = lifo if file else {"poolclass": StaticPool}
    engine = sqlalchemy.create_engine(
        url,
        module=dbapi2,
        creator=partial(sqlite.connect, file, journal=journal),
        hide_parameters=True,
        **pool,
    )

    @event.listens_for(engine, "connect")
    def _pragmas(connection: Any, _record: Any) -> None:
        cursor = connection.cursor()
        for pragma in (
            f"journal_size_limit={_JOURNAL_BYTES}",
            "synchronous=FULL",
            "foreign_keys=ON",
            "secure_delete=ON",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    return engine


def storage_error(error: SQLAlchemyError) -> StorageError:
    """Return what SQLAlchemy raises for a database that cannot be used, as our own error."""
    reason = str(getattr(error, "orig", None) or error).splitlines()[0]
    if "malformed" in reason or "not a database" in reason:
        return DatabaseDamaged(reason)
    return StorageError(reason)


def digest_of(secret: str) -> str:
    """Return what is stored of a long random secret."""
    return hashlib.sha256(secret.strip().encode()).hexdigest()


class Database:
    """Sessions on one engine, each in a thread, and writes that share commits."""

    def __init__(self, engine: Engine, *, note_erased: Callable[..., object] | None = None) -> None:
        """`note_erased`: `db.erasure.ErasureList.add`, which a backup's restore goes by."""
        self.engine = engine
        self._writes = GroupCommit(self._transact)
        self._note_erased = note_erased
        self.sessions = type("Sessions", (Session,), {})
        """Class of its sessions alone, to listen to."""
        self._sessions: sessionmaker[Session] = sessionmaker(
            engine, expire_on_commit=False, class_=self.sessions
        )
        threads = 1 if isinstance(engine.pool, StaticPool) else _THREADS
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="database")

    async def read(self, work: Callable[[Session], T]) -> T:
        """Return what `work` reads with a session, in a thread; it awaits nothing.

        Raises:
            StorageError: if the database cannot be read or written.
        """

        def read() -> T:
            with self._sessions() as session:
                return work(session)

        return await self.run(read)

    async def write(self, work: Operation[T]) -> T:
        """Return what `work` does with a session, together with other writes.

        It may run twice, the first time rolled back, and is done though the caller is cancelled.

        Raises:
            StorageError: if it cannot be written; nothing of it is then stored.
        """
        return await self._writes.run(work)

    async def _transact(self, work: Operation[T]) -> T:
        def transact() -> T:
            with self._sessions.begin() as session:
                return work(session)

        return await self.run(transact)

    async def run(self, work: Callable[[], T]) -> T:
        """Return what `work` does with the engine, in a thread; see `read`."""
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._pool, copy_context().run, work)
        except SQLAlchemyError as error:
            raise storage_error(error) from error

    async def note_erased(self, name: str, *, role: str = "", password: str = "") -> None:
        """Note what a backup must not bring back; see `db.erasure.ErasureList.add`."""
        if self._note_erased is not None:
            await asyncio.to_thread(self._note_erased, name, role=role, password=password)

    async def check(self) -> None:
        """Read every page of the database, from the disk.

        Raises:
            DatabaseDamaged: if one is not what was written.
            StorageError: if it cannot be read.
        """
        if not self.is_sqlite:
            return
        # Without pages that the connection has read before.
        said = await self.run(lambda: self._pragma("shrink_memory", "quick_check(1)"))
        if said != "ok":
            raise DatabaseDamaged(said)

    async def scrub(self) -> bool:
        """Take what was deleted off the disk; return whether nothing of it is left.

        What is deleted is overwritten in the database, but stands in SQLite's log until that is
        emptied, for which nobody may be reading.
        """
        for pause_s in (0.05, 0.2, 1.0, 0.0):
            # Who writes waits while it waits for readers: not for long.
            busy = partial(self._pragma, "wal_checkpoint(TRUNCATE)", wait_s=0.5)
            with suppress(StorageError):
                if not self.is_sqlite or await self.run(busy) == "0":
                    return True
            await asyncio.sleep(pause_s)
        return False

    @property
    def is_sqlite(self) -> bool:
        """Whether it is a file of ours."""
        return self.engine.dialect.name == "sqlite"

    def _pragma(self, *pragmas: str, wait_s: float = sqlite.WAIT_S) -> str:
        """Return what the last of these says."""
        with self.engine.connect() as connection:
            connection.exec_driver_sql(f"PRAGMA busy_timeout={round(1000 * wait_s)}")
            try:
                *_, last = [connection.exec_driver_sql(f"PRAGMA {pragma}") for pragma in pragmas]
                return str(last.scalar_one())
            finally:
                usual_ms = round(1000 * sqlite.WAIT_S)
                connection.exec_driver_sql(f"PRAGMA busy_timeout={usual_ms}")

    async def close(self) -> None:
        """Close all connections, once what runs has ended."""
        await asyncio.to_thread(self._pool.shutdown)
        self.engine.dispose()


R = TypeVar("R", bound="Repository")


def reads(
    work: Callable[Concatenate[R, Session, P], T],
) -> Callable[Concatenate[R, P], Coroutine[Any, Any, T]]:
    """Make of a method that reads with a session one to await, without the session."""

    async def read(self: R, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await self._database.read(lambda session: work(self, session, *args, **kwargs))

    return wraps(work)(read)


def writes(
    work: Callable[Concatenate[R, Session, P], T],
) -> Callable[Concatenate[R, P], Coroutine[Any, Any, T]]:
    """Make of a method that writes with a session one to await, all of it in one transaction.

    See `Database.write`.
    """

    async def write(self: R, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await self._database.write(lambda session: work(self, session, *args, **kwargs))

    return wraps(work)(write)


class Repository:
    """Reads and writes some of the tables of a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def _all(self, query: Select[T]) -> Sequence[T]:
        """Return the first column of what a query selects."""
        return await self._database.read(lambda session: session.scalars(query).all())

    async def _rows(self, query: Select[*Ts]) -> Sequence[Row[*Ts]]:
        """Return what a query selects."""
        return await self._database.read(lambda session: session.execute(query).all())

    async def _first(self, query: Select[T]) -> T | None:
        """Return the first column of the first row that a query selects."""
        return await self._database.read(lambda session: session.scalar(query))

    @writes
    def _execute(self, session: Session, *statements: UpdateBase) -> Sequence[Any]:
        """Run statements; return the first column of what the last one returns."""
        *_, last = [session.execute(statement) for statement in statements]
        silent = isinstance(last, CursorResult) and not last.returns_rows
        return () if silent else last.scalars().all()

    async def _update(
        self, rows: type[Base], /, *which: ColumnElement[bool], **values: object
    ) -> int:
        """Change the rows for which all conditions hold; return how many these are."""
        change = update(rows).where(*which).values(**values)
        return len(await self._execute(change.returning(inspect(rows).primary_key[0])))

    async def _changed(
        self, rows: type[T], /, *which: ColumnElement[bool], **values: object
    ) -> Sequence[T]:
        """Change the rows for which all conditions hold; return them."""
        return await self._execute(update(rows).where(*which).values(**values).returning(rows))

    async def _delete(self, rows: type[Base], /, *which: ColumnElement[bool]) -> int:
        """Delete the rows for which all conditions hold; return how many these were."""
        gone = delete(rows).where(*which)
        return len(await self._execute(gone.returning(inspect(rows).primary_key[0])))

    @writes
    def _put(self, session: Session, row: Base) -> None:
        """Store a row, in the place of one with the same key."""
        session.merge(row)


def pressing_first(urgency: Mapped[str]) -> Case[int]:
    """Return what sorts rows of urgent customers before those of angry ones and of all others."""
    return case({"urgent": 0, "angry": 1}, value=urgency, else_=2)


def record(kind: type[T], row: Base, /, **others: Any) -> T:
    """Return a row as a data class whose fields are named like its columns, except `others`."""
    same = {f.name: getattr(row, f.name) for f in fields(cast(Any, kind)) if f.name not in others}
    return kind(**same, **others)
