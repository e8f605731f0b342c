"""Connections to checked addresses only: what is checked is what is connected to.

The check sits where the connection is made, below TLS and above the socket. A host name is
resolved once, every address is checked, and the socket gets an address, never a name. So there is
no second look-up that a rebinding name server could answer differently. The certificate is still
checked against the name.
"""

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from typing import Any, TypeAlias

import httpcore

from sources.fetch.address import forbidden, is_listed, permissible
from sources.fetch.errors import AddressRefused

Resolve: TypeAlias = Callable[[str, int], Awaitable[Sequence[str]]]
"""Returns the addresses of a host, given the port; raises OSError if there are none."""

_MAX_ADDRESSES = 8
"""Of a name with more, the first are tried."""


async def resolve(host: str, port: int) -> Sequence[str]:
    """Look a host name up as the machine does."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))


class CheckedBackend(httpcore.AsyncNetworkBackend):
    """Connects `httpcore` by `inner` to public addresses, and to inner ones of `allow_hosts`."""

    def __init__(
        self,
        *,
        resolver: Resolve = resolve,
        allow_hosts: Collection[str] = (),
        inner: httpcore.AsyncNetworkBackend | None = None,
    ) -> None:
        self._resolver = resolver
        self._allow_hosts = allow_hosts
        self._inner = inner or httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the interface of httpcore
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first address of `host` that accepts.

        Raises:
            AddressRefused: if any of its addresses must not be reached; none was then tried.
            OSError, httpcore.ConnectError, httpcore.ConnectTimeout: if it cannot be connected to.
        """
        options = (port, timeout, local_address, socket_options)
        *others, last = await self._addresses(host, port)
        for address in others:
            with contextlib.suppress(httpcore.ConnectError, httpcore.ConnectTimeout):
                return await self._inner.connect_tcp(address, *options)
        return await self._inner.connect_tcp(last, *options)

    async def _addresses(self, host: str, port: int) -> Sequence[str]:
        """Return the addresses of `host`, at least one and each checked."""
        found = list(await self._resolver(host, port))[:_MAX_ADDRESSES]
        if not found:
            raise OSError(f"{host} has no address")
        for address in found:
            reason = forbidden(address)
            if reason and not (is_listed(host, self._allow_hosts) and permissible(address)):
                raise AddressRefused(host, address, reason)
        return found

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Refuse: no URL means a file."""
        raise AddressRefused(path, "a socket file", "which is no address")

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await self._inner.sleep(seconds)
