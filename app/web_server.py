"""uvicorn on our own loop: the caller keeps the signals, and a port in use is a sentence."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from starlette.types import ASGIApp

from app.connections import Connections, Limits
from core.errors import ConfigError

_STOP_S = 5
"""Seconds that open requests get to end."""


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone: uvicorn would raise them again and end the process early."""
        yield


@asynccontextmanager
async def serve_web(
    application: ASGIApp,
    listener: socket.socket,
    *,
    proxies: Sequence[str] = (),
    limits: Limits | None = None,
) -> AsyncIterator[str]:
    """Serve the application while the context is open; yield its address. The listener stays open.

    The word of `proxies`, addresses and networks, counts on who connects through them. Without
    `limits` of connections, there are as many as this process can afford.
    """
    limits = limits or Limits.of_this_process()
    server = _Server(
        uvicorn.Config(
            application,
            log_config=None,
            timeout_graceful_shutdown=_STOP_S,
            server_header=False,
            http=Connections(limits, proxies=proxies).protocol(),
            ws="none",
            proxy_headers=bool(proxies),
            forwarded_allow_ips=list(proxies),
        )
    )
    task = asyncio.create_task(server.serve(sockets=[listener.dup()]), name="web server")
    try:
        host, port, *_ = listener.getsockname()
        yield f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    finally:
        server.should_exit = True
        await task


def listen(host: str, port: int) -> socket.socket:
    """Return a socket on which connections wait for a server; port 0 takes any free one.

    Raises:
        ConfigError: if the address cannot be used.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise ConfigError(
            f"Port {port} of {host} cannot be used ({error.strerror}). Stop what uses it, or set "
            "console.port (ANSWERDESK__CONSOLE__PORT) to another."
        ) from error
    listener.listen(128)
    listener.setblocking(False)
    return listener
