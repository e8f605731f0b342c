"""Pages that are not what was asked for: login forms, and pages where a file was. Pure."""

import re
from pathlib import PurePosixPath

from kb.parse import looks_html
from sources.fetch.address import read_url, same_site
from sources.fetch.fetcher import Page

HTML_ENDINGS = {".html", ".htm", ".xhtml"}
_HTML_TYPES = {"text/html", "application/xhtml+xml"}
_PASSWORD = re.compile(rb"<input\b[^<>]{0,2000}\btype\s*=\s*[\"']?password\b", re.I)


def is_html(page: Page) -> bool:
    """Tell whether a page is HTML, by what the server says or by how it begins."""
    return page.media_type in _HTML_TYPES or looks_html(page.body[:4096])


def asks_for_password(body: bytes) -> bool:
    """Tell whether a page has a field for a password."""
    return _PASSWORD.search(body) is not None


def suspicion(page: Page, *, host: str, doc_id: str, before: bytes | None) -> str:
    """Return why a page is probably not the one that was asked for; empty if it looks right.

    The ending of `doc_id` tells what is expected of the `host` that was asked. A password field
    that was there `before`, in the content that is live, is no reason: some pages have a login form
    in their head.
    """
    answered = read_url(page.url).host
    if not same_site(answered, host):
        return f"it now leads to another host, {answered}: is it a login page, or did it move?"
    if not page.body.strip():
        return "it is empty."
    if not is_html(page):
        return ""
    ending = PurePosixPath(doc_id).suffix.lower()
    if ending not in HTML_ENDINGS:
        return f"a web page came where a {ending or 'other'} file was expected."
    if asks_for_password(page.body) and not (before is not None and asks_for_password(before)):
        return "it asks for a password."
    return ""
