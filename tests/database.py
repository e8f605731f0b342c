"""Empty databases for tests."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from db.base import Base, Database, create_engine, database_url


@asynccontextmanager
async def empty_database(folder: Path | None = None) -> AsyncIterator[Database]:
    """Open a database with all tables, in a folder or in memory."""
    address = database_url("", folder) if folder else "sqlite+answerdesk://"
    database = Database(create_engine(address))
    async with database.engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    yield database
    await database.close()


@contextmanager
def failing_delete(database: Database, number: int) -> Iterator[list[str]]:
    """Let the `number`-th statement that deletes rows fail; yield those that were run."""
    deletes: list[str] = []

    def count(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith("DELETE"):
            deletes.append(statement)
            if len(deletes) == number:
                raise OperationalError(statement, {}, OSError("disk I/O error"))

    engine = database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", count)
    try:
        yield deletes
    finally:
        event.remove(engine, "before_cursor_execute", count)
