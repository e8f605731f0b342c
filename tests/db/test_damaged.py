"""A database that the disk changed, or that cannot be written, is told of (target 10)."""

import asyncio
from pathlib import Path

import pytest

from app.disk import read_pages
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
    await database.check()
    assert await database.scrub(), "everything is in the one file now"
    await database.close()
    return url


def overwrite(file: Path, words: bytes) -> None:
    """Overwrite the pages in which some words stand, in place, as a disk would."""
    content = file.read_bytes()
    with file.open("r+b") as opened:
        for at in range(0, len(content), PAGE):
            if words in content[at : at + PAGE]:
                opened.seek(at)
                opened.write(bytes(range(256)) * (PAGE // 256))


async def test_a_changed_page_is_damage_with_the_remedy(tmp_path: Path) -> None:
    url = await filled(tmp_path)
    overwrite(tmp_path / "answerdesk.db", b"page7.txt")
    database = Database(create_engine(url))
    with pytest.raises(DatabaseDamaged, match=r"is damaged \(.*answerdesk restore FILE"):
        await ReleaseRepository(database).documents(1)
    await database.close()


@pytest.mark.parametrize("words", [b"page7.txt", b"SQLite format 3"])
async def test_what_changes_while_it_runs_is_told_and_so_is_its_end(
    tmp_path: Path, words: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also if the pages are in memory, so that no statement meets the damage."""
    database = Database(create_engine(await filled(tmp_path)))
    documents = ReleaseRepository(database).documents
    assert len(await documents(1)) == 300
    sentences: dict[str, str] = {}
    told: asyncio.Queue[str] = asyncio.Queue()
    file = tmp_path / "answerdesk.db"
    whole = file.read_bytes()
    monkeypatch.setattr("app.disk.EVERY_S", 0.01)
    overwrite(file, words)
    assert len(await documents(1)) == 300
    watch = asyncio.create_task(read_pages(database, sentences=sentences, tell=told.put))
    async with asyncio.timeout(5):
        said = await told.get()
        assert said.startswith("The database is damaged (")
        assert sentences == {"database": said}
        with file.open("r+b") as opened:
            opened.write(whole)
        assert await told.get() == "The database is whole again."
    watch.cancel()
    assert not sentences
    assert told.empty()
    await database.close()


async def test_a_file_that_is_no_database_is_damage(tmp_path: Path) -> None:
    url = await filled(tmp_path)
    (tmp_path / "answerdesk.db").write_bytes(b"nothing of a database" * 500)
    with pytest.raises(DatabaseDamaged, match="not a database"):
        await ensure_schema(url)


async def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"unable to open database file.*permissions"):
        await ensure_schema(database_url("", tmp_path / "gone"))
