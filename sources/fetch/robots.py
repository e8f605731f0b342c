"""robots.txt as RFC 9309 has it: the longest rule that fits decides. Pure.

Matching walks through rule and path once per star, so that no file of a stranger can make it slow.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote, unquote_to_bytes

MAX_BYTES = 500 * 1024
"""Of a robots.txt; RFC 9309 asks for at least this much to be read."""

_MAX_RULES = 5000
_SAFE = "/%:@!$&'()*+,;=~-._?[]"


@dataclass(frozen=True, slots=True)
class Robots:
    """What one host allows us."""

    rules: tuple[tuple[bool, str], ...] = ()
    """Each: whether it allows, and its pattern."""
    delay_s: float = 0.0
    """Seconds between requests that it asks for."""
    sitemaps: tuple[str, ...] = ()

    def allows(self, path: str) -> bool:
        """Tell whether a path, with its query, may be fetched."""
        wanted = _normal(path)
        best = (0, True)
        for allow, pattern in self.rules:
            if _fits(pattern, wanted):
                best = max(best, (len(pattern), allow))
        return best[1]


def read_robots(text: str, agent: str) -> Robots:
    """Return the rules for `agent`: those of its own groups, else those of ``*``."""
    own, common = _Group(), _Group()
    sitemaps: list[str] = []
    groups: Sequence[_Group] = ()
    naming = False
    for line in text.lstrip("\ufeff").splitlines():
        key, colon, value = line.partition("#")[0].partition(":")
        if not colon:
            continue
        key, value = key.strip().lower(), value.strip()
        if key == "sitemap":
            sitemaps.append(value)
        elif key == "user-agent":
            named = _groups(value, agent, own, common)
            groups = [*groups, *named] if naming else named
            naming = True
        else:
            naming = False
            for group in groups:
                group.take(key, value)
    chosen = own if own.named else common
    return Robots(tuple(chosen.rules), chosen.delay_s, tuple(sitemaps[:100]))


class _Group:
    def __init__(self) -> None:
        self.named = False
        self.rules: list[tuple[bool, str]] = []
        self.delay_s = 0.0

    def take(self, key: str, value: str) -> None:
        if key in {"allow", "disallow"} and value and len(self.rules) < _MAX_RULES:
            self.rules.append((key == "allow", _normal(value)))
        elif key == "crawl-delay" and re.fullmatch(r"\d{1,6}(?:\.\d{1,3})?", value):
            self.delay_s = float(value)


def _groups(value: str, agent: str, own: _Group, common: _Group) -> Sequence[_Group]:
    token = re.match(r"[A-Za-z_-]*", value)
    if value == "*":
        return [common]
    if token is not None and token[0].lower() == agent.lower():
        own.named = True
        return [own]
    return []


def _normal(path: str) -> str:
    """Write a path so that the same path is always written alike."""
    kept = re.sub(r"%(?![0-9A-Fa-f]{2})", "%25", path)
    parts = re.split(r"(%[0-9A-Fa-f]{2})", kept)
    return "".join(_escape(part) for part in parts)


def _escape(part: str) -> str:
    if re.fullmatch(r"%[0-9A-Fa-f]{2}", part):
        plain = unquote_to_bytes(part).decode("latin-1")
        return plain if re.fullmatch(r"[A-Za-z0-9._~-]", plain) else part.upper()
    return quote(part, safe=_SAFE)


def _fits(pattern: str, path: str) -> bool:
    """Match greedily from the left; ``*`` is any text, ``$`` at the end is the end."""
    exact = pattern.endswith("$")
    first, *others = pattern.removesuffix("$").split("*")
    if not path.startswith(first):
        return False
    position = len(first)
    if exact and not others:
        return position == len(path)
    last = others.pop() if exact and others else ""
    for piece in others:
        found = path.find(piece, position)
        if found < 0:
            return False
        position = found + len(piece)
    return not exact or (len(path) - len(last) >= position and path.endswith(last))
