"""Fetch one page: checked, polite, limited in size and time."""

import asyncio
import contextlib
import re
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import urljoin

import httpcore
from protego import Protego

from sources.fetch.address import Target, read_url
from sources.fetch.body import ACCEPT_ENCODING, BadBody, read_body
from sources.fetch.connect import CheckedBackend, Resolve, resolve
from sources.fetch.errors import AddressRefused, PageNotFetched, UrlRefused

AGENT = "Answerdesk"
"""Names us to servers and in robots.txt."""

_REDIRECTS = 5
_MAX_DELAY_S = 30.0
"""The longest Crawl-delay that is obeyed; who asks for more is asked as seldom as this."""
_REST_BYTES = 64 * 1024
"""Of the body of an error page that is read, to keep the connection."""
_MOVED = {301, 302, 303, 307, 308}
_ROBOTS_BYTES = 500 * 1024
"""Of a robots.txt; RFC 9309 asks for at least this much to be read."""
_VERSION = re.compile(r"(?im)^([ \t]*user-agent[ \t]*:[ \t]*[a-z_-]+)/[^\s#]*")
"""Behind an agent's name in a robots.txt, which Protego would take for a part of it."""


@dataclass(frozen=True, slots=True)
class Conditions:
    """What is known of a page from the last time, so that it need not be sent again."""

    etag: str = ""
    last_modified: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """What a server answered."""

    url: str
    """Where the answer came from, after redirects."""
    status: int
    """200, 304, or another that is no redirect."""
    body: bytes = b""
    media_type: str = ""
    """Lower case, without parameters."""
    charset: str = ""
    """As the server names it; empty if it does not."""
    etag: str = ""
    last_modified: str = ""


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """How much a server may send and how often it is asked."""

    max_bytes: int = 50 * 2**20
    """Of a body, packed and unpacked."""
    timeout_s: float = 20.0
    """For a page with all its redirects, from the first connection to the last byte."""
    interval_s: float = 1.0
    """Between two requests to one host."""


NO_CONDITIONS = Conditions()
_DEFAULT_LIMITS = FetchLimits()


