"""Entries written by hand, on the real parser and the real index."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from core.errors import UnreadableFile
from kb.parse.sandbox.parser_process import ParserProcess
from kb.releases.ingestor import IncomingFile
from kb.releases.team_answers import DOC_ID, TeamAnswers, with_entry
from tests.fakes import WordEmbedder
from tests.kb.workshop import Workshop, workshop

pytestmark = pytest.mark.anyio


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Workshop]:
    async with workshop(tmp_path / "shop", WordEmbedder(), parser=ParserProcess()) as opened:
        yield opened


@pytest.fixture
def team(shop: Workshop) -> TeamAnswers:
    return TeamAnswers(shop.ingestor)


async def entries(shop: Workshop) -> dict[str, str]:
    _, rows, _ = await shop.snapshot()
    return {row.text: row.answer for row in rows.values()}


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("Do you repair lamps?", "Yes, in our shop."),
        ('What does "new, boxed" mean?', 'It was never opened; see "terms".\n\n- sealed\n- unused'),
        ("发票怎么开？", "下单时勾选“电子发票”，即可收到。"),
        ("=1+1 costs what?", "-5 % in May; +2 % later"),
        ("Öffnungszeiten?\nAuch sonntags?", "Ja; nein | doch"),
    ],
)
async def test_an_entry_is_read_back_word_for_word(
    team: TeamAnswers, shop: Workshop, question: str, answer: str
) -> None:
    report = await team.add(question, answer)
    assert [file.error for file in report.files] == [""]
    stored = await entries(shop)
    assert list(stored.values()) == [answer]
    assert " ".join(next(iter(stored)).split()) == " ".join(question.split())


async def test_entries_come_one_after_the_other_and_two_at_once_both_stay(
    team: TeamAnswers, shop: Workshop
) -> None:
    await team.add("Do you repair lamps?", "Yes.")
    await asyncio.gather(team.add("Are you open?", "Always."), team.add("Where?", "Here."))
    assert await entries(shop) == {
        "Do you repair lamps?": "Yes.",
        "Are you open?": "Always.",
        "Where?": "Here.",
    }


async def test_the_same_question_gets_the_new_answer(team: TeamAnswers, shop: Workshop) -> None:
    await team.add("Do you repair lamps?", "Yes.")
    report = await team.add("do you repair lamps?", "No longer.", dry_run=True)
    assert (report.files[0].changed, report.files[0].added) == (1, 0)
    assert (await entries(shop))["Do you repair lamps?"] == "Yes."
    await team.add("do you repair lamps?", "No longer.")
    assert await entries(shop) == {"Do you repair lamps?": "No longer."}


async def test_a_rollback_takes_the_entry_back(team: TeamAnswers, shop: Workshop) -> None:
    await team.add("Are you open?", "Always.")
    await team.add("Where?", "Here.")
    await shop.releases.rollback(1)
    assert await entries(shop) == {"Are you open?": "Always."}
    await team.add("When?", "Now.")
    assert await entries(shop) == {"Are you open?": "Always.", "When?": "Now."}


async def test_a_file_edited_in_a_spreadsheet_keeps_its_other_columns(
    team: TeamAnswers, shop: Workshop
) -> None:
    edited = "\ufeffQuestion;Answer;Category\r\nAre you open?;Always.;hours\r\n"
    await shop.ingestor.ingest([IncomingFile(DOC_ID, edited.encode())])
    await team.add("Where?", "Here.")
    _, rows, _ = await shop.snapshot()
    assert {(r.text, r.category) for r in rows.values()} == {
        ("Are you open?", "hours"),
        ("Where?", ""),
    }


def test_a_file_without_the_columns_is_refused() -> None:
    with pytest.raises(UnreadableFile, match="no longer has a column 'answer'"):
        with_entry(b"question,reply to it\na,b\n", "Where?", "Here.")
    with pytest.raises(UnreadableFile, match="no longer UTF-8"):
        with_entry("question,answer\nÄ,Ö\n".encode("latin-1"), "Where?", "Here.")
