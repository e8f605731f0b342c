"""Empty databases for tests."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

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
