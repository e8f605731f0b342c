"""Undo, rebuild and repair: the truth is on disk, the index follows."""

import contextlib
import os
import socket
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import lancedb
import lancedb.table
import pytest

from core.errors import IndexDamaged, IndexMismatch, IndexUnreachable, ReleaseNotFound
from kb.index.index import Index
from kb.ingest.reread import NotReadAgain
from kb.releases.release import ReleaseIsLive
from tests.fakes import WordEmbedder
from tests.kb.workshop import Workshop, workshop

pytestmark = pytest.mark.anyio

FAQ = "refund?|Within 30 days.|money back\nshipping?|Three days."


@pytest.fixture
async def shop(tmp_path: Path, embedder: WordEmbedder) -> AsyncIterator[Workshop]:
    async with workshop(tmp_path, embedder) as shop:
        yield shop


async def test_a_rollback_brings_the_old_content_back_and_embeds_nothing(
    shop: Workshop, embedder: WordEmbedder
) -> None:
    await shop.put(faq=FAQ, page="one\ntwo")
    _, rows, vectors = await shop.snapshot()
    await shop.put(faq="other?|Other.", page="three")
    await shop.put(extra="four")
    embedder.embedded.clear()
    release = await shop.releases.rollback(1)
    assert (release.number, release.kind, release.note) == (4, "rollback", "content of release 1")
    assert embedder.embedded == []
    assert await shop.snapshot() == (4, rows, vectors)
    assert [hit.text for hit in await (await shop.index.view()).search_text("money", 5)] == [
        "money back"
    ]
    assert await shop.documents(4) == await shop.documents(1)


async def test_releases_are_marked_so_that_no_clean_up_takes_them(shop: Workshop) -> None:
    for n in range(4):
        await shop.put(faq=f"text {n}")
    release = await shop.repository.get(4)
    connection = await lancedb.connect_async(shop.folder / "index")
    table = await connection.open_table(release.table)
    with pytest.raises(RuntimeError, match="3 tagged version"):
        await table.optimize(cleanup_older_than=timedelta(milliseconds=1))


