"""Is the schema up to date? Alembic, 10 MB of memory, is loaded only if it is not."""

import asyncio
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from db.base import create_engine, storage_error

_VERSIONS = Path(__file__).parent / "migrations" / "versions"


async def ensure_schema(url: str) -> None:
    """Bring the database at `url` to the newest schema; a new one gets all tables.

    Raises:
        UnknownSchema: if another version of the program wrote it; nothing was changed.
        StorageError: if it cannot be read or written.
    """
    await asyncio.to_thread(_ensure, url)


def _ensure(url: str) -> None:
    if _stored_revision(url) == newest_revision():
        return
    from db.migrate import upgrade

    try:
        upgrade(url)
    except DBAPIError as error:
        raise storage_error(error) from error


def newest_revision() -> str:
    """Return the schema that a database has when it is up to date."""
    return max(path.name.split("_")[0] for path in _VERSIONS.glob("[0-9]*.py"))


def _stored_revision(url: str) -> str | None:
    """Return the revision the database names; `None` if it has none yet."""
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            found = connection.scalar(text("SELECT version_num FROM alembic_version"))
            return None if found is None else str(found)
    except DBAPIError:
        return None  # a new database; what else is wrong, `upgrade` will say
    finally:
        engine.dispose()
