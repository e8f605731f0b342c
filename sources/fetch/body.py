"""Bodies that end: counted as they come and as they unpack, and cut off at a limit."""

import asyncio
import zlib
from collections.abc import AsyncIterable, AsyncIterator

from core.errors import AnswerdeskError

ACCEPT_ENCODING = "gzip, deflate"
"""What `read_body` unpacks; one of them at a time."""

_STEP_BYTES = 64 * 1024


class BadBody(AnswerdeskError):
    """A body is too long, cut off, or packed in a way that was not asked for."""


async def read_body(raw: AsyncIterable[bytes], *, encoding: str, limit: int) -> bytes:
    """Return a whole body, unpacked as its Content-Encoding header says.

    Before and after unpacking it may have `limit` bytes; past that at most 64 kB more are read.

    Raises:
        BadBody: the reason, as the end of a sentence.
    """
    body = bytearray()
    async for piece in _unpacked(_counted(raw, limit), encoding.strip().lower()):
        body += piece
        if len(body) > limit:
            raise BadBody(f"it is longer than {_size(limit)} when unpacked")
    return bytes(body)


async def _counted(raw: AsyncIterable[bytes], limit: int) -> AsyncIterator[bytes]:
    total = 0
    async for piece in raw:
        total += len(piece)
        if total > limit:
            raise BadBody(f"it is longer than {_size(limit)}")
        yield piece


async def _unpacked(raw: AsyncIterator[bytes], encoding: str) -> AsyncIterator[bytes]:
    if encoding in {"", "identity"}:
        async for piece in raw:
            yield piece
        return
    if encoding not in {"gzip", "x-gzip", "deflate"}:
        raise BadBody(f"it is packed as {encoding[:40]!r}, which was not asked for")
    unpack = None
    async for piece in raw:
        if unpack is None:
            unpack = _unpacker(encoding, piece)
        try:
            while piece:
                unpacked = unpack.decompress(piece, _STEP_BYTES)
                piece = unpack.unconsumed_tail
                if unpacked:
                    yield unpacked
                    await asyncio.sleep(0)  # a bomb must not hold up the customers
        except zlib.error as error:
            raise BadBody(f"it cannot be unpacked ({error})") from error
        if unpack.unused_data.strip(b"\0"):
            raise BadBody("it holds more than one packed part")
    if unpack is not None:
        while rest := unpack.decompress(unpack.unconsumed_tail, _STEP_BYTES):
            yield rest
        if not unpack.eof:
            raise BadBody("it is cut off")


def _unpacker(encoding: str, head: bytes) -> "zlib._Decompress":
    if encoding != "deflate":
        return zlib.decompressobj(zlib.MAX_WBITS | 16)
    # Many servers mean the bare stream by "deflate", without the header that RFC 9110 asks for.
    has_header = len(head) > 1 and head[0] & 0x0F == 8 and (head[0] * 256 + head[1]) % 31 == 0
    return zlib.decompressobj(zlib.MAX_WBITS if has_header else -zlib.MAX_WBITS)


def _size(size_bytes: int) -> str:
    return f"{size_bytes / 2**20:.0f} MB" if size_bytes >= 2**20 else f"{size_bytes / 1024:.0f} kB"
