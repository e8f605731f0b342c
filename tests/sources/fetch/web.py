"""A small web on loopback: servers that behave badly on purpose, and names that lead to them."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import httpcore

PUBLIC = "93.184.216.34"
"""Stands for the public web: connections to it are led to a server of the test."""

Send: TypeAlias = Callable[[asyncio.StreamWriter], Awaitable[None]]


def reply(
    body: bytes = b"", *, status: int = 200, headers: Mapping[str, str] | None = None
) -> bytes:
    """Return a whole HTTP response."""
    head = {"Content-Length": str(len(body)), "Content-Type": "text/html", **(headers or {})}
    lines = [f"HTTP/1.1 {status} X", *(f"{name}: {value}" for name, value in head.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def moved(location: str, status: int = 302) -> bytes:
    return reply(status=status, headers={"Location": location})


class Web:
    """A server whose pages are set by the test, by host and path or by path alone."""

    def __init__(self) -> None:
        self.pages: dict[str, bytes | Send] = {"/robots.txt": reply(status=404)}
        self.requests: list[tuple[str, dict[str, str]]] = []
        """Host with path, and headers by lower-case name, without robots.txt."""
        self.connections = 0
        self.port = 0
        self._open: set[asyncio.Task[Any]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        try:
            while head := await _head(reader):
                first, *lines = head.split("\r\n")
                path = first.split(" ")[1]
                headers = dict(_pair(line) for line in lines if ":" in line)
                place = headers.get("host", "") + path
                if path != "/robots.txt":
                    self.requests.append((place, headers))
                page = self.pages.get(place, self.pages.get(path, reply(status=404)))
                if isinstance(page, bytes):
                    writer.write(page)
                    await writer.drain()
                else:
                    await page(writer)
                    break
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self._open.discard(task)
            writer.close()

    async def close(self) -> None:
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)


@asynccontextmanager
async def web(context: ssl.SSLContext | None = None) -> AsyncIterator[Web]:
    """Serve on a free port of loopback, over TLS with a `context`."""
    site = Web()
    server = await asyncio.start_server(site.serve, "127.0.0.1", 0, ssl=context)
    site.port = server.sockets[0].getsockname()[1]
    try:
        yield site
    finally:
        server.close()
        await site.close()
        await server.wait_closed()


async def _head(reader: asyncio.StreamReader) -> str:
    try:
        return (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").strip()
    except asyncio.IncompleteReadError:
        return ""


def _pair(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    return name.strip().lower(), value.strip()


class Detour(httpcore.AsyncNetworkBackend):
    """Connects to `PUBLIC` by connecting to the test's server; to all else as it was asked to."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._real = httpcore.AnyIOBackend()
        self.connected: list[str] = []

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the interface of httpcore
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        self.connected.append(host)
        if host == PUBLIC:
            host, port = "127.0.0.1", self._port
        return await self._real.connect_tcp(host, port, timeout)


async def everywhere_public(_host: str, _port: int) -> Sequence[str]:
    """Resolve every name to the public web."""
    return [PUBLIC]
