"""The engine, the session and the base of all tables."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar, TypeVarTuple, cast

from sqlalchemy import (
    Case,
    ColumnElement,
    Dialect,
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
from sqlalchemy.exc import DatabaseError, SQLAlchemyError
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, Session

from core.errors import DatabaseDamaged, StorageError
from core.masking import mask
from db import sqlite
from db.group_commit import GroupCommit, Operation

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

_WAL_SAFE = ((3, 51, 3), (3, 50, 7), (3, 44, 6))
"""Versions in which SQLite's WAL-reset bug is fixed (https://sqlite.org/releaselog/3_51_3.html)."""

_JOURNAL_BYTES = 16 * 2**20
"""What the log may keep of the disk after a checkpoint."""


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
    return configured or f"sqlite+answerdesk:///{data / 'answerdesk.db'}"


def create_engine(url: str) -> AsyncEngine:
    """Open the engine. On SQLite every commit reaches the disk before it returns.

    Errors do not show what a statement was given: it may be what a customer wrote.
    """
    if make_url(url).get_backend_name() != "sqlite":
        return create_async_engine(url, hide_parameters=True)
    # The most recently used connection first: it has the pages in its cache.
    pool = {} if url.endswith("://") else {"pool_use_lifo": True, "max_overflow": 20}
    journal = "WAL" if wal_is_safe(sqlite.VERSION) else "DELETE"
    engine = create_async_engine(
        url, connect_args={"journal": journal}, hide_parameters=True, **pool
    )

    @event.listens_for(engine.sync_engine, "connect")
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
    """Sessions on one engine, and writes that share commits."""

    def __init__(
        self, engine: AsyncEngine, *, note_erased: Callable[..., object] | None = None
    ) -> None:
        """`note_erased`: `db.erasure.ErasureList.add`, which a backup's restore goes by."""
        self.engine = engine
        self.writes = GroupCommit(self.write)
        self._note_erased = note_erased
        self.sessions = type("Sessions", (Session,), {})
        """Class of its sessions alone, to listen to."""
        self._sessions = async_sessionmaker(
            engine, expire_on_commit=False, sync_session_class=self.sessions
        )

    async def read(self, work: Callable[[Session], T]) -> T:
        """Return what `work` reads with a session; it awaits nothing.

        It takes half of the time of the same in `session`.

        Raises:
            StorageError: if the database cannot be read or written.
        """

        def closed(session: Session) -> T:
            with session:
                return work(session)

        try:
            return await self._sessions().run_sync(closed)
        except SQLAlchemyError as error:
            raise storage_error(error) from error

    async def write(self, work: Callable[[Session], T]) -> T:
        """Return what `work` does with a session, in one transaction; see `read`.

        Raises:
            StorageError: if the database cannot be read or written; nothing is then stored.
        """

        def committed(session: Session) -> T:
            with session.begin():
                return work(session)

        return await self.read(committed)

    @asynccontextmanager
    async def session(self) -> AsyncIterator[AsyncSession]:
        """Yield a session in one transaction: commit at the end, roll back on an error.

        Raises:
            StorageError: if the database cannot be read or written; nothing is then stored.
        """
        try:
            async with self._sessions() as session, session.begin():
                yield session
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
        if self.engine.dialect.name != "sqlite":
            return
        try:
            async with self.engine.connect() as connection:
                await connection.exec_driver_sql("PRAGMA shrink_memory")  # pages that it has read
                found = await connection.exec_driver_sql("PRAGMA quick_check(1)")
                said = str(found.scalar_one())
        except DatabaseError as error:
            raise storage_error(error) from error
        if said != "ok":
            raise DatabaseDamaged(said)

    async def scrub(self) -> bool:
        """Take what was deleted off the disk; return whether nothing of it is left.

        What is deleted is overwritten in the database, but stands in SQLite's log until that is
        emptied, for which nobody may be reading.
        """
        if self.engine.dialect.name != "sqlite":
            return True
        for pause_s in (0.05, 0.2, 1.0, 0.0):
            with suppress(DatabaseError):
                async with self.engine.connect() as connection:
                    # Who writes waits while it waits for readers: not for long.
                    await connection.exec_driver_sql("PRAGMA busy_timeout=500")
                    try:
                        found = await connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
                        if not found.scalar_one():
                            return True
                    finally:
                        usual_ms = round(1000 * sqlite.WAIT_S)
                        await connection.exec_driver_sql(f"PRAGMA busy_timeout={usual_ms}")
            await asyncio.sleep(pause_s)
        return False

    async def close(self) -> None:
        """Close all connections."""
        await self.engine.dispose()


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

    async def _run(self, operation: Operation[T]) -> T:
        """Write together with others; see `GroupCommit.run`."""
        return await self._database.writes.run(operation)

    async def _execute(self, *statements: UpdateBase) -> Sequence[Any]:
        """Run statements; see `GroupCommit.execute`."""
        return await self._database.writes.execute(*statements)

    async def _update(
        self, rows: type[Base], /, *which: ColumnElement[bool], **values: object
    ) -> int:
        """Change the rows for which all conditions hold; return how many these are."""
        change = update(rows).where(*which).values(**values)
        return len(await self._execute(change.returning(inspect(rows).primary_key[0])))

    async def _delete(self, rows: type[Base], /, *which: ColumnElement[bool]) -> int:
        """Delete the rows for which all conditions hold; return how many these were."""
        gone = delete(rows).where(*which)
        return len(await self._execute(gone.returning(inspect(rows).primary_key[0])))

    async def _put(self, row: Base) -> None:
        """Store a row, in the place of one with the same key."""
        await self._run(lambda session: session.merge(row))


def pressing_first(urgency: Mapped[str]) -> Case[int]:
    """Return what sorts rows of urgent customers before those of angry ones and of all others."""
    return case({"urgent": 0, "angry": 1}, value=urgency, else_=2)


def record(kind: type[T], row: Base, **others: Any) -> T:
    """Return a row as a data class whose fields are named like its columns, except `others`."""
    same = {f.name: getattr(row, f.name) for f in fields(cast(Any, kind)) if f.name not in others}
    return kind(**same, **others)
