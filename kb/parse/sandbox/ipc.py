"""What goes between the service and the process that reads files: a length, then JSON.

The reading side may have been taken over by a hostile file, so the other side checks every value.
"""

import json
import struct
from collections.abc import Sequence
from typing import Any

from core.errors import IngestError, UnreadableFile, UnsupportedFile
from core.types import ParsedFile, Section, Skipped
from kb.parse import SUPPORTED

HEADER = struct.Struct(">Q")
"""Length of the JSON that follows, in bytes."""


def request(name: str, path: str, columns: str) -> bytes:
    """Write one line that asks for a file, see `kb.parse.parse`."""
    return json.dumps([name, path, columns]).encode() + b"\n"


def page_frame(page: int, pages: int) -> bytes:
    """Write a frame that says which page is being read, of how many."""
    encoded = json.dumps(["page", page, pages]).encode()
    return HEADER.pack(len(encoded)) + encoded


def read_page_frame(encoded: bytes) -> tuple[int, int] | None:
    """Read the JSON of such a frame; `None` if it is another."""
    match json.loads(encoded) if len(encoded) < 100 else None:
        case ["page", int(page), int(pages)] if 0 < page <= pages:
            return page, pages
    return None


def reply(result: ParsedFile | IngestError) -> bytes:
    """Write a frame with a file or with the reason why there is none."""
    match result:
        case ParsedFile():
            sections = [_section_fields(section) for section in result.sections]
            skipped = [[s.location, s.reason, *s.columns] for s in result.skipped]
            body: list[Any] = ["parsed", result.title, sections, skipped]
        case UnreadableFile():
            body = ["unreadable", result.reason]
        case _:
            body = ["unsupported"]
    encoded = json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")
    return HEADER.pack(len(encoded)) + encoded


def read_reply(name: str, encoded: bytes) -> ParsedFile | IngestError:
    """Read the JSON of a frame.

    Raises:
        ValueError: if it is not what `reply` writes.
    """
    match json.loads(encoded):
        case ["parsed", str(title), list(sections), list(skipped)]:
            return ParsedFile(
                name,
                title,
                tuple(_section(fields) for fields in sections),
                tuple(map(_skipped, skipped)),
            )
        case ["unreadable", str(reason)]:
            return UnreadableFile(name, reason)
        case ["unsupported"]:
            return UnsupportedFile(name, SUPPORTED)
    raise ValueError("the reply has an unknown shape")


def _skipped(fields: Any) -> Skipped:
    match fields:
        case [str(location), str(reason), *columns]:
            return Skipped(location, reason, tuple(_strings(columns, len(columns))))
    raise ValueError("what was skipped has an unknown shape")


def _section_fields(section: Section) -> list[Any]:
    return [
        [section.text, section.answer, section.location, section.entry_id, section.category,
         section.language, section.valid_from, section.valid_until],
        section.title_path,
        section.variants,
    ]  # fmt: skip


def _section(fields: Any) -> Section:
    match fields:
        case [list(single), list(title_path), list(variants)]:
            text, answer, location, entry_id, category, language, start, end = _strings(single, 8)
            return Section(
                text=text,
                answer=answer,
                title_path=tuple(_strings(title_path, len(title_path))),
                location=location,
                entry_id=entry_id,
                variants=tuple(_strings(variants, len(variants))),
                category=category,
                language=language,
                valid_from=start,
                valid_until=end,
            )
    raise ValueError("a section of the reply has an unknown shape")


def _strings(values: Sequence[Any], count: int) -> list[str]:
    if len(values) != count or not all(isinstance(value, str) for value in values):
        raise ValueError("the reply holds something that is no text")
    return list(values)
