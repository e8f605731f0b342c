"""Pages of the web: one, or all that a sitemap lists."""

import asyncio
import codecs
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import ClassVar
from urllib.parse import unquote, urlsplit

from db.pages import PageState
from kb.parse import SUFFIXES
from kb.parse.encoding.decoding import codec_of
from sources import Found, SourceUnreadable, Visit
from sources.fetch.address import read_url
from sources.fetch.errors import PageNotFetched
from sources.fetch.fetcher import Conditions, Page
from sources.login_page import HTML_ENDINGS, is_html, suspicion
from sources.scan import fits
from sources.sitemap import read_sitemaps

_AT_ONCE = 4
"""Pages on their way at the same time; the rate of each host is kept all the same."""

_GONE = {404, 410}
_MISSES = 2
"""A page is taken for removed when the server says so that often in a row."""

_PLAIN = {"text", "markdown"}
"""Formats that many sites show as a web page under the same URL."""

_ENDINGS = {
    "application/json": ".json",
    "application/pdf": ".pdf",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ".xlsx",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ".docx",
    "application/zip": ".zip",
    "text/csv": ".csv",
    "text/markdown": ".md",
    "text/plain": ".txt",
    "text/tab-separated-values": ".tsv",
}
_MAX_NAME = 200


@dataclass(frozen=True, slots=True)
class OnTheWeb:
    """A place with a URL."""

    url: str

    @property
    def location(self) -> str:
        """Return the URL."""
        return self.url

    @property
    def wanted_name(self) -> str:
        """Return the host."""
        return read_url(self.url).host


@dataclass(frozen=True, slots=True)
class WebPage(OnTheWeb):
    """One URL."""

    kind: ClassVar[str] = "url"

    async def find(self, visit: Visit) -> Found:
        """Fetch it; what goes wrong is a failure of the whole source."""
        fetched = await _fetch_all([self.url], visit)
        failure = next(iter(fetched.errors.values()), "")
        return Found(fetched.files, failure=failure, pages=tuple(fetched.pages))


@dataclass(frozen=True, slots=True)
class Sitemap(OnTheWeb):
    """All pages of one host that a sitemap lists and a pattern fits."""

    patterns: Sequence[str] = ("**",)
    """Of the path, without the slash that it begins with."""
    kind: ClassVar[str] = "sitemap"

    async def find(self, visit: Visit) -> Found:
        """Fetch the sitemap and its pages."""
        try:
            urls, skipped = await read_sitemaps(self.url, visit.fetcher, chosen=fits(self.patterns))
        except (PageNotFetched, SourceUnreadable) as error:
            return Found(failure=str(error))
        fetched = await _fetch_all(urls, visit)
        return Found(fetched.files, skipped, fetched.errors, pages=tuple(fetched.pages))


@dataclass(slots=True)
class _Fetched:
    names: set[str]
    """Document ids that a page has, or had the last time."""
    files: dict[str, Path] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    pages: list[PageState] = field(default_factory=list)


async def _fetch_all(urls: Sequence[str], visit: Visit) -> _Fetched:
    """Fetch pages into the folder of the visit."""
    fetched = _Fetched({state.doc_id for state in visit.pages.values()})
    waiting = list(enumerate(urls))[::-1]
    done = 0

    async def work() -> None:
        nonlocal done
        while waiting:
            number, url = waiting.pop()
            await _fetch(url, visit, visit.folder / str(number), fetched)
            done += 1
            if visit.on_page is not None:
                visit.on_page(visit.name, done, len(urls))

    async with asyncio.TaskGroup() as group:
        for _ in range(min(_AT_ONCE, len(urls))):
            group.create_task(work())
    return fetched


async def _fetch(url: str, visit: Visit, path: Path, into: _Fetched) -> None:
    """Fetch one page, or learn that it is unchanged, gone, or cannot be had now."""
    state = visit.pages.get(url)
    stored = await asyncio.to_thread(_stored, state, visit)
    conditions = Conditions()
    if state is not None and stored is not None:
        conditions = Conditions(state.etag, state.last_modified)
    try:
        page = await visit.fetcher.fetch(url, conditions)
    except PageNotFetched as error:
        _keep(url, str(error), visit, into)
        return
    if page.status == 304 and state is not None and stored is not None:
        into.files[state.doc_id] = stored
        into.pages.append(replace(state, misses=0))
    elif page.status in _GONE:
        _miss(url, page.status, visit, into)
    elif page.status != 200:
        _keep(url, f"{url} was not fetched: the server answered {page.status}.", visit, into)
    else:
        await _take(url, page, visit, path, into)


async def _take(url: str, page: Page, visit: Visit, path: Path, into: _Fetched) -> None:
    """Keep a page's content, unless it does not look like what was asked for."""
    state = visit.pages.get(url)
    if state is None:
        doc_id = document_id(visit.name, url, page)
        if doc_id in into.names:  # two URLs that read alike, such as /a%2Fb and /a/b
            digest = hashlib.sha256(url.encode()).hexdigest()[:16]
            doc_id = f"{visit.name}/{digest}{_ending(url, page)}"
        into.names.add(doc_id)
        state = PageState(url, doc_id)
    reason = await asyncio.to_thread(_suspicion, url, page, state.doc_id, visit)
    if reason:
        _keep(url, f"{url} was not taken: {reason}", visit, into, doc_id=state.doc_id)
        return
    try:
        sha256 = await asyncio.to_thread(_store, page, path)
    except OSError as error:
        reason = f"{url} could not be written to {visit.folder} ({error.strerror})."
        _keep(url, reason, visit, into, doc_id=state.doc_id)
        return
    into.files[state.doc_id] = path
    validators = page.etag, page.last_modified
    into.pages.append(PageState(url, state.doc_id, sha256, *validators))


