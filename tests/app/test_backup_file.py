"""Backup and restore: the same answers on an empty machine (target 37)."""

import gzip
import io
import tarfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.backup import (
    BackupContent,
    BadBackup,
    DataFolderInUse,
    NoBackupWritten,
    backup,
    restore,
)
from core.errors import OriginalMissing
from db.base import Database, create_engine
from db.snapshot import NoSnapshot, snapshot, vacuum
from tests.fakes import WordEmbedder
from tests.kb.workshop import Workshop, workshop

pytestmark = pytest.mark.anyio

FAQ = "refund?|Within 30 days.|money back\nshipping?|Three days."


@pytest.fixture
async def shop(tmp_path: Path, embedder: WordEmbedder) -> AsyncIterator[Workshop]:
    async with workshop(tmp_path / "data", embedder) as shop:
        yield shop


async def save(shop: Workshop, path: Path) -> BackupContent:
    return await backup(
        path,
        database=shop.database,
        originals=shop.originals,
        lock_path=shop.folder / "publish.lock",
        settings=shop.folder / "settings.yaml",
    )


async def test_a_restored_backup_answers_the_same_and_can_still_be_undone(
    shop: Workshop, tmp_path: Path, embedder: WordEmbedder
) -> None:
    await shop.put(faq=FAQ)
    await shop.put(faq="other?|Other.", page="one")
    (shop.folder / "settings.yaml").write_text("company: {name: Finch}\n", "utf-8")
    expected = await shop.snapshot()
    content = await save(shop, tmp_path / "saved.tar.gz")
    assert content.originals == 3
    assert restore(tmp_path / "saved.tar.gz", tmp_path / "new") == content
    async with workshop(tmp_path / "new", embedder) as again:
        assert (await again.releases.open_or_rebuild()) is not None
        assert await again.snapshot() == expected
        await again.releases.rollback(1)
        assert await again.texts() == ["money back", "refund?", "shipping?"]
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == [
        "answerdesk.db",
        "index",
        "originals",
        "publish.lock",
        "settings.yaml",
        "spool",
    ]
    assert (tmp_path / "new" / "settings.yaml").read_text("utf-8") == "company: {name: Finch}\n"
    assert list((tmp_path / "new" / "spool").iterdir()) == []


def readable_by_others(folder: Path) -> list[str]:
    return [p.name for p in folder.rglob("*") if p.is_file() and p.stat().st_mode & 0o077]


async def test_nobody_else_reads_a_backup_or_what_is_restored(
    shop: Workshop, tmp_path: Path
) -> None:
    await shop.put(faq=FAQ)
    await save(shop, tmp_path / "backups.tar.gz")
    restore(tmp_path / "backups.tar.gz", tmp_path / "new")
    assert readable_by_others(tmp_path / "new") == []
    assert "backups.tar.gz" not in readable_by_others(tmp_path)


async def test_a_restore_never_overwrites(shop: Workshop, tmp_path: Path) -> None:
    await shop.put(faq=FAQ)
    await save(shop, tmp_path / "saved.tar.gz")
    before = await shop.snapshot()
    with pytest.raises(
        DataFolderInUse, match=r"is not empty: it holds answerdesk\.db.*, index, or"
    ):
        restore(tmp_path / "saved.tar.gz", shop.folder)
    assert await shop.snapshot() == before


async def test_weights_may_be_there_before_a_restore_but_nothing_else(
    shop: Workshop, tmp_path: Path
) -> None:
    await shop.put(faq=FAQ)
    await save(shop, tmp_path / "saved.tar.gz")
    new = tmp_path / "new"
    (new / "models").mkdir(parents=True)
    (new / "notes.txt").touch()
    with pytest.raises(DataFolderInUse, match=r"it holds notes\.txt\. Nothing was changed"):
        restore(tmp_path / "saved.tar.gz", new)
    (new / "notes.txt").unlink()
    assert restore(tmp_path / "saved.tar.gz", new).originals == 1


