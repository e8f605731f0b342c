"""EPUB: the chapters of an e-book in reading order, each read as a page."""

import posixpath
import re
import zipfile
from dataclasses import replace
from urllib.parse import unquote
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from core.errors import UnreadableFile
from core.types import Skipped
from core.wording import N_
from kb.parse.blocks import Block, Document
from kb.parse.html.content import parse_html
from kb.parse.limits import open_zip, read_member

_ROOT = ".//{*}rootfile"


def parse_book(name: str, data: bytes) -> Document:
    """Read an EPUB file.

    Raises:
        UnreadableFile: if it is damaged, protected or hostile.
    """
    try:
        with open_zip(name, data) as archive:
            return _read(name, archive)
    except (ParseError, DefusedXmlException, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise UnreadableFile(
            name,
            f"The e-book is damaged ({type(error).__name__}: {str(error)[:120]}). "
            "Save it again, or as PDF.",
        ) from error


def _read(name: str, archive: zipfile.ZipFile) -> Document:
    parts = {info.filename: info for info in archive.infolist()}

    def content(path: str) -> bytes:
        return read_member(name, archive, parts[path])

    locked = content("META-INF/encryption.xml") if "META-INF/encryption.xml" in parts else b""
    if re.search(rb"\.x?html?\"", locked):
        raise UnreadableFile(
            name, N_("It is protected against copying. Upload its text as a file.")
        )
    root = fromstring(content("META-INF/container.xml")).find(_ROOT)
    package_path = root.get("full-path", "") if root is not None else ""
    package: Element = fromstring(content(package_path))
    items = {item.get("id"): item for item in package.iterfind("./{*}manifest/{*}item")}
    blocks: list[Block] = []
    skipped: list[Skipped] = []
    for number, reference in enumerate(package.iterfind("./{*}spine/{*}itemref"), start=1):
        where = f"chapter {number}"
        item = items.get(reference.get("idref"))
        if item is None or "nav" in (item.get("properties") or "").split():
            continue
        target = unquote(item.get("href") or "")
        path = posixpath.normpath(posixpath.join(posixpath.dirname(package_path), target))
        if "html" not in (item.get("media-type") or "") or path not in parts:
            skipped.append(Skipped(where, "It is no text, or is missing in the file."))
            continue
        chapter, _ = parse_html(name, content(path))
        blocks += [Block("end", level=1)]
        blocks += [_at(block, where) for block in chapter.blocks]
        skipped += [Skipped(where, one.reason) for one in chapter.skipped]
    title = (
        package.findtext("./{*}metadata/{http://purl.org/dc/elements/1.1/}title") or ""
    ).strip()
    language = package.findtext("./{*}metadata/{http://purl.org/dc/elements/1.1/}language") or ""
    return Document(tuple(blocks), title, language[:2].lower(), tuple(skipped))


def _at(block: Block, where: str) -> Block:
    return replace(block, location=where)
