"""Files and entries that wait for their operator's word, by their way in."""

import pytest

from db.base import Database
from db.uploads import Entry, SentFile, Uploads

pytestmark = pytest.mark.anyio

FILES = (SentFile("faq.csv", "f1"), SentFile("more.csv", "f2"))
ENTRY = Entry("Do you ship?", "Yes.", open_ids=(3, 4))


@pytest.fixture
def uploads(database: Database) -> Uploads:
    return Uploads(database)


async def test_files_and_entries_come_back_as_they_were_sent(uploads: Uploads) -> None:
    files = await uploads.get(await uploads.add(actor=7, chat_id=5, thread_id=2, files=FILES))
    entry = await uploads.get(await uploads.add(entry=ENTRY, customer=55))
    assert files
    assert entry
    assert (files.files, files.entry, files.title) == (FILES, None, "faq.csv, more.csv")
    assert (files.actor, files.chat_id, files.thread_id, files.state) == (7, 5, 2, "checking")
    assert (entry.files, entry.entry, entry.title) == ((), ENTRY, "Do you ship?")
    assert entry.customer == 55


async def test_a_way_in_has_its_own_uploads(database: Database) -> None:
    telegram, console = Uploads(database), Uploads(database, channel="console")
    first, second = await telegram.add(files=FILES), await console.add(files=FILES)
    third = await telegram.add(files=FILES)
    assert await telegram.get(second) is None
    assert [one.upload_id for one in await telegram.latest(limit=9)] == [third, first]
    assert [one.upload_id for one in await telegram.latest(limit=1)] == [third]
    assert [one.upload_id for one in await telegram.unfinished()] == [first, third]
    assert [one.upload_id for one in await console.unfinished()] == [second]


async def test_a_state_is_left_once(uploads: Uploads) -> None:
    number = await uploads.add(files=FILES)
    assert await uploads.move(number, "checking", "preview", outcome={"report": {"held": ["x"]}})
    assert not await uploads.move(number, "checking", "preview", outcome={})
    assert [one.upload_id for one in await uploads.held()] == [number]
    assert await uploads.move(number, "preview", "applying", before=3)
    found = await uploads.get(number)
    assert found
    assert (found.state, found.before, found.outcome) == (
        "applying",
        3,
        {"report": {"held": ["x"]}},
    )
    assert await uploads.held() == []


async def test_an_entry_is_changed_until_it_is_applied(uploads: Uploads) -> None:
    number = await uploads.add(entry=ENTRY)
    other = await uploads.add(entry=ENTRY)
    better = Entry("Do you ship?", "Yes, to all of Europe.", open_ids=(3, 4))
    assert await uploads.move(number, "checking", "preview")
    assert await uploads.change_entry(number, better)
    found, untouched = await uploads.get(number), await uploads.get(other)
    assert found
    assert untouched
    assert (found.entry, found.state, untouched.entry) == (better, "checking", ENTRY)
    assert await uploads.move(number, "checking", "applying")
    assert not await uploads.change_entry(number, ENTRY)


async def test_customers_are_told_by_one_update(uploads: Uploads) -> None:
    number = await uploads.add(entry=ENTRY)
    assert await uploads.tell_once(number, update_id=11)
    assert await uploads.tell_once(number, update_id=11)
    assert not await uploads.tell_once(number, update_id=12)
    assert not await uploads.tell_once(number + 1, update_id=11)


async def test_what_a_forgotten_customer_asked_and_what_is_old_is_deleted(uploads: Uploads) -> None:
    theirs, other = await uploads.add(entry=ENTRY, customer=55), await uploads.add(entry=ENTRY)
    await uploads.forget(55)
    assert await uploads.get(theirs) is None
    kept = await uploads.get(other)
    assert kept
    await uploads.purge(before=kept.created)
    assert await uploads.get(other)
    await uploads.purge(before=kept.created + 1)
    assert await uploads.get(other) is None
