"""SQLite for SQLAlchemy's asyncio engine, made for many small operations of one process.

A driver that hands every call to a thread pays for the way there and back, four times a statement;
most statements of ours take less than one such way. Here a statement runs where it is asked,
unless it may take long:

- Transactions that write queue in the process, one at a time, so no connection waits for another in
  a lock of the file. For other processes it is tried again and again, with the loop free between.
- A commit, which reaches the disk, a deletion, and many rows at once go to a thread.
- A read that turns out to be long is broken off by SQLite and repeated in a thread.

An operation in a thread is waited for before a cancellation is felt, so that no connection is ever
left between two states.
"""

import asyncio
import contextlib
import os
import re
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from pysqlite3 import dbapi2 as driver
from sqlalchemy import AsyncAdaptedQueuePool, StaticPool
from sqlalchemy.connectors.asyncio import AsyncAdapt_dbapi_module
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.engine.interfaces import AdaptedConnection
from sqlalchemy.util.concurrency import await_, in_greenlet

T = TypeVar("T")

VERSION: tuple[int, ...] = driver.sqlite_version_info
"""Of SQLite itself."""

LONG_READ_STEPS = 20_000
"""Steps of SQLite's virtual machine after which a read goes to a thread; 1 to 2 ms."""

_WAIT_S = 10.0
"""How long a transaction waits for others, as SQLite's busy timeout."""

_PAUSES_S = (0.001, 0.002, 0.005, 0.01, 0.02)
"""Between tries while another process has the file locked; the last one repeats."""

_MANY_VALUES = 500
"""Parameters of a statement above which it goes to a thread."""

_FIRST_WORD = re.compile(r"\s*(\w+)")
_CHANGES = frozenset({"INSERT", "UPDATE", "DELETE", "REPLACE"})
_ALONE = frozenset({"BEGIN", "CREATE", "ALTER", "DROP", "VACUUM"})
_CHANGE = re.compile(r"\b(?:INSERT|UPDATE|DELETE|REPLACE)\b")

_threads = ThreadPoolExecutor(max_workers=8, thread_name_prefix="sqlite")


