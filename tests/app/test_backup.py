"""`answerdesk backup` and `restore`, without any model (target 37)."""

import asyncio
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app import cli
from app.backup import DataFolderInUse, NoBackupWritten
from app.commands.common import Failed
from db.base import database_url
from db.schema import ensure_schema
from tests.fakes import WordEmbedder
from tests.kb.workshop import workshop

GOLDEN = [f"what does part{number} cost" for number in range(96)]
QUESTIONS = ["money back", "how do I get a refund", "shipping", "two wheels", *GOLDEN]


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of a filled knowledge base, which the commands use."""
    monkeypatch.setenv("ANSWERDESK_DATA", str(tmp_path / "data"))
    (tmp_path / "data").mkdir()
    asyncio.run(fill(tmp_path / "data"))
    return tmp_path / "data"


async def fill(folder: Path) -> None:
    await ensure_schema(database_url("", folder))
    async with workshop(folder, WordEmbedder()) as shop:
        await shop.put(faq="refund?|Within 30 days.|money back\nshipping?|Three days.")
        await shop.put(parts="\n".join(f"{one}?|Part {one[14:-5]}: EUR 9." for one in GOLDEN))
        await shop.put(page="A bicycle has two wheels.\nA tandem too.")


async def answers(folder: Path) -> list[tuple[str, str, float]]:
    """Return what each question finds, after repairing the index if there is none."""
    async with workshop(folder, WordEmbedder()) as shop:
        await shop.releases.open_or_rebuild()
        found = []
        for question in QUESTIONS:
            hits = await (await shop.index.view()).search_dense(
                await shop.embedder.embed_query(question), 3
            )
            found += [(hit.chunk.chunk_id, hit.chunk.answer, round(hit.score, 5)) for hit in hits]
        return found


def run(*arguments: str) -> str:
    """Run a command; return what it printed in one line."""
    result = CliRunner().invoke(cli.app, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return " ".join(result.output.split())


def test_a_restored_service_gives_the_same_answers(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = asyncio.run(answers(data))
    said = run("backup", str(tmp_path / "saved.tar.gz"))
    assert "Saved the database and 3 originals (0." in said
    assert "as saved.tar.gz" in said
    monkeypatch.setenv("ANSWERDESK_DATA", str(tmp_path / "new"))
    assert "Restored the database and 3 originals" in run("restore", str(tmp_path / "saved.tar.gz"))
    assert asyncio.run(answers(tmp_path / "new")) == expected
    assert len(expected) == 3 * len(QUESTIONS)


def test_a_restore_over_a_knowledge_base_is_refused_in_a_sentence(
    data: Path, tmp_path: Path
) -> None:
    run("backup", str(tmp_path / "saved.tar.gz"))
    with pytest.raises(DataFolderInUse, match=r"is not empty: it holds answerdesk\.db.* set ANSW"):
        run("restore", str(tmp_path / "saved.tar.gz"))


def test_a_file_that_is_there_is_replaced_on_demand_only(data: Path, tmp_path: Path) -> None:
    file = tmp_path / "saved.csv"
    file.write_text("mine")
    for command in ("backup", "export"):
        with pytest.raises(Failed, match=r"saved\.csv' is there already: name another file, or"):
            run(command, str(file))
    assert file.read_text() == "mine"
    run("backup", str(file), "--replace")
    assert file.read_bytes() != b"mine"


def test_a_backup_that_cannot_be_written_says_so(data: Path, tmp_path: Path) -> None:
    with pytest.raises(NoBackupWritten, match=r"Name a file in a folder that exists"):
        run("backup", str(tmp_path / "missing" / "saved.tar.gz"))
