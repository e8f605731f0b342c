"""Who may see which page: signed cookies, logins, and what a browser may not do for a stranger."""

import hashlib
import hmac
import secrets
import time
from collections import deque
from collections.abc import Callable, Sequence
from ipaddress import ip_address
from math import ceil
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import Request

from core.errors import AnswerdeskError, ConfigError

LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "::1")
"""Names under which a browser on the same machine reaches the page."""

_LOGIN_LASTS_S = 12 * 3600
_MAX_FAILURES = 10
_FAILURES_LAST_S = 15 * 60
_MAX_CLIENTS = 1000
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class TooManyFailures(AnswerdeskError):
    """A client gave wrong passwords too often."""

    def __init__(self, minutes: int) -> None:
        super().__init__(f"Too many wrong passwords. Try again in {minutes} minutes.")
        self.minutes = minutes


def client_address(request: Request) -> str:
    """Return the address of whoever connects."""
    return request.client.host if request.client else ""


def is_loopback(host: str) -> bool:
    """Tell whether only this machine reaches `host`. A name other than localhost counts as open."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def check_exposure(host: str, password: str) -> None:
    """Refuse to open the console to the network without a password.

    Raises:
        ConfigError: if `host` is not this machine alone and `password` is empty.
    """
    if not password and not is_loopback(host):
        raise ConfigError(
            f"console.host is {host!r}, which opens the console to the network, and "
            "CONSOLE_PASSWORD is not set. Set CONSOLE_PASSWORD, or console.host to 127.0.0.1."
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
    """Who has given the password. Held in memory: a restart logs everybody out."""

    def __init__(self, password: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._password = password
        self._clock = clock
        self._expiries: dict[str, float] = {}
        self._failures: dict[str, deque[float]] = {}

    @property
    def required(self) -> bool:
        """Whether there is a password at all."""
        return bool(self._password)

    def log_in(self, password: str, *, client: str) -> str | None:
        """Return a new token, or ``None`` if the password is wrong.

        Raises:
            TooManyFailures: after ten wrong passwords of one client in fifteen minutes.
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

        Raises:
            TooManyFailures: as `log_in`; also for the right password, so that guessing stops.
        """
        now = self._clock()
        failures = self._failures.get(client, deque())
        while failures and failures[0] <= now - _FAILURES_LAST_S:
            failures.popleft()
        if len(failures) >= _MAX_FAILURES:
            raise TooManyFailures(ceil((failures[0] + _FAILURES_LAST_S - now) / 60))
        if self.required and hmac.compare_digest(password.encode(), self._password.encode()):
            self._failures.pop(client, None)
            return True
        failures.append(now)
        self._failures[client] = failures
        while len(self._failures) > _MAX_CLIENTS:
            self._failures.pop(next(iter(self._failures)))
        return False

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
