"""Bring the schema up to date. All of it happens in one transaction, or nothing does.

The way back to an older version is a backup, so migrations only go up.

A developer makes a new migration with ``python -m db.migrate "what changes"``.
"""

import asyncio
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection

from core.errors import AnswerdeskError
from db.base import create_engine
from db.tables import metadata

_FOLDER = Path(__file__).with_name("migrations")


class DatabaseTooNew(AnswerdeskError):
    """The database was written by a newer version of the program."""

    def __init__(self, found: str, newest: str) -> None:
        super().__init__(
            f"The database has schema {found!r} and this program knows {newest!r}: it was written "
            "by a newer version. Update the program, or restore a backup made by this version."
        )
        self.found = found
        self.newest = newest


async def upgrade(url: str) -> None:
    """Bring the database at `url` to the newest schema; a new one gets all tables.

    Two processes may do this at once.

    Raises:
        DatabaseTooNew: nothing was changed.
    """
    await _with_connection(url, _upgrade)


async def differences(url: str) -> list[object]:
    """Return what the database at `url` lacks or has too much against the tables in code."""
    found: list[object] = []
    await _with_connection(
        url,
        lambda connection: found.extend(
            compare_metadata(MigrationContext.configure(connection), metadata)
        ),
    )
    return found


async def new_revision(message: str, *, revision_id: str) -> None:
    """Write the migration from the newest one to the tables in code, as a file to review."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite+answerdesk:///{folder}/new.db"
        await upgrade(url)
        await _with_connection(
            url,
            lambda connection: command.revision(
                _config(connection), message, autogenerate=True, rev_id=revision_id
            ),
        )


async def _with_connection(url: str, work: Callable[[Connection], object]) -> None:
    engine = create_engine(url)
    try:
        async with engine.begin() as connection:
            if engine.dialect.name == "sqlite":
                # The driver opens no transaction for DDL by itself; this one also waits for others.
                await connection.exec_driver_sql("BEGIN IMMEDIATE")
            await connection.run_sync(work)
    finally:
        await engine.dispose()


def _upgrade(connection: Connection) -> None:
    config = _config(connection)
    scripts = ScriptDirectory.from_config(config)
    found = MigrationContext.configure(connection).get_current_revision()
    try:
        scripts.get_revision(found or "base")
    except CommandError as error:
        raise DatabaseTooNew(found or "", scripts.get_current_head() or "") from error
    command.upgrade(config, "head")


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


if __name__ == "__main__":
    number = len(list((_FOLDER / "versions").glob("[0-9]*.py"))) + 1
    asyncio.run(new_revision(sys.argv[1], revision_id=f"{number:04}"))
