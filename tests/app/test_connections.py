"""Clients that connect and then say little or nothing, on real sockets."""

import asyncio
import select
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from itertools import islice

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from app.connections import Limits
from app.web_server import listen, serve_web

pytestmark = pytest.mark.anyio

PATIENCE_S = 10
"""Beyond it a test gives up; nothing waits for so long when all is well."""
HALF_A_HEAD = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n"
HALF_A_BODY = b"POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: 900\r\n\r\nabc"


class Page:
    """A page that answers at once, takes bodies, or answers when told to."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.go = asyncio.Event()
        routes = [
            Route("/", self.hello),
            Route("/slow", self.slow),
            Route("/large", self.large),
            Route("/length", self.length, methods=["POST"]),
        ]
        self.application = Starlette(routes=routes)

    async def hello(self, _request: Request) -> PlainTextResponse:
        return PlainTextResponse("hello")

    async def slow(self, _request: Request) -> PlainTextResponse:
        self.asked.set()
        await self.go.wait()
        return PlainTextResponse("at last")

    async def large(self, _request: Request) -> PlainTextResponse:
        return PlainTextResponse("a" * 20_000_000)

    async def length(self, request: Request) -> PlainTextResponse:
        return PlainTextResponse(str(len(await request.body())))


class Visitor:
    """A connection whose bytes the test chooses."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        with suppress(ConnectionError):
            await self.writer.drain()

    async def is_closed(self) -> bool:
        """Wait for the server to close; what it sent before is thrown away."""
        async with asyncio.timeout(PATIENCE_S):
            with suppress(ConnectionError):
                while await self.reader.read(65536):
                    pass
        return True

    def was_closed(self) -> bool:
        return self.reader.at_eof() or self.reader.exception() is not None


