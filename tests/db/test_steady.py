"""A cancelled task leaves the database usable, and the loop can end (db/steady.py)."""

import asyncio
import threading
from pathlib import Path

import pytest
from sqlalchemy import text

from db import steady
from db.base import Database, create_engine, database_url

pytestmark = pytest.mark.anyio


class Gate:
    """Holds up the database's thread until it is opened."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.open = threading.Event()

    def __call__(self) -> int:
        self.entered.set()
        assert self.open.wait(10)
        return 1


async def test_an_operation_that_has_begun_ends_before_the_cancellation(tmp_path: Path) -> None:
    connection = await steady.connect(tmp_path / "a.db")
    gate = Gate()
    await connection.create_function("gate", 0, gate)
    await connection.execute("CREATE TABLE t (x)")
    task = asyncio.create_task(connection.execute_fetchall("INSERT INTO t SELECT gate()"))
    await asyncio.to_thread(gate.entered.wait, 10)
    for _ in range(3):
        task.cancel()
        await asyncio.sleep(0)
        assert not task.done()
    gate.open.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    await connection.commit()
    assert list(await connection.execute_fetchall("SELECT x FROM t")) == [(1,)]
    await connection.close()


async def test_closing_twice_at_once_ends(tmp_path: Path) -> None:
    """What SQLAlchemy does with the connection of a task that is cancelled while it closes."""
    connection = await steady.connect(tmp_path / "a.db")
    closing = asyncio.create_task(connection.close())
    await asyncio.sleep(0)
    connection.stop()
    await asyncio.wait_for(closing, 10)
    await asyncio.to_thread(connection._thread.join, 10)
    assert not connection._thread.is_alive()


async def test_a_connection_given_up_while_opening_is_closed(tmp_path: Path) -> None:
    gate = Gate()
    connection = steady.connect(tmp_path / "a.db")
    real = connection._connector
    connection._connector = lambda: (gate(), real())[1]
    task = asyncio.create_task(_open(connection))
    await asyncio.to_thread(gate.entered.wait, 10)
    task.cancel()
    gate.open.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.to_thread(connection._thread.join, 10)
    assert (connection._thread.is_alive(), connection._connection) == (False, None)


async def test_every_session_is_steady_and_rolls_back_when_cancelled(tmp_path: Path) -> None:
    database = Database(create_engine(database_url("", tmp_path)))
    async with database.session() as session:
        await session.execute(text("CREATE TABLE t (x)"))
    gate = Gate()

    async def insert() -> None:
        async with database.session() as session:
            connection = await session.connection()
            raw = await connection.get_raw_connection()
            assert isinstance(raw.driver_connection, steady.SteadyConnection)
            await raw.driver_connection.create_function("gate", 0, gate)
            await session.execute(text("INSERT INTO t SELECT gate()"))

    tasks = asyncio.all_tasks()
    task = asyncio.create_task(insert())
    await asyncio.to_thread(gate.entered.wait, 10)
    task.cancel()
    gate.open.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with database.session() as session:
        assert (await session.execute(text("SELECT count(*) FROM t"))).scalar() == 0
    await database.close()
    assert asyncio.all_tasks() == tasks


async def _open(connection: steady.SteadyConnection) -> None:
    await connection
