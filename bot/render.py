"""Answers as Telegram messages: text with entities, split, with no link that nobody approved."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from telegramify_markdown import RenderConfig, convert, utf16_len
from telegramify_markdown.entity import MessageEntity

MAX_UNITS = 4096
"""UTF-16 code units of a message."""
MAX_ENTITIES = 100
"""Telegram drops further ones without a word."""

_URL = re.compile(r"(?:https?://|www\.|t\.me/)[^\s<>\"'）)\]，。；、]+", re.IGNORECASE)
_URL_TAIL = ".,;:!?…"
_UNSEEN = {
    *(0x200B, 0x200E, 0x200F, 0xFEFF, 0x7F),
    *range(0x202A, 0x202F),
    *range(0x2066, 0x206A),
    *range(0xE0000, 0xE0080),
    *(c for c in range(0x20) if chr(c) not in "\n\t"),
}
"""Controls, direction marks, tag characters: they change how the rest of a text is shown."""
_DROP = dict.fromkeys(_UNSEEN)
_CODE = re.compile(r"(```.*?```|`[^`\n]+`)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Part:
    """One message."""

    text: str
    entities: tuple[Mapping[str, Any], ...] = ()
    """As the Bot API writes them; offsets in UTF-16 code units."""


def render_markdown(text: str) -> list[Part]:
    """Return an operator's Markdown as messages, formatted through entities."""
    return _split(*_convert(text))


def render_plain(text: str, *, allowed: Iterable[str] = ()) -> list[Part]:
    """Return text as messages, character for character, except for addresses not `allowed`.

    Telegram makes a link of whatever looks like one; an address that does not stand in the cited
    source is therefore cut to an ellipsis.
    """
    return _split(strip_urls(clean(text), allowed), [])


def clean(text: str) -> str:
    """Remove what is not seen itself and changes how the rest is shown."""
    return text.translate(_DROP)


def urls_in(text: str) -> set[str]:
    """Return the addresses that stand in a text."""
    return {match[0].rstrip(_URL_TAIL) for match in _URL.finditer(text)}


def strip_urls(text: str, allowed: Iterable[str]) -> str:
    """Replace every address that is not allowed by an ellipsis."""
    approved = set(allowed)

    def judge(match: re.Match[str]) -> str:
        address = match[0].rstrip(_URL_TAIL)
        return match[0] if address in approved else "…" + match[0][len(address) :]

    return _URL.sub(judge, text)


def _convert(text: str) -> tuple[str, list[MessageEntity]]:
    config = RenderConfig.isolated()
    symbols = config.markdown_symbol
    for level in range(1, 7):
        setattr(symbols, f"heading_level_{level}", "")
    symbols.unordered_list_item = "•"
    symbols.image = ""
    # A tag would vanish together with its text; shown as written it misleads nobody.
    pieces = _CODE.split(clean(text))
    pieces[::2] = [piece.replace("<", "\\<") for piece in pieces[::2]]
    escaped = "".join(pieces)
    plain, entities = convert(escaped, latex_escape=False, config=config)
    return plain, [e for e in entities if e.type != "text_link" or _is_web(e.url)]


def _is_web(url: str | None) -> bool:
    return (url or "").lower().startswith(("http://", "https://"))


def _split(text: str, entities: list[MessageEntity]) -> list[Part]:
    """Cut at paragraphs, lines, sentences or words, in this order, within both limits."""
    parts: list[Part] = []
    start, base = 0, 0
    while start < len(text):
        end = _cut(text, start, base, entities)
        width = utf16_len(text[start:end])
        inside = [_clip(e, base, base + width) for e in entities]
        part = _trimmed(text[start:end], [e for e in inside if e is not None])
        if part.text:
            parts.append(part)
        start, base = end, base + width
    return parts


def _cut(text: str, start: int, base: int, entities: list[MessageEntity]) -> int:
    """Return where the part that begins at `start` ends."""
    begins = sorted(e.offset for e in entities if e.offset + e.length > base)
    budget = MAX_UNITS
    if len(begins) > MAX_ENTITIES:
        budget = min(budget, max(1, begins[MAX_ENTITIES] - base))
    end = _advance(text, start, budget)
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


def _clip(entity: MessageEntity, begin: int, end: int) -> MessageEntity | None:
    first, last = max(entity.offset, begin), min(entity.offset + entity.length, end)
    if first >= last:
        return None
    return entity.copy_with(offset=first - begin, length=last - first)


def _trimmed(text: str, entities: list[MessageEntity]) -> Part:
    """Remove blanks at both ends, as Telegram does, and move the entities along."""
    lead = len(text) - len(text.lstrip())
    body = text.strip()
    shift, width = utf16_len(text[:lead]), utf16_len(body)
    moved = [_clip(e, shift, shift + width) for e in entities]
    return Part(body, tuple(e.to_dict() for e in moved if e is not None))
