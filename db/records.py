"""Records of a company's own database, read with one statement and bound parameters."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import URL, event, make_url, text
from sqlalchemy import create_engine as create_sync_engine
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from core.errors import ConfigError, LookupFailed

_MAX_RECORDS = 20
_THREADS = 4
_READS = re.compile(r"\s*(?:select|with)\b[^;]*;?\s*", re.IGNORECASE)


class SqlRecords:
    """What a statement returns. Nothing is ever written: each request ends in a rollback.

    SQLite and PostgreSQL are told to refuse writes; for another database the user of the address
    must be one who may only read.
    """

    def __init__(self, url: str, statement: str) -> None:
        """Take the address and the statement, in which ``:name`` is the value of a parameter.

        Raises:
            ConfigError: if the statement is not one SELECT, or the address has no driver here.
        """
        if not _READS.fullmatch(statement):
            raise ConfigError(
                f"The statement of a lookup is {statement!r}: it must be one SELECT (or WITH)."
            )
        self._statement = text(statement)
        self.parameters = frozenset(self._statement.compile().params)
        """Names of the values that the statement takes."""
        try:
            parsed = make_url(url)
            self._engine = create_sync_engine(
                _read_only_file(parsed), hide_parameters=True, pool_pre_ping=True
            ).execution_options(postgresql_readonly=True)
        except (ArgumentError, NoSuchModuleError, ImportError) as error:
            raise ConfigError(
                f"The database of a lookup cannot be opened ({type(error).__name__}): its address "
                "must be one of SQLAlchemy, for a driver that is installed and not asynchronous."
            ) from error
        if parsed.get_backend_name() == "sqlite":
            event.listen(self._engine, "connect", _query_only)
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="lookup")

    async def find(self, values: Mapping[str, str]) -> Sequence[Mapping[str, object]]:
        """Return the rows for these values, at most 20."""
        given = {name: values[name] for name in self.parameters}
        running: list[Any] = []
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._pool, self._rows, given, running)
        except asyncio.CancelledError:
            for connection in running:
                stop = getattr(connection, "cancel", None) or getattr(connection, "interrupt", None)
                if stop:
                    await loop.run_in_executor(None, stop)
            raise
        except SQLAlchemyError as error:
            # What the driver says may repeat a customer's value.
            cause = getattr(error, "orig", None) or error
            raise LookupFailed(type(cause).__name__) from None

    async def close(self) -> None:
        """Close connections."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        await asyncio.to_thread(self._engine.dispose)

    def _rows(self, values: Mapping[str, str], running: list[Any]) -> list[dict[str, object]]:
        with self._engine.connect() as connection:
            running.append(connection.connection.dbapi_connection)
            try:
                found = connection.execute(self._statement, values)
                return [dict(row) for row in found.mappings().fetchmany(_MAX_RECORDS)]
            finally:
                running.clear()


def _read_only_file(url: URL) -> URL:
    """Return an address of SQLite that neither creates nor changes the file; others as they are."""
    if url.get_backend_name() != "sqlite" or not url.database or url.database == ":memory:":
        return url
    path = quote(str(Path(url.database).absolute()))
    return url.set(database=f"file:{path}", query={"mode": "ro", "uri": "true"})


def _query_only(connection: Any, _record: Any) -> None:
    connection.execute("PRAGMA query_only=ON")
