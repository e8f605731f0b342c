"""A consistent copy of the database in one file, while the service goes on."""

from pathlib import Path

from sqlalchemy import text

from core.errors import AnswerdeskError
from db.base import Database


class NoSnapshot(AnswerdeskError):
    """The database is not one whose copy is a file."""

    def __init__(self, dialect: str) -> None:
        super().__init__(
            f"The database is {dialect}: back it up with its own tools (pg_dump), and the folder "
            "data/originals beside it."
        )


async def snapshot(database: Database, path: Path) -> None:
    """Write the database as it is at this moment to `path`, which must not exist.

    Raises:
        NoSnapshot: if the database is not SQLite.
    """
    dialect = database.engine.dialect.name
    if dialect != "sqlite":
        raise NoSnapshot(dialect)
    async with database.engine.connect() as connection:
        await connection.execute(text("VACUUM INTO :path"), {"path": str(path)})


async def vacuum(database: Database) -> None:
    """Give unused space in the database back to the disk."""
    if database.engine.dialect.name != "sqlite":
        return
    async with database.engine.connect() as connection:
        await connection.execute(text("VACUUM"))