@dataclass
class _Host:
    """What one run knows of a host."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    robots: Protego | None = None
    failure: PageNotFetched | None = None
    """Why its robots.txt cannot be read."""
    next_at: float = 0.0
    """On the monotonic clock."""


class _Budget:
    """Seconds that one page with its redirects may still take; waiting for a turn is free."""

    def __init__(self, total_s: float) -> None:
        self.total_s = total_s
        self.left_s = total_s


class Fetcher:
    """Fetches pages over one pool of connections. One of these serves one run.

    Cookies, credentials and the proxies of the environment are not used.

    Hosts in `allow_hosts` may be at an address of an inner network; `backend` makes connections
    to checked addresses.
    """

    def __init__(
        self,
        limits: FetchLimits = _DEFAULT_LIMITS,
        *,
        allow_hosts: Collection[str] = (),
        resolver: Resolve = resolve,
        backend: httpcore.AsyncNetworkBackend | None = None,
        ssl_context: ssl.SSLContext | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limits = limits
        self._backend = CheckedBackend(resolver=resolver, allow_hosts=allow_hosts, inner=backend)
        self._ssl_context = ssl_context
        self._sleep = sleep
        self._clock = clock
        self._hosts: dict[str, _Host] = {}
        self._pool: httpcore.AsyncConnectionPool | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._pool is not None:
            await self._pool.aclose()

    async def fetch(
        self, url: str, conditions: Conditions = NO_CONDITIONS, *, max_bytes: int = 0
    ) -> Page:
        """Fetch a page, following redirects; each step is checked like the first.

        `conditions` let the server answer 304 with no body; `max_bytes` is a limit below that of
        the fetcher.

        Raises:
            UrlRefused: if it, or where it leads, must not be fetched from.
            PageNotFetched: if there is no answer, robots.txt forbids it, or a limit was reached.
        """
        limit = min(max_bytes or self._limits.max_bytes, self._limits.max_bytes)
        return await self._follow(url, conditions, limit=limit, politely=True)

    async def _follow(
        self, url: str, conditions: Conditions, *, limit: int, politely: bool = False
    ) -> Page:
        """Return what stands at the end of redirects, `politely` as each host wants to be asked."""
        target = read_url(url)
        budget = _Budget(self._limits.timeout_s)
        for _ in range(_REDIRECTS + 1):
            if politely:
                await self._permitted(target, url)
                await self._wait_turn(target)
            async with _limited(url, budget):
                answer = await self._get(target, conditions, limit=limit)
            if not isinstance(answer, str):
                return answer
            target = _redirected(target, answer, url)
        raise PageNotFetched(url, f"it is redirected more than {_REDIRECTS} times")

    async def _permitted(self, target: Target, url: str) -> None:
        """Obey the robots.txt of a host, which is read once."""
        host = self._host(target)
        async with host.lock:
            if host.robots is None and host.failure is None:
                try:
                    host.robots = await self._read_robots(f"{target.origin}/robots.txt")
                except PageNotFetched as error:
                    host.failure = error
        if isinstance(host.failure, UrlRefused):
            raise UrlRefused(url, host.failure.reason)
        if host.failure is not None:
            raise PageNotFetched(url, f"its robots.txt: {host.failure.reason}")
        if host.robots is not None and not host.robots.can_fetch(target.url, AGENT):
            raise PageNotFetched(url, f"the robots.txt of {target.host} forbids it")

    async def _read_robots(self, url: str) -> Protego:
        answer = await self._follow(url, NO_CONDITIONS, limit=_ROBOTS_BYTES)
        if answer.status == 200:
            return await asyncio.to_thread(read_robots, answer.body.decode("utf-8", "replace"))
        if 400 <= answer.status < 500 and answer.status != 429:
            return read_robots("")
        raise PageNotFetched(url, f"the server answered {answer.status}")

    async def _wait_turn(self, target: Target) -> None:
        """Wait until this host may be asked again, in the order of asking."""
        host = self._host(target)
        asked = (host.robots and host.robots.crawl_delay(AGENT)) or 0.0
        pause = max(self._limits.interval_s, min(asked, _MAX_DELAY_S))
        now = self._clock()
        turn = max(now, host.next_at)
        host.next_at = turn + pause
        if turn > now:
            await self._sleep(turn - now)

    def _host(self, target: Target) -> _Host:
        return self._hosts.setdefault(target.origin, _Host())

    async def _get(self, target: Target, conditions: Conditions, *, limit: int) -> Page | str:
        """Ask once; return the page, or where it was moved to."""
        headers: dict[bytes | str, bytes | str] = {
            "User-Agent": AGENT,
            "Accept": "text/html, application/xhtml+xml, */*;q=0.8",
            "Accept-Encoding": ACCEPT_ENCODING,
        }
        if conditions.etag:
            headers["If-None-Match"] = conditions.etag
        if conditions.last_modified:
            headers["If-Modified-Since"] = conditions.last_modified
        async with self._connections().stream("GET", target.url, headers=headers) as got:
            found = _decoded(got.headers)
            if got.status in _MOVED:
                return found.get("location", "")
            body = b""
            if got.status == 200:
                body = await read_body(
                    got.aiter_stream(), encoding=found.get("content-encoding", ""), limit=limit
                )
            else:
                with contextlib.suppress(BadBody):  # only so that the connection can be kept
                    await read_body(got.aiter_stream(), encoding="", limit=_REST_BYTES)
            media_type, _, parameters = found.get("content-type", "").partition(";")
            charset = re.search(r"charset\s*=\s*[\"']?([\w.:-]{1,40})", parameters, re.IGNORECASE)
            return Page(
                url=target.url,
                status=got.status,
                body=body,
                media_type=media_type.strip().lower(),
                charset=charset[1] if charset else "",
                etag=_kept(found.get("etag", "")),
                last_modified=_kept(found.get("last-modified", "")),
            )

    def _connections(self) -> httpcore.AsyncConnectionPool:
        if self._pool is None:
            context = self._ssl_context or httpcore.default_ssl_context()
            self._pool = httpcore.AsyncConnectionPool(
                ssl_context=context,
                network_backend=self._backend,
                max_connections=8,
                max_keepalive_connections=4,
                keepalive_expiry=15.0,
            )
        return self._pool


@contextlib.asynccontextmanager
async def _limited(url: str, budget: _Budget) -> AsyncIterator[None]:
    """End a request at its deadline, and turn what a server can do wrong into a sentence."""
    loop = asyncio.get_running_loop()
    started = loop.time()
    try:
        async with asyncio.timeout(budget.left_s):
            yield
    except AddressRefused as error:
        raise UrlRefused(url, str(error)) from error
    except TimeoutError as error:
        raise PageNotFetched(url, f"it took longer than {budget.total_s:g} s") from error
    except BadBody as error:
        raise PageNotFetched(url, str(error)) from error
    except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError) as error:
        what = str(error) or type(error).__name__
        raise PageNotFetched(url, f"the connection failed ({what})") from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise PageNotFetched(url, f"the connection failed ({reason})") from error
    finally:
        budget.left_s -= loop.time() - started


def _redirected(target: Target, location: str, url: str) -> Target:
    if not location:
        raise PageNotFetched(url, "it is redirected to nowhere")
    try:
        there = read_url(urljoin(target.url, location))
    except UrlRefused as error:
        raise UrlRefused(url, f"it is redirected, and {error.reason}") from error
    except ValueError as error:
        raise UrlRefused(url, f"it is redirected to what is no URL ({error})") from error
    if target.scheme == "https" and there.scheme == "http":
        raise UrlRefused(url, "it is redirected from https to http")
    return there


def _decoded(headers: list[tuple[bytes, bytes]]) -> dict[str, str]:
    """Return headers by lower-case name; values of one name are joined, as RFC 9110 has it."""
    found: dict[str, str] = {}
    for name, value in headers:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        found[key] = f"{found[key]}, {text}" if key in found else text
    return found


def _kept(value: str) -> str:
    """Return a validator that can be stored and sent back, or nothing."""
    return value if len(value) <= 255 and re.fullmatch(r"[\x21-\x7e ]*", value) else ""


def read_robots(text: str) -> Protego:
    """Return the rules of a robots.txt (RFC 9309); the largest takes a second."""
    return Protego.parse(_VERSION.sub(r"\1", text))
