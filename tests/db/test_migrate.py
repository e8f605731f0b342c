"""The schema: complete, up to date, and never half-way."""

import asyncio
import shutil
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from pysqlite3 import dbapi2

from db import migrate
from db.base import Database, create_engine, database_url
from db.knowledge import ReleaseRepository
from db.migrate import UnknownSchema, new_revision, upgrade
from db.tables import metadata

pytestmark = pytest.mark.anyio


@pytest.fixture
def url(tmp_path: Path) -> str:
    return database_url("", tmp_path)


def tables(folder: Path) -> set[str]:
    connection = dbapi2.connect(folder / "answerdesk.db")
    try:
        names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        return {name for (name,) in names if not name.startswith("sqlite_")}
    finally:
        connection.close()


def differences(url: str) -> list[object]:
    """Return what the database at `url` lacks or has too much against the tables in code."""
    engine = create_engine(url)
    with engine.connect() as connection:
        found = compare_metadata(MigrationContext.configure(connection), metadata)
    engine.dispose()
    return list(found)


async def test_a_new_database_gets_every_table(url: str, tmp_path: Path) -> None:
    upgrade(url)
    assert tables(tmp_path) == {*metadata.tables, "alembic_version"}
    database = Database(create_engine(url))
    assert await ReleaseRepository(database).current() is None
    await database.close()


async def test_an_older_database_gets_the_tables_in_code(url: str, tmp_path: Path) -> None:
    with dbapi2.connect(tmp_path / "answerdesk.db") as connection:
        connection.executescript(Path(__file__).with_name("schema_0015.sql").read_text())
    connection.close()
    upgrade(url)
    assert differences(url) == [], "a change of the tables needs a migration: `db/migrate.py`"


async def test_a_change_of_the_tables_becomes_a_migration(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    upgrade(url)
    with dbapi2.connect(tmp_path / "answerdesk.db") as connection:
        connection.execute("ALTER TABLE releases DROP COLUMN note")
    connection.close()
    assert "add_column" in str(differences(url))
    copy = shutil.copytree(migrate._FOLDER, tmp_path / "migrations")
    monkeypatch.setattr(migrate, "_FOLDER", copy)
    new_revision(url, "notes of releases")
    (written,) = (copy / "versions").glob("*_notes_of_releases.py")
    assert "add_column(sa.Column('note'" in written.read_text()


async def test_upgrading_again_or_at_once_changes_nothing(url: str, tmp_path: Path) -> None:
    await asyncio.gather(*(asyncio.to_thread(upgrade, url) for _ in range(3)))
    before = tables(tmp_path)
    upgrade(url)
    assert tables(tmp_path) == before


async def test_a_database_of_an_unknown_schema_is_refused_untouched(
    url: str, tmp_path: Path
) -> None:
    upgrade(url)
    with dbapi2.connect(tmp_path / "answerdesk.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    with pytest.raises(UnknownSchema, match=r"has schema '9999', .* \(its own is '\d{4}'\)"):
        upgrade(url)


async def test_a_failing_migration_leaves_nothing_behind(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (last,) = metadata.sorted_tables[-1:]
    with dbapi2.connect(tmp_path / "answerdesk.db") as connection:
        connection.execute(f"CREATE TABLE {last.name} (x)")
    connection.close()
    with pytest.raises(Exception, match="already exists"):
        upgrade(url)
    assert tables(tmp_path) == {last.name}
