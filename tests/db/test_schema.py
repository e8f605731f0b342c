import sys
from pathlib import Path

import pytest
from sqlalchemy import text

from db.base import create_engine, database_url
from db.migrate import UnknownSchema
from db.schema import _stored_revision, ensure_schema, newest_revision

pytestmark = pytest.mark.anyio


async def test_a_new_database_gets_the_newest_schema(tmp_path: Path) -> None:
    url = database_url("", tmp_path)
    assert _stored_revision(url) is None
    await ensure_schema(url)
    assert _stored_revision(url) == newest_revision()


async def test_a_current_database_does_not_load_the_migration_tool(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = database_url("", tmp_path)
    await ensure_schema(url)
    monkeypatch.setitem(sys.modules, "db.migrate", None)  # importing it would fail
    await ensure_schema(url)


async def test_a_database_of_a_newer_program_is_refused(tmp_path: Path) -> None:
    url = database_url("", tmp_path)
    await ensure_schema(url)
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(UnknownSchema):
        await ensure_schema(url)
