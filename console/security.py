"""Who may see which page: signed cookies, logins, and what a browser may not do for a stranger."""

import hashlib
import hmac
import secrets
import time
from collections import deque
from collections.abc import Callable, Sequence
from ipaddress import IPv6Address, ip_address, ip_network
from math import ceil
from typing import TypeVar
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import Request

from core.errors import AnswerdeskError, ConfigError

LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "::1")
"""Names under which a browser on the same machine reaches the page."""

_LOGIN_LASTS_S = 12 * 3600
_FREE_FAILURES = 5
"""Wrong passwords of one address that cost nothing; from then on each doubles the delay."""
_FIRST_DELAY_S = 15.0
_LONGEST_DELAY_S = 900.0
"""Also how long failures are remembered. One address has about 12 guesses in half an hour."""
_ACCOUNT_FAILURES = 100
"""Wrong passwords of all addresses in 15 minutes; beyond it strangers share one guess in 5 s."""
_ACCOUNT_DELAY_S = 5.0
_MAX_KNOWN_FAILURES = 1000
"""Wrong passwords, since its last right one, after which an address is a stranger again."""
_MAX_CLIENTS = 1000
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_PROXY_HEADERS = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip")

_Value = TypeVar("_Value")


class TooManyFailures(AnswerdeskError):
    """A client gave wrong passwords too often."""

    def __init__(self, wait_s: float) -> None:
        self.wait_s = ceil(wait_s)
        when = f"{self.wait_s} seconds" if wait_s <= 60 else f"{ceil(wait_s / 60)} minutes"
        super().__init__(f"Too many wrong passwords. Try again in {when}.")


def client_address(request: Request) -> str:
    """Return the address of whoever connects; behind a trusted proxy, of its client."""
    return request.client.host if request.client else ""


def is_of_this_machine(request: Request) -> bool:
    """Tell whether a program on this machine asks, and no proxy for somebody elsewhere."""
    through_proxy = any(name in request.headers for name in _PROXY_HEADERS)
    return is_loopback(client_address(request)) and not through_proxy


def is_loopback(host: str) -> bool:
    """Tell whether only this machine reaches `host`. A name other than localhost counts as open."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def check_exposure(host: str, password: str, *, proxies: Sequence[str] = ()) -> None:
    """Refuse to open the console to the network without a password.

    Raises:
        ConfigError: if others than this machine reach `host`, itself or through `proxies`, and
            `password` is empty.
    """
    if password:
        return
    if not is_loopback(host):
        raise ConfigError(
            f"console.host is {host!r}, which opens the console to the network, and "
            "CONSOLE_PASSWORD is not set. Set CONSOLE_PASSWORD, or console.host to 127.0.0.1."
        )
    if proxies:
        raise ConfigError(
            f"console.trusted_proxies names {', '.join(proxies)}, which open the console to the "
            "network, and CONSOLE_PASSWORD is not set. Set CONSOLE_PASSWORD, or remove them."
        )


class CookieSigner:
    """Values that a browser keeps for us and cannot change."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def sign(self, value: str) -> str:
        """Return `value` with its signature."""
        return f"{value}.{self._digest(value)}"

    def read(self, cookie: str) -> str | None:
        """Return the value, or ``None`` if we did not sign it."""
        value, _, digest = cookie.rpartition(".")
        same = hmac.compare_digest(digest.encode(), self._digest(value).encode())
        return value if value and same else None

    def _digest(self, value: str) -> str:
        return hmac.new(self._secret, value.encode(), hashlib.sha256).hexdigest()


