"""From files to a release: complete, repeatable, and never half."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from pathlib import Path

import pytest

from core.errors import IngestError, ModelUnavailable
from core.types import FileReport, Matrix, ParsedFile
from kb.ingest.prepare import EMBED_BATCH, Progress
from kb.parse.limits import OnPage
from kb.releases.ingestor import IncomingFile
from tests.fakes import WordEmbedder
from tests.kb.workshop import Workshop, workshop

pytestmark = pytest.mark.anyio

FAQ = "refund?|Within 30 days.|money back\nshipping?|Three days."


@pytest.fixture
async def shop(tmp_path: Path, embedder: WordEmbedder) -> AsyncIterator[Workshop]:
    async with workshop(tmp_path, embedder) as shop:
        yield shop


def upload(name: str, text: str) -> IncomingFile:
    return IncomingFile(name, text.encode())


async def test_a_file_becomes_searchable_chunks(shop: Workshop) -> None:
    report = await shop.ingestor.ingest([upload("faq.txt", FAQ), upload("page.txt", "We ship.")])
    assert report.release == 1
    assert report.embedded == 4
    assert report.files == (FileReport("faq.txt", added=2), FileReport("page.txt", added=1))
    assert await shop.texts() == ["We ship.", "money back", "refund?", "shipping?"]
    assert [
        hit.chunk.answer for hit in await (await shop.index.view()).search_text("money", 1)
    ] == ["Within 30 days."]


async def test_a_passage_is_embedded_under_its_title(
    shop: Workshop, embedder: WordEmbedder
) -> None:
    await shop.put(page="We ship.")
    assert embedder.embedded == ["page.txt\nWe ship."]


async def test_the_same_bytes_again_change_nothing_and_are_not_even_parsed(
    shop: Workshop, embedder: WordEmbedder
) -> None:
    await shop.put(faq=FAQ)
    embedder.embedded.clear()
    shop.parser.parsed.clear()
    report = await shop.ingestor.ingest([upload("faq.txt", FAQ)])
    assert (report.release, report.embedded) == (1, 0)
    assert report.files == (FileReport("faq.txt", unchanged=2),)
    assert (embedder.embedded, shop.parser.parsed) == ([], [])


async def test_only_the_changed_chunks_are_embedded(shop: Workshop, embedder: WordEmbedder) -> None:
    await shop.put(faq=FAQ, page="one\ntwo\nthree")
    embedder.embedded.clear()
    report = await shop.ingestor.ingest([upload("page.txt", "one\ntwo, edited\nthree")])
    assert embedder.embedded == ["page.txt\ntwo, edited"]
    assert report.embedded == 1
    assert report.files == (FileReport("page.txt", changed=1, unchanged=2),)


async def test_an_edited_answer_replaces_the_old_one(
    shop: Workshop, embedder: WordEmbedder
) -> None:
    await shop.put(faq=FAQ)
    embedder.embedded.clear()
    report = await shop.ingestor.ingest(
        [upload("faq.txt", FAQ.replace("Within 30 days.", "Within 14 days."))]
    )
    assert report.files == (FileReport("faq.txt", changed=1, unchanged=1),)
    assert embedder.embedded == [], "the question is the same, so is its vector"
    hits = await (await shop.index.view()).search_text("refund money", 9)
    assert {hit.chunk.answer for hit in hits} == {"Within 14 days."}


async def test_a_text_that_moved_and_changed_is_one_change(shop: Workshop) -> None:
    rows = [f"Size {size}: frame {size} cm, costs {size}0 euros" for size in range(50, 60)]
    await shop.put(prices="\n".join(rows))
    edited = ["Sizes of all our bicycles", *rows[:9], rows[9].replace("590 euros", "640 euros")]
    report = await shop.ingestor.ingest([upload("prices.txt", "\n".join(edited))], dry_run=True)
    assert report.files == (FileReport("prices.txt", added=1, changed=1, unchanged=9),)
    changed, new = report.texts
    assert (changed.old[-9:], changed.text[-9:]) == ("590 euros", "640 euros")
    assert (new.old, new.text) == ("", "Sizes of all our bicycles")


async def test_other_wordings_and_days_of_an_entry_are_a_change_to_apply(shop: Workshop) -> None:
    await shop.put(faq=FAQ)
    more = FAQ.replace("Within 30 days.", "Within 30 days.@2027-01-31|send it back")
    report = await shop.ingestor.ingest([upload("faq.txt", more)], dry_run=True)
    assert report.files == (FileReport("faq.txt", changed=1, unchanged=1),)
    (changed,) = report.texts
    assert "send it back" in changed.text
    assert "2027-01-31" in changed.text
    assert "send it back" not in changed.old


async def test_a_chunk_that_moved_keeps_its_vector_and_gets_its_new_place(
    shop: Workshop, embedder: WordEmbedder
) -> None:
    await shop.put(page="one\ntwo")
    _, _, before = await shop.snapshot()
    embedder.embedded.clear()
    await shop.put(page="two\none")
    _, rows, after = await shop.snapshot()
    assert embedder.embedded == []
    assert after == before
    assert {row.text: row.location for row in rows.values()} == {"two": "line 1", "one": "line 2"}


async def test_a_text_known_from_another_document_is_not_embedded_again(
    shop: Workshop, embedder: WordEmbedder
) -> None:
    await shop.put(faq=FAQ)
    embedder.embedded.clear()
    report = await shop.ingestor.ingest(
        [
            upload("copy.txt", FAQ),
            upload("copy2.txt", FAQ + "\nnew?|New."),
            upload("n.txt", "new?|x"),
        ]
    )
    assert embedder.embedded == ["new?"]
    assert [file.duplicates for file in report.files] == [2, 2, 0]


async def test_a_removed_document_is_found_no_more(shop: Workshop) -> None:
    await shop.put(faq=FAQ, page="We ship.")
    report = await shop.ingestor.ingest([], removed=["faq.txt", "never.txt"])
    assert report.release == 2
    assert report.files[0] == FileReport("faq.txt", removed=2)
    assert report.files[1].error == (
        "'never.txt' is not in the knowledge base, so it was not removed."
    )
    assert await shop.texts() == ["We ship."]
    assert await (await shop.index.view()).search_text("refund", 5) == []


async def test_everything_may_be_removed(shop: Workshop) -> None:
    await shop.put(faq=FAQ)
    await shop.ingestor.ingest([], removed=["faq.txt"])
    assert await shop.texts() == []
    assert await (await shop.index.view()).search_text("refund", 5) == []
    assert await shop.put(faq=FAQ) == 3
    assert len(await shop.texts()) == 3


async def test_bad_files_are_named_and_the_others_go_on(shop: Workshop) -> None:
    await shop.put(faq=FAQ)
    report = await shop.ingestor.ingest(
        [
            upload("faq.txt", "BROKEN"),
            upload("good.txt", "We ship."),
            upload("large.txt", "x" * 100_001),
            upload("empty.txt", ""),
            IncomingFile("gone.txt", shop.folder / "gone.txt"),
            upload("good.txt", "again"),
        ]
    )
    errors = {file.doc_id: file.error for file in report.files}
    assert errors["faq.txt"] == "'faq.txt': it is broken. Send another one."
    assert errors["large.txt"] == (
        "'large.txt' has 0.1 MB and the limit is 0 MB (knowledge.max_file_mb): split it, "
        "or raise the limit."
    )
    assert errors["empty.txt"] == "'empty.txt': nothing was taken (it has no text)."
    assert errors["gone.txt"] == "'gone.txt' cannot be read: No such file or directory."
    assert errors["good.txt"] == "'good.txt' came twice in one run: send one of them."
    assert await shop.texts() == ["money back", "refund?", "shipping?"], "nothing else was good"
    assert (await shop.put(good="We ship.")) == 2


async def test_an_upload_cannot_take_the_place_of_a_folders_document(shop: Workshop) -> None:
    await shop.ingestor.ingest([IncomingFile("docs/a.txt", b"one", source="docs")])
    report = await shop.ingestor.ingest([upload("docs/a.txt", "two")])
    assert report.files[0].error == (
        "'docs/a.txt' already comes from the source 'docs': change it there, or rename this file."
    )
    assert await shop.texts() == ["one"]


async def test_a_dry_run_reports_the_same_and_changes_nothing(
    shop: Workshop, embedder: WordEmbedder
) -> None:
    await shop.put(faq=FAQ, page="We ship.")
    before = await shop.snapshot()
    embedder.embedded.clear()
    files = [
        upload("faq.txt", FAQ.replace("30", "14") + "\nnew?|New."),
        upload("bad.txt", "BROKEN"),
    ]
    preview = await shop.ingestor.ingest(files, removed=["page.txt"], dry_run=True)
    assert preview.dry_run
    assert preview.embedded == 1
    assert "new?" in embedder.embedded, "a preview compares by meaning"
    assert await shop.snapshot() == before
    embedder.embedded.clear()
    applied = await shop.ingestor.ingest(files, removed=["page.txt"])
    assert embedder.embedded == [], "what the preview embedded is not embedded again"
    assert applied.files == preview.files
    assert applied.embedded == preview.embedded
    assert applied.release == preview.release + 1


async def test_a_repeated_line_is_taken_once_and_named(shop: Workshop) -> None:
    report = await shop.ingestor.ingest(
        [upload("faq.txt", "refund?|Yes.|money back\nrefund?|Yes.|my money|refund?")]
    )
    (skipped,) = report.files[0].skipped
    assert (skipped.location, skipped.reason) == (
        "line 2",
        "repeats an earlier text of this file (line 1)",
    )
    assert await shop.texts() == ["money back", "my money", "refund?"]


async def test_progress_counts_files_and_texts(shop: Workshop) -> None:
    seen: list[Progress] = []
    lines = "\n".join(f"line number {n}" for n in range(150))
    await shop.ingestor.ingest(
        [upload("a.txt", lines), upload("b.txt", "one")], on_progress=seen.append
    )
    assert seen[-1] == Progress(files=2, files_total=2, texts=151, texts_total=151)
    assert [p.texts for p in seen] == sorted(p.texts for p in seen)


async def test_pages_read_as_pictures_are_part_of_the_progress(shop: Workshop) -> None:
    seen: list[Progress] = []
    read = shop.parser.parse_many

    def parse_many(
        files: Sequence[tuple[str, Path]], *, columns: Mapping[str, str], on_page: OnPage
    ) -> AsyncGenerator[ParsedFile | IngestError, None]:
        on_page(1, 3)
        return read(files, columns=columns, on_page=on_page)

    shop.parser.parse_many = parse_many  # type: ignore[method-assign]
    await shop.ingestor.ingest([upload("a.txt", "one")], on_progress=seen.append)
    assert (seen[0].page, seen[-1].page) == ((1, 3), (0, 0))


class GatedEmbedder(WordEmbedder):
    """Waits at `gate` in each batch; fails after `batches`."""

    def __init__(self, batches: int = 10**9) -> None:
        super().__init__()
        self.gate = asyncio.Event()
        self.started = asyncio.Event()
        self.batches = batches

    async def embed_passages(self, texts: Sequence[str]) -> Matrix:
        self.started.set()
        await self.gate.wait()
        self.batches -= 1
        if self.batches < 0:
            raise ModelUnavailable("The embedding model is down.")
        return await super().embed_passages(texts)


async def test_cancelling_leaves_everything_as_it_was(tmp_path: Path) -> None:
    embedder = GatedEmbedder()
    embedder.gate.set()
    async with workshop(tmp_path, embedder) as shop:
        await shop.put(faq=FAQ)
        before = await shop.snapshot()
        embedder.gate.clear()
        embedder.started.clear()
        run = asyncio.create_task(shop.ingestor.ingest([upload("faq.txt", "new?|New.")]))
        await embedder.started.wait()
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run
        embedder.gate.set()
        assert await shop.snapshot() == before
        assert await shop.put(faq="new?|New.") == 2


async def test_a_failing_model_leaves_everything_as_it_was(tmp_path: Path) -> None:
    embedder = GatedEmbedder(batches=1)
    embedder.gate.set()
    async with workshop(tmp_path, embedder) as shop:
        with pytest.raises(ModelUnavailable):
            await shop.put(page="\n".join(f"line number {n}" for n in range(200)))
        assert await shop.snapshot() == (0, {}, {})


async def test_a_stopped_run_goes_on_where_it_was(tmp_path: Path) -> None:
    page = "\n".join(f"line number {n}" for n in range(200))
    embedder = GatedEmbedder(batches=2)
    embedder.gate.set()
    async with workshop(tmp_path, embedder) as shop:
        with pytest.raises(ModelUnavailable):
            await shop.put(page=page)
    fresh = WordEmbedder()
    async with workshop(tmp_path, fresh) as shop:
        await shop.put(page=page)
        assert len(fresh.embedded) == 200 - 2 * EMBED_BATCH
        _, _, resumed = await shop.snapshot()
        assert list((tmp_path / "spool").iterdir()) == []
    whole = WordEmbedder()
    async with workshop(tmp_path / "whole", whole) as shop:
        await shop.put(page=page)
        assert (await shop.snapshot())[2] == resumed


async def test_parsing_goes_on_while_the_model_embeds(tmp_path: Path) -> None:
    embedder = GatedEmbedder()
    async with workshop(tmp_path, embedder) as shop:
        lines = "\n".join(f"line number {n}" for n in range(64))
        files = [upload("a.txt", lines), upload("b.txt", "one"), upload("c.txt", "two")]
        parsed = asyncio.Event()

        def watch(progress: Progress) -> None:
            if progress.files == 3:
                parsed.set()

        run = asyncio.create_task(shop.ingestor.ingest(files, on_progress=watch))
        await parsed.wait()
        embedder.gate.set()
        assert (await run).embedded == 66


async def test_a_reader_sees_the_old_release_until_the_new_one_is_complete(
    shop: Workshop,
) -> None:
    await shop.put(faq=FAQ)
    view = await shop.index.view()
    stop = asyncio.Event()
    seen: set[tuple[int, tuple[str, ...]]] = set()

    async def read() -> None:
        while not stop.is_set():
            release, rows, _ = await shop.snapshot()
            seen.add((release, tuple(sorted(row.text for row in rows.values()))))

    readers = [asyncio.create_task(read()) for _ in range(4)]
    for n in range(2, 8):
        await shop.put(faq=f"question {n}?|Answer {n}.", page=f"page {n}\nother {n}")
    stop.set()
    await asyncio.gather(*readers)
    allowed = {(1, ("money back", "refund?", "shipping?"))} | {
        (n, (f"other {n}", f"page {n}", f"question {n}?")) for n in range(2, 8)
    }
    assert seen <= allowed
    assert len(await view.all_rows()) == 2
    assert await view.count() == 3, "a view stays at its release"


async def test_a_file_received_later_is_not_overwritten_by_a_slower_run(tmp_path: Path) -> None:
    embedder = GatedEmbedder()
    embedder.gate.set()
    async with workshop(tmp_path, embedder) as shop:
        await shop.put(faq="refund?|Old.")
        embedder.gate.clear()
        embedder.started.clear()
        slow = asyncio.create_task(shop.ingestor.ingest([upload("faq.txt", "unknown?|First.")]))
        await embedder.started.wait()
        await shop.put(faq="refund?|Second.")
        embedder.gate.set()
        report = await slow
        assert report.release == 2
        assert report.files[0].error == (
            "'faq.txt' was replaced by a file received later; that one was kept."
        )
        assert await shop.texts() == ["refund?"]


async def test_the_same_file_twice_at_once_is_one_release(shop: Workshop) -> None:
    reports = await asyncio.gather(
        *(shop.ingestor.ingest([upload("faq.txt", FAQ)]) for _ in range(3))
    )
    assert {report.release for report in reports} == {1}
    assert [release.number for release in await shop.repository.list()] == [1]


async def test_eight_uploads_of_one_document_at_once_leave_one_of_them_whole(
    shop: Workshop,
) -> None:
    await asyncio.gather(
        *(
            shop.ingestor.ingest([upload("faq.txt", f"refund?|Answer {n}.|variant {n}")])
            for n in range(8)
        )
    )
    _, rows, _ = await shop.snapshot()
    answers = {row.answer for row in rows.values()}
    assert len(answers) == 1
    (answer,) = answers
    number = answer.removeprefix("Answer ").removesuffix(".")
    assert await shop.texts() == ["refund?", f"variant {number}"]


async def test_two_processes_take_turns(tmp_path: Path, embedder: WordEmbedder) -> None:
    async with workshop(tmp_path, embedder) as one, workshop(tmp_path, embedder) as two:
        reports = await asyncio.gather(
            *(
                shop.ingestor.ingest([upload(f"{name}{n}.txt", f"text {name} {n}")])
                for n in range(5)
                for name, shop in (("a", one), ("b", two))
            )
        )
        assert [file.error for report in reports for file in report.files] == [""] * 10
        expected = sorted(f"text {name} {n}" for n in range(5) for name in "ab")
        assert await one.texts() == expected
        assert await two.texts() == expected


async def test_the_rest_of_the_service_is_told_of_each_release(
    tmp_path: Path, embedder: WordEmbedder
) -> None:
    told: list[int] = []

    async def tell(release: int) -> None:
        told.append(release)

    async with workshop(tmp_path, embedder, after_publish=tell) as shop:
        await shop.put(faq=FAQ)
        await shop.put(faq=FAQ)
        await shop.put(faq="x")
        assert told == [1, 2]


async def test_an_edit_is_live_while_training_for_it_goes_on(
    tmp_path: Path, embedder: WordEmbedder
) -> None:
    gate = asyncio.Event()
    trained: list[int] = []

    async def train(release: int) -> None:
        if release > 1:
            await gate.wait()
        trained.append(release)

    async with workshop(tmp_path, embedder, after_publish=train) as shop:
        await shop.put(faq=FAQ)
        entry, *_ = await shop.entries.find()
        async with asyncio.timeout(10):
            await shop.entries.change(entry.chunk_id, "variant", text="in other words")
        assert (await shop.entries.get(entry.chunk_id)).variants[-1] == "in other words"
        assert trained == [1]
        gate.set()
        await shop.ingestor.publisher.finish()
        assert trained == [1, 2]


async def test_given_columns_are_remembered_for_their_document(shop: Workshop) -> None:
    seen: list[str] = []
    read = shop.parser.parse_many

    def parse_many(
        files: Sequence[tuple[str, Path]], *, columns: Mapping[str, str], on_page: OnPage
    ) -> AsyncGenerator[ParsedFile | IngestError, None]:
        seen.append(columns["faq.txt"])
        return read(files, columns=columns, on_page=on_page)

    shop.parser.parse_many = parse_many  # type: ignore[method-assign]

    async def put(text: str, columns: str | None = None) -> int:
        file = IncomingFile("faq.txt", text.encode(), columns=columns)
        return (await shop.ingestor.ingest([file])).release

    assert await put("one", "question=Frage") == 1
    assert await put("one") == 1, "the same file with the same columns"
    assert await put("two") == 2
    await shop.releases.rebuild()
    assert await put("two", "answer=Text") == 3, "the same file with other columns is read again"
    await shop.releases.prune(20)
    await shop.releases.rollback(1)
    assert await put("two", "") == 5, "forgotten on request"
    assert seen == [
        *["question=Frage"] * 3,  # two versions, and the rebuild of the second
        "answer=Text",
        "question=Frage",  # the rollback reads the first version as it was read then
        "",
    ]
