"""The index on the real LanceDB: what it finds, and what it refuses."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import lancedb
import numpy as np
import pytest
from lancedb.index import IvfRq

from core.errors import DatabaseDamaged, IndexDamaged, IndexMismatch
from kb.index.chunk import embedding_text
from kb.index.draft import vector_index
from tests.fakes import WordEmbedder
from tests.kb.workshop import Workshop, workshop

pytestmark = pytest.mark.anyio

REFUND = "How do I get a refund?|Send it back within 30 days.|money back please|return my money"
SHIPPING = "How long is delivery?|Three days.|when does my parcel arrive"


@pytest.fixture
async def shop(tmp_path: Path, embedder: WordEmbedder) -> AsyncIterator[Workshop]:
    async with workshop(tmp_path, embedder) as shop:
        yield shop


async def test_before_the_first_release_nothing_is_found(shop: Workshop) -> None:
    view = await shop.index.view()
    assert view.release == 0
    assert await view.search_text("refund", 5) == []
    assert await view.search_dense(np.full(64, 0.125, np.float32), 5) == []
    assert await view.count() == 0
    assert await view.chunk("0" * 32) is None
    assert (await view.all_rows())[0] == []


async def test_the_nearest_rows_come_first_with_their_cosine(
    shop: Workshop, embedder: WordEmbedder
) -> None:
    await shop.put(faq=f"{REFUND}\n{SHIPPING}")
    question = await embedder.embed_query("money back please")
    hits = await (await shop.index.view()).search_dense(question, 3)
    assert hits[0].text == "money back please"
    assert hits[0].role == "variant"
    assert hits[0].score == pytest.approx(1.0, abs=1e-5)
    assert hits[0].chunk.text == "How do I get a refund?"
    assert hits[0].chunk.answer == "Send it back within 30 days."
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    expected = float(question @ await embedder.embed_query(hits[1].text))
    assert hits[1].score == pytest.approx(expected, abs=1e-5)


async def test_an_entry_comes_back_with_each_of_its_matching_rows(
    shop: Workshop, embedder: WordEmbedder
) -> None:
    variants = "|".join(f"refund number {n}" for n in range(30))
    await shop.put(faq=f"refund?|Yes.|{variants}\n{SHIPPING}")
    hits = await (await shop.index.view()).search_dense(
        await embedder.embed_query("refund number"), 32
    )
    assert sum(hit.chunk.answer == "Yes." for hit in hits) == 31


async def test_a_chunk_comes_back_with_its_variants_in_their_order(shop: Workshop) -> None:
    await shop.put(faq=REFUND)
    hit = (await (await shop.index.view()).search_text("refund", 1))[0]
    chunk = await (await shop.index.view()).chunk(hit.chunk.chunk_id)
    assert chunk is not None
    assert chunk.variants == ("money back please", "return my money")
    view = await shop.index.view()
    assert await view.chunks_of(["faq.txt"]) == [chunk]


async def test_full_text_search_finds_chinese_words(shop: Workshop) -> None:
    await shop.put(
        faq="我想申请退款怎么办?|请联系客服。\n电子发票怎么开?|在订单页面。\nrefund?|Yes."
    )
    assert [hit.text for hit in await (await shop.index.view()).search_text("退款", 5)] == [
        "我想申请退款怎么办?"
    ]
    hits = await (await shop.index.view()).search_text("电子发票怎么开", 5)
    assert hits[0].text == "电子发票怎么开?"
    assert hits[0].score > 0


async def test_after_each_publish_every_row_is_in_the_text_index(shop: Workshop) -> None:
    """Target 11: rows outside the index are searched one by one, slower each time."""
    for n in range(3):
        await shop.put(**{f"page{n}": f"one {n}\ntwo {n}"})
        release = await shop.repository.current()
        assert release is not None
        connection = await lancedb.connect_async(shop.folder / "index")
        table = await connection.open_table(release.table)
        stats = await table.index_stats("text_idx")
        assert stats is not None
        assert (stats.num_indexed_rows, stats.num_unindexed_rows) == (2 * n + 2, 0)


@pytest.mark.parametrize(
    "text", ['refund" OR (', "refund AND NOT *", "refund\0", "refund: ^2 ~ {}[]\\", "' OR 1=1 --"]
)
async def test_a_query_is_words_and_no_language(shop: Workshop, text: str) -> None:
    await shop.put(faq=f"{REFUND}\n{SHIPPING}")
    found = {hit.chunk.answer for hit in await (await shop.index.view()).search_text(text, 5)}
    assert found <= {"Send it back within 30 days."}


async def test_only_words_without_letters_find_nothing(shop: Workshop) -> None:
    await shop.put(faq=REFUND)
    assert await (await shop.index.view()).search_text("  ", 5) == []
    assert await (await shop.index.view()).search_text("?!…", 5) == []


async def test_an_entry_past_its_last_day_is_not_found(
    shop: Workshop, embedder: WordEmbedder
) -> None:
    await shop.put(faq="Is there a sale?|Yes, 20 % off.@2026-11-30\nIs there a shop?|Yes.")
    question = await embedder.embed_query("Is there a sale?")
    for day, count in (("2026-11-30", 2), ("2026-12-01", 1), ("", 2)):
        assert len(await (await shop.index.view()).search_dense(question, 5, today=day)) == count
    assert await (await shop.index.view()).search_text("sale", 5, today="2026-12-01") == []
    assert len(await (await shop.index.view()).search_text("sale", 5, today="2026-11-30")) == 1


async def test_a_search_may_ask_for_entries_only(shop: Workshop, embedder: WordEmbedder) -> None:
    await shop.put(faq=REFUND, page="A refund takes five days.")
    question = await embedder.embed_query("refund")
    kinds = {
        hit.chunk.kind
        for hit in await (await shop.index.view()).search_dense(question, 9, rows="asked")
    }
    assert kinds == {"faq"}


async def test_a_quote_in_a_name_is_only_a_letter(shop: Workshop) -> None:
    await shop.put(**{"o'neil": "one", "x": "two"})
    view = await shop.index.view()
    assert [chunk.text for chunk in await view.chunks_of(["o'neil.txt"])] == ["one"]


async def test_an_index_of_another_model_is_refused_with_the_remedy(tmp_path: Path) -> None:
    async with workshop(tmp_path, WordEmbedder("aaaa")) as shop:
        await shop.put(faq=REFUND)
    async with workshop(tmp_path, WordEmbedder("bbbb")) as shop:
        with pytest.raises(IndexMismatch) as raised:
            await shop.index.view()
    assert str(raised.value) == (
        "The index was filled by 'fake-words (aaaa)', but models.embedder is 'fake-words (bbbb)'. "
        "Run `answerdesk rebuild` to embed everything again, or set models.embedder back."
    )


async def test_a_missing_index_is_damaged_with_the_remedy(shop: Workshop) -> None:
    await shop.put(faq=REFUND)
    await shop.index.drop_tables(keep=())
    async with workshop(shop.folder, shop.embedder) as again:
        with pytest.raises(IndexDamaged, match=r"is damaged .*Run `answerdesk rebuild`"):
            await again.index.view()


async def test_while_the_database_cannot_be_read_the_open_release_answers(shop: Workshop) -> None:
    await shop.put(faq=REFUND)
    assert await (await shop.index.view()).search_text("refund", 5)
    await shop.database.close()
    (shop.folder / "answerdesk.db").write_bytes(b"nothing of a database" * 500)
    assert await (await shop.index.view()).search_text("refund", 5)
    async with workshop(shop.folder / "elsewhere", shop.embedder) as unopened:
        await unopened.database.close()
        (shop.folder / "elsewhere" / "answerdesk.db").write_bytes(b"nothing of a database" * 500)
        with pytest.raises(DatabaseDamaged):
            await unopened.index.view()


async def test_rows_that_are_not_the_releases_are_damage(shop: Workshop) -> None:
    await shop.put(faq=REFUND)
    release = await shop.repository.current()
    assert release is not None
    await shop.repository.relocate(
        release.number, table=release.table, version=release.version, rows=99
    )
    async with workshop(shop.folder, shop.embedder) as again:
        with pytest.raises(IndexDamaged, match="release 1 has 99 rows, not 3"):
            await again.index.view()


async def test_releases_that_came_and_went_hold_no_file_open(shop: Workshop) -> None:
    """Target 22: each kept one, for as long as the service ran."""
    held = []
    for n in range(9):
        await shop.put(faq="\n".join(f"part {part}?|Part {part} of {n}." for part in range(60)))
        await (await shop.index.view()).search_text("part 3", 3)
        links = [path.readlink() for path in Path("/proc/self/fd").iterdir() if path.is_symlink()]
        held.append(sum(".lance" in str(path) for path in links))
    assert 0 < max(held) <= 4, held


async def test_a_clean_up_that_has_nothing_to_delete_writes_nothing(shop: Workshop) -> None:
    """Target 22: it wrote the whole table once more each night."""
    await shop.put(faq=REFUND)
    await shop.put(page="A bicycle has two wheels.")
    files = set((shop.folder / "index").rglob("*"))
    await shop.releases.prune(20)
    assert set((shop.folder / "index").rglob("*")) == files


async def test_releases_share_on_the_disk_what_they_have_in_common(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Target 22."""
    monkeypatch.setattr("kb.index.draft._FRAGMENTS", 6)

    def size() -> int:
        return sum(file.stat().st_size for file in (shop.folder / "index").rglob("data/*.lance"))

    await shop.put(page="\n".join(f"Bicycle number {n} has two wheels." for n in range(200)))
    first = size()
    for n in range(5):
        await shop.put(**{f"note{n}": f"Today is day {n}."})
    assert await shop.releases.prune(4) == 2
    assert size() < 1.5 * first
    for n in range(5, 10):
        await shop.put(**{f"note{n}": f"Today is day {n}."})
    assert first < size() - first < 1.5 * first, "they are joined once"
    assert len(await shop.texts()) == 210
    await shop.releases.rollback(4)
    assert len(await shop.texts()) == 203


