"""Which URLs and which addresses may be fetched from. Pure.

A host is judged by the addresses that it stands for at the moment of connecting (`connect.py`),
never by its name. What is checked here of the name is only that everybody reads it alike.
"""

import ipaddress
import re
from collections.abc import Collection
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from urllib.parse import quote, urlsplit, urlunsplit

import idna

from sources.fetch.errors import UrlRefused

_PORTS = {"http": 80, "https": 443}
_MAX_URL = 2000
_DOTTED = re.compile(r"(?:0|[1-9]\d{0,2})(?:\.(?:0|[1-9]\d{0,2})){3}")
_NUMERIC_END = re.compile(r"(?:\d+|0x[0-9a-f]*)", re.IGNORECASE)
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")

_V4_SPECIAL = tuple(
    (ipaddress.IPv4Network(network), what)
    for network, what in (
        ("0.0.0.0/8", "this host itself"),
        ("100.64.0.0/10", "a provider's inner network"),
        ("168.63.129.16/32", "a cloud's own services"),
        ("169.254.0.0/16", "link-local, where clouds keep their secrets"),
        ("192.0.0.0/24", "reserved"),
        ("192.88.99.0/24", "a 6to4 relay"),
        ("224.0.0.0/4", "multicast"),
        ("240.0.0.0/4", "reserved"),
    )
)
_V6_GLOBAL = ipaddress.IPv6Network("2000::/3")
_V6_SPECIAL = tuple(
    (ipaddress.IPv6Network(network), what)
    for network, what in (
        ("2001::/23", "reserved (Teredo and others)"),
        ("2001:db8::/32", "for documentation"),
        ("2002::/16", "a 6to4 form of an IPv4 address"),
        ("3fff::/20", "for documentation"),
    )
)
_NEVER_INSIDE = tuple(
    ipaddress.ip_network(network)
    for network in (
        "0.0.0.0/8",
        "100.100.100.200/32",
        "168.63.129.16/32",
        "169.254.0.0/16",
        "192.0.0.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
        "fd00:ec2::/32",
    )
)
"""Never reached, even where an operator permits a host: clouds hand out credentials there."""
_UNIQUE_LOCAL = ipaddress.IPv6Network("fc00::/7")
_ISATAP = {0x00005EFE, 0x02005EFE}


@dataclass(frozen=True, slots=True)
class Target:
    """A URL in the one form in which it is fetched."""

    url: str
    scheme: str
    host: str
    """Lower case, punycode, without a dot at its end; an IPv6 address without brackets."""
    port: int

    @property
    def origin(self) -> str:
        """Return scheme, host and port, as robots.txt and rate limits go by."""
        return f"{self.scheme}://{_bracketed(self.host)}:{self.port}"


def read_url(url: str) -> Target:
    """Return what a URL means, if there is only one way to read it.

    Raises:
        UrlRefused: for other schemes than http and https, user names, and hosts in a spelling
            that some programs read as an address (``127.1``, ``0x7f000001``, ``2130706433``).
    """
    if len(url) > _MAX_URL:
        raise UrlRefused(url[:100] + "…", f"it is longer than {_MAX_URL} characters")
    if re.search(r"[\x00-\x20\x7f\\]", url):
        raise UrlRefused(repr(url), "it contains a space, a backslash or a control character")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise UrlRefused(url, f"it cannot be read ({error})") from error
    scheme = parts.scheme.lower()
    if scheme not in _PORTS:
        raise UrlRefused(url, "only http:// and https:// are fetched")
    if "@" in parts.netloc:
        raise UrlRefused(f"{scheme}://…", "a user name or password in a URL is not sent")
    if port == 0:
        raise UrlRefused(url, "there is no port 0")
    host = _host(url, parts.netloc)
    port = port or _PORTS[scheme]
    place = _bracketed(host) if port == _PORTS[scheme] else f"{_bracketed(host)}:{port}"
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._")
    query = quote(parts.query, safe="/%:@!$&'()*+,;=~-._?[]")
    return Target(urlunsplit((scheme, place, path, query, "")), scheme, host, port)


def _host(url: str, netloc: str) -> str:
    if netloc.startswith("["):
        inner, closed, rest = netloc[1:].partition("]")
        if not closed or (rest and not rest.startswith(":")):
            raise UrlRefused(url, "its host cannot be read")
        if "%" in inner:
            raise UrlRefused(url, "an address with a zone is of this machine's own network")
        try:
            return str(IPv6Address(inner))
        except ValueError as error:
            raise UrlRefused(url, f"its host cannot be read ({error})") from error
    name = netloc.partition(":")[0]
    try:
        host = name.lower() if name.isascii() else idna.encode(name, uts46=True).decode()
    except idna.IDNAError as error:
        raise UrlRefused(url, f"its host cannot be read ({error})") from error
    host = host.removesuffix(".")
    labels = host.split(".")
    if _NUMERIC_END.fullmatch(labels[-1]):
        if not _DOTTED.fullmatch(host) or any(int(label) > 255 for label in labels):
            raise UrlRefused(url, f"{name!r} is an unusual spelling of an address")
    elif len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise UrlRefused(url, f"{name!r} is no host name")
    return host


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def forbidden(address: str) -> str:
    """Return why nothing may be fetched from an address; empty if it is a public one.

    IPv6 addresses that carry an IPv4 address (mapped, 6to4, Teredo, NAT64) are refused whatever
    they carry: public servers are not reached that way.
    """
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return "which is no address"
    if isinstance(ip, IPv4Address):
        return _forbidden_v4(ip)
    return _forbidden_v6(ip)


def permissible(address: str) -> bool:
    """Tell whether an operator may permit a forbidden address: one of an inner network.

    Link-local addresses, where clouds hand out credentials, are never permitted, and neither are
    IPv6 addresses that carry an IPv4 address.
    """
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    inner = isinstance(ip, IPv4Address) or ip.is_loopback or ip in _UNIQUE_LOCAL
    return inner and not any(ip in network for network in _NEVER_INSIDE)


def _forbidden_v4(ip: IPv4Address) -> str:
    for network, what in _V4_SPECIAL:
        if ip in network:
            return what
    if ip.is_loopback:
        return "this machine itself"
    return "" if ip.is_global else "an inner network"


def _forbidden_v6(ip: IPv6Address) -> str:
    if ip.scope_id is not None:
        return "an address with a zone"
    if ip not in _V6_GLOBAL:
        if ip.is_loopback:
            return "this machine itself"
        if ip.ipv4_mapped is not None or int(ip) < 1 << 48 or str(ip).startswith("64:ff9b:"):
            return "an IPv4 address in another form"
        return "not a public address"
    for network, what in _V6_SPECIAL:
        if ip in network:
            return what
    if (int(ip) >> 32) & 0xFFFFFFFF in _ISATAP:
        return "an IPv4 address in another form"
    return "" if ip.is_global else "not a public address"


def same_site(one: str, other: str) -> bool:
    """Tell whether two hosts are one site: equal but for ``www.``."""
    return one.removeprefix("www.") == other.removeprefix("www.")


def is_listed(host: str, listed: Collection[str]) -> bool:
    """Tell whether a host is one of those in a list; names are compared without case."""
    return host in {name.lower().strip("[]").removesuffix(".") for name in listed}
