"""What went wrong with Telegram's messages, as the console lists it."""

import pytest

from db.base import Database
from db.inbox import Inbox, NewUpdate
from db.mishaps import Mishaps
from db.outbox import Outbox, Outgoing

pytestmark = pytest.mark.anyio


async def test_the_newest_that_went_wrong_come_first_and_are_dropped_one_by_one(
    database: Database,
) -> None:
    inbox, mishaps = Inbox(database, bot_id=1), Mishaps(database)
    await inbox.store([NewUpdate(1, 5, "{}", "no 1"), *(NewUpdate(n, 5, "{}") for n in (2, 3))])
    await inbox.bury(3, "no 3")
    assert await mishaps.counts() == (2, 0)
    found = await mishaps.dead_letters(limit=9)
    assert [(d.update_id, d.error, d.starts) for d in found] == [
        (3, "no 3", 1),
        (1, "no 1", 0),
    ]
    (newest,) = await mishaps.dead_letters(limit=1)
    assert await mishaps.drop_dead_letter(newest.seq)
    assert not await mishaps.drop_dead_letter(newest.seq)
    assert [d.update_id for d in await mishaps.dead_letters(limit=9)] == [1]


async def test_what_may_have_arrived_is_listed_newest_first_and_nothing_else_is_dropped(
    database: Database,
) -> None:
    outbox, mishaps = Outbox(database, bot_id=1), Mishaps(database)
    sent, first, second = await outbox.add(
        [Outgoing(5, "sendMessage", {"chat_id": 5, "text": text}, {}) for text in "abc"]
    )
    await outbox.finish(sent.outbox_id, "sent", message_id=1)
    for message in (first, second):
        await outbox.finish(message.outbox_id, "uncertain", error="timed out")
    assert await mishaps.counts() == (0, 2)
    found = await mishaps.uncertain_sends(limit=9)
    assert [one.outbox_id for one in found] == [second.outbox_id, first.outbox_id]
    assert len(await mishaps.uncertain_sends(limit=1)) == 1
    assert not await mishaps.drop_send(sent.outbox_id)
    assert await mishaps.drop_send(first.outbox_id)
    assert await mishaps.counts() == (0, 1)
