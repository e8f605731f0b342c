"""One file read in a process of its own."""

from pathlib import Path

from core.errors import IngestError
from core.types import ParsedFile
from kb.parse.limits import ignore_page
from kb.parse.sandbox.parser_process import Limits, ParserProcess


async def read_alone(name: str, path: Path, limits: Limits | None = None) -> ParsedFile:
    """Read a file in a fresh process, or raise why it cannot be read."""
    reader = ParserProcess(limits)
    (result,) = [
        one async for one in reader.parse_many([(name, path)], columns={}, on_page=ignore_page)
    ]
    if isinstance(result, IngestError):
        raise result
    return result
