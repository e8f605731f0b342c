"""Inbox and outbox of the Telegram side; writes that share a commit."""

import asyncio
from collections.abc import Awaitable

import pytest
from sqlalchemy import delete, func, insert, select, text, update
from sqlalchemy.orm import Session

from core.errors import StorageError
from db.base import Database, Repository
from db.chats import ChatRow, Chats
from db.group_commit import GroupCommit, Operation, T
from db.inbox import Inbox, NewUpdate, StoredUpdate
from db.outbox import Outbox, Outgoing
from tests.database import session_of
from tests.tables import dead_letters

pytestmark = pytest.mark.anyio


@pytest.fixture
def inbox(database: Database) -> Inbox:
    return Inbox(database, bot_id=1)


@pytest.fixture
def outbox(database: Database) -> Outbox:
    return Outbox(database, bot_id=1)


def new(number: int, chat: int = 5) -> NewUpdate:
    return NewUpdate(number, chat, f'{{"update_id": {number}}}')


def hello(chat: int = 5, **context: object) -> Outgoing:
    return Outgoing(chat, "sendMessage", {"chat_id": chat, "text": "hello"}, context)


async def test_an_update_is_new_once(inbox: Inbox) -> None:
    assert await inbox.store([new(1), new(2)]) == {1, 2}
    assert await inbox.store([new(2), new(3)]) == {3}
    assert [u.update_id for u in await inbox.pending()] == [1, 2, 3]


async def test_bots_do_not_share_updates(database: Database, inbox: Inbox) -> None:
    other = Inbox(database, bot_id=2)
    await inbox.store([new(1)])
    assert await other.store([new(1)]) == {1}
    await inbox.finish(1)
    assert len(await other.pending()) == 1


async def test_a_finished_update_forgets_what_it_said_and_stays_known(
    database: Database, inbox: Inbox
) -> None:
    await inbox.store([new(1)])
    await inbox.finish(1)
    assert await inbox.pending() == []
    assert await inbox.store([new(1)]) == set()
    async with session_of(database) as session:
        assert await session.scalar(text("select payload from telegram_inbox")) == ""


async def test_a_dead_letter_keeps_its_payload_and_can_be_revived(inbox: Inbox) -> None:
    await inbox.store([new(1), NewUpdate(2, 5, "{}", "no")])
    assert await inbox.failed_once(1, "no") == 1
    assert await inbox.failed_once(1, "no") == 2
    await inbox.bury(1, "no")
    dead, unreadable = await dead_letters(inbox)
    assert dead.payload == '{"update_id": 1}'
    assert await inbox.revive(unreadable.seq) is None, "it cannot be read"
    assert await inbox.revive(1)
    assert await inbox.revive(1) is None
    (again,) = await inbox.pending()
    assert (again.starts, again.failures) == (0, 0)


async def test_purging_leaves_what_is_not_finished(inbox: Inbox) -> None:
    await inbox.store([new(1), new(2), new(3)])
    await inbox.finish(1)
    await inbox.bury(2, "no")
    await inbox.purge(before=2e12)
    assert [u.update_id for u in await inbox.pending()] == [3]
    assert [u.update_id for u in await dead_letters(inbox)] == [2]
    async with session_of(inbox._database) as session:
        assert await session.scalar(select(func.count(StoredUpdate.seq))) == 2


async def test_messages_of_an_update_keep_their_order_and_finish_others(
    inbox: Inbox, outbox: Outbox
) -> None:
    await inbox.store([new(1), new(2)])
    await outbox.add([hello(number=1), hello(number=2)], update_id=1, answers_also=[2])
    await outbox.add([hello(number=3)], update_id=1)
    assert [m.context["number"] for m in await outbox.of_update(1)] == [1, 2, 3]
    assert [u.update_id for u in await inbox.pending()] == [1]