class Logins:
    """Who has given the password. Held in memory: a restart logs everybody out.

    Wrong passwords delay the next one of the same address, and many of them those of all addresses
    from which nobody logged in yet. Where somebody did, the right password is always taken: guesses
    of others behind the same address, or elsewhere, lock nobody out.
    """

    def __init__(self, password: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._password = password
        self._clock = clock
        self._expiries: dict[str, float] = {}
        self._failures: dict[str, tuple[int, float]] = {}
        """Wrong passwords by address: how many, and when the last was looked at."""
        self._account: deque[float] = deque(maxlen=_ACCOUNT_FAILURES)
        """When the last ones of all addresses were looked at."""
        self._known: dict[str, int] = {}
        """Addresses that gave the right password, with how many wrong ones came since."""

    @property
    def required(self) -> bool:
        """Whether there is a password at all."""
        return bool(self._password)

    def log_in(self, password: str, *, client: str) -> str | None:
        """Return a new token, or ``None`` if the password is wrong.

        Raises:
            TooManyFailures: as `check`.
        """
        if not self.check(password, client=client):
            return None
        now = self._clock()
        self._expiries = {t: expiry for t, expiry in self._expiries.items() if expiry > now}
        token = secrets.token_urlsafe(32)
        self._expiries[token] = now + _LOGIN_LASTS_S
        return token

    def check(self, password: str, *, client: str) -> bool:
        """Tell whether the password is right, and remember if it is not.

        Args:
            password: as given.
            client: address of whoever gives it.

        Raises:
            TooManyFailures: if it comes before the delay after wrong ones is over; also for the
                right password, unless the address gave it before.
        """
        now, address = self._clock(), address_group(client)
        right = self.required and hmac.compare_digest(password.encode(), self._password.encode())
        wait_s = 0.0 if right and address in self._known else self._wait_s(address, now)
        if right and wait_s <= 0:
            self._failures.pop(address, None)
            _keep_last(self._known, address, 0)
            return True
        if address in self._known:
            self._known[address] += 1
            if self._known[address] >= _MAX_KNOWN_FAILURES:
                del self._known[address]
        if wait_s > 0:
            raise TooManyFailures(wait_s)
        count, last = self._failures.get(address, (0, 0.0))
        count = count + 1 if now - last < _LONGEST_DELAY_S else 1
        _keep_last(self._failures, address, (count, now))
        self._account.append(now)
        return False

    def _wait_s(self, address: str, now: float) -> float:
        """Return the seconds until a password of an address is looked at."""
        wait_s = 0.0
        count, last = self._failures.get(address, (0, 0.0))
        if count >= _FREE_FAILURES:
            doubled = _FIRST_DELAY_S * 2 ** min(count - _FREE_FAILURES, 10)
            wait_s = last + min(doubled, _LONGEST_DELAY_S) - now
        many = len(self._account) == _ACCOUNT_FAILURES
        if many and self._account[0] > now - _LONGEST_DELAY_S and address not in self._known:
            wait_s = max(wait_s, self._account[-1] + _ACCOUNT_DELAY_S - now)
        return wait_s

    def is_valid(self, token: str) -> bool:
        """Tell whether `token` was given out, is not too old and was not logged out."""
        return self._expiries.get(token, 0.0) > self._clock()

    def log_out(self, token: str) -> None:
        """Make `token` worthless."""
        self._expiries.pop(token, None)


def is_own_host(headers: Headers, hosts: Sequence[str]) -> bool:
    """Tell whether the browser believes to talk to one of `hosts`.

    Without it a page of another name that resolves to this machine (DNS rebinding) could read
    the console of a visitor.
    """
    try:
        name = urlsplit(f"//{headers.get('host', '')}").hostname
    except ValueError:
        return False
    return name in hosts


def is_same_origin(method: str, headers: Headers) -> bool:
    """Tell whether a request that changes something comes from our own pages, or from no browser.

    Browsers state it in ``Sec-Fetch-Site``, older ones in ``Origin``; programs send neither and
    carry nobody's cookies.
    """
    if method in _SAFE_METHODS:
        return True
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = headers.get("origin")
    return origin is None or origin.partition("://")[2] == headers.get("host")


def address_group(client: str) -> str:
    """Return what counts as one address: of IPv6 the network that one customer has."""
    try:
        address = ip_address(client)
    except ValueError:
        return ""
    if not isinstance(address, IPv6Address):
        return str(address)
    mapped = address.ipv4_mapped
    return str(mapped or ip_network((int(address) >> 64 << 64, 64)))


def _keep_last(kept: dict[str, _Value], address: str, value: _Value) -> None:
    """Put an address last; beyond a thousand the first goes."""
    kept.pop(address, None)
    kept[address] = value
    if len(kept) > _MAX_CLIENTS:
        kept.pop(next(iter(kept)))
