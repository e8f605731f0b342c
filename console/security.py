"""Signed cookies, client addresses, checks of host and origin."""

import hashlib
import hmac
from collections.abc import Sequence
from ipaddress import IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import Request

from core.errors import ConfigError

LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "::1")
"""Names under which a browser on the same machine reaches the page."""

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_PROXY_HEADERS = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip")


def client_address(request: Request) -> str:
    """Return the address of whoever connects; behind a trusted proxy, of its client."""
    return request.client.host if request.client else ""


def bearer_of(request: Request) -> str:
    """Return the token that a program sends; empty if it sends none."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def is_of_this_machine(request: Request) -> bool:
    """Tell whether a request comes from this machine, and not through a proxy."""
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
    """Signs values that browsers store and cannot change."""

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
