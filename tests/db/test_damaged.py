"""A database that the disk changed, or that cannot be written, is told of (target 10)."""

from pathlib import Path

import pytest

from core.errors import DatabaseDamaged, StorageError
from db.base import Database, create_engine, database_url
from db.knowledge import Document, Release, ReleaseRepository
from db.schema import ensure_schema

pytestmark = pytest.mark.anyio

PAGE = 4096


async def filled(folder: Path) -> str:
    """Return the address of a database with some hundred documents."""
    url = database_url("", folder)
    await ensure_schema(url)
    database = Database(create_engine(url))
    documents = {
        f"page{n}.txt": Document(f"page{n}.txt", "upload", "ab" * 32, "1", 0.0, 1)
        for n in range(300)
    }
    release = Release(1, 0.0, "ingest", "", "rows", 1, 300, 300, 300, 300, {})
    await ReleaseRepository(database).publish(release, documents, base=0)
    assert await database.check() == ""
    assert await database.scrub(), "everything is in the one file now"
    await database.close()
    return url


async def test_a_changed_page_is_damage_with_the_remedy(tmp_path: Path) -> None:
    url = await filled(tmp_path)
    file = tmp_path / "answerdesk.db"
    content = bytearray(file.read_bytes())
    for at in range(0, len(content), PAGE):
        if b"page7.txt" in content[at : at + PAGE]:
            content[at : at + PAGE] = bytes(range(256)) * (PAGE // 256)
    file.write_bytes(content)
    database = Database(create_engine(url))
    with pytest.raises(DatabaseDamaged, match=r"is damaged \(.*answerdesk restore FILE"):
        await ReleaseRepository(database).documents(1)
    assert await database.check() != ""
    await database.close()


async def test_a_file_that_is_no_database_is_damage(tmp_path: Path) -> None:
    url = await filled(tmp_path)
    (tmp_path / "answerdesk.db").write_bytes(b"nothing of a database" * 500)
    with pytest.raises(DatabaseDamaged, match="not a database"):
        await ensure_schema(url)


async def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"unable to open database file.*permissions"):
        await ensure_schema(database_url("", tmp_path / "gone"))
