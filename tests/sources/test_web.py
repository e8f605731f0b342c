"""Pages as sources: asked for cheaply, and never emptied by what a server says (target 17)."""

from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from db.knowledge import SourceRepository
from db.pages import PageRepository
from jobs.refresh import NoSuchSource, Refresh
from jobs.refresh_report import RefreshReport
from sources import Source
from sources.fetch.fetcher import Fetcher, FetchLimits, Page
from sources.local import Folder
from sources.login_page import suspicion
from sources.web import Sitemap, WebPage, as_utf8, document_id
from tests.fakes import WordEmbedder
from tests.kb.workshop import Workshop, workshop
from tests.sources.fetch.web import Detour, Web, everywhere_public, moved, reply, web

pytestmark = pytest.mark.anyio

PAGE = WebPage("http://shop.example/help")
SITEMAP = Sitemap("http://shop.example/sitemap.xml")
LOGIN = b"<form><input name=p type='password'></form>"


@pytest.fixture
async def shop(tmp_path: Path, embedder: WordEmbedder) -> AsyncIterator[Workshop]:
    async with workshop(tmp_path / "data", embedder) as shop:
        yield shop


@pytest.fixture
async def site() -> AsyncIterator[Web]:
    async with web() as site:
        yield site


def refresh(shop: Workshop, site: Web, *sources: Source) -> Refresh:
    def fetcher() -> Fetcher:
        limits = FetchLimits(max_bytes=300_000, timeout_s=10, interval_s=0)
        return Fetcher(limits, resolver=everywhere_public, backend=Detour(site.port))

    return Refresh(
        shop.ingestor,
        shop.repository,
        SourceRepository(shop.database),
        sources,
        pages=PageRepository(shop.database),
        original=shop.originals.path,
        make_fetcher=fetcher,
    )


def lines(count: int, word: str = "line") -> bytes:
    return "\n".join(f"{word} {n}" for n in range(count)).encode()


def sitemap(*urls: str, kind: str = "urlset", item: str = "url") -> bytes:
    listed = "".join(f"<{item}><loc> {url} </loc></{item}>" for url in urls)
    text = f'<?xml version="1.0"?><{kind} xmlns="http://www.sitemaps.org/x">{listed}</{kind}>'
    return reply(text.encode(), headers={"Content-Type": "application/xml"})


def publish_site(site: Web, count: int) -> None:
    """Make a sitemap of `count` pages with two lines each."""
    site.pages["/sitemap.xml"] = sitemap(*(f"http://shop.example/{n}" for n in range(count)))
    for n in range(count):
        site.pages[f"/{n}"] = reply(lines(2, f"page{n}"), headers={"ETag": f'"{n}"'})


def counts(report: RefreshReport) -> tuple[int, int, int]:
    (source,) = report.sources
    return source.new, source.changed, source.gone


# --- one page ----------------------------------------------------------------------------------


async def test_a_page_becomes_a_document_and_its_change_a_release(
    shop: Workshop, site: Web
) -> None:
    run = refresh(shop, site, PAGE)
    site.pages["/help"] = reply(b"one\ntwo\nthree")
    assert counts(await run.run()) == (1, 0, 0)
    assert list(await shop.repository.documents(1)) == ["shop.example/help.html"]
    site.pages["/help"] = reply(b"one\ntwo\nfour")
    report = await run.run()
    assert (report.ingest.release, counts(report)) == (2, (0, 1, 0))
    assert await shop.texts() == ["four", "one", "two"]


