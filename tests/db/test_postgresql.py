"""The service's own tables on PostgreSQL: what SQLite and its driver do in their own way."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import text

from core.errors import StorageError
from core.types import Answer, Draft, Source
from db.base import Database, create_engine, database_url
from db.conversations import Conversations
from db.drafts import Drafts
from db.erasure import purge
from db.figures import Figures, Which
from db.inbox import Inbox, NewUpdate
from db.keys import Keys
from db.outbox import Outbox, Outgoing
from db.schema import ensure_schema
from db.snapshot import NoSnapshot, snapshot

pytestmark = pytest.mark.anyio

SOURCE = Source("c1", "faq.csv", "", "", "", 0.9, "")


@pytest.fixture
async def database(postgres: str) -> AsyncIterator[Database]:
    await ensure_schema(postgres)
    database = Database(create_engine(postgres))
    yield database
    await database.close()


def test_an_address_of_an_earlier_version_names_the_driver_of_today(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    address = database_url("postgresql+asyncpg://desk@host/desk", tmp_path)
    assert address == "postgresql+psycopg://desk@host/desk"
    assert "refused by the next version. Write psycopg in its place." in caplog.text


async def test_answers_are_stored_together_counted_and_deleted(database: Database) -> None:
    conversations, figures = Conversations(database), Figures(database)
    known = Answer("faq", "Yes.", "en", 0.9, sources=(SOURCE,))
    writes = (
        conversations.record(f"{n}?", known, chat=f"telegram:{n}", channel="telegram")
        for n in range(9)
    )
    numbers = await asyncio.gather(*writes)
    assert len(set(numbers) - {0}) == 9
    lost = Answer("unknown", "?", "en")
    await conversations.record("lost?", lost, chat="web:a", channel="widget")
    assert [one.question for one in await conversations.open_questions()] == ["lost?"]
    assert await conversations.give_feedback(numbers[0], helpful=False)
    which = Which(since=0, cites=["c1"], among=numbers, resolved="once")
    assert len(await figures.answers(which, limit=99)) == 8
    assert sum(cell.answers for cell in (await figures.cells(since=0))[0]) == 10
    assert await purge(database, {"telegram": 1e12, "": 0.0}, audit=0) == 9


async def test_what_may_be_done_once_is_done_once(database: Database) -> None:
    held = Answer("held", "?", "en", 0.5, draft=Draft("Tomorrow.", "faq.csv", ""))
    record = Conversations(database).record
    number = await record("when?", held, chat="telegram:1", channel="telegram")
    drafts, inbox = Drafts(database), Inbox(database, bot_id=1)
    claims = [await drafts.claim(number, press=press) for press in (7, 8)]
    assert [claim and claim.text for claim in claims] == ["Tomorrow.", None]
    updates = [NewUpdate(number, 1, "{}") for number in (1, 2)]
    assert [await inbox.store(updates) for _ in range(2)] == [{1, 2}, set()]
    assert [await inbox.failed_once(1, "x") for _ in range(2)] == [1, 2]
    outbox = Outbox(database, bot_id=1)
    (sent,) = await outbox.add([Outgoing(1, "sendMessage", {"text": "a"}, {})], update_id=1)
    await outbox.finish(sent.outbox_id, "uncertain")
    again = [await outbox.queue_again(sent.outbox_id) for _ in range(2)]
    assert [one and one.state for one in again] == ["queued", None]


async def test_a_write_that_fails_fails_alone(database: Database, tmp_path: Path) -> None:
    keys = Keys(database)
    wrong = database.write(lambda session: session.execute(text("INSERT INTO nowhere VALUES (1)")))
    error, token = await asyncio.gather(wrong, keys.add("shop", ["ask"]), return_exceptions=True)
    assert isinstance(error, StorageError)
    assert (await keys.use(str(token))) is not None
    assert await database.scrub()
    await database.check()
    with pytest.raises(NoSnapshot):
        await snapshot(database, tmp_path / "copy")
