"""A disk that is really full, in the middle of publishing: answering goes on (target 14)."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.errors import AnswerdeskError
from core.metrics import Metrics
from core.types import Answer
from db.base import Database, create_engine, database_url
from db.conversations import Conversations
from db.schema import ensure_schema
from kb.answering.answerer import Answerer
from kb.answering.desk import Desk
from kb.releases.ingestor import IncomingFile
from tests.fakes import WordEmbedder
from tests.kb.workshop import Workshop, workshop

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

SIZE_MB = 6


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Yield a folder on a file system of a few megabytes."""
    folder = tmp_path / "small"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={SIZE_MB}m", "tmpfs", str(folder)]
    if os.geteuid() or subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("mounting a small disk needs root")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


async def upload(shop: Workshop, name: str, text: str) -> bool:
    """Tell whether a file went live."""
    try:
        report = await shop.ingestor.ingest([IncomingFile(name, text.encode())])
    except (AnswerdeskError, OSError):
        return False
    return not any(file.error for file in report.files)


class Answers(Answerer):
    """Has an answer for everything."""

    def __init__(self) -> None:
        pass

    async def answer(self, message: str, **_: object) -> Answer:
        return Answer("unknown", f"re: {message}", "en")


async def test_answers_go_out_unrecorded_and_are_recorded_with_the_space(
    small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("db.conversations._TRY_AGAIN_S", 0.0)
    url = database_url("", small_disk)
    await ensure_schema(url)
    database = Database(create_engine(url))
    conversations = Conversations(database)
    desk = Desk(Answers(), conversations, Metrics())
    long = "x" * 10_000
    await desk.ask(f"before {long}", chat="api:9", channel="web")
    free = os.statvfs(small_disk)
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(free.f_bavail * free.f_bsize))
    for number in range(3):
        answer = await desk.ask(f"{number} {long}", chat=f"api:{number}", channel="web")
        assert (answer.answer_id, answer.text[:5]) == (0, f"re: {number}")
    assert "3 answers are not recorded yet: The database cannot be used" in conversations.trouble
    await conversations.forget("api:1")
    ballast.unlink()
    assert (await desk.ask("after", chat="api:2", channel="web")).answer_id > 0
    assert (conversations.unrecorded, conversations.trouble) == (0, "")
    questions = [question.question[:6] for question in await conversations.open_questions()]
    assert questions == ["after", "2 xxxx", "0 xxxx", "before"]
    await database.close()


async def test_answers_go_on_and_publishing_comes_back_with_the_space(
    small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Uploads until nothing goes in any more, with a little less space each time."""
    monkeypatch.setattr("kb.index.index._PAUSE_S", 1)  # what a minute keeps does not fit here
    ballast = small_disk / "ballast"
    async with workshop(small_disk / "data", WordEmbedder()) as shop:
        await shop.put(faq="refund?|Within 30 days.|money back")
        said, refused = ["money back", "refund?"], 0
        for number in range(40):
            free = os.statvfs(small_disk)
            space = free.f_bavail * free.f_bsize
            # From nearly full to completely full: another write fails each time.
            with ballast.open("ab") as file:
                file.write(bytes(max(0, space - (40 - number) * 4096)))
            lines = [f"line {number}-{n} of a page" for n in range(20)]
            live = await upload(shop, f"page{number}.txt", "\n".join(lines))
            refused += not live
            said += lines if live else []
            found = await (await shop.index.view()).search_text("money", 5)
            assert [hit.text for hit in found] == ["money back"], number
            assert await shop.texts() == sorted(said), number
            ballast.unlink()
            assert await upload(shop, "last.txt", f"after {number}"), number
            said = [text for text in said if not text.startswith("after")] + [f"after {number}"]
            await shop.releases.prune(1)
        assert refused > 5
    async with workshop(small_disk / "data", WordEmbedder()) as shop:
        assert await shop.releases.open_or_rebuild() is None
        assert await shop.texts() == sorted(said)
