"""SQLite under asyncio: what holds up whom, who waits, and what a cancellation leaves."""

import asyncio
import logging
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import CursorResult, text
from sqlalchemy.orm import Session

from core.errors import StorageError
from db import sqlite
from db.base import Database, create_engine, database_url, wal_is_safe
from tests.database import session_of

pytestmark = pytest.mark.anyio


class Gate:
    """An SQL function that says in which thread it runs, and waits there until it is opened."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.open = threading.Event()

    def __call__(self) -> int:
        self.entered.set()
        assert self.open.wait(10)
        return 1


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = Database(create_engine(database_url("", tmp_path)))
    async with session_of(database) as session:
        await session.execute(text("CREATE TABLE t (x)"))
    yield database
    await database.close()


async def run(database: Database, *statements: str) -> list[object]:
    """Run statements in a transaction of their own; return the first column of the last one."""
    return await database._transact(lambda session: execute(session, *statements))


def execute(session: Session, *statements: str) -> list[object]:
    for statement in statements:
        found = session.execute(text(statement))
    rows = isinstance(found, CursorResult) and found.returns_rows
    return list(found.scalars()) if rows else []


async def add_function(database: Database, name: str, function: object) -> None:
    """Register an SQL function on the connection that the next session gets."""
    with database.engine.connect() as connection:
        raw = connection.connection.driver_connection
        raw.create_function(name, 0, function)  # type: ignore[union-attr]


async def test_sqlite_itself_is_one_whose_log_is_safe(database: Database) -> None:
    assert wal_is_safe(sqlite.VERSION)
    assert await run(database, "PRAGMA journal_mode") == ["wal"]
    assert await run(database, "PRAGMA synchronous") == [2]


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT gate()",
        "INSERT INTO t VALUES (gate())",
        "UPDATE t SET x = gate()",
        "DELETE FROM t WHERE x = gate()",
        "WITH a AS (SELECT gate() AS x) INSERT INTO t SELECT x FROM a",
    ],
)
async def test_a_long_statement_holds_up_neither_the_loop_nor_a_reader(
    database: Database, statement: str
) -> None:
    gate = Gate()
    await run(database, "INSERT INTO t VALUES (1)")
    await add_function(database, "gate", gate)
    task = asyncio.create_task(run(database, statement))
    await asyncio.to_thread(gate.entered.wait, 10)
    assert await run(database, "SELECT x FROM t") == [1]
    assert not task.done()
    gate.open.set()
    await task


async def test_a_read_or_a_write_takes_one_turn_of_a_thread(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Target 21: a turn takes longer than a short statement."""
    turns: list[str] = []
    submit = database._pool.submit

    def counted(*work: Any) -> Any:
        turns.append("turn")
        return submit(*work)

    monkeypatch.setattr(database._pool, "submit", counted)
    await database.read(lambda session: session.execute(text("SELECT x FROM t")).all())
    assert len(turns) == 1
    await database.write(lambda session: session.execute(text("INSERT INTO t VALUES (1)")))
    assert len(turns) == 2


async def test_reads_see_the_last_commit_while_another_session_writes(database: Database) -> None:
    async with session_of(database) as session:
        await session.execute(text("INSERT INTO t VALUES (1)"))
        assert await run(database, "SELECT count(*) FROM t") == [0]
    assert await run(database, "SELECT count(*) FROM t") == [1]


async def test_writers_queue_and_none_is_refused(database: Database) -> None:
    async def add(number: int) -> None:
        def work(session: Session) -> None:
            session.execute(text("SELECT count(*) FROM t"))
            session.execute(text("INSERT INTO t VALUES (:x)"), {"x": number})

        await database.write(work)

    async with asyncio.timeout(30):
        await asyncio.gather(*(add(number) for number in range(100)))
    assert await run(database, "SELECT x FROM t ORDER BY x") == list(range(100))


async def test_a_write_inside_anothers_transaction_says_so(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "WAIT_S", 0.05)  # the second connection is made now
    async with session_of(database) as session:
        await session.execute(text("INSERT INTO t VALUES (1)"))
        with pytest.raises(StorageError, match="database is locked"):
            await run(database, "INSERT INTO t VALUES (2)")
    assert await run(database, "INSERT INTO t VALUES (3)", "SELECT x FROM t") == [1, 3]


