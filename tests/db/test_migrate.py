"""The schema: complete, up to date, and never half-way."""

import asyncio
from pathlib import Path

import pytest
from pysqlite3 import dbapi2

from db.base import Database, create_engine, database_url
from db.knowledge import ReleaseRepository
from db.migrate import DatabaseTooNew, differences, upgrade
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


async def test_a_new_database_gets_every_table(url: str, tmp_path: Path) -> None:
    await upgrade(url)
    assert tables(tmp_path) == {*metadata.tables, "alembic_version"}
    database = Database(create_engine(url))
    assert await ReleaseRepository(database).current() is None
    await database.close()


async def test_the_migrations_are_the_tables_in_code(url: str) -> None:
    await upgrade(url)
    assert await differences(url) == [], 'run `python -m db.migrate "what changes"`'


async def test_a_missing_column_is_a_difference(url: str, tmp_path: Path) -> None:
    await upgrade(url)
    with dbapi2.connect(tmp_path / "answerdesk.db") as connection:
        connection.execute("ALTER TABLE releases DROP COLUMN note")
    connection.close()
    assert "add_column" in str(await differences(url))


async def test_upgrading_again_or_at_once_changes_nothing(url: str, tmp_path: Path) -> None:
    await asyncio.gather(upgrade(url), upgrade(url), upgrade(url))
    before = tables(tmp_path)
    await upgrade(url)
    assert tables(tmp_path) == before


async def test_a_newer_database_is_refused_untouched(url: str, tmp_path: Path) -> None:
    await upgrade(url)
    with dbapi2.connect(tmp_path / "answerdesk.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    with pytest.raises(DatabaseTooNew, match=r"has schema '9999' and this program knows '\d{4}'"):
        await upgrade(url)


async def test_a_failing_migration_leaves_nothing_behind(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (last,) = metadata.sorted_tables[-1:]
    with dbapi2.connect(tmp_path / "answerdesk.db") as connection:
        connection.execute(f"CREATE TABLE {last.name} (x)")
    connection.close()
    with pytest.raises(Exception, match="already exists"):
        await upgrade(url)
    assert tables(tmp_path) == {last.name}
