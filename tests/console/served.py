"""Applications served on loopback from a thread with a loop of its own, for a browser to visit."""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager, contextmanager

import uvicorn
from starlette.types import ASGIApp

_START_S = 120

MakeApps = Callable[[Sequence[str]], AbstractAsyncContextManager[Sequence[ASGIApp]]]
"""Given the addresses, yields one application for each; what they need lives as long."""


@asynccontextmanager
async def on_loopback(app: ASGIApp) -> AsyncIterator[str]:
    """Serve an application on the loop of the test and yield its address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
        serving = asyncio.create_task(server.serve([listener]))
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await serving


@contextmanager
def served(make: MakeApps, *, count: int = 1) -> Iterator[list[str]]:
    """Serve `count` applications and yield their addresses."""
    started = threading.Event()
    servers: list[uvicorn.Server] = []
    with ExitStack() as stack:
        ports = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        urls = [f"http://127.0.0.1:{port.getsockname()[1]}" for port in ports]

        async def serve() -> None:
            async with make(urls) as apps:
                for app in apps:
                    config = uvicorn.Config(
                        app, log_level="error", lifespan="off", timeout_graceful_shutdown=1
                    )
                    servers.append(uvicorn.Server(config))
                started.set()
                pairs = zip(servers, ports, strict=True)
                await asyncio.gather(*(server.serve([port]) for server, port in pairs))

        thread = threading.Thread(target=lambda: asyncio.run(serve()))
        thread.start()
        assert started.wait(_START_S)
        yield urls
        for server in servers:
            server.should_exit = True
        thread.join()