@pytest.mark.parametrize("answer", ["304", "same bytes"])
async def test_an_unchanged_page_is_neither_parsed_nor_embedded(
    shop: Workshop, site: Web, embedder: WordEmbedder, answer: str
) -> None:
    run = refresh(shop, site, PAGE)
    site.pages["/help"] = reply(b"one", headers={"ETag": '"1"', "Last-Modified": "yesterday"})
    await run.run()
    shop.parser.parsed.clear()
    embedder.embedded.clear()
    if answer == "304":
        site.pages["/help"] = reply(status=304)
    report = await run.run()
    assert (report.ingest.release, counts(report)) == (1, (0, 0, 0))
    assert report.text() == (
        "+0 files, 0 changed, 0 gone; 0 texts embedded, 1 chunks kept; release 1."
    )
    assert (shop.parser.parsed, embedder.embedded) == ([], [])
    headers = site.requests[-1][1]
    assert (headers["if-none-match"], headers["if-modified-since"]) == ('"1"', "yesterday")


async def test_a_page_is_asked_for_anew_when_what_is_live_is_not_what_it_sent(
    shop: Workshop, site: Web
) -> None:
    run = refresh(shop, site, PAGE)
    for text in (b"one\ntwo\nthree", b"one\ntwo\nfour"):
        site.pages["/help"] = reply(text, headers={"ETag": '"x"'})
        await run.run()
    await shop.releases.rollback(1)
    report = await run.run()
    assert "if-none-match" not in site.requests[-1][1]
    assert report.ingest.release == 4
    assert "four" in await shop.texts()


HARM = {
    "500": (reply(status=500), "the server answered 500"),
    "403": (reply(status=403), "the server answered 403"),
    "404": (reply(status=404), "is gone (the server answered 404). It stays until"),
    "410": (reply(status=410), "is gone (the server answered 410). It stays until"),
    "empty": (reply(b" \n"), "it is empty"),
    "other host": (moved("http://sso.example/login"), "it now leads to another host, sso.example"),
    "login": (reply(LOGIN), "it asks for a password"),
    "shrunk": (reply(lines(3)), "it would lose 37 of 40 chunks (92%, the limit is 30%)"),
    "loop": (moved("/help"), "it is redirected more than 5 times"),
    "inner": (moved("http://127.1/"), "'127.1' is an unusual spelling of an address"),
    "nonsense": (b"nonsense\r\n\r\n", "the connection failed"),
    "broken": (reply(b"BROKEN"), "it is broken"),
}


@pytest.mark.parametrize("harm", HARM)
async def test_a_page_that_looks_wrong_changes_nothing_and_is_told(
    shop: Workshop, site: Web, tmp_path: Path, harm: str
) -> None:
    """Target 17: the old content stays, the operator is told, the other sources go on."""
    good = tmp_path / "good"
    good.mkdir()
    (good / "page.txt").write_text("first")
    run = refresh(shop, site, PAGE, Folder(good))
    site.pages["/help"] = reply(lines(40), headers={"ETag": '"1"'})
    await run.run()
    before = await shop.texts()
    site.pages["/help"], expected = HARM[harm]
    site.pages["sso.example/login"] = reply(b"<html>Please choose</html>")
    (good / "page.txt").write_text("second")
    preview = await run.run(dry_run=True)
    report = await run.run()
    assert preview.sources == report.sources
    assert expected in report.text()
    assert report.job_report().state == "held"
    assert await shop.texts() == sorted([*(t for t in before if t != "first"), "second"])
    site.pages["/help"] = reply(lines(41), headers={"ETag": '"2"'})
    assert (await run.run()).job_report().state == "done"
    assert len(await shop.texts()) == 42


async def test_a_page_gone_twice_in_a_row_is_removed_when_an_operator_agrees(
    shop: Workshop, site: Web
) -> None:
    run = refresh(shop, site, PAGE)
    site.pages["/help"] = reply(b"one")
    await run.run()
    for status in (404, 500, 410):
        site.pages["/help"] = reply(status=status)
        assert f"the server answered {status}" in (await run.run()).sources[0].held
    for _ in range(2):
        report = await run.run()
        assert report.sources[0].held == (
            "held back: it would lose 1 of 1 documents (100%, the limit is 30%). If that is "
            "right, accept it on the first page of the console, or run "
            "`answerdesk refresh --accept shop.example` once."
        )
    assert await shop.texts() == ["one"]
    assert counts(await run.run(accept=["shop.example"])) == (0, 0, 1)
    assert await shop.texts() == []
    report = await run.run()
    assert (report.job_report().state, report.ingest.release) == ("done", 2)


