"""Who was forgotten stays forgotten, whatever is restored (target 36)."""

from functools import partial
from pathlib import Path

import pytest

from core.errors import StorageError
from core.types import Answer
from db.accounts import Accounts
from db.base import Database
from db.chats import Chats
from db.conversations import Conversations
from db.erasure import ErasureList, purge, replay, restate
from db.handover import Handovers, number_of
from db.inbox import Inbox, NewUpdate
from db.keys import Keys
from db.operators import Operators
from db.outbox import Outbox, Outgoing
from db.uploads import Entry, Uploads

pytestmark = pytest.mark.anyio

CANARY = "canary-51c2"
LATER = 4e9


async def write(database: Database, number: int, text: str) -> None:
    """Leave something of a chat in every table that may hold it."""
    answer = Answer("unknown", text, "en")
    for chat in (f"telegram:{number}", f"web:{number}"):
        await Conversations(database).record(text, answer, chat=chat, channel="x")
    await Chats(database).see(number, name=text)
    await Inbox(database, bot_id=1).store([NewUpdate(number, number, text)])
    outgoing = Outgoing(number, "sendMessage", {"text": text}, {})
    await Outbox(database, bot_id=1).add([outgoing])
    await Handovers(database).ask(number, reason=text)
    await Handovers(database).answered(number, text)
    await Uploads(database).add(entry=Entry(text, text), customer=number)


def files_with(folder: Path, text: str) -> list[str]:
    return [f.name for f in folder.glob("answerdesk.db*") if text.encode() in f.read_bytes()]


async def test_a_restored_database_is_erased_again(database: Database, tmp_path: Path) -> None:
    await write(database, 5, CANARY)
    await write(database, 6, "kept-77")
    erasures = ErasureList(tmp_path / "erased.txt")
    for chat in ("telegram:5", "web:5"):
        erasures.add(chat, clock=lambda: LATER)
    assert files_with(tmp_path, CANARY)
    assert await replay(database, erasures.read()) == 2
    assert files_with(tmp_path, CANARY) == []
    assert files_with(tmp_path, "kept-77")
    assert await replay(database, erasures.read()) == 0


async def test_what_came_after_the_erasure_stays(database: Database, tmp_path: Path) -> None:
    erasures = ErasureList(tmp_path / "erased.txt")
    erasures.add("telegram:5", clock=lambda: 1000.0)
    await write(database, 5, CANARY)
    assert await replay(database, erasures.read()) == 0
    assert len(await Conversations(database).turns("telegram:5", limit=9)) == 1


def test_the_list_names_nobody_and_survives_a_torn_line(tmp_path: Path) -> None:
    path = tmp_path / "erased.txt"
    erasures = ErasureList(path)
    assert erasures.read() == {}
    erasures.add("telegram:123456", clock=lambda: 1000.0)
    erasures.add("telegram:123456", clock=lambda: 2000.0)
    with path.open("a") as file:
        file.write("3000 abc")
    assert list(erasures.read().values()) == [2000.0]
    erasures.add("telegram:7", clock=lambda: 4000.0)
    assert sorted(erasures.read().values()) == [2000.0, 4000.0]
    assert "123456" not in path.read_text()
    assert path.stat().st_mode & 0o077 == 0


def test_a_list_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"erased\.txt cannot be written"):
        ErasureList(tmp_path / "none" / "erased.txt").add("telegram:1")


async def test_who_was_removed_does_not_come_back_with_a_backup(
    database: Database, tmp_path: Path
) -> None:
    erasures = ErasureList(tmp_path / "erased.txt")
    database = Database(database.engine, note_erased=partial(erasures.add, clock=lambda: LATER))
    accounts = Accounts(database)
    operators = Operators(database)
    keys = Keys(database)

    async def people() -> tuple[list[str], list[int], list[str]]:
        return (
            [one.name for one in await accounts.list()],
            [one.user_id for one in await operators.list()],
            [one.name for one in await keys.list()],
        )

    async def hire(*names: str) -> None:
        for number, name in enumerate(names, start=1):
            await accounts.invite(name, "owner")
            await operators.add(number, "owner", name=name)
            await keys.add(name, ["ask"])

    await hire("Ada", "Eve")
    eve = (await accounts.list())[1].account_id
    await accounts.open_session(eve, "digest", address="", browser="")
    await operators.redeem(await operators.new_code("owner", account_id=eve), user_id=9, name="E")
    await accounts.remove(eve)
    await operators.remove(2)
    await keys.revoke("Eve")
    removed = await people()
    assert removed == (["Ada"], [1], ["Ada"])
    assert "Eve" not in (tmp_path / "erased.txt").read_text()
    await hire("Eve")  # as a backup has it
    await operators.add(2, "owner", name="Eve")
    await accounts.open_session(eve, "digest", address="", browser="")
    assert await replay(database, erasures.read()) == 3
    assert await people() == removed
    assert await accounts.session("digest") is None


async def test_the_last_password_and_role_count_more_than_those_of_a_backup(
    database: Database, tmp_path: Path
) -> None:
    erasures = ErasureList(tmp_path / "erased.txt")
    accounts = Accounts(Database(database.engine, note_erased=erasures.add))
    backup = Accounts(database)
    operators = Operators(database)
    await accounts.accept(await accounts.invite("Ada", "owner"), "$hash-one")
    await accounts.accept(await accounts.invite("Eve", "owner"), "$hash-Eve")
    ada, eve = (one.account_id for one in await accounts.list())
    await operators.redeem(await operators.new_code("owner", account_id=eve), user_id=9, name="E")
    await accounts.set_password(ada, "$hash-two")
    await accounts.set_role(eve, "viewer")
    assert await restate(database, erasures.accounts()) == 0, "as it is already"

    await backup.set_password(ada, "$hash-one")  # as a backup has it
    await backup.set_role(eve, "owner")
    await backup.open_session(ada, "digest", address="", browser="")
    assert await restate(database, erasures.accounts()) == 2
    states = {one.name: (one.role, one.password) for one in await accounts.list()}
    assert states == {"Ada": ("owner", "$hash-two"), "Eve": ("viewer", "$hash-Eve")}
    assert await operators.role_of(9) == "viewer"
    assert await accounts.session("digest") is None
    assert erasures.read() == {}, "nobody was erased"
    assert "Ada" not in (tmp_path / "erased.txt").read_text()

    whole = (tmp_path / "erased.txt").read_text().splitlines()[-1]
    for torn in range(1, len(whole)):
        (tmp_path / "torn.txt").write_text(whole[:torn])
        torn_list = ErasureList(tmp_path / "torn.txt")
        assert (torn_list.read(), torn_list.accounts()) == ({}, {})

    await accounts.remove(eve)
    await backup.invite("Eve", "editor")
    assert await restate(database, erasures.accounts()) == 0, "another Eve"


async def test_what_people_wrote_goes_with_the_answers_around_it(database: Database) -> None:
    conversations = Conversations(database)
    handovers = Handovers(database)
    for chat in ("web:old", "telegram:5"):
        await conversations.record("?", Answer("unknown", "", "en"), chat=chat, channel="x")
        await handovers.ask(number_of(chat), reason="?", chat="" if chat[0] == "t" else chat)
        await handovers.answered(number_of(chat), "Yes.")
    assert await purge(database, {"telegram": 0.0, "": LATER}, audit=0.0) == 1
    assert await handovers.said("web:old") == []
    assert len(await handovers.said("telegram:5")) == 1
    assert [one.chat for one in await handovers.open(web=True)] == ["telegram:5"]
