"""Sitemaps: which pages a site says it has (https://www.sitemaps.org/protocol.html)."""

import asyncio
import gzip
import io
import zlib
from collections.abc import Callable, Sequence
from urllib.parse import urlsplit
from xml.etree.ElementTree import ParseError

from core.types import Skipped
from sources import SourceUnreadable
from sources.fetch.address import read_url, same_site
from sources.fetch.errors import UrlRefused
from sources.fetch.fetcher import Fetcher

MAX_PAGES = 3000
"""Of one source: at a page a second that is most of an hour."""

_MAX_SITEMAPS = 50
_MAX_DEPTH = 20
_MAX_BYTES = 10 * 2**20
"""Of one sitemap, unpacked: 50,000 URLs, the most that the protocol allows, as sites have them."""
_MAX_ELEMENTS = 10_000
"""Of one entry; they are in memory until it ends."""


async def read_sitemaps(
    url: str, fetcher: Fetcher, *, chosen: Callable[[str], bool]
) -> tuple[Sequence[str], tuple[Skipped, ...]]:
    """Return the pages that a sitemap lists, or the sitemaps that it names, and what was skipped.

    Pages and sitemaps of other hosts are skipped, as the protocol has it.

    `chosen` tells of a path, without the slash that it begins with, whether its page is wanted.

    Raises:
        PageNotFetched: if one of them cannot be had.
        SourceUnreadable: if one of them is none, or they list too much.
    """
    host = read_url(url).host
    waiting, seen = [url], {url}
    urls: dict[str, None] = {}
    skipped: list[Skipped] = []
    while waiting:
        here = waiting.pop(0)
        page = await fetcher.fetch(here, max_bytes=_MAX_BYTES)
        if page.status != 200:
            raise _unreadable(here, f"the server answered {page.status}")
        is_index, found = await asyncio.to_thread(_entries, here, page.body)
        for entry in found:
            try:
                target = read_url(entry)
            except UrlRefused as error:
                skipped.append(Skipped(entry[:200], error.reason))
                continue
            if not same_site(target.host, host):
                skipped.append(Skipped(entry, "of another host than the sitemap"))
            elif not is_index:
                if chosen(urlsplit(target.url).path.removeprefix("/")):
                    urls[target.url] = None
            elif target.url not in seen:
                seen.add(target.url)
                waiting.append(target.url)
        if len(urls) > MAX_PAGES:
            raise _unreadable(url, f"it lists more than {MAX_PAGES:,} pages; choose with patterns")
        if len(seen) > _MAX_SITEMAPS:
            raise _unreadable(url, f"it names more than {_MAX_SITEMAPS} sitemaps")
    return list(urls), tuple(skipped)


def _entries(url: str, body: bytes) -> tuple[bool, list[str]]:
    """Return whether a document is an index of sitemaps, and the URLs in it."""
    from defusedxml import DefusedXmlException

    try:
        if body.startswith(b"\x1f\x8b"):
            with gzip.GzipFile(fileobj=io.BytesIO(body)) as packed:
                body = packed.read(_MAX_BYTES + 1)
        if len(body) > _MAX_BYTES:
            raise _unreadable(url, f"it is larger than {_MAX_BYTES // 2**20} MB")
        return _walk(url, body)
    except (ParseError, DefusedXmlException, ValueError, OSError, EOFError, zlib.error) as error:
        what = "it is no XML" if isinstance(error, ParseError) else str(error) or repr(error)
        raise _unreadable(url, what) from error


def _walk(url: str, body: bytes) -> tuple[bool, list[str]]:
    """Read element by element: a whole tree takes many times the memory of its text."""
    from defusedxml.ElementTree import iterparse

    places = {("urlset", "url", "loc"), ("sitemapindex", "sitemap", "loc")}
    path: list[str] = []
    found: list[str] = []
    kind, elements = "", 0
    for event, element in iterparse(io.BytesIO(body), ("start", "end"), forbid_dtd=True):
        if event == "start":
            path.append(str(element.tag).rpartition("}")[2])
            if len(path) == 1:
                kind, root = path[0], element
            elements += 1
            if len(path) > _MAX_DEPTH or elements > _MAX_ELEMENTS:
                raise _unreadable(
                    url, f"an entry has over {_MAX_ELEMENTS:,} elements or over {_MAX_DEPTH} levels"
                )
            continue
        if tuple(path) in places and element.text and element.text.strip():
            found.append(element.text.strip())
        if len(path) == 2:
            root.clear()
            elements = 0
        path.pop()
    if kind not in {"urlset", "sitemapindex"}:
        raise _unreadable(url, f"its first element is {kind!r}")
    return kind == "sitemapindex", found


def _unreadable(url: str, reason: str) -> SourceUnreadable:
    return SourceUnreadable(f"sitemap {url}", reason, "the sitemap")