async def test_an_operator_may_accept_a_page_that_asks_for_a_password(
    shop: Workshop, site: Web
) -> None:
    run = refresh(shop, site, PAGE)
    site.pages["/help"] = reply(LOGIN)
    assert "it asks for a password" in (await run.run()).sources[0].held
    assert counts(await run.run(accept=[PAGE.url])) == (1, 0, 0)
    site.pages["/help"] = reply(LOGIN + b" more")
    assert counts(await run.run()) == (0, 1, 0), "it had one before, so it is no surprise"


async def test_a_source_that_is_not_configured_cannot_be_accepted(
    shop: Workshop, site: Web
) -> None:
    with pytest.raises(NoSuchSource, match=r"named 'x'; refresh.sources has: shop\.example\."):
        await refresh(shop, site, PAGE).run(accept=["x"])
    with pytest.raises(NoSuchSource, match="none is configured"):
        await refresh(shop, site).run(only=["x"])


async def test_only_the_sources_that_are_due_are_read(shop: Workshop, site: Web) -> None:
    other = WebPage("http://other.example/help")
    site.pages["/help"] = reply(b"one")
    report = await refresh(shop, site, PAGE, other).run(only=[other.url])
    assert [source.name for source in report.sources] == ["other.example"]
    assert [place for place, _ in site.requests] == ["other.example/help"]


# --- sitemaps ----------------------------------------------------------------------------------


async def test_a_sitemap_follows_its_site(shop: Workshop, site: Web) -> None:
    run = refresh(shop, site, SITEMAP)
    publish_site(site, 10)
    done: list[tuple[str, int, int]] = []
    report = await run.run(on_page=lambda *progress: done.append(progress))
    assert counts(report) == (10, 0, 0)
    assert done == [("shop.example", n, 10) for n in range(1, 11)]
    publish_site(site, 11)
    site.pages["/3"] = reply(b"another")
    site.pages["/4"] = reply(status=304)
    site.pages["/sitemap.xml"] = sitemap(*(f"http://shop.example/{n}" for n in range(1, 11)))
    assert counts(await run.run()) == (1, 1, 1)
    documents = await shop.repository.documents(2)
    assert "shop.example/0.html" not in documents
    assert "shop.example/10.html" in documents


async def test_an_index_of_sitemaps_is_followed_on_its_own_host(shop: Workshop, site: Web) -> None:
    import gzip

    part = sitemap("http://shop.example/a", "http://evil.example/b", "ftp://shop.example/c")
    site.pages["/sitemap.xml"] = sitemap(
        "http://shop.example/part.xml.gz",
        "http://shop.example/sitemap.xml",
        "http://evil.example/more.xml",
        kind="sitemapindex",
        item="sitemap",
    )
    site.pages["/part.xml.gz"] = reply(gzip.compress(part.partition(b"\r\n\r\n")[2]))
    site.pages["/a"] = reply(b"text")
    report = await refresh(shop, site, SITEMAP).run()
    assert counts(report) == (1, 0, 0)
    assert {s.location: s.reason for s in report.sources[0].skipped} == {
        "http://evil.example/more.xml": "of another host than the sitemap",
        "http://evil.example/b": "of another host than the sitemap",
        "ftp://shop.example/c": "only http:// and https:// are fetched",
    }
    assert {place.partition("/")[0] for place, _ in site.requests} == {"shop.example"}


