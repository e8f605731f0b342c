"""SQLAlchemy's own asyncio driver, aiosqlite, on `pysqlite3`, which brings a current SQLite.

Each connection works in a thread of its own; a write takes the file's only lock when it begins.
"""

import asyncio
import contextlib
import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import aiosqlite
from aiosqlite.core import _STOP_RUNNING_SENTINEL
from pysqlite3 import dbapi2
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.sqlite.aiosqlite import (
    AsyncAdapt_aiosqlite_connection,
    AsyncAdapt_aiosqlite_dbapi,
    SQLiteDialect_aiosqlite,
)

VERSION: tuple[int, ...] = dbapi2.sqlite_version_info
"""Of SQLite itself."""

WAIT_S = 10.0
"""How long a transaction waits for others."""

_PAUSE_S = 0.02
_ROWS_AT_ONCE = 64


class _Module(AsyncAdapt_aiosqlite_dbapi):
    """What SQLAlchemy asks of a DB-API module."""

    def _init_dbapi_attributes(self) -> None:
        for name in (
            *("Error", "DatabaseError", "IntegrityError", "NotSupportedError"),
            *("OperationalError", "ProgrammingError", "sqlite_version", "sqlite_version_info"),
            *("PARSE_COLNAMES", "PARSE_DECLTYPES", "Binary"),
        ):
            setattr(self, name, getattr(dbapi2, name))

    def connect(self, *args: Any, **options: Any) -> AsyncAdapt_aiosqlite_connection:
        """Open a connection; whoever reads holds no lock, whoever writes begins with it."""
        if args[0] != ":memory:":
            _keep_private(Path(args[0]))
        journal = options.pop("journal", "DELETE")
        options |= {"timeout": WAIT_S, "isolation_level": "IMMEDIATE"}

        def creator(*_: Any, **__: Any) -> aiosqlite.Connection:
            connection = _Connection(lambda: _opened(journal, *args, **options), _ROWS_AT_ONCE)
            connection._thread.daemon = True
            return connection

        return super().connect(async_creator_fn=creator)


class _Connection(aiosqlite.Connection):
    """One whose thread has as few turns as can be: each takes longer than a short statement.

    It ends in silence if it could not be opened. The package's own tells an event loop that may be
    closed by then.
    """

    settled = True
    """Whether there is nothing to commit or to undo, and no statement under way."""
    _ends = False

    def cursor(self) -> Any:
        """Return a cursor; that of SQLite is made with its statement."""
        return _Cursor(self, None)  # type: ignore[arg-type]

    async def commit(self) -> None:
        """Commit what was written."""
        if not self.settled:
            await super().commit()
            self.settled = True

    async def rollback(self) -> None:
        """Undo what was written."""
        if not self.settled:
            await super().rollback()
            self.settled = True

    def __del__(self) -> None:
        """Warn of a connection that was never closed; one that ends may be forgotten meanwhile."""
        if not self._ends:
            super().__del__()  # type: ignore[no-untyped-call]

    def stop(self) -> "asyncio.Future[Any] | None":
        """Stop the thread."""
        self._ends = True
        if self._connection is not None:
            return super().stop()
        self._running = False
        self._tx.put_nowait((None, lambda: _STOP_RUNNING_SENTINEL))
        return None


class _Cursor(aiosqlite.Cursor):
    """Runs a statement, and reads all that it returns, in one turn of the thread."""

    _conn: _Connection
    _found: list[Any]

    async def execute(self, sql: str, parameters: Iterable[Any] | None = None) -> "_Cursor":
        return await self._run("execute", sql, parameters or ())

    async def executemany(self, sql: str, parameters: Iterable[Iterable[Any]]) -> "_Cursor":
        return await self._run("executemany", sql, parameters)

    async def fetchall(self) -> list[Any]:
        return self._found

    async def close(self) -> None:
        """Need nothing: all was read."""

    async def _run(self, method: str, *given: Any) -> "_Cursor":
        def run() -> list[Any]:
            self._cursor = self._conn._conn.cursor()
            getattr(self._cursor, method)(*given)
            return self._cursor.fetchall()

        self._conn.settled = False  # and stays so if this is given up
        self._found = await self._execute(run)  # type: ignore[no-untyped-call]
        self._conn.settled = not self._conn.in_transaction
        return self


class Dialect(SQLiteDialect_aiosqlite):
    """``sqlite+answerdesk://``."""

    driver = "answerdesk"
    supports_statement_cache = True

    @classmethod
    def import_dbapi(cls) -> AsyncAdapt_aiosqlite_dbapi:
        """Return the driver."""
        return _Module(aiosqlite, dbapi2)


registry.register("sqlite.answerdesk", __name__, "Dialect")


def _opened(journal: str, *args: Any, **options: Any) -> Any:
    """Open a connection in its thread; of several that open a new file one sets its journal.

    SQLite does not wait for that lock, whatever its time limit is.
    """
    connection = dbapi2.connect(*args, **options)
    end = time.monotonic() + WAIT_S
    while True:
        try:
            connection.execute(f"PRAGMA journal_mode={journal}")
        except dbapi2.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > end:
                connection.close()
                raise
            time.sleep(_PAUSE_S)
        else:
            return connection


def _keep_private(file: Path) -> None:
    """Let nobody else read the database; its log and index get the rights that it has.

    It is never opened here: closing it would free the locks that SQLite holds on it.
    """
    try:
        os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        with contextlib.suppress(OSError):  # not ours
            if file.stat().st_mode & 0o077:
                file.chmod(0o600)
    except OSError:
        return  # SQLite says what is wrong