class Cursor:
    """A cursor of DB-API 2.0 that has all its rows once it has run."""

    def __init__(self, connection: "Connection") -> None:
        self._connection = connection
        self._rows: deque[Any] = deque()
        self.description: Any = None
        self.rowcount = -1
        self.lastrowid: int | None = None
        self.arraysize = 1

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> None:
        """Run one statement; see the module for where."""
        await_(_nothing())  # SQLAlchemy refuses a driver that never awaits
        self._take(self._connection.execute(sql, parameters))

    def executemany(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        """Run one statement for many rows, in a thread."""
        self._take(self._connection.executemany(sql, rows))

    def fetchone(self) -> Any:
        """Return the next row, or `None`."""
        return self._rows.popleft() if self._rows else None

    def fetchmany(self, size: int | None = None) -> list[Any]:
        """Return up to `size` rows."""
        count = min(size or self.arraysize, len(self._rows))
        return [self._rows.popleft() for _ in range(count)]

    def fetchall(self) -> list[Any]:
        """Return all rows that are left."""
        rows = list(self._rows)
        self._rows.clear()
        return rows

    def close(self) -> None:
        """Forget the rows."""
        self._rows.clear()

    async def _async_soft_close(self) -> None:
        """Called by SQLAlchemy when a result leaves its greenlet; nothing is open any more."""

    def _take(self, outcome: tuple[Any, int, int | None, list[Any]]) -> None:
        self.description, self.rowcount, self.lastrowid, rows = outcome
        self._rows = deque(rows)


class Connection(AdaptedConnection):
    """A connection of DB-API 2.0 for greenlets of SQLAlchemy's asyncio engine."""

    __slots__ = ("_begun", "_inline_read", "_writer")

    def __init__(self, raw: Any, writer: asyncio.Lock) -> None:
        self._connection = raw
        self._writer = writer
        self._begun = False
        self._inline_read = False
        raw.isolation_level = None  # transactions are begun here, not by the driver
        raw.set_progress_handler(self._break_off, LONG_READ_STEPS)

    def cursor(self, server_side: bool = False) -> Cursor:
        """Return a new cursor; all are buffered."""
        return Cursor(self)

    def create_function(self, *args: Any, **kwargs: Any) -> None:
        """Register an SQL function."""
        self._connection.create_function(*args, **kwargs)

    def execute(
        self, sql: str, parameters: Sequence[Any] = ()
    ) -> tuple[Any, int, int | None, list[Any]]:
        """Run a statement; return description, row count, last row id and rows."""
        word = _first_word(sql)
        run = partial(self._run, sql, parameters)
        if word == "SELECT" or (word == "WITH" and not _CHANGE.search(sql.upper())):
            return self._read(run)
        if word in _CHANGES or word == "WITH":
            self._begin()
            small = word in {"INSERT", "UPDATE"} and len(parameters) <= _MANY_VALUES
            return self._patiently(run if small else partial(_in_thread, run))
        if word in _ALONE or "wal_checkpoint" in sql:
            self._queue()
        return self._patiently(partial(_in_thread, run))

    def executemany(
        self, sql: str, rows: Sequence[Sequence[Any]]
    ) -> tuple[Any, int, int | None, list[Any]]:
        """Run a statement for many rows in a thread; return as `execute`."""
        self._begin()
        return self._patiently(partial(_in_thread, partial(self._run_many, sql, rows)))

    def commit(self) -> None:
        """End the transaction; what it wrote is on the disk when this returns."""
        if self._connection.in_transaction:
            self._patiently(partial(_in_thread, partial(self._connection.execute, "COMMIT")))
        self._leave()

    def rollback(self) -> None:
        """Undo the transaction."""
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        finally:
            self._leave()

    def close(self) -> None:
        """Close; the last connection also writes the log into the database."""
        if in_greenlet():
            _in_thread(self._connection.close)
        else:
            self._connection.close()
        self._leave()

    def terminate(self) -> None:
        """Close a connection that nobody gave back."""
        self._connection.close()
        self._leave()

    def _run(self, sql: str, parameters: Sequence[Any]) -> tuple[Any, int, int | None, list[Any]]:
        cursor = self._connection.execute(sql, parameters)
        rows = cursor.fetchall() if cursor.description else []
        return cursor.description, cursor.rowcount, cursor.lastrowid, rows

    def _run_many(
        self, sql: str, rows: Sequence[Sequence[Any]]
    ) -> tuple[Any, int, int | None, list[Any]]:
        cursor = self._connection.executemany(sql, rows)
        return cursor.description, cursor.rowcount, cursor.lastrowid, []

    def _read(self, run: Callable[[], T]) -> T:
        try:
            return self._patiently(partial(self._short, run))
        except driver.OperationalError as error:
            if error.sqlite_errorcode != driver.SQLITE_INTERRUPT:
                raise
        return self._patiently(partial(_in_thread, run))

    def _short(self, run: Callable[[], T]) -> T:
        self._inline_read = True
        try:
            return run()
        finally:
            self._inline_read = False

    def _break_off(self) -> bool:
        return self._inline_read

    def _begin(self) -> None:
        if not self._connection.in_transaction:
            self._queue()
            self._patiently(partial(self._connection.execute, "BEGIN IMMEDIATE"))

    def _queue(self) -> None:
        """Wait until no other connection of this process writes."""
        if not self._begun:
            await_(_acquired(self._writer))
            self._begun = True

    def _leave(self) -> None:
        if self._begun:
            self._begun = False
            self._writer.release()

    def _patiently(self, run: Callable[[], T]) -> T:
        """Run it again while another process has the file locked."""
        deadline = time.monotonic() + _WAIT_S
        tries = 0
        while True:
            try:
                return run()
            except driver.OperationalError as error:
                busy = error.sqlite_errorcode & 0xFF == driver.SQLITE_BUSY
                if not busy or time.monotonic() > deadline:
                    raise
            await_(asyncio.sleep(_PAUSES_S[min(tries, len(_PAUSES_S) - 1)]))
            tries += 1


class _Module(AsyncAdapt_dbapi_module):
    """What SQLAlchemy asks of a DB-API module."""

    paramstyle = "qmark"

    def __init__(self) -> None:
        super().__init__(driver, dbapi_module=driver)

    def __getattr__(self, name: str) -> Any:
        return getattr(driver, name)

    def connect(self, *args: Any, writer: asyncio.Lock, **options: Any) -> Connection:
        """Open a connection; `writer` is shared by all that write to the same file."""
        if args[0] != ":memory:":
            _keep_private(Path(args[0]))
        options |= {"check_same_thread": False, "timeout": 0.0}
        return Connection(driver.connect(*args, **options), writer)


class Dialect(SQLiteDialect_pysqlite):
    """``sqlite+answerdesk://``: `pysqlite3`, which brings a current SQLite, under asyncio."""

    driver = "answerdesk"
    is_async = True
    has_terminate = True
    supports_statement_cache = True

    @classmethod
    def import_dbapi(cls) -> Any:
        """Return the driver."""
        return _Module()

    @classmethod
    def get_pool_class(cls, url: Any) -> Any:
        """Return a pool, or for a database in memory the one connection that is the database."""
        return AsyncAdaptedQueuePool if cls._is_url_file_db(url) else StaticPool

    def do_terminate(self, dbapi_connection: Any) -> None:
        """Close a connection that nobody gave back."""
        dbapi_connection.terminate()


registry.register("sqlite.answerdesk", __name__, "Dialect")


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


def _first_word(sql: str) -> str:
    found = _FIRST_WORD.match(sql)
    return found[1].upper() if found else ""


def _in_thread(function: Callable[[], T]) -> T:
    return await_(_finished(function))


async def _finished(function: Callable[[], T]) -> T:
    """Run `function` in a thread; return when it has ended, however often cancelled."""
    future = asyncio.get_running_loop().run_in_executor(_threads, function)
    cancelled: asyncio.CancelledError | None = None
    while not future.done():
        try:
            await asyncio.wait([future])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        future.exception()  # looked at, so that asyncio does not complain about it
        raise cancelled
    return future.result()


async def _nothing() -> None:
    pass


async def _acquired(lock: asyncio.Lock) -> None:
    try:
        async with asyncio.timeout(_WAIT_S):
            await lock.acquire()
    except TimeoutError as error:
        raise driver.OperationalError("database is locked by this process") from error
