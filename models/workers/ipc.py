"""How parent and child of a model talk: frames of a JSON header and bytes, over pipes.

A frame is two lengths (big-endian, 4 bytes each), the header in UTF-8 JSON, the bytes. Nothing is
pickled, so neither side can make the other run anything.

Parent to child, without bytes: ``{"settings": …}`` once, then ``{"id", "method", "params"}`` for
each request, ``{"cancel": id}``, and ``{"beat": true}``, which the child sends back whatever it
computes.
Child to parent: ``{"ready": info}`` or ``{"failed": sentence}`` once, then per
request any number of ``{"id", "item": …}`` and one ``{"id", "done": …}`` or ``{"id", "error": …}``.
"""

import json
import struct
from collections.abc import Mapping
from typing import Any

LENGTHS = struct.Struct(">II")
MAX_BYTES = 256 << 20
"""Longest frame that is accepted; anything larger is a broken stream."""


def pack(header: Mapping[str, Any], blob: bytes = b"") -> bytes:
    """Return one frame."""
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    return LENGTHS.pack(len(text), len(blob)) + text + blob


def unpack_lengths(data: bytes) -> tuple[int, int]:
    """Return the lengths of header and bytes; raises `ValueError` if no frame can be that long."""
    header, blob = LENGTHS.unpack(data)
    if header + blob > MAX_BYTES:
        raise ValueError(f"a frame of {header + blob} bytes")
    return header, blob
