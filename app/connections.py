"""Open connections of the web page: deadlines, and a fair share for each address.

uvicorn waits for ever for a request that is only begun. A few hundred such connections would take
every descriptor of the process, and with them Telegram and the models' pipes.
"""

import asyncio
import logging
import resource
import socket
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

from uvicorn.protocols.http.h11_impl import H11Protocol

from console.security import address_group

logger = logging.getLogger(__name__)

_SWEEP_SHARE = 0.1
"""Deadlines are looked at this often, as a share of the shortest."""
_FAREWELL_S = 1.0
"""For a client to read that there is no room for it."""
_NO_ROOM = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\nRetry-After: 2\r\n"
    b"Connection: close\r\n\r\n"
    b"Too many connections are open at once. Please try again in a few seconds.\n"
)


@dataclass(frozen=True, slots=True)
class Limits:
    """What connections may take."""

    total: int = 256
    """At most a quarter of the descriptors that the process may open (`of_this_process`)."""
    of_address: int = 64
    """A browser opens six; an office behind one address has ten at once."""
    head_s: float = 10.0
    """For a whole request line with its headers."""
    body_s: float = 20.0
    """Without any byte of a body that was announced."""
    body_bytes_s: float = 1000.0
    """Slowest a body may come on average, after a first `body_s`."""
    reply_s: float = 30.0
    """Without the client taking anything of a reply."""

    @classmethod
    def of_this_process(cls) -> "Limits":
        """Return limits that leave descriptors to Telegram, the models and the database."""
        usual = cls()
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        total = usual.total if soft == resource.RLIM_INFINITY else min(usual.total, soft // 4)
        return cls(total=total, of_address=min(usual.of_address, total // 2))


class Connections:
    """All open connections of one server.

    Where there is no room for a new one, it takes the place of the one that has waited longest for
    its client, of the same address or, if all are full, of the address that has most. One whose
    request is complete is never closed for another. Who has to go is told so.
    """

    def __init__(self, limits: Limits, *, proxies: Sequence[str] = ()) -> None:
        self._limits = limits
        self._proxies = [ip_network(proxy) for proxy in proxies]
        self._open: dict[str, set[Connection]] = {}
        self._leaving: dict[Connection, asyncio.TimerHandle] = {}
        """Those that are told that there is no room; they have no place any more."""
        self._timer: asyncio.TimerHandle | None = None

    def protocol(self) -> type[H11Protocol]:
        """Return the protocol that uvicorn gives to each connection."""
        connections = self

        class Guarded(Connection):
            """A connection of this server."""

            gate = connections

        return Guarded

    def enter(self, connection: "Connection") -> None:
        """Let a connection in, if there is room for it."""
        mine = self._open.setdefault(connection.address, set())
        if not self._is_proxy(connection) and len(mine) >= self._limits.of_address:
            room = self._close_idlest(mine)
        elif sum(map(len, self._open.values())) >= self._limits.total:
            most = max(self._open.values(), key=len)
            room = self._close_idlest(most) or self._close_idlest(
                one for group in self._open.values() for one in group
            )
        else:
            room = True
        if room:
            self._open.setdefault(connection.address, set()).add(connection)
        else:
            self._turn_away(connection)
        self._plan_sweep()

    def leave(self, connection: "Connection") -> None:
        """Forget a connection."""
        group = self._open.get(connection.address, set())
        group.discard(connection)
        if not group:
            self._open.pop(connection.address, None)
        if farewell := self._leaving.pop(connection, None):
            farewell.cancel()

    def _close_idlest(self, group: "Iterable[Connection]") -> bool:
        waiting = [one for one in group if one.awaits_client]
        if not waiting:
            logger.warning("The web page takes no more connections: all are being answered")
            return False
        logger.warning("A connection that waited for its client was closed to make room")
        self._turn_away(min(waiting, key=lambda one: one.last_byte))
        return True

    def _turn_away(self, connection: "Connection") -> None:
        """Tell a connection that there is no room, and give it a moment to read that.

        As many as one address may have open get this moment; the oldest gives way.
        """
        self.leave(connection)
        if len(self._leaving) >= self._limits.of_address:
            self._close(next(iter(self._leaving)))
        loop = asyncio.get_running_loop()
        self._leaving[connection] = loop.call_later(_FAREWELL_S, self._close, connection)
        connection.turn_away()

    def _close(self, connection: "Connection") -> None:
        self.leave(connection)
        # Without lingering, or the kernel keeps what the client does not take.
        connection.transport.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
        )
        connection.transport.abort()

    def _is_proxy(self, connection: "Connection") -> bool:
        if not self._proxies or connection.client is None:
            return False
        return any(ip_address(connection.client[0]) in network for network in self._proxies)

    def _plan_sweep(self) -> None:
        if self._timer is None and self._open:
            limits = self._limits
            shortest = min(limits.head_s, limits.body_s, limits.reply_s)
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(shortest * _SWEEP_SHARE, self._sweep)

    def _sweep(self) -> None:
        self._timer = None
        for group in list(self._open.values()):
            for connection in list(group):
                if connection.is_overdue(self._limits):
                    self._close(connection)
        self._plan_sweep()


class Connection(H11Protocol):
    """uvicorn's connection, which knows since when it waits for its client."""

    gate: Connections
    address = ""
    last_byte = 0.0
    """When the client last sent, or took, something; of the loop's clock."""
    _since = 0.0
    """When it began to wait for a head, or for a body."""
    _received = 0
    """Bytes since then."""
    _request: object = None
    _unsent = 0
    _turned_away = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin, if there is room."""
        super().connection_made(transport)
        self.address = address_group(self.client[0]) if self.client else ""
        self._since = self.last_byte = self.loop.time()
        self.gate.enter(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self.gate.leave(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what the client sends; what nobody reads would reset the connection at its end."""
        if self._turned_away:
            return
        self.last_byte = self.loop.time()
        self._received += len(data)
        super().data_received(data)
        self._note_request()

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        self._since, self._received = self.loop.time(), 0
        super().on_response_complete()
        self._note_request()

    def turn_away(self) -> None:
        """Say that there is no room, unless nothing was asked since the last reply, and end."""
        self._turned_away = True
        rests = self._awaits_head and self.cycle is not None and not self._received
        begun = self.cycle is not None and self.cycle.response_started and not self._awaits_head
        if not rests and not begun:
            self.transport.write(_NO_ROOM)
        if self.cycle is not None:
            self.cycle.disconnected = True  # what is sent from now on goes nowhere
            self.cycle.message_event.set()
        self.transport.write_eof()

    @property
    def awaits_client(self) -> bool:
        """Whether everything was sent, and a head or a body is not complete yet."""
        awaits_body = self.cycle is not None and self.cycle.more_body and not self.flow.read_paused
        return not self.transport.get_write_buffer_size() and (self._awaits_head or awaits_body)

    @property
    def _awaits_head(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def is_overdue(self, limits: Limits) -> bool:
        """Tell whether the client took too long for what comes next."""
        now = self.loop.time()
        unsent = self.transport.get_write_buffer_size()
        if unsent != self._unsent:
            self._unsent, self.last_byte, self._since = unsent, now, now
        if unsent:
            return now - self.last_byte > limits.reply_s
        if self._awaits_head:
            return now - self._since > limits.head_s
        waited = now - self._since
        slow = waited > limits.body_s and self._received < waited * limits.body_bytes_s
        return self.awaits_client and (slow or now - self.last_byte > limits.body_s)

    def _note_request(self) -> None:
        """Count from its beginning what comes of a request that has just begun."""
        if self.cycle is not self._request:
            self._request, self._since, self._received = self.cycle, self.loop.time(), 0
