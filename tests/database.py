"""Empty databases for tests."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from db.base import Base, Database, create_engine, database_url


@asynccontextmanager
async def empty_database(folder: Path | None = None) -> AsyncIterator[Database]:
    """Open a database with all tables, in a folder or in memory."""
    address = database_url("", folder) if folder else "sqlite://"
    database = Database(create_engine(address))
    Base.metadata.create_all(database.engine)
    yield database
    await database.close()


class _Session:
    """A session each of whose calls runs in a thread."""

    def __init__(self, database: Database, session: Session) -> None:
        self._database = database
        self._session = session
        self.add = session.add

    def __getattr__(self, name: str) -> Any:
        return lambda *args: self._database.run(partial(getattr(self._session, name), *args))


@asynccontextmanager
async def session_of(database: Database) -> AsyncIterator[Any]:
    """Open a session whose statements are awaited one by one; at the end it is committed."""
    with database._sessions() as session:
        yield _Session(database, session)
        await database.run(session.commit)


@contextmanager
def failing_delete(database: Database, number: int) -> Iterator[list[str]]:
    """Let the `number`-th statement that deletes rows fail; yield those that were run."""
    deletes: list[str] = []

    def count(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith("DELETE"):
            deletes.append(statement)
            if len(deletes) == number:
                raise OperationalError(statement, {}, OSError("disk I/O error"))

    engine = database.engine
    event.listen(engine, "before_cursor_execute", count)
    try:
        yield deletes
    finally:
        event.remove(engine, "before_cursor_execute", count)
