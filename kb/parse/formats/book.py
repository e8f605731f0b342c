"""EPUB: the chapters of an e-book in reading order, each read as a page."""

import posixpath
import re
from dataclasses import replace
from urllib.parse import unquote
from xml.etree.ElementTree import Element

from core.errors import UnreadableFile
from core.types import Skipped
from core.wording import N_
from kb.parse.blocks import Block, Document
from kb.parse.html.content import parse_html
from kb.parse.limits import Package, open_zip, unless_damaged

_ROOT = ".//{*}rootfile"
_ABOUT = "./{*}metadata/{http://purl.org/dc/elements/1.1/}"


def parse_book(name: str, data: bytes) -> Document:
    """Read an EPUB file."""
    damaged = unless_damaged(name, "e-book", remedy="Save it again, or as PDF.")
    with damaged, open_zip(name, data) as archive:
        return _read(name, Package(name, archive))


def _read(name: str, parts: Package) -> Document:
    encryption = "META-INF/encryption.xml"
    locked = parts.read(encryption) if encryption in parts else b""
    if re.search(rb"\.x?html?\"", locked):
        raise UnreadableFile(
            name, N_("It is protected against copying. Upload its text as a file.")
        )
    root = parts.xml("META-INF/container.xml").find(_ROOT)
    package_path = root.get("full-path", "") if root is not None else ""
    package = parts.xml(package_path)
    items = {item.get("id"): item for item in package.iterfind("./{*}manifest/{*}item")}
    folder = posixpath.dirname(package_path)

    def path_of(item: Element) -> str:
        return posixpath.normpath(posixpath.join(folder, unquote(item.get("href") or "")))

    sheets = {
        posixpath.basename(path): parts.read(path).decode("utf-8", "replace")
        for item in items.values()
        if item.get("media-type") == "text/css" and (path := path_of(item)) in parts
    }
    blocks: list[Block] = []
    skipped: list[Skipped] = []
    for number, reference in enumerate(package.iterfind("./{*}spine/{*}itemref"), start=1):
        where = f"chapter {number}"
        item = items.get(reference.get("idref"))
        if item is None or "nav" in (item.get("properties") or "").split():
            continue
        path = path_of(item)
        if "html" not in (item.get("media-type") or "") or path not in parts:
            skipped.append(Skipped(where, "It is no text, or is missing in the file."))
            continue
        chapter, _ = parse_html(name, parts.read(path), sheets)
        blocks += [Block("end", level=1)]
        blocks += [replace(block, location=where) for block in chapter.blocks]
        skipped += [Skipped(where, one.reason) for one in chapter.skipped]
    title, language = (package.findtext(_ABOUT + key) or "" for key in ("title", "language"))
    return Document(tuple(blocks), title.strip(), language[:2].lower(), tuple(skipped))
