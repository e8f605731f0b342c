"""A CSV and an XLSX file, and a real HTTP server that is slow, fails, and sends hostile JSON."""

import asyncio
import datetime as dt
import gzip
import json
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import openpyxl
import pytest

from core.errors import ConfigError, LookupFailed
from lookups.recognise import Parameter
from lookups.sources import JsonService, TableFile

pytestmark = pytest.mark.anyio

KEYS = [Parameter("order", r"\d{4}", {"en": "?"})]


async def test_a_row_of_a_csv_file_is_found_whatever_its_spelling(tmp_path: Path) -> None:
    file = tmp_path / "orders.csv"
    file.write_bytes("Order;Kunde\nff-4711;Müller\n4712;X\n;nobody\n".encode())
    source = TableFile(file, [Parameter("order", r"(?:FF-)?\d{4}", {"en": "?"}, field="Order")])
    assert await source.find({"order": "FF4711"}) == [{"Order": "ff-4711", "Kunde": "Müller"}]
    assert await source.find({"order": "4799"}) == []
    assert await source.find({"order": "-"}) == []


async def test_a_changed_file_is_read_again_and_a_lost_one_is_said_to_be(tmp_path: Path) -> None:
    file = tmp_path / "orders.csv"
    file.write_text("order,status\n4711,packed\n", "utf-8")
    source = TableFile(file, KEYS)
    assert await source.find({"order": "4711"}) == [{"order": "4711", "status": "packed"}]
    file.write_text("order,status\n4711,sent\n", "utf-8")
    os.utime(file, ns=(1, 1))
    assert await source.find({"order": "4711"}) == [{"order": "4711", "status": "sent"}]
    file.unlink()
    with pytest.raises(LookupFailed, match=r"looked up: orders\.csv: FileNotFoundError"):
        await source.find({"order": "4711"})


