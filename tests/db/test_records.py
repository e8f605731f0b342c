"""Records of a company's own SQLite and PostgreSQL."""

import asyncio
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from core.errors import ConfigError, LookupFailed
from db.records import SqlRecords

pytestmark = pytest.mark.anyio

FIND = 'SELECT number AS "order", status, total FROM orders WHERE number = :order'
ROWS = "INSERT INTO orders VALUES ('4711', 'shipped', 12.50), ('4712', 'packed', 3)"
TABLE = "CREATE TABLE orders (number VARCHAR(9), status VARCHAR(9), total DECIMAL(9, 2))"


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the address of a database with two orders."""
    if request.param == "sqlite":
        address = f"sqlite:///{tmp_path / 'shop.db'}"
    else:
        address = request.getfixturevalue("postgres")
    engine = create_engine(address)
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE IF EXISTS orders"))
        connection.execute(text(TABLE))
        connection.execute(text(ROWS))
    engine.dispose()
    return address


async def rows(url: str, order: str, statement: str = FIND) -> list[dict[str, object]]:
    records = SqlRecords(url, statement)
    try:
        return [dict(row) for row in await records.find({"order": order, "email": "unused"})]
    finally:
        await records.close()


async def test_a_row_is_found_by_its_value(url: str) -> None:
    (row,) = await rows(url, "4711")
    assert (row["order"], row["status"], float(str(row["total"]))) == ("4711", "shipped", 12.5)


@pytest.mark.parametrize(
    "order",
    ["", "4799", "' OR '1'='1", "4711'; DROP TABLE orders;--", "%", "$1", ":order"],
)
async def test_a_value_is_never_part_of_the_statement(url: str, order: str) -> None:
    assert await rows(url, order) == []
    assert len(await rows(url, "4711")) == 1


async def test_nothing_can_be_written(url: str) -> None:
    with pytest.raises(ConfigError, match="it must be one SELECT"):
        SqlRecords(url, "DELETE FROM orders WHERE number = :order")
    with pytest.raises(ConfigError, match="it must be one SELECT"):
        SqlRecords(url, "SELECT 1; DELETE FROM orders")
    writing = (
        "WITH gone AS (DELETE FROM orders RETURNING number) SELECT number FROM gone"
        if url.startswith("postgresql")
        else "WITH a AS (SELECT 1) DELETE FROM orders RETURNING number"
    )
    with pytest.raises(LookupFailed):
        await rows(url, "4711", writing)
    assert len(await rows(url, "4711")) == 1


async def test_at_most_twenty_rows_are_read(url: str) -> None:
    many = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 99) "
    assert len(await rows(url, "", f"{many} SELECT i FROM n")) == 20


async def test_a_statement_that_takes_too_long_is_ended(url: str) -> None:
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i % 7 + 1 FROM n) "
    records = SqlRecords(url, f"{endless} SELECT max(i) FROM n")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await records.find({})
    async with asyncio.timeout(20):
        await asyncio.to_thread(records._pool.shutdown, wait=True)
    await records.close()


async def test_a_failure_says_what_kind_it_is_and_no_value(url: str) -> None:
    with pytest.raises(LookupFailed, match=r"OperationalError|UndefinedTable") as caught:
        await rows(url, "4711", "SELECT 1 FROM nowhere WHERE a = :order")
    assert "4711" not in str(caught.value)
    assert caught.value.__cause__ is None


async def test_a_missing_sqlite_file_is_not_created(tmp_path: Path) -> None:
    with pytest.raises(LookupFailed, match=r"OperationalError"):
        await rows(f"sqlite:///{tmp_path / 'none.db'}", "4711")
    assert list(tmp_path.iterdir()) == []


async def test_a_file_with_odd_signs_in_its_name_is_opened(tmp_path: Path) -> None:
    folder = tmp_path / "100% #1?"
    folder.mkdir()
    connection = sqlite3.connect(folder / "shop.db")
    connection.executescript(f"{TABLE}; {ROWS};")
    connection.close()
    assert len(await rows(f"sqlite:///{folder}/shop.db".replace("?", "%3F"), "4711")) == 1


@pytest.mark.parametrize("url", ["nonsense", "nosuch://a/b", "postgresql+nodriver://a/b"])
def test_an_address_without_driver_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match=r"its address must be one of SQLAlchemy"):
        SqlRecords(url, FIND)