async def test_patterns_choose_pages(shop: Workshop, site: Web) -> None:
    site.pages["/help/a"] = site.pages["/help/deep/b"] = reply(b"text")
    # Only what is chosen counts towards the most that are read.
    site.pages["/sitemap.xml"] = sitemap(
        *(f"http://shop.example/blog/{n}" for n in range(3001)),
        "http://shop.example/help/a",
        "http://shop.example/help/deep/b",
    )
    report = await refresh(shop, site, Sitemap(SITEMAP.url, ["help/**"])).run()
    assert counts(report) == (2, 0, 0)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (reply(status=404), "the server answered 404"),
        (reply(b"<html><body>Log in"), "it is no XML"),
        (reply(b"<html></html>"), "its first element is 'html'"),
        (reply(b'<!DOCTYPE x [<!ENTITY a "b">]><urlset>&a;</urlset>'), "DTDForbidden"),
        (reply(b"<a>" * 30), "over 20 levels"),
        (reply(b"<urlset><url>" + b"<a/>" * 10_001), "an entry has over 10,000 elements"),
        (reply(b"\x1f\x8bno"), "cannot be read"),
        (moved("http://127.0.0.1/"), "this machine itself"),
        (sitemap(), "it would lose 10 of 10 documents"),
        (sitemap("http://shop.example/1"), "it would lose 9 of 10 documents"),
        (sitemap(*(f"http://shop.example/{n}" for n in range(3001))), "more than 3,000 pages;"),
    ],
)
async def test_a_bad_sitemap_changes_nothing(
    shop: Workshop, site: Web, answer: bytes, reason: str
) -> None:
    """Target 17."""
    run = refresh(shop, site, SITEMAP)
    publish_site(site, 10)
    await run.run()
    before = await shop.texts()
    site.pages["/sitemap.xml"] = answer

    async def resolver(host: str, port: int) -> list[str]:
        return [host] if host[0].isdigit() else list(await everywhere_public(host, port))

    limits = FetchLimits(max_bytes=300_000, interval_s=0)
    fetcher = partial(Fetcher, limits, resolver=resolver, backend=Detour(site.port))
    run = replace(run, make_fetcher=fetcher)
    report = await run.run()
    assert reason in report.sources[0].held
    assert await shop.texts() == before


@pytest.mark.parametrize("status", [404, 500])
async def test_a_few_pages_that_fail_stay_as_they_were(
    shop: Workshop, site: Web, status: int
) -> None:
    run = refresh(shop, site, SITEMAP)
    publish_site(site, 10)
    await run.run()
    site.pages["/1"] = site.pages["/2"] = reply(status=status)
    site.pages["/3"] = reply(b"another")
    report = await run.run()
    assert counts(report) == (0, 1, 0)
    assert set(report.sources[0].errors) == {"shop.example/1.html", "shop.example/2.html"}
    assert "page1 0" in await shop.texts()
    again = await run.run()
    assert counts(again) == ((0, 0, 2) if status == 404 else (0, 0, 0))


async def test_a_site_where_too_much_fails_is_held_back(shop: Workshop, site: Web) -> None:
    run = refresh(shop, site, SITEMAP)
    publish_site(site, 10)
    await run.run()
    before = await shop.texts()
    for n in range(4):
        site.pages[f"/{n}"] = reply(LOGIN)
    site.pages["/9"] = reply(b"another")
    report = await run.run()
    assert report.sources[0].held == (
        "held back: 4 of its 10 files could not be had (the limit is 30%)."
    )
    assert await shop.texts() == before
    assert counts(await run.run(accept=["shop.example"])) == (0, 5, 0)


async def test_pages_that_read_alike_get_names_of_their_own(shop: Workshop, site: Web) -> None:
    paths = ["/a", "/%61", "/help/", "/help/index", "/help.html", "/help"]
    site.pages["/sitemap.xml"] = sitemap(*(f"http://shop.example{path}" for path in paths))
    for number, path in enumerate(paths):
        site.pages[path] = reply(f"text {number}".encode())
    run = refresh(shop, site, SITEMAP)
    assert counts(await run.run()) == (6, 0, 0)
    assert await shop.texts() == [f"text {n}" for n in range(6)]
    assert counts(await run.run()) == (0, 0, 0)


