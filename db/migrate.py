"""Bring the schema up to date. All of it happens in one transaction, or nothing does.

A new database gets the tables as they are in code, an older one the migrations that it lacks. The
way back to an older version is a backup, so migrations only go up.

After a change of the tables, ``python -m db.migrate URL "what changes"`` compares them with a
database from before and writes the migration, to be reviewed.
"""

import sys
from collections.abc import Callable
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection

from core.errors import AnswerdeskError
from db.base import create_engine
from db.schema import newest_revision
from db.tables import metadata

_FOLDER = Path(__file__).with_name("migrations")


class UnknownSchema(AnswerdeskError):
    """The database was written by a newer version of the program, or before the first release."""

    def __init__(self, found: str, newest: str) -> None:
        super().__init__(
            f"The database has schema {found!r}, which this program does not know (its own is "
            f"{newest!r}): a newer version wrote it, or one from before the first release. Update "
            "the program, or restore a backup made by this version."
        )


def upgrade(url: str) -> None:
    """Bring the database at `url` to the newest schema; a new one gets all tables.

    Two processes may do this at once.

    Raises:
        UnknownSchema: nothing was changed.
    """
    _with_connection(url, _upgrade)


def new_revision(url: str, message: str) -> None:
    """Write the migration from the database at `url` to the tables in code."""
    number = f"{int(newest_revision()) + 1:04}"
    _with_connection(
        url,
        lambda connection: command.revision(
            _config(connection), message, autogenerate=True, rev_id=number
        ),
    )


def _with_connection(url: str, work: Callable[[Connection], object]) -> None:
    engine = create_engine(url)
    try:
        with engine.begin() as connection:
            if engine.dialect.name == "sqlite":
                # The driver opens no transaction for DDL by itself; this one also waits for others.
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            work(connection)
    finally:
        engine.dispose()


def _upgrade(connection: Connection) -> None:
    config = _config(connection)
    scripts = ScriptDirectory.from_config(config)
    found = MigrationContext.configure(connection).get_current_revision()
    if found is None:
        metadata.create_all(connection, checkfirst=False)
        command.stamp(config, "head")
        return
    try:
        scripts.get_revision(found)
    except CommandError as error:
        raise UnknownSchema(found, newest_revision()) from error
    command.upgrade(config, "head")


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


if __name__ == "__main__":
    new_revision(*sys.argv[1:])
