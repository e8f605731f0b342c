"""robots.txt as RFC 9309 has it: the longest rule that fits decides."""

import re

from protego import Protego

MAX_BYTES = 500 * 1024
"""Of a robots.txt; RFC 9309 asks for at least this much to be read."""

_VERSION = re.compile(r"(?im)^([ \t]*user-agent[ \t]*:[ \t]*[a-z_-]+)/[^\s#]*")
"""Behind an agent's name, which Protego would take for a part of it."""


def read_robots(text: str) -> Protego:
    """Return the rules of a robots.txt; the largest takes a second."""
    return Protego.parse(_VERSION.sub(r"\1", text))