async def test_cells_of_a_workbook_keep_their_dates_and_numbers(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    sheet.append(["order", "shipped", "total"])
    sheet.append([4711, dt.datetime(2026, 11, 26), 12.5])  # noqa: DTZ001 - workbooks know no zone
    book.save(tmp_path / "orders.xlsx")
    (row,) = await TableFile(tmp_path / "orders.xlsx", KEYS).find({"order": "4711"})
    assert row["shipped"] == dt.datetime(2026, 11, 26)  # noqa: DTZ001
    assert row["total"] == 12.5


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.csv", b"number,status\n1,2\n", r"a\.csv has no column order"),
        ("a.csv", b"", r"a\.csv has no column order"),
        ("a.xlsx", b"no workbook", r"a\.xlsx: UnreadableFile"),
    ],
)
async def test_a_file_that_cannot_be_used_says_why(
    tmp_path: Path, name: str, content: bytes, reason: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(LookupFailed, match=reason):
        await TableFile(tmp_path / name, KEYS).find({"order": "4711"})


# --- HTTP --------------------------------------------------------------------------------------


class Shop:
    """A server on loopback that sends what it is told, byte for byte."""

    def __init__(self) -> None:
        self.requests: list[str] = []
        self.status = "200 OK"
        self.headers = "Content-Type: application/json\r\n"
        self.body = b"{}"
        self.silent = False
        self.asked = asyncio.Event()
        self.closed = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.requests.append((await reader.readuntil(b"\r\n\r\n")).decode())
        self.asked.set()
        if self.silent:
            await reader.read()  # until the other side gives up
        else:
            head = f"HTTP/1.1 {self.status}\r\n{self.headers}Content-Length: {len(self.body)}\r\n"
            writer.write(f"{head}Connection: close\r\n\r\n".encode() + self.body)
        writer.close()
        self.closed.set()


Opener = Callable[..., JsonService]


@pytest.fixture
async def shop() -> AsyncIterator[tuple[Shop, str]]:
    shop = Shop()
    server = await asyncio.start_server(shop.serve, "127.0.0.1", 0)
    async with server:
        yield shop, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def ask(address: str, order: str, *, record: str = "", token: str = "") -> object:
    service = JsonService(f"{address}/orders/${{order}}?full=1", record=record, token=token)
    try:
        return await service.find({"order": order})
    finally:
        await service.close()


async def test_a_record_is_taken_out_of_the_reply(shop: tuple[Shop, str]) -> None:
    server, address = shop
    reply = {"data": [{"id": 4711, "carrier": {"name": "Posthorn"}, "lines": [1, 2]}, "x"]}
    server.body = json.dumps(reply).encode()
    found = await ask(address, "4711", record="data", token="t0p-s3cret")
    assert found == [{"id": 4711, "carrier.name": "Posthorn"}]
    assert server.requests[0].startswith("GET /orders/4711?full=1 HTTP/1.1\r\n")
    assert "authorization: bearer t0p-s3cret" in server.requests[0].lower()


async def test_a_value_stays_in_its_place_of_the_address(shop: tuple[Shop, str]) -> None:
    server, address = shop
    await ask(address, "../admin?x=1#y\r\nX-Evil: 1")
    assert server.requests[0].startswith(
        "GET /orders/..%2Fadmin%3Fx%3D1%23y%0D%0AX-Evil%3A%201?full=1 HTTP/1.1\r\n"
    )
    assert await ask(address, "..") == []
    assert len(server.requests) == 1


async def test_not_found_is_no_failure(shop: tuple[Shop, str]) -> None:
    server, address = shop
    server.status = "404 Not Found"
    assert await ask(address, "4711") == []


@pytest.mark.parametrize("body", [b"null", b"[]", b'"text"', b"7", b'{"data": null}', b"[[{}]]"])
async def test_a_reply_without_record_is_none(shop: tuple[Shop, str], body: bytes) -> None:
    server, address = shop
    server.body = body
    assert await ask(address, "4711", record="data") == []


@pytest.mark.parametrize(
    ("status", "headers", "body", "reason"),
    [
        ("500 Oops", "", b"order 4711 of mia", "HTTP status 500"),
        ("302 Found", "Location: http://127.0.0.1:1/\r\n", b"", "HTTP status 302"),
        ("200 OK", "", b"<html>4711", "JSONDecodeError"),
        ("200 OK", "", b"\xff\xfe\x00", "Error"),
        ("200 OK", "", b"[" * 100_000, "RecursionError|JSONDecodeError"),
        ("200 OK", "", b"9" * 10_000, "ValueError"),
        ("200 OK", "", b" " * 300_000, "more than 262,144 bytes"),
        ("200 OK", "Content-Encoding: gzip\r\n", gzip.compress(b"{}" * 10**6, mtime=0), "Error"),
    ],
)
async def test_a_hostile_reply_is_a_failure_that_repeats_nothing(
    shop: tuple[Shop, str], status: str, headers: str, body: bytes, reason: str
) -> None:
    server, address = shop
    server.status, server.headers, server.body = status, headers, body
    with pytest.raises(LookupFailed, match=reason) as caught:
        await ask(address, "4711")
    assert "4711" not in str(caught.value)


async def test_a_silent_service_is_left_when_its_time_is_over(shop: tuple[Shop, str]) -> None:
    server, address = shop
    server.silent = True
    waiting = asyncio.create_task(ask(address, "4711"))
    await server.asked.wait()
    waiting.cancel()
    await server.closed.wait()
    assert waiting.cancelled()


async def test_nobody_there_is_a_failure() -> None:
    with pytest.raises(LookupFailed, match="ConnectError"):
        await ask("http://127.0.0.1:1", "4711")


@pytest.mark.parametrize("url", ["ftp://a/${order}", "http://${order}.example/", "${order}"])
def test_an_address_is_the_operators(url: str) -> None:
    with pytest.raises(ConfigError, match="must begin with http:// or https://"):
        JsonService(url)
