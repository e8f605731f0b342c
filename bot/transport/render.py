"""Plain text as Telegram messages: its own characters, split."""

import re

from core.shown import clean

MAX_UNITS = 4096
"""UTF-16 code units of a message."""


def render_plain(text: str) -> list[str]:
    """Return text as messages, character for character, links and all; see `core.shown.shown`."""
    return _split(clean(text))


def _split(text: str) -> list[str]:
    """Cut at paragraphs, lines, sentences or words, in this order, within the limit."""
    parts: list[str] = []
    start = 0
    while start < len(text):
        end = _cut(text, start)
        if piece := text[start:end].strip():
            parts.append(piece)
        start = end
    return parts


def _cut(text: str, start: int) -> int:
    """Return where the part that begins at `start` ends."""
    end = _advance(text, start, MAX_UNITS)
    if end == len(text):
        return end
    window = text[start:end]
    for boundary in (r"\n\n", r"\n", r"[.!?。！？]\s*", r"\s"):
        found = [m.end() for m in re.finditer(boundary, window)]
        if found and found[-1] > len(window) // 2:
            return start + found[-1]
    return end


def _advance(text: str, start: int, units: int) -> int:
    used = 0
    for position in range(start, len(text)):
        used += 2 if text[position] > "\uffff" else 1
        if used > units:
            return max(position, start + 1)
    return len(text)
