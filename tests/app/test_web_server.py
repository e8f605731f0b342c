import asyncio
import signal
import socket
from collections.abc import Iterator

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from app.web_server import listen, serve_web
from core.errors import ConfigError

pytestmark = pytest.mark.anyio


async def hello(_request: Request) -> PlainTextResponse:
    return PlainTextResponse("hello")


async def client(request: Request) -> PlainTextResponse:
    assert request.client
    return PlainTextResponse(f"{request.url.scheme} {request.client.host}")


APPLICATION = Starlette(routes=[Route("/", hello), Route("/client", client)])


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with listen("127.0.0.1", 0) as listener:
        yield listener


async def test_between_two_servers_a_visitor_waits(listener: socket.socket) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        async with serve_web(APPLICATION, listener) as address:
            assert (await client.get(address)).text == "hello"
        meanwhile = asyncio.create_task(client.get(address))
        async with serve_web(APPLICATION, listener):
            assert (await meanwhile).text == "hello"
        listener.close()
        with pytest.raises(httpx.ConnectError):
            await client.get(address)


async def test_signals_stay_the_callers(listener: socket.socket) -> None:
    before = signal.getsignal(signal.SIGTERM)
    async with serve_web(APPLICATION, listener):
        assert signal.getsignal(signal.SIGTERM) is before


def test_a_port_in_use_is_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(ConfigError, match=rf"^Port {port} of 127\.0\.0\.1 cannot be used"):
            listen("127.0.0.1", port)


FORWARDED = {"X-Forwarded-For": "203.0.113.1, 198.51.100.7", "X-Forwarded-Proto": "https"}


@pytest.mark.parametrize(
    ("proxies", "seen"),
    [
        ((), "http 127.0.0.1"),
        (("192.0.2.1",), "http 127.0.0.1"),
        (("127.0.0.1",), "https 198.51.100.7"),
        (("127.0.0.0/8", "198.51.100.0/24"), "https 203.0.113.1"),
    ],
)
async def test_only_a_trusted_proxy_tells_who_connects(
    listener: socket.socket, proxies: tuple[str, ...], seen: str
) -> None:
    async with (
        serve_web(APPLICATION, listener, proxies=proxies) as address,
        httpx.AsyncClient(trust_env=False) as http,
    ):
        assert (await http.get(f"{address}/client", headers=FORWARDED)).text == seen