async def test_releases_older_than_a_week_do_not_stop_a_publish(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """LanceDB refuses to optimise if a tagged version is older than its limit: 7 days."""
    limits: list[timedelta | None] = []
    optimize = lancedb.table.AsyncTable.optimize

    async def record(
        table: lancedb.table.AsyncTable, *, cleanup_older_than: timedelta | None = None
    ) -> object:
        limits.append(cleanup_older_than)
        return await optimize(table, cleanup_older_than=cleanup_older_than)

    monkeypatch.setattr(lancedb.table.AsyncTable, "optimize", record)
    monkeypatch.setattr("kb.index.draft._FRAGMENTS", 0)
    first = await shop.put(faq=FAQ)
    await shop.put(faq="other")
    await shop.releases.rollback(first)
    assert limits
    assert all(limit is not None and limit > timedelta(days=3650) for limit in limits)


async def test_pruning_takes_the_marks_of_old_releases_only(shop: Workshop) -> None:
    for n in range(5):
        await shop.put(faq=f"text {n}")
    release = await shop.repository.get(5)
    connection = await lancedb.connect_async(shop.folder / "index")
    table = await connection.open_table(release.table)
    await shop.releases.prune(2)
    assert sorted((await table.tags.list()).keys()) == ["release-4", "release-5"]
    await shop.releases.rollback(4)
    assert await shop.texts() == ["text 3"]


async def test_pruning_may_be_kept_waiting(shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine: LanceDB refuses to delete a version that a release still has."""
    for n in range(3):
        await shop.put(faq=f"text {n}")
    now = time.time
    monkeypatch.setattr("kb.index.index.time", SimpleNamespace(time=lambda: now() - 10))
    assert await shop.releases.prune(2) == 1
    assert await shop.texts() == ["text 2"]


async def test_after_a_rollback_work_goes_on(shop: Workshop, embedder: WordEmbedder) -> None:
    await shop.put(faq=FAQ)
    await shop.put(faq="other?|Other.")
    await shop.releases.rollback(1)
    embedder.embedded.clear()
    await shop.put(page="new")
    assert embedder.embedded == ["page.txt\nnew"]
    assert await shop.texts() == ["money back", "new", "refund?", "shipping?"]
    assert (await shop.releases.rollback(2)).number == 5
    assert await shop.texts() == ["other?"]


async def test_a_rollback_to_the_live_release_changes_nothing(shop: Workshop) -> None:
    await shop.put(faq=FAQ)
    with pytest.raises(ReleaseIsLive, match=r"Release 1 is live already\. Nothing was changed\."):
        await shop.releases.rollback(1)
    assert await shop.repository.live_number() == 1


async def test_a_release_that_never_was_is_named(shop: Workshop) -> None:
    await shop.put(faq=FAQ)
    with pytest.raises(ReleaseNotFound, match=r"Release 7 does not exist; the newest is 1\."):
        await shop.releases.rollback(7)
    with pytest.raises(ReleaseNotFound, match="Release 7"):
        await shop.releases.diff(1, 7)


async def test_a_rollback_the_index_cannot_serve_is_read_from_the_originals(
    shop: Workshop, embedder: WordEmbedder
) -> None:
    await shop.put(faq=FAQ, page="one")
    _, rows, vectors = await shop.snapshot()
    await shop.put(faq="refund?|Other.", page="one")
    await shop.releases.rebuild()
    await shop.releases.prune(20)
    embedder.embedded.clear()
    release = await shop.releases.rollback(1)
    assert sorted(embedder.embedded) == ["money back", "shipping?"], "refund? was still there"
    assert release.embedded == 2
    number, rows_now, vectors_now = await shop.snapshot()
    assert (number, rows_now) == (3, rows)
    assert vectors_now == vectors


async def test_a_rollback_without_its_original_changes_nothing(shop: Workshop) -> None:
    await shop.put(faq=FAQ)
    await shop.put(faq="other?|Other.")
    await shop.releases.rebuild()
    await shop.releases.prune(20)
    before = await shop.snapshot()
    sha256 = (await shop.documents(1))[0].sha256
    shop.originals.path(sha256).unlink()
    with pytest.raises(NotReadAgain, match=r"'faq\.txt': The original \w+… is not on disk"):
        await shop.releases.rollback(1)
    assert await shop.snapshot() == before


async def test_a_rebuild_restores_exactly_the_same_rows(
    shop: Workshop, embedder: WordEmbedder
) -> None:
    await shop.put(faq=FAQ, page="one\ntwo")
    await shop.put(faq="other?|Other.|variant", late="three")
    before = await shop.snapshot()
    embedder.embedded.clear()
    rebuilt = await shop.releases.rebuild()
    assert (rebuilt.release, rebuilt.errors) == (2, {})
    assert len(embedder.embedded) == rebuilt.embedded == 5
    assert await shop.snapshot() == before


async def test_a_rebuild_with_another_model_replaces_every_vector(tmp_path: Path) -> None:
    async with workshop(tmp_path, WordEmbedder("a")) as shop:
        await shop.put(faq=FAQ)
    async with workshop(tmp_path, WordEmbedder("b")) as shop:
        with pytest.raises(IndexMismatch):
            await shop.put(page="new")
        with pytest.raises(IndexMismatch):
            await shop.releases.open_or_rebuild()
        assert (await shop.releases.rebuild()).embedded == 3
        assert await shop.put(page="new") == 2
        assert len(await shop.texts()) == 4


async def test_a_rebuild_under_new_settings_is_a_new_release(shop: Workshop) -> None:
    await shop.put(faq=FAQ)
    under_others = replace(shop.releases, settings="test-2")
    assert (await under_others.rebuild()).release == 2
    assert (await shop.documents(2))[0].settings == "test-2"
    assert (await shop.documents(1))[0].settings == "test-1"


@pytest.mark.parametrize("operation", ["rebuild", "open_or_rebuild"])
async def test_what_cannot_be_read_again_is_named_and_nothing_is_published(
    shop: Workshop, embedder: WordEmbedder, operation: str
) -> None:
    """As on a second machine or a restored disk, where the originals are missing."""
    await shop.put(faq=FAQ, **{f"page{n}": "one" for n in range(6)})
    if operation == "open_or_rebuild":
        await shop.index.drop_tables(keep=())
    before = await shop.repository.get(1), await shop.documents(1)
    embedder.embedded.clear()
    for sha256 in shop.originals.names():
        shop.originals.path(sha256).unlink()
    with pytest.raises(
        NotReadAgain,
        match=r"Nothing was changed: 7 documents cannot be read again\. 'faq\.txt': The original "
        r"\w+… is not on disk\. .* 'page3\.txt': .* 2 more are like that\.",
    ):
        await getattr(shop.releases, operation)()
    assert (await shop.repository.get(1), await shop.documents(1)) == before
    assert [release.number for release in await shop.repository.list()] == [1]
    assert embedder.embedded == []


async def test_a_document_without_its_original_keeps_the_rows_that_a_repair_can_read(
    shop: Workshop, embedder: WordEmbedder
) -> None:
    await shop.put(faq=FAQ, page="one")
    before = await shop.snapshot()
    documents = await shop.documents(1)
    shop.originals.path(documents[1].sha256).unlink()
    (sums,) = (shop.folder / "index").glob("*.sums")
    sums.write_text("[")
    embedder.embedded.clear()
    rebuilt = await shop.releases.open_or_rebuild()
    assert rebuilt is not None
    assert (rebuilt.errors, embedder.embedded) == ({}, [])
    assert await shop.snapshot() == before


async def test_a_lost_original_is_named_and_the_rest_is_rebuilt_anyway(shop: Workshop) -> None:
    await shop.put(faq=FAQ, page="one")
    documents = await shop.documents(1)
    shop.originals.path(documents[1].sha256).write_text("tampered")
    rebuilt = await shop.releases.rebuild(partial=True)
    assert list(rebuilt.errors) == ["page.txt"]
    assert "was changed on disk" in rebuilt.errors["page.txt"]
    assert len(await shop.texts()) == 3
    await shop.put(page="one")
    rebuilt = await shop.releases.rebuild()
    assert rebuilt.errors == {}, "sending the file again repaired it"
    assert len(await shop.texts()) == 4


async def test_a_deleted_index_is_rebuilt_when_the_service_starts(
    shop: Workshop, embedder: WordEmbedder
) -> None:
    await shop.put(faq=FAQ)
    before = await shop.snapshot()
    await shop.index.drop_tables(keep=())
    reasons: list[str] = []

    async def say(reason: str) -> None:
        reasons.append(reason)

    async with workshop(shop.folder, embedder) as again:
        with pytest.raises(IndexDamaged):
            await again.index.view()
        rebuilt = await again.releases.open_or_rebuild(on_rebuild=say)
        assert rebuilt is not None
        assert len(reasons) == 1
        assert await again.snapshot() == before
        assert await again.releases.open_or_rebuild() is None


@contextlib.contextmanager
def no_permission(folder: Path) -> Iterator[None]:
    """Take the right to read a folder from this process, root or not."""
    user, mode = os.geteuid(), folder.stat().st_mode
    folder.chmod(0)
    if user == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(user)
        folder.chmod(mode)


@pytest.mark.parametrize("part", ["data", "_versions", "_indices"])
async def test_an_index_that_may_not_be_read_is_not_repaired(
    shop: Workshop, embedder: WordEmbedder, part: str
) -> None:
    await shop.put(faq=FAQ, page="one\ntwo")
    release = await shop.repository.get(1)
    (table,) = (shop.folder / "index").glob("*.lance")
    async with workshop(shop.folder, embedder) as again:
        with (
            no_permission(table / part),
            pytest.raises(
                IndexUnreachable, match=r"^The index cannot be reached \(.*[Pp]ermission denied"
            ),
        ):
            await again.releases.open_or_rebuild()
        assert await again.repository.get(1) == release
        assert await again.releases.open_or_rebuild() is None


async def test_an_index_in_a_storage_that_does_not_answer_is_not_repaired(
    tmp_path: Path, embedder: WordEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # and does not listen
        monkeypatch.setenv("AWS_ENDPOINT", f"http://127.0.0.1:{nobody.getsockname()[1]}")
        monkeypatch.setenv("AWS_ALLOW_HTTP", "true")
        monkeypatch.setenv("AWS_REGION", "us-east-1")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "nobody")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "nothing")
        async with workshop(tmp_path, embedder) as shop:
            await shop.put(faq=FAQ)
            with pytest.raises(IndexUnreachable, match="S3"):
                await Index("s3://bucket/index", embedder, shop.repository.current).check()


async def test_nothing_to_open_is_no_damage(shop: Workshop) -> None:
    assert await shop.releases.open_or_rebuild() is None
    assert (await shop.releases.rebuild()).release == 0


async def test_the_diff_of_two_releases_names_documents(shop: Workshop) -> None:
    await shop.put(a="one", b="two", c="three")
    await shop.put(b="two, edited", d="four")
    await shop.ingestor.ingest([], removed=["a.txt"])
    diff = await shop.releases.diff(1, 3)
    assert (diff.added, diff.changed, diff.removed) == (("d.txt",), ("b.txt",), ("a.txt",))
    back = await shop.releases.diff(3, 1)
    assert (back.added, back.changed, back.removed) == (("a.txt",), ("b.txt",), ("d.txt",))


async def test_each_release_says_what_it_changed(shop: Workshop) -> None:
    await shop.put(faq=FAQ)
    await shop.put(faq="refund?|Within 14 days.\nnew?|New.")
    newest, oldest = await shop.repository.list()
    assert oldest.summary == {"added": 2, "changed": 0, "removed": 0}
    assert newest.summary == {"added": 1, "changed": 1, "removed": 1}
    assert (newest.number, newest.documents, newest.chunks, newest.rows) == (2, 1, 2, 2)


async def test_pruning_forgets_old_releases_and_what_only_they_used(shop: Workshop) -> None:
    for n in range(5):
        await shop.put(page=f"text {n}", fixed="same")
    for sha256 in shop.originals.names():
        os.utime(shop.originals.path(sha256), (1_000, 1_000))
    assert await shop.releases.prune(2) == 3
    assert shop.originals.names() == await shop.repository.originals()
    assert [release.number for release in await shop.repository.list()] == [5, 4]
    with pytest.raises(ReleaseNotFound):
        await shop.releases.rollback(3)
    assert (await shop.releases.rollback(4)).number == 6
    assert await shop.texts() == ["same", "text 3"]
    assert (await shop.releases.rebuild()).errors == {}


async def test_a_list_of_indices_that_cannot_be_read_is_found_at_the_start(
    shop: Workshop, embedder: WordEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Met by the damage run: everything could be read and found, and nothing published."""
    await shop.put(faq=FAQ)
    original = lancedb.table.AsyncTable.list_indices

    async def damaged(table: lancedb.table.AsyncTable) -> object:
        monkeypatch.setattr(lancedb.table.AsyncTable, "list_indices", original)
        raise RuntimeError("failed to decode Protobuf message: IndexMetadata.files")

    monkeypatch.setattr(lancedb.table.AsyncTable, "list_indices", damaged)
    assert await shop.releases.open_or_rebuild() is not None
    assert await shop.put(page="works") == 2
