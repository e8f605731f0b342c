"""Folders and the knowledge base: in line after each run, and never emptied by accident."""

import shutil
from collections.abc import AsyncIterator, Collection, Mapping
from pathlib import Path

import pytest

from core.types import Answer
from db.golden import Golden
from db.knowledge import SourceRepository
from jobs.refresh import Refresh
from kb.releases.ingestor import IncomingFile
from sources.local import Folder, SingleFile
from tests.fakes import WordEmbedder
from tests.kb.workshop import Workshop, workshop

pytestmark = pytest.mark.anyio


@pytest.fixture
async def shop(tmp_path: Path, embedder: WordEmbedder) -> AsyncIterator[Workshop]:
    async with workshop(tmp_path / "data", embedder) as shop:
        yield shop


@pytest.fixture
def faq(tmp_path: Path) -> Path:
    folder = tmp_path / "faq"
    folder.mkdir()
    for n in range(10):
        (folder / f"{n}.txt").write_text(f"question {n}?|Answer {n}.")
    return folder


def refresh(shop: Workshop, *folders: Path) -> Refresh:
    return Refresh(
        shop.ingestor,
        shop.repository,
        SourceRepository(shop.database),
        [Folder(folder) for folder in folders],
    )


async def test_new_changed_and_removed_files_become_one_release(
    shop: Workshop, faq: Path, embedder: WordEmbedder
) -> None:
    run = refresh(shop, faq)
    first = await run.run()
    assert first.ingest.release == 1
    embedder.embedded.clear()
    (faq / "new.txt").write_text("new?|New.")
    (faq / "1.txt").write_text("question 1?|Another answer.")
    (faq / "2.txt").unlink()
    second = await run.run()
    assert second.ingest.release == 2
    assert embedder.embedded == ["new?"]
    (source,) = second.sources
    assert (source.files, source.new, source.changed, source.gone) == (10, 1, 1, 1)
    assert (
        second.text() == "+1 files, 1 changed, 1 gone; 1 texts embedded, 8 chunks kept; release 2."
    )
    assert "question 2?" not in await shop.texts()
    release = await shop.repository.get(2)
    assert release.kind == "refresh"


async def test_an_unchanged_folder_changes_nothing(shop: Workshop, faq: Path) -> None:
    run = refresh(shop, faq)
    await run.run()
    report = await run.run()
    assert (report.ingest.release, report.ingest.embedded) == (1, 0)
    assert (
        report.text() == "+0 files, 0 changed, 0 gone; 0 texts embedded, 10 chunks kept; release 1."
    )
    assert report.job_report().state == "done"
    assert report.job_report().detail["tell"] is False, "nobody needs to read of it"


