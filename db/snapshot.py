"""A consistent copy of the database in one file, while the service goes on."""

from functools import partial
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
    if not database.is_sqlite:
        raise NoSnapshot(database.engine.dialect.name)
    await database.run(partial(_vacuum, database, into=str(path)))


async def vacuum(database: Database) -> None:
    """Give unused space in the database back to the disk."""
    if database.is_sqlite:
        await database.run(partial(_vacuum, database))


def _vacuum(database: Database, *, into: str = "") -> None:
    statement = text("VACUUM INTO :path").bindparams(path=into) if into else text("VACUUM")
    with database.engine.connect() as connection:
        connection.execute(statement)