class House:
    """A server, and everybody who connected to it."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.visitors: list[Visitor] = []

    async def visit(self, data: bytes = b"", *, source: str = "127.0.0.1") -> Visitor:
        port = int(self.address.rpartition(":")[2])
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", port, local_addr=(source, 0), limit=2**12
        )
        visitor = Visitor(reader, writer)
        self.visitors.append(visitor)
        if data:
            await visitor.send(data)
        return visitor

    async def get(self, path: str = "/", *, source: str = "127.0.0.1") -> str:
        transport = httpx.AsyncHTTPTransport(local_address=source)
        async with httpx.AsyncClient(
            transport=transport, trust_env=False, timeout=PATIENCE_S
        ) as client:
            return (await client.get(f"{self.address}{path}")).text


@asynccontextmanager
async def open_house(
    page: Page, limits: Limits, proxies: tuple[str, ...] = ()
) -> AsyncIterator[House]:
    with listen("127.0.0.1", 0) as listener:
        async with serve_web(page.application, listener, limits=limits, proxies=proxies) as address:
            house = House(address)
            try:
                yield house
            finally:
                page.go.set()
                for visitor in house.visitors:
                    visitor.writer.transport.abort()


@pytest.mark.parametrize("data", [b"", HALF_A_HEAD, HALF_A_BODY])
async def test_half_open_connections_of_one_address_do_not_silence_the_page(data: bytes) -> None:
    """Target 28: the oldest of them go, so that its own and other visitors are served."""
    async with open_house(Page(), Limits(total=64, of_address=16)) as house:
        crowd = [await house.visit(data) for _ in range(200)]
        assert await house.get() == "hello"
        assert await house.get(source="127.0.0.2") == "hello"
        assert all([await visitor.is_closed() for visitor in crowd[:180]])
        assert sum(visitor.was_closed() for visitor in crowd) <= 200 - 14


async def test_many_addresses_do_not_silence_the_page() -> None:
    async with open_house(Page(), Limits(total=64, of_address=16)) as house:
        crowd = [
            await house.visit(HALF_A_HEAD, source=f"127.0.1.{number % 100 + 1}")
            for number in range(200)
        ]
        assert await house.get() == "hello"
        assert all([await visitor.is_closed() for visitor in crowd[:100]])


async def test_the_address_that_has_most_makes_room() -> None:
    async with open_house(Page(), Limits(total=20, of_address=15)) as house:
        quiet = await house.visit(HALF_A_HEAD, source="127.0.0.2")
        crowd = [await house.visit(HALF_A_HEAD, source="127.0.0.3") for _ in range(15)]
        for number in range(4, 20):
            await house.visit(HALF_A_HEAD, source=f"127.0.0.{number}")
        assert await crowd[0].is_closed()
        await quiet.send(b"Connection: close\r\n\r\n")
        async with asyncio.timeout(PATIENCE_S):
            assert b"hello" in await quiet.reader.read()


async def test_a_question_under_way_is_not_closed_for_others() -> None:
    page = Page()
    async with open_house(page, Limits(total=8, of_address=4)) as house:
        asked = asyncio.create_task(house.get("/slow"))
        await page.asked.wait()
        for _ in range(50):
            await house.visit(HALF_A_HEAD)
        page.go.set()
        assert await asked == "at last"


async def test_all_of_100_requests_at_once_are_answered_or_told_why_not() -> None:
    """36 of them were reset without a word."""
    page = Page()
    async with open_house(page, Limits(total=256, of_address=64)) as house:
        asked = [asyncio.create_task(house.get("/slow")) for _ in range(100)]
        refused = [await one for one in islice(asyncio.as_completed(asked), 36)]
        page.go.set()
        assert all("try again in a few seconds" in text for text in refused)
        assert (await asyncio.gather(*asked)).count("at last") == 64


async def test_who_is_turned_away_learns_when_to_come_again() -> None:
    page = Page()
    async with open_house(page, Limits(total=8, of_address=1)) as house:
        asked = asyncio.create_task(house.get("/slow"))
        await page.asked.wait()
        visitor = await house.visit(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        async with asyncio.timeout(PATIENCE_S):
            reply = await visitor.reader.read()
        assert reply.startswith(b"HTTP/1.1 503 ")
        assert b"\r\nRetry-After: 2\r\n" in reply
        page.go.set()
        assert await asked == "at last"


async def test_a_rested_connection_that_makes_room_is_closed_without_a_reply() -> None:
    """A browser would take it for the reply to its next request."""
    async with open_house(Page(), Limits(total=8, of_address=1)) as house:
        rested = await house.visit(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        async with asyncio.timeout(PATIENCE_S):
            assert (await rested.reader.readuntil(b"hello")).startswith(b"HTTP/1.1 200")
            await house.visit(HALF_A_HEAD)
            assert await rested.reader.read() == b""


async def test_visitors_of_a_trusted_proxy_are_not_one_address() -> None:
    limits = Limits(total=32, of_address=4)
    async with open_house(Page(), limits, proxies=("127.0.0.1",)) as house:
        crowd = [await house.visit(HALF_A_HEAD) for _ in range(20)]
        for visitor in crowd:
            await visitor.send(b"Connection: close\r\n\r\n")
            async with asyncio.timeout(PATIENCE_S):
                assert b"hello" in await visitor.reader.read()


@pytest.mark.parametrize("data", [b"", HALF_A_HEAD, b"GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / "])
async def test_a_head_has_a_deadline(data: bytes) -> None:
    """Also the second one of a connection."""
    async with open_house(Page(), Limits(head_s=0.2)) as house:
        assert await (await house.visit(data)).is_closed()


async def test_a_body_has_a_deadline() -> None:
    async with open_house(Page(), Limits(body_s=0.2)) as house:
        assert await (await house.visit(HALF_A_BODY)).is_closed()


async def test_a_body_that_drips_is_ended() -> None:
    async with open_house(Page(), Limits(body_s=0.5, body_bytes_s=1e6)) as house:
        visitor = await house.visit(HALF_A_BODY)
        closed = asyncio.create_task(visitor.is_closed())
        while not closed.done():
            await visitor.send(b"a")
            await asyncio.wait({closed}, timeout=0.05)
        assert await closed


async def test_a_reply_that_nobody_takes_is_ended() -> None:
    async with open_house(Page(), Limits(reply_s=0.5)) as house:
        visitor = await house.visit(b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n")
        visitor.reader._transport.pause_reading()  # type: ignore[attr-defined]
        reset = select.poll()
        reset.register(visitor.writer.get_extra_info("socket").fileno(), 0)
        assert await asyncio.to_thread(reset.poll, PATIENCE_S * 1000)


async def test_a_whole_body_is_taken() -> None:
    async with open_house(Page(), Limits()) as house:
        visitor = await house.visit(HALF_A_BODY)
        await visitor.send(b"a" * 897)
        async with asyncio.timeout(PATIENCE_S):
            assert (await visitor.reader.readline()).startswith(b"HTTP/1.1 200")


def test_descriptors_are_left_to_everything_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("resource.getrlimit", lambda _: (256, 1024))
    assert Limits.of_this_process() == Limits(total=64, of_address=32)
    monkeypatch.setattr("resource.getrlimit", lambda _: (-1, -1))
    assert Limits.of_this_process() == Limits(total=256, of_address=64)