async def test_the_encoding_that_only_the_header_names_is_used(shop: Workshop, site: Web) -> None:
    text = "电子发票怎么开"
    types = {
        "/1": ("gb2312", text.encode("gb18030")),
        "/2": ('"Shift_JIS"', "返品について".encode("cp932")),
        "/3": ("iso-8859-1", "Straße UTF-8".encode()),
        "/4": ("windows-1251", "Возврат".encode("cp1251")),
    }
    for path, (charset, body) in types.items():
        headers = {"Content-Type": f"text/html; Charset={charset}", "ETag": '"1"'}
        site.pages[path] = reply(body, headers=headers)
    site.pages["/sitemap.xml"] = sitemap(*(f"http://shop.example{path}" for path in types))
    run = refresh(shop, site, SITEMAP)
    await run.run()
    texts = [line.removeprefix("\ufeff") for line in await shop.texts()]
    assert set(texts) == {text, "返品について", "Straße UTF-8", "Возврат"}
    await run.run()
    assert site.requests[-1][1]["if-none-match"] == '"1"', "what is live is what was sent"


@pytest.mark.parametrize("charset", ["zlib", "punycode", "rot13", "utf-16", "x" * 40, "", "gbk"])
def test_a_charset_that_does_not_fit_changes_nothing(charset: str) -> None:
    assert as_utf8(b"\xff\xfe\x80\xff", charset) == b"\xff\xfe\x80\xff"
    assert as_utf8(b"\x80\xff", charset) == b"\x80\xff"


# --- names and suspicion -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "media_type", "expected"),
    [
        ("http://shop.example", "text/html", "s/index.html"),
        ("http://shop.example/a/", "text/html", "s/a/index.html"),
        ("http://shop.example/a.php?b=c", "text/html", "s/a.php?b=c.html"),
        ("http://shop.example/a.HTM", "text/html", "s/a.HTM"),
        ("http://shop.example/readme.md", "text/html", "s/readme.md.html"),
        ("http://shop.example/readme.md", "text/plain", "s/readme.md"),
        ("http://shop.example/prices", "text/csv", "s/prices.csv"),
        ("http://shop.example/prices.csv", "text/plain", "s/prices.csv"),
        ("http://shop.example/file", "application/octet-stream", "s/file"),
        ("http://shop.example/退款", "text/html", "s/退款.html"),
        ("http://shop.example/a%2Fb/%FF", "text/html", "s/a%2Fb/%FF.html"),
        ("http://shop.example/%2e%2e/%00", "text/html", "s/%2e%2e/%00.html"),
    ],
)
def test_a_document_is_named_after_its_page(url: str, media_type: str, expected: str) -> None:
    assert document_id("s", url, Page(url, 200, b"x", media_type)) == expected


def test_a_long_address_gets_a_short_name() -> None:
    url = "http://shop.example/" + "a" * 1900
    assert len(document_id("s", url, Page(url, 200, b"x", "text/html"))) < 240


@pytest.mark.parametrize(
    ("body", "media_type", "doc_id", "reason"),
    [
        (b"<!doctype html><p>x", "application/pdf", "s/a.pdf", "a web page came where a .pdf"),
        (b"x", "text/html", "s/a.csv", "a web page came where a .csv file was expected."),
        (b"%PDF-1.7", "application/pdf", "s/a.pdf", ""),
        (b"<input type=text><input\nclass=x TYPE = 'Password'>", "text/html", "s/a.html", "a pass"),
        (b"<input type=text> password", "text/html", "s/a.html", ""),
        (b"<input" * 100_000, "text/html", "s/a.html", ""),
    ],
)
def test_what_is_not_as_expected_is_suspected(
    body: bytes, media_type: str, doc_id: str, reason: str
) -> None:
    page = Page("http://www.shop.example/a", 200, body, media_type)
    found = suspicion(page, host="shop.example", doc_id=doc_id, before=None)
    assert reason in found if reason else found == ""
