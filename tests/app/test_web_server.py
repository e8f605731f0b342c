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


APPLICATION = Starlette(routes=[Route("/", hello)])


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
