import signal
import socket

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from app.web_server import serve_web
from core.errors import ConfigError

pytestmark = pytest.mark.anyio


async def hello(_request: Request) -> PlainTextResponse:
    return PlainTextResponse("hello")


async def client(request: Request) -> PlainTextResponse:
    assert request.client
    return PlainTextResponse(f"{request.url.scheme} {request.client.host}")


APPLICATION = Starlette(routes=[Route("/", hello), Route("/client", client)])


async def test_it_serves_while_the_context_is_open() -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        async with serve_web(APPLICATION, host="127.0.0.1", port=0) as address:
            assert (await client.get(address)).text == "hello"
        with pytest.raises(httpx.ConnectError):
            await client.get(address)


async def test_signals_stay_the_callers() -> None:
    before = signal.getsignal(signal.SIGTERM)
    async with serve_web(APPLICATION, host="127.0.0.1", port=0):
        assert signal.getsignal(signal.SIGTERM) is before


async def test_a_port_in_use_is_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(ConfigError, match=rf"^Port {port} of 127\.0\.0\.1 cannot be used"):
            async with serve_web(APPLICATION, host="127.0.0.1", port=port):
                pass


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
async def test_only_a_trusted_proxy_tells_who_connects(proxies: tuple[str, ...], seen: str) -> None:
    async with (
        serve_web(APPLICATION, host="127.0.0.1", port=0, proxies=proxies) as address,
        httpx.AsyncClient(trust_env=False) as http,
    ):
        assert (await http.get(f"{address}/client", headers=FORWARDED)).text == seen
