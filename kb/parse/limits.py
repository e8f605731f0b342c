"""What a file may ask of us, checked before anything in it is unpacked.

The numbers bound memory and time of the parsers measured on hostile files: 100 MB of unpacked
content keep openpyxl and python-docx below 1 GiB.
"""

import io
import re
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeAlias
from xml.etree.ElementTree import Element

from defusedxml.ElementTree import fromstring

from core.errors import UnreadableFile
from core.wording import N_

MAX_ZIP_ENTRIES = 2000
MAX_ZIP_BYTES = 100_000_000
MAX_ZIP_MEMBER_BYTES = 64_000_000
MAX_ZIP_RATIO = 100
MAX_ROWS = 100_000
MAX_COLUMNS = 256
MAX_CELLS = 2_000_000
MAX_CELL_CHARS = 100_000
MAX_TEXT_CHARS = 20_000_000
MAX_PAGES = 3000
MAX_NESTING = 60
"""Levels of quotes, lists and tables inside each other that are read."""
PROTECTED = N_("It is protected by a password. Save it without one and upload it again.")

OnPage: TypeAlias = Callable[[int, int], None]
"""Told of each page that is read as a picture, before it is, and how many there are."""


def ignore_page(page: int, pages: int) -> None:
    """Tell nobody."""


_SMALL = 1_000_000
"""Unpacked bytes below which the ratio says nothing: blank forms compress a thousandfold."""
_DOCTYPE = re.compile(rb"<!\s*(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_UTF16_DOCTYPE = re.compile(rb"<\x00?!\x00?D\x00?O\x00?C\x00?T\x00?Y\x00?P\x00?E", re.IGNORECASE)

DAMAGE = (
    zipfile.BadZipFile, SyntaxError, LookupError, ValueError, TypeError, AttributeError, OSError,
    EOFError, OverflowError, RecursionError, AssertionError,
)  # fmt: skip
"""What the libraries of office formats raise; the errors of XML parsers are syntax errors."""


def why(error: Exception) -> str:
    """Return what a library says of a damaged file."""
    return f"{type(error).__name__}: {str(error)[:120]}".rstrip(". ")


@contextmanager
def unless_damaged(name: str, what: str, *, remedy: str) -> Iterator[None]:
    """Turn what a library raises for a damaged file, "The `what`", into a sentence."""
    try:
        yield
    except DAMAGE as error:
        raise UnreadableFile(name, f"The {what} is damaged ({why(error)}). {remedy}") from error


def too_large(columns: int, cells: Iterable[str]) -> str:
    """Return why a row of so many columns is not taken, or nothing."""
    if columns > MAX_COLUMNS:
        return f"It has {columns:,} columns; at most {MAX_COLUMNS} are read."
    if (longest := max(map(len, cells), default=0)) > MAX_CELL_CHARS:
        return f"A cell has {longest:,} characters; at most {MAX_CELL_CHARS:,} are read."
    return ""


def whole(written: str | None, usual: int = 1, *, most: int = 99_999) -> int:
    """Return the whole number of an attribute, `most` at most; `usual` if it is none."""
    digits = written or ""
    return min(int(digits), most) if digits.isdecimal() and len(digits) < 10 else usual


def open_zip(name: str, data: bytes) -> zipfile.ZipFile:
    """Open an archive after checking what unpacking it would cost.

    The sizes in the directory are claims: `read_member` holds a member to them.

    Raises:
        UnreadableFile: with the value and the limit.
    """
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
        infos = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, EOFError, NotImplementedError) as error:
        raise UnreadableFile(
            name, f"The file is damaged: its archive cannot be opened ({error}). Save it again."
        ) from error
    if len(infos) > MAX_ZIP_ENTRIES:
        raise UnreadableFile(
            name, f"It packs {len(infos):,} files; at most {MAX_ZIP_ENTRIES:,} are read. Split it."
        )
    if any(info.flag_bits & 0x1 for info in infos):
        raise UnreadableFile(name, PROTECTED)
    total = sum(info.file_size for info in infos)
    packed = sum(info.compress_size for info in infos)
    largest = max((info.file_size for info in infos), default=0)
    if total > MAX_ZIP_BYTES or largest > MAX_ZIP_MEMBER_BYTES:
        raise UnreadableFile(
            name,
            f"Unpacked it would be {total / 1e6:,.0f} MB; at most {MAX_ZIP_BYTES / 1e6:.0f} MB in "
            f"all and {MAX_ZIP_MEMBER_BYTES / 1e6:.0f} MB for one part are read. Split it.",
        )
    if total > _SMALL and total > MAX_ZIP_RATIO * max(packed, 1):
        raise UnreadableFile(
            name,
            f"It unpacks to {total / max(packed, 1):,.0f} times its size, as only a bomb does; at "
            f"most {MAX_ZIP_RATIO} times is read. Save its content as a new file.",
        )
    return archive


def read_member(name: str, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    """Unpack one member, never more than its directory entry claims.

    Raises:
        UnreadableFile: if it is damaged, or larger than claimed.
    """
    try:
        with archive.open(info) as member:
            content = member.read(info.file_size + 1)
    except (
        zipfile.BadZipFile, zlib.error, OSError, EOFError, ValueError, NotImplementedError,
        RuntimeError,
    ) as error:  # fmt: skip
        raise UnreadableFile(
            name, f"The file is damaged: its part {info.filename!r} cannot be unpacked ({error})."
        ) from error
    if len(content) > info.file_size:
        raise UnreadableFile(
            name, f"The file is damaged: its part {info.filename!r} is larger than it claims."
        )
    return content


class Package:
    """The parts of a packed document; each is unpacked when it is asked for."""

    def __init__(self, name: str, archive: zipfile.ZipFile) -> None:
        self._name = name
        self._archive = archive
        self._parts = {info.filename: info for info in archive.infolist()}

    def __contains__(self, part: str) -> bool:
        return part in self._parts

    def read(self, part: str) -> bytes:
        """Return a part.

        Raises:
            KeyError: if there is none with this name.
        """
        return read_member(self._name, self._archive, self._parts[part])

    def xml(self, part: str) -> Element:
        """Return the root of a part of XML."""
        root: Element = fromstring(self.read(part))
        return root


def check_office(name: str, data: bytes) -> set[str]:
    """Check the archive of a DOCX or XLSX file; return the names of its parts.

    Every XML part is unpacked once under the limits, so that the parser that opens it afterwards
    meets neither an entity nor more bytes than were claimed; endless nesting it refuses itself.
    """
    with open_zip(name, data) as archive:
        names = {info.filename for info in archive.infolist()}
        if len(names) < len(archive.infolist()):
            raise UnreadableFile(
                name, N_("The file is damaged: it holds a part twice. Save it again.")
            )
        if "EncryptedPackage" in names:
            raise UnreadableFile(name, PROTECTED)
        for info in archive.infolist():
            if info.filename.lower().endswith((".xml", ".rels", ".vml")):
                xml = read_member(name, archive, info)
                if _DOCTYPE.search(xml) or _UTF16_DOCTYPE.search(xml[:4000]):
                    reason = (
                        f"Its part {info.filename!r} defines XML entities, which no office program "
                        "writes and which can be used for attacks. Save the content as a new file."
                    )
                    raise UnreadableFile(name, reason)
    return names