async def test_two_folders_of_one_name_do_not_meet(
    shop: Workshop, faq: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other" / "faq"
    other.mkdir(parents=True)
    (other / "1.txt").write_text("other?|Other.")
    report = await refresh(shop, faq, other).run()
    assert [source.name for source in report.sources] == ["faq", "faq-2"]
    documents = await shop.repository.documents(1)
    assert {"faq/1.txt", "faq-2/1.txt"} <= documents.keys()
    await refresh(shop, other, faq).run()
    assert (await shop.repository.documents(1)).keys() == documents.keys()


async def test_a_folder_gets_another_name_than_an_uploaded_one(shop: Workshop, faq: Path) -> None:
    await shop.ingestor.ingest([IncomingFile("faq/1.txt", b"uploaded")])
    report = await refresh(shop, faq).run()
    assert report.sources[0].name == "faq-2"
    assert "uploaded" in await shop.texts()


async def test_uploads_and_folders_no_longer_configured_stay(
    shop: Workshop, faq: Path, tmp_path: Path
) -> None:
    await shop.put(upload="uploaded?|Yes.")
    await refresh(shop, faq).run()
    before = await shop.texts()
    report = await refresh(shop).run()
    assert report.ingest.release == 2
    assert await shop.texts() == before


@pytest.mark.parametrize("harm", ["gone", "emptied", "half", "shrunk", "file"])
async def test_a_source_that_loses_too_much_is_held_back_and_the_others_go_on(
    shop: Workshop, faq: Path, tmp_path: Path, harm: str
) -> None:
    """Target 17: the old content stays, and the operator is told."""
    good = tmp_path / "good"
    good.mkdir()
    (good / "page.txt").write_text("one")
    (faq / "long.txt").write_text("\n".join(f"line {n}" for n in range(40)))
    run = refresh(shop, faq, good)
    await run.run()
    before = await shop.texts()
    if harm == "gone":
        shutil.rmtree(faq)
    elif harm == "file":
        shutil.rmtree(faq)
        faq.write_text("no folder")
    elif harm == "shrunk":
        (faq / "long.txt").write_text("<html>Please log in</html>")
    else:
        for path in sorted(faq.iterdir())[: 5 if harm == "half" else 99]:
            path.unlink()
    (good / "page.txt").write_text("two")
    preview = await run.run(dry_run=True)
    report = await run.run()
    assert preview.sources == report.sources
    expected = {
        "gone": "The folder '{}' cannot be read (it does not exist or is no folder).",
        "file": "The folder '{}' cannot be read (it does not exist or is no folder).",
        "emptied": "held back: it would lose 11 of 11 documents (100%, the limit is 30%).",
        "half": "held back: it would lose 5 of 11 documents (45%, the limit is 30%).",
        "shrunk": "held back: it would lose 39 of 50 chunks (78%, the limit is 30%).",
    }[harm].format(faq)
    assert report.sources[0].held.startswith(expected)
    assert report.sources[1].held == ""
    assert expected in report.text()
    assert report.job_report().state == "held"
    assert await shop.texts() == sorted([*(t for t in before if t != "one"), "two"])
    states = {state.name: state.error for state in await SourceRepository(shop.database).list()}
    assert states["faq"].startswith(expected)
    assert states["good"] == ""


async def test_a_broken_file_keeps_its_old_content_and_is_named(shop: Workshop, faq: Path) -> None:
    run = refresh(shop, faq)
    await run.run()
    before = await shop.texts()
    (faq / "3.txt").write_text("BROKEN")
    report = await run.run()
    assert report.sources[0].errors == {"faq/3.txt": "'faq/3.txt': it is broken. Send another one."}
    assert "it is broken" in report.text()
    assert await shop.texts() == before
    detail = report.job_report().detail
    assert detail["sources"][0]["errors"] == dict(report.sources[0].errors)


async def test_a_dry_run_changes_nothing(shop: Workshop, faq: Path) -> None:
    report = await refresh(shop, faq).run(dry_run=True)
    assert report.ingest.dry_run
    assert report.sources[0].new == 10
    assert await shop.repository.current() is None


async def test_what_is_skipped_is_in_the_report(shop: Workshop, faq: Path) -> None:
    (faq / ".hidden").write_text("x")
    report = await refresh(shop, faq).run()
    assert [s.location for s in report.sources[0].skipped] == [".hidden"]
    assert report.job_report().detail["sources"][0]["skipped"] == [
        {"location": ".hidden", "reason": "hidden"}
    ]


async def test_answers_that_lose_what_they_rest_on_are_counted(shop: Workshop, faq: Path) -> None:
    async def cited() -> Mapping[str, Collection[int]]:
        live = await (await shop.index.view()).present(answers)
        return {chunk_id: ids for chunk_id, ids in answers.items() if chunk_id in live}

    answers: dict[str, set[int]] = {"of no release": {9}}
    run = Refresh(
        shop.ingestor,
        shop.repository,
        SourceRepository(shop.database),
        [Folder(faq)],
        cited=cited,
    )
    assert "; 0 answers may change;" in (await run.run()).text()
    rows = {row.text: row.chunk_id for row in (await shop.snapshot())[1].values()}
    for number, count in enumerate((2, 3, 1)):
        answers[rows[f"question {number}?"]] = set(range(10 * number, 10 * number + count))
    answers[rows["question 5?"]] = {0, 99}
    (faq / "0.txt").write_text("question 0?|Another answer.")
    (faq / "2.txt").unlink()
    report = await run.run()
    assert report.text() == (
        "+0 files, 1 changed, 1 gone; 0 texts embedded, 8 chunks kept; 3 answers may change; "
        "release 2."
    )
    detail = report.job_report().detail
    assert (detail["answers"], detail["tell"]) == (3, True)
    assert "; 0 answers may change;" in (await run.run()).text()


async def test_a_single_file_is_a_source_and_its_loss_is_told(
    shop: Workshop, tmp_path: Path
) -> None:
    """Target 17."""
    prices = tmp_path / "prices.csv"
    prices.write_text("one\ntwo")
    run = Refresh(
        shop.ingestor, shop.repository, SourceRepository(shop.database), [SingleFile(prices)]
    )
    report = await run.run()
    assert (report.sources[0].kind, report.sources[0].new) == ("file", 1)
    assert list(await shop.repository.documents(1)) == ["prices/prices.csv"]
    prices.unlink()
    report = await run.run()
    assert report.sources[0].held.startswith(f"The file '{prices}' does not exist or is no file.")
    assert await shop.texts() == ["one", "two"]


async def test_an_operator_may_accept_that_a_source_shrank(shop: Workshop, faq: Path) -> None:
    run = refresh(shop, faq)
    await run.run()
    for number in range(5):
        (faq / f"{number}.txt").unlink()
    held = (await run.run()).sources[0].held
    assert held.endswith("console, or run `answerdesk refresh --accept faq` once.")
    assert (await run.run(accept=["faq"], dry_run=True)).sources[0].gone == 5
    assert (await run.run(accept=[str(faq)])).sources[0].gone == 5


async def test_a_long_list_of_errors_is_cut_for_people_only(shop: Workshop, faq: Path) -> None:
    for number in range(25):
        (faq / f"broken{number}.txt").write_text("BROKEN")
    report = await refresh(shop, faq).run()
    assert report.text().endswith("\n… and 5 more files were not taken.")
    assert len(report.job_report().detail["sources"][0]["errors"]) == 25


async def test_golden_questions_hold_the_whole_run_back(
    shop: Workshop, faq: Path, embedder: WordEmbedder
) -> None:
    run = refresh(shop, faq)
    await run.run()
    before = await shop.texts()
    await shop.golden.add([Golden("question 0?", words="answer 0")])
    (faq / "0.txt").write_text("question 0?|Another answer.")
    (faq / "new.txt").write_text("new?|New.")
    job = await run.job()
    assert job.state == "held"
    assert job.text.startswith("Held back: 1 of 1 golden questions would no longer come out")
    assert job.text.endswith("console, or run `answerdesk refresh --anyway` once.")
    assert job.detail["tell"] is False
    assert await shop.texts() == before
    (source,) = await SourceRepository(shop.database).list()
    assert source.error.startswith("Held back: 1 of 1")

    report = await run.run(anyway=True)
    assert (report.sources[0].new, report.sources[0].changed) == (1, 1)
    assert "new?" in await shop.texts()
    (source,) = await SourceRepository(shop.database).list()
    assert source.error == ""


async def test_the_report_names_what_customers_are_answered_otherwise(
    shop: Workshop, faq: Path
) -> None:
    run = refresh(shop, faq)
    await run.run()
    await shop.conversations.record(
        "question 0?", Answer("faq", "Yes.", "en"), chat="web:1", channel="web"
    )
    (faq / "0.txt").write_text("question 0?|Another answer.")
    job = await run.job()
    assert "\n- asked 1 time: answered from " in job.text
    assert [change["asked"] for change in job.detail["changed_answers"]] == [1]