async def test_a_sent_message_loses_its_text_and_keeps_its_context(outbox: Outbox) -> None:
    (message,) = await outbox.add([hello(answer_id=7)], update_id=1)
    await outbox.finish(message.outbox_id, "sent", message_id=99)
    found = await outbox.find(5, 99)
    assert found is not None
    assert (found.state, found.params, found.context) == ("sent", {}, {"answer_id": 7})
    assert await outbox.find(5, 98) is None


async def test_only_messages_that_no_pending_update_sends_again_are_left_over(
    inbox: Inbox, outbox: Outbox
) -> None:
    await inbox.store([new(1), new(2)])
    await outbox.add([hello()], update_id=1)
    await outbox.add([hello()], update_id=2)
    await outbox.add([hello()])
    await inbox.finish(2)
    assert [m.update_id for m in await outbox.unanswering()] == [2, None]


async def test_forgetting_a_chat_leaves_no_row_of_it(
    database: Database, inbox: Inbox, outbox: Outbox
) -> None:
    chats = Chats(database)
    for chat in (5, 6):
        await chats.see(chat, name=f"Person {chat}")
        await inbox.store([new(chat, chat)])
        await outbox.add([hello(chat)], update_id=chat)
    await chats.forget(5)
    assert [u.chat_id for u in await inbox.pending()] == [6]
    assert await outbox.of_update(5) == []
    async with session_of(database) as session:
        assert list(await session.scalars(select(ChatRow.chat_id))) == [6]
    await chats.see(5, name="Person 5")
    async with session_of(database) as session:
        assert len(list(await session.scalars(select(ChatRow.chat_id)))) == 2


async def test_writes_that_wait_together_share_a_commit(database: Database) -> None:
    commits = 0

    def counting(work: Operation[T]) -> Awaitable[T]:
        nonlocal commits
        commits += 1
        return database._transact(work)

    writer = GroupCommit(counting)

    async def write(number: int) -> int:
        def operation(session: Session) -> int:
            session.execute(text("update telegram_chats set name = ''"))
            return number

        return await writer.run(operation)

    assert await asyncio.gather(*(write(n) for n in range(50))) == list(range(50))
    assert commits <= 3


async def test_a_write_that_fails_fails_alone(database: Database) -> None:
    def good(session: Session) -> str:
        session.execute(text("insert into telegram_chats values (1, 'a', '', '', 0, 0, 0, 0)"))
        return "stored"

    def bad(session: Session) -> None:
        session.execute(text("insert into nowhere values (1)"))

    outcomes = await asyncio.gather(
        database.write(bad), database.write(good), database.write(bad), return_exceptions=True
    )
    assert outcomes[1] == "stored"
    assert isinstance(outcomes[0], StorageError)
    assert "no such table: nowhere" in str(outcomes[2])
    async with session_of(database) as session:
        assert await session.scalar(text("select count(*) from telegram_chats")) == 1


async def test_statements_of_one_write_are_all_done_or_none(database: Database) -> None:
    await Chats(database).see(1, name="Ana")
    execute = Repository(database)._execute
    named = update(ChatRow).where(ChatRow.chat_id == 1).values(name="Bea")
    assert await execute(named) == ()
    assert await execute(named, named.values(name="Eva").returning(ChatRow.name)) == ["Eva"]
    with pytest.raises(StorageError):
        await execute(delete(ChatRow), insert(ChatRow).values(chat_id=2))
    assert await Chats(database).name(1) == "Eva"


async def test_a_caller_that_goes_away_does_not_stop_its_write(database: Database) -> None:
    def slow(session: Session) -> None:
        session.execute(text("insert into telegram_chats values (1, 'a', '', '', 0, 0, 0, 0)"))

    first = asyncio.create_task(database.write(slow))
    second = asyncio.create_task(database.write(lambda s: s.scalar(text("select 7"))))
    await asyncio.sleep(0)
    first.cancel()
    assert await second == 7
    async with session_of(database) as session:
        assert await session.scalar(text("select count(*) from telegram_chats")) == 1