async def test_both_ways_tell_how_far_they_are(shop: Workshop, tmp_path: Path) -> None:
    await shop.put(faq=FAQ, page="one", other="two")
    seen: list[tuple[int, int]] = []
    content = await backup(
        tmp_path / "saved.tar.gz",
        database=shop.database,
        originals=shop.originals,
        lock_path=shop.folder / "publish.lock",
        settings=shop.folder / "settings.yaml",
        on_progress=lambda done, total: seen.append((done, total)),
    )
    assert len(seen) == 4
    assert seen == sorted(seen)
    assert seen[-1] == (content.size_bytes, content.size_bytes)
    seen.clear()
    restore(
        tmp_path / "saved.tar.gz",
        tmp_path / "new",
        on_progress=lambda done, total: seen.append((done, total)),
    )
    assert len(seen) == 4
    assert all(0 < done <= total for done, total in seen)


async def test_a_backup_needs_a_folder_that_exists(shop: Workshop, tmp_path: Path) -> None:
    await shop.put(faq=FAQ)
    with pytest.raises(NoBackupWritten, match=r"No such file or directory\. Name a file"):
        await save(shop, tmp_path / "missing" / "saved.tar.gz")
    with pytest.raises(NoBackupWritten, match="Is a directory"):
        await save(shop, tmp_path)


async def test_a_newer_backup_takes_the_place_of_the_old_one(
    shop: Workshop, tmp_path: Path
) -> None:
    await shop.put(faq=FAQ)
    await save(shop, tmp_path / "saved.tar.gz")
    await shop.put(page="one")
    assert (await save(shop, tmp_path / "saved.tar.gz")).originals == 2
    assert restore(tmp_path / "saved.tar.gz", tmp_path / "new").originals == 2


async def test_a_damaged_backup_changes_nothing(shop: Workshop, tmp_path: Path) -> None:
    await shop.put(faq=FAQ)
    path = tmp_path / "saved.tar.gz"
    await save(shop, path)
    whole = path.read_bytes()
    plain = gzip.decompress(whole)
    position = plain.index(b"Within 30 days")
    flipped = plain[:position] + b"Within 99 days" + plain[position + 14 :]
    for broken in (whole[: len(whole) // 2], b"", b"no archive", gzip.compress(flipped)):
        path.write_bytes(broken)
        with pytest.raises(BadBackup, match=r"cannot be restored: .* Nothing was changed\."):
            restore(path, tmp_path / "new")
        assert list((tmp_path / "new").iterdir()) == []


@pytest.mark.parametrize("name", ["../evil", "/etc/evil", "originals/../../evil", "link"])
def test_a_backup_writes_nowhere_else(tmp_path: Path, name: str) -> None:
    path = tmp_path / "evil.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        member = tarfile.TarInfo(name)
        member.size = 4
        if name == "link":
            member.type, member.linkname, member.size = tarfile.SYMTYPE, "/etc", 0
        archive.addfile(member, io.BytesIO(b"evil"))
    with pytest.raises(BadBackup, match="member"):
        restore(path, tmp_path / "new")
    assert sorted(found.name for found in tmp_path.rglob("*")) == ["evil.tar.gz", "new"]


async def test_a_lost_original_is_told_before_the_backup_is_trusted(
    shop: Workshop, tmp_path: Path
) -> None:
    await shop.put(faq=FAQ)
    (document,) = await shop.documents(1)
    shop.originals.path(document.sha256).unlink()
    with pytest.raises(OriginalMissing):
        await save(shop, tmp_path / "saved.tar.gz")
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


async def test_a_database_without_a_file_is_named(tmp_path: Path) -> None:
    class Postgres:
        name = "postgresql"

    engine = create_engine("sqlite://")
    engine.dialect = Postgres()  # type: ignore[assignment]
    with pytest.raises(NoSnapshot, match="The database is postgresql"):
        await snapshot(Database(engine), tmp_path / "x")


async def test_vacuum_keeps_everything(shop: Workshop) -> None:
    await shop.put(faq=FAQ)
    await vacuum(shop.database)
    assert len(await shop.texts()) == 3