async def test_what_a_killed_writer_left_is_undone_by_the_next(shop: Workshop) -> None:
    """Target 8."""
    await shop.put(faq=REFUND)
    before = await shop.texts()
    release, rows, _ = await shop.snapshot()
    draft = await shop.index.draft(await shop.repository.get(release))
    await draft.write(rows, [], [])
    await shop.put(page="A bicycle has two wheels.")
    assert await shop.texts() == sorted([*before, "A bicycle has two wheels."])


async def test_all_rows_come_with_their_vectors_in_order(
    shop: Workshop, embedder: WordEmbedder
) -> None:
    await shop.put(faq=f"{REFUND}\n{SHIPPING}")
    rows, vectors = await (await shop.index.view()).all_rows()
    assert vectors.shape == (5, 64)
    assert vectors.dtype == np.float32
    for row, vector in zip(rows, vectors, strict=True):
        assert np.allclose(vector, await embedder.embed_query(row.text), atol=1e-6)


async def test_statements_are_the_vectors_of_passages_and_of_the_first_part_of_answers(
    tmp_path: Path, embedder: WordEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with workshop(tmp_path, embedder, answers=True) as shop:
        await shop.put(faq=f"refund?|{'Yes. ' * 150}", page="kettles are cleaned weekly")
        view = await shop.index.view()
        entry, passage = [(await view.search_text(word, 1))[0] for word in ("refund", "kettles")]
        ids = [entry.chunk.chunk_id, passage.chunk.chunk_id, "none"]
        assert (await view.statements(ids[1:])).keys() == {ids[1]}
        found = await view.statements(ids)  # one of them is kept
        monkeypatch.setattr("kb.index.view._KEPT_VECTORS", 0)
        assert (await view.statements(ids)).keys() == found.keys() == set(ids[:2])
    room = 480 - len("refund?") - 1
    first = f"refund?\n{' '.join(['Yes.'] * (room // 5))}"
    for chunk_id, text in zip(ids, (first, embedding_text(passage.chunk)), strict=False):
        assert np.allclose(found[chunk_id], await embedder.embed_query(text), atol=1e-6)


async def test_rows_that_are_kept_come_with_the_score_of_each_question(
    shop: Workshop, embedder: WordEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kb.index.view._KEPT_ROWS", 2)  # forgotten all the time
    await shop.put(faq=f"{REFUND}\n{SHIPPING}")
    view = await shop.index.view()
    for question in ("money back please", "how long is delivery", "money back please"):
        vector = await embedder.embed_query(question)
        for found in await view.search_dense(vector, 5):
            expected = float(vector @ await embedder.embed_query(found.text))
            assert found.score == pytest.approx(expected, abs=1e-5)


def test_small_tables_are_searched_exactly_and_large_ones_by_an_index() -> None:
    assert vector_index(19_999) is None
    large = vector_index(200_000)
    assert isinstance(large, IvfRq)
    assert large.distance_type == "cosine"


async def test_training_reads_a_large_base_in_part(shop: Workshop, embedder: WordEmbedder) -> None:
    pages = "\n".join(f"passage {n} about pumps" for n in range(60))
    await shop.put(faq="refund?|Yes.\nshipping?|No.|post", page=f"{pages}\nthe odd lighthouse")
    view = await shop.index.view()
    whole = await view.sample(most=30)
    assert len(whole.rows) == len(whole.vectors) == 64
    part = await view.sample(most=10)
    texts = [row.text for row in part.rows]
    assert len(texts) == len(set(texts)) <= 10 + 3 + 100
    assert {"refund?", "shipping?", "post", "the odd lighthouse"} <= set(texts)
    assert part.whole_entries
    again = await view.sample(most=10)
    assert sorted(row.row_id for row in again.rows) == sorted(row.row_id for row in part.rows)
    vectors = dict(zip(texts, part.vectors, strict=True))
    assert vectors["refund?"] == pytest.approx(await embedder.embed_query("refund?"))
    assert not (await view.sample(most=2)).whole_entries


async def test_rows_that_do_not_say_which_model_filled_them_are_damage(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen after a manifest was overwritten with zeros: the table opens and has no metadata."""
    await shop.put(faq="refund?|Yes.")
    original = lancedb.table.AsyncTable.schema

    async def bare(table: lancedb.table.AsyncTable) -> Any:
        return (await original(table)).remove_metadata()

    async with workshop(shop.folder, WordEmbedder()) as again:
        monkeypatch.setattr(lancedb.table.AsyncTable, "schema", bare)
        with pytest.raises(IndexDamaged, match="does not say which embedding model"):
            await again.index.view()


async def test_a_panic_of_the_library_is_damage(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its class cannot be imported; seen after a manifest was cut to nothing."""
    await shop.put(faq="refund?|Yes.")

    class RustPanic(Exception):
        pass

    async def panic(*args: object) -> None:
        raise RustPanic("rust future panicked: unknown error")

    async with workshop(shop.folder, WordEmbedder()) as again:
        monkeypatch.setattr(lancedb.db.AsyncConnection, "open_table", panic)
        with pytest.raises(IndexDamaged, match="rust future panicked"):
            await again.index.view()