async def test_no_log_has_what_a_failed_statement_was_given(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    said = {"x": "canary"}
    try:
        async with session_of(database) as session:
            await session.execute(text("INSERT INTO gone VALUES (:x)"), said)
    except StorageError:
        logging.getLogger("db").exception("Not stored")
    assert "INSERT INTO gone" in caplog.text
    assert "canary" not in caplog.text


async def test_another_processs_lock_is_waited_for(database: Database, tmp_path: Path) -> None:
    program = (
        "import sys; from pysqlite3 import dbapi2\n"
        "c = dbapi2.connect(sys.argv[1], isolation_level=None)\n"
        "c.execute('BEGIN IMMEDIATE'); print(1, flush=True)\n"
        "input(); c.execute('INSERT INTO t VALUES (1)'); c.execute('COMMIT')\n"
    )
    other = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, str(tmp_path / "answerdesk.db"),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert other.stdin is not None
    assert other.stdout is not None
    await other.stdout.readline()
    write = asyncio.create_task(run(database, "INSERT INTO t VALUES (2)", "SELECT x FROM t"))
    assert await run(database, "SELECT x FROM t") == []  # readers do not wait
    for _ in range(5):
        await asyncio.sleep(0)
    assert not write.done()
    other.stdin.write(b"\n")
    assert await write == [1, 2]
    await other.wait()


async def test_a_failing_statement_undoes_the_session_and_lets_the_next_one_write(
    database: Database,
) -> None:
    with pytest.raises(StorageError, match="no such table"):
        await run(database, "INSERT INTO t VALUES (1)", "INSERT INTO nowhere VALUES (1)")
    assert await run(database, "INSERT INTO t VALUES (2)", "SELECT x FROM t") == [2]


async def test_many_rows_at_once(database: Database) -> None:
    async with session_of(database) as session:
        await session.execute(text("INSERT INTO t VALUES (:x)"), [{"x": n} for n in range(2_000)])
    assert await run(database, "SELECT sum(x) FROM t") == [1_999_000]


async def test_a_cancelled_write_is_done_and_lets_the_next_one_write(database: Database) -> None:
    gate = Gate()
    await run(database, "INSERT INTO t VALUES (1)")
    await add_function(database, "gate", gate)
    task = asyncio.create_task(
        database.write(lambda s: execute(s, "DELETE FROM t WHERE x = gate()"))
    )
    await asyncio.to_thread(gate.entered.wait, 10)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    gate.open.set()
    assert await run(database, "INSERT INTO t VALUES (2)", "SELECT x FROM t") == [2]


async def test_a_write_whose_wait_was_cancelled_is_done(database: Database) -> None:
    async with session_of(database) as session:
        await session.execute(text("INSERT INTO t VALUES (1)"))
        waiting = asyncio.create_task(
            database.write(lambda s: execute(s, "INSERT INTO t VALUES (2)"))
        )
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    then = "INSERT INTO t VALUES (3)", "SELECT x FROM t"
    assert await database.write(lambda s: execute(s, *then)) == [1, 2, 3]


async def test_scrubbing_takes_deleted_text_off_the_disk(
    database: Database, tmp_path: Path
) -> None:
    await run(database, "INSERT INTO t VALUES ('canary-7141')")
    await run(database, "DELETE FROM t")
    files = list(tmp_path.glob("answerdesk.db*"))
    assert any(b"canary-7141" in file.read_bytes() for file in files)
    assert await database.scrub()
    assert not any(b"canary-7141" in file.read_bytes() for file in files)


async def test_scrubbing_while_somebody_writes_waits_for_them(database: Database) -> None:
    async with session_of(database) as session:
        await session.execute(text("INSERT INTO t VALUES (1)"))
        scrub = asyncio.create_task(database.scrub())
        await asyncio.sleep(0)
        assert not scrub.done()
    assert await scrub
    assert await run(database, "SELECT x FROM t") == [1]


@pytest.mark.parametrize("exists", [False, True])
async def test_nobody_else_reads_the_database_or_its_log(tmp_path: Path, exists: bool) -> None:
    file = tmp_path / "answerdesk.db"
    if exists:
        file.touch(mode=0o644)
    database = Database(create_engine(database_url("", tmp_path)))
    async with session_of(database) as session:
        await session.execute(text("CREATE TABLE t (x)"))
    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    await database.close()
    assert modes["answerdesk.db"] == 0o600
    assert set(modes.values()) == {0o600}
