"""The process that reads files.

``python -m kb.parse.sandbox.child MEMORY_BYTES CPU_SECONDS FILE_BYTES``

Reads lines [name, path, columns] from standard input and writes a frame for each to standard
output, after one for each page that is read as a picture, which gets as much processor time as a
file. An unexpected error ends it, so that the next file meets a fresh process.
"""

import json
import logging
import os
import stat
import sys

from core.errors import IngestError, UnreadableFile
from core.types import ParsedFile
from kb.parse import parse
from kb.parse.limits import OnPage
from kb.parse.sandbox.confine import allow_cpu, confine, limit_resources
from kb.parse.sandbox.ipc import page_frame, reply


def main(arguments: list[str]) -> None:
    """Serve until standard input ends."""
    memory_bytes, cpu_seconds, file_bytes = (int(argument) for argument in arguments)
    os.nice(10)  # customers' answers come first
    output = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not end up between frames
    logging.disable(logging.WARNING)
    limit_resources(memory_bytes=memory_bytes)
    confine()

    def on_page(page: int, pages: int) -> None:
        allow_cpu(cpu_seconds)
        output.write(page_frame(page, pages))
        output.flush()

    for line in sys.stdin.buffer:
        name, path, columns = json.loads(line)
        allow_cpu(cpu_seconds)
        output.write(reply(_read(name, path, columns, file_bytes, on_page)))
        output.flush()


def _read(
    name: str, path: str, columns: str, file_bytes: int, on_page: OnPage
) -> ParsedFile | IngestError:
    try:
        return parse(name, _content(name, path, file_bytes), columns, on_page)
    except IngestError as error:
        return error
    except MemoryError:
        return UnreadableFile(
            name,
            "Reading it needs more memory than is allowed (knowledge.parse_memory_mb). Split it.",
        )
    except RecursionError:
        return UnreadableFile(name, "It is nested too deep to be read. Save it in a simpler form.")


def _content(name: str, path: str, file_bytes: int) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise UnreadableFile(name, f"It cannot be opened: {error.strerror}.") from error
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise UnreadableFile(name, "It is a folder, a link or a device, not a file.")
        data = file.read(file_bytes + 1)
    if len(data) > file_bytes:
        raise UnreadableFile(
            name,
            f"It is larger than {file_bytes / 1e6:,.0f} MB (knowledge.max_file_mb). "
            "Split it, or raise the limit.",
        )
    return data


if __name__ == "__main__":
    main(sys.argv[1:])