def _store(page: Page, path: Path) -> str:
    """Write what a page says to a file; return its sha256."""
    text = page.media_type.startswith("text/") or is_html(page)
    body = as_utf8(page.body, page.charset) if text else page.body
    path.write_bytes(body)
    return hashlib.sha256(body).hexdigest()


def as_utf8(body: bytes, charset: str) -> bytes:
    """Return a text as UTF-8 with a mark, if only `charset` tells how to read it.

    A body that is UTF-8, whatever the header says, or that `charset` does not fit is returned as
    it is: the parser then tells its encoding by its content.
    """
    codec = codec_of(charset.strip("\"' "))
    if not codec or body.startswith((codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return body
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        try:
            return codecs.BOM_UTF8 + body.decode(codec).encode()
        except (UnicodeDecodeError, LookupError):
            return body
    return body


def _suspicion(url: str, page: Page, doc_id: str, visit: Visit) -> str:
    if visit.accepted:
        return ""
    document = visit.known.get(doc_id)
    path = visit.original(document.sha256) if document is not None else None
    before = path.read_bytes() if path is not None and path.is_file() else None
    return suspicion(page, host=read_url(url).host, doc_id=doc_id, before=before)


def _stored(state: PageState | None, visit: Visit) -> Path | None:
    """Return the original that a 304 would mean, if that is what is live."""
    if state is None or not (state.etag or state.last_modified):
        return None
    document = visit.known.get(state.doc_id)
    if document is None or document.sha256 != state.sha256:
        return None
    path = visit.original(state.sha256)
    return path if path.is_file() else None


def _keep(url: str, reason: str, visit: Visit, into: _Fetched, *, doc_id: str = "") -> None:
    """Note that a page could not be had; what stands there stays."""
    state = visit.pages.get(url)
    if state is not None:
        into.pages.append(replace(state, misses=0))
    into.errors[doc_id or _known_id(url, visit)] = reason


def _miss(url: str, status: int, visit: Visit, into: _Fetched) -> None:
    """Note that the server says a page is gone; the second time in a row it is believed."""
    doc_id = _known_id(url, visit)
    state = visit.pages.get(url, PageState(url, doc_id))
    state = replace(state, misses=state.misses + 1)
    if url in visit.pages or doc_id in visit.known:
        into.pages.append(state)
    if doc_id not in visit.known and state.misses < _MISSES:
        into.errors[doc_id] = f"{url} was not fetched: the server answered {status}."
    elif state.misses < _MISSES:
        into.errors[doc_id] = (
            f"{url} is gone (the server answered {status}). It stays until the next run finds the "
            "same."
        )


def _known_id(url: str, visit: Visit) -> str:
    """Return the document that a URL is, or would be, without having the page."""
    if url in visit.pages:
        return visit.pages[url].doc_id
    name = f"{visit.name}/{_name(url)}"
    return next((doc for doc in visit.known if doc == name or doc.startswith(f"{name}.")), name)


# --- names -------------------------------------------------------------------------------------


def document_id(source: str, url: str, page: Page) -> str:
    """Return the name of the document that a page becomes when it is first seen.

    Its ending is one that tells the parser what to expect.
    """
    name, ending = _name(url), _ending(url, page)
    return f"{source}/{name}" if name.lower().endswith(ending) else f"{source}/{name}{ending}"


def _ending(url: str, page: Page) -> str:
    ending = PurePosixPath(_name(url)).suffix.lower()
    if is_html(page):
        return ending if ending in SUFFIXES and SUFFIXES[ending] not in _PLAIN else ".html"
    if ending in SUFFIXES and ending not in HTML_ENDINGS:
        return ending
    return _ENDINGS.get(page.media_type, ending)


def _name(url: str) -> str:
    """Return path and query of a URL, readable, and short enough for a name."""
    parts = urlsplit(read_url(url).url)
    path = parts.path.strip("/")
    name = _readable(path) or "index"
    if parts.path.endswith("/") and path:
        name += "/index"
    if parts.query:
        name += f"?{_readable(parts.query)}"
    if len(name) > _MAX_NAME:
        name = f"{name[:_MAX_NAME]}~{hashlib.sha256(url.encode()).hexdigest()[:16]}"
    return name


def _readable(escaped: str) -> str:
    """Undo percent-encoding where that gives letters and keeps the parts of a path."""
    try:
        text = unquote(escaped, errors="strict")
    except UnicodeDecodeError:
        return escaped
    same_parts = text.count("/") == escaped.count("/") and not {".", ".."} & {*text.split("/")}
    return text if same_parts and text.isprintable() else escaped
