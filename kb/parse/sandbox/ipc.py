"""What goes between the service and the process that reads files: a length, then JSON.

The reading side may have been taken over by a hostile file, so the other side checks every value.
"""

import json
import struct
from dataclasses import fields, replace
from functools import cache
from pathlib import Path
from typing import Any

from core.errors import IngestError, UnreadableFile, UnsupportedFile
from core.types import ParsedFile
from kb.parse import SUPPORTED

HEADER = struct.Struct(">Q")
"""Length of the JSON that follows, in bytes."""


def request(name: str, path: Path, columns: str) -> bytes:
    """Write one line that asks for a file, see `kb.parse.parse`."""
    return json.dumps([name, str(path.absolute()), columns]).encode() + b"\n"


def page_frame(page: int, pages: int) -> bytes:
    """Write a frame that says which page is being read, of how many."""
    return _frame("page", page, pages)


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
            return _frame("parsed", result)
        case UnreadableFile():
            return _frame("unreadable", result.reason)
        case _:
            return _frame("unsupported")


def read_reply(name: str, encoded: bytes) -> ParsedFile | IngestError:
    """Read the JSON of a frame.

    Raises:
        ValueError: if it is not what `reply` writes.
    """
    match json.loads(encoded):
        case ["parsed", dict(parsed)]:
            file: ParsedFile = _parsed_file().validate_python(parsed)
            return replace(file, name=name)
        case ["unreadable", str(reason)]:
            return UnreadableFile(name, reason)
        case ["unsupported"]:
            return UnsupportedFile(name, SUPPORTED)
    raise ValueError("the reply has an unknown shape")


def _frame(*body: Any) -> bytes:
    encoded = json.dumps(body, ensure_ascii=False, default=_by_name).encode("utf-8", "replace")
    return HEADER.pack(len(encoded)) + encoded


def _by_name(value: Any) -> dict[str, Any]:
    return {field.name: getattr(value, field.name) for field in fields(value)}


@cache
def _parsed_file() -> Any:
    from pydantic import TypeAdapter  # 20 MB that the reading process does without

    return TypeAdapter(ParsedFile)
