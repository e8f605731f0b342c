"""Fetching: only public addresses (target 27), only so much (target 28), and politely."""

import asyncio
import gzip
import random
import shutil
import ssl
import subprocess
import zlib
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import pytest

from sources.fetch.errors import PageNotFetched, UrlRefused
from sources.fetch.fetcher import Conditions, Fetcher, FetchLimits
from tests.sources.fetch.web import PUBLIC, Detour, Web, everywhere_public, moved, reply, web

pytestmark = pytest.mark.anyio

URL = "http://shop.example/page"
CAP = 1 << 20
LIMITS = FetchLimits(max_bytes=CAP, timeout_s=10.0, interval_s=0.0)


@pytest.fixture
async def site() -> AsyncIterator[Web]:
    async with web() as site:
        yield site


@pytest.fixture
async def fetcher(site: Web) -> AsyncIterator[Fetcher]:
    backend = Detour(site.port)
    async with Fetcher(LIMITS, resolver=everywhere_public, backend=backend) as fetcher:
        yield fetcher


async def refusal(fetcher: Fetcher, url: str = URL) -> str:
    with pytest.raises(PageNotFetched) as caught:
        await fetcher.fetch(url)
    assert str(caught.value).startswith(f"{url} was not fetched: ")
    return caught.value.reason


async def test_a_page_comes_with_what_tells_it_from_the_next(site: Web, fetcher: Fetcher) -> None:
    site.pages["/page"] = reply(
        b"<p>hello</p>",
        headers={
            "Content-Type": "Text/HTML; charset=utf-8",
            "ETag": '"1"',
            "Last-Modified": "Sun, 01 Nov 2026 00:00:00 GMT",
        },
    )
    page = await fetcher.fetch(URL)
    assert (page.status, page.body, page.media_type) == (200, b"<p>hello</p>", "text/html")
    site.pages["/page"] = reply(status=304)
    again = await fetcher.fetch(URL, Conditions(page.etag, page.last_modified))
    assert (again.status, again.body) == (304, b"")
    headers = site.requests[-1][1]
    assert headers["if-none-match"] == '"1"'
    assert headers["if-modified-since"] == "Sun, 01 Nov 2026 00:00:00 GMT"
    assert headers["user-agent"] == "Answerdesk"
    assert headers["host"] == "shop.example"
    assert site.connections == 1, "the connection is kept for the next page"


async def test_a_validator_that_could_smuggle_a_header_is_dropped(
    site: Web, fetcher: Fetcher
) -> None:
    site.pages["/page"] = reply(headers={"ETag": "x" * 300, "Last-Modified": "\xe9"})
    page = await fetcher.fetch(URL)
    assert (page.etag, page.last_modified) == ("", "")


# --- addresses ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "addresses", [["127.0.0.1"], ["::1"], [PUBLIC, "127.0.0.1"], ["10.0.0.1", PUBLIC]]
)
async def test_a_name_is_judged_by_all_its_addresses(site: Web, addresses: list[str]) -> None:
    async def resolver(_host: str, _port: int) -> Sequence[str]:
        return addresses

    backend = Detour(site.port)
    async with Fetcher(LIMITS, resolver=resolver, backend=backend) as fetcher:
        with pytest.raises(
            UrlRefused, match=r"shop\.example is at .*, (this machine|an inner net)"
        ):
            await fetcher.fetch(URL)
    assert backend.connected == []


async def test_a_thousand_rebinding_races_reach_nothing_forbidden(site: Web) -> None:
    """Target 27: the name server changes its answer between any two look-ups."""
    site.pages["/page"] = reply(b"public")
    # Else the connection of robots.txt would serve the page, too, without another look-up.
    site.pages["/robots.txt"] = reply(status=404, headers={"Connection": "close"})
    random_ = random.Random(27)

    async with web() as inside:
        inside.pages["/page"] = inside.pages["/robots.txt"] = reply(b"secret")

        async def resolver(_host: str, _port: int) -> Sequence[str]:
            await asyncio.sleep(0)
            return [random_.choice([PUBLIC, "127.0.0.1", "::1", "169.254.169.254"])]

        backend = Detour(site.port)
        context = ssl.create_default_context()

        async def race(n: int) -> str:
            async with Fetcher(
                LIMITS, resolver=resolver, backend=backend, ssl_context=context
            ) as fetcher:
                try:
                    page = await fetcher.fetch(f"http://n{n}.example:{inside.port}/page")
                except UrlRefused:
                    return "refused"
                return page.body.decode()

        outcomes: list[str] = []
        for start in range(0, 1000, 50):
            outcomes += await asyncio.gather(*(race(n) for n in range(start, start + 50)))
        assert inside.connections == 0
    assert set(backend.connected) == {PUBLIC}
    assert set(outcomes) == {"refused", "public"}
    assert len(outcomes) == 1000


async def test_twenty_good_hosts_are_not_blocked(site: Web) -> None:
    """Target 27: no false alarm."""
    site.pages["/"] = reply(b"ok")
    hosts = [
        "example.com", "www.example.com", "docs.python.org", "shop.example", "a-b.example",
        "a_b.example", "3com.example", "x.co", "bücher.example", "例え.テスト", "пример.испытание",
        "127.0.0.1.nip.example", "localhost.example", "internal-shop.example", "metadata.example",
        "10.example", "0x7f.example", "xn--bcher-kva.example", "EXAMPLE.ORG", "example.net.",
    ]  # fmt: skip
    backend = Detour(site.port)
    async with Fetcher(LIMITS, resolver=everywhere_public, backend=backend) as fetcher:
        for host in hosts:
            assert (await fetcher.fetch(f"http://{host}/")).body == b"ok"
    assert len(hosts) == 20


async def test_a_permitted_host_may_be_inside_but_never_at_the_metadata_address(site: Web) -> None:
    site.pages["/page"] = reply(b"intranet")
    address = "127.0.0.1"

    async def resolver(_host: str, _port: int) -> Sequence[str]:
        return [address]

    for listed in ("wiki.intranet", "[::1]", "WIKI.intranet."):
        async with Fetcher(LIMITS, resolver=resolver, allow_hosts=[listed]) as fetcher:
            url = f"http://wiki.intranet:{site.port}/page"
            if "::1" in listed:
                await refusal(fetcher, url)
            else:
                assert (await fetcher.fetch(url)).body == b"intranet"
    address = "169.254.169.254"
    async with Fetcher(LIMITS, resolver=resolver, allow_hosts=["wiki.intranet"]) as fetcher:
        assert "link-local, where clouds keep" in await refusal(fetcher, "http://wiki.intranet/")


async def test_the_first_address_that_accepts_is_used(site: Web) -> None:
    site.pages["/page"] = reply(b"second")
    async with web() as closed:
        port = closed.port

    async def resolver(_host: str, _port: int) -> Sequence[str]:
        return ["127.0.0.2", "127.0.0.1"]

    url = f"http://wiki.intranet:{site.port}/page"
    async with Fetcher(LIMITS, resolver=resolver, allow_hosts=["wiki.intranet"]) as fetcher:
        assert (await fetcher.fetch(url)).body == b"second"
        down = f"http://wiki.intranet:{port}/page"
        assert "the connection failed" in await refusal(fetcher, down)


async def test_a_name_that_is_not_found_is_said(site: Web) -> None:
    async def resolver(host: str, _port: int) -> Sequence[str]:
        raise OSError(-2, "Name or service not known")

    async with Fetcher(LIMITS, resolver=resolver) as fetcher:
        assert "the connection failed (Name or service not known)" in await refusal(fetcher)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a certificate of shop.example with its key, in one file."""
    if shutil.which("openssl") is None:
        pytest.skip("needs the openssl command")
    folder = tmp_path_factory.mktemp("tls")
    key, file = folder / "key.pem", folder / "both.pem"
    command = (
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 "
        "-subj /CN=shop.example -addext subjectAltName=DNS:shop.example -keyout"
    )
    subprocess.run([*command.split(), key, "-out", file], check=True, capture_output=True)
    file.write_text(file.read_text() + key.read_text())
    return file


async def test_the_certificate_is_checked_against_the_name_not_the_address(
    certificate: Path,
) -> None:
    serving = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    serving.load_cert_chain(certificate)
    trusting = ssl.create_default_context(cafile=str(certificate))
    async with web(serving) as site:
        site.pages["/page"] = reply(b"secure")
        backend = Detour(site.port)
        async with Fetcher(
            LIMITS, resolver=everywhere_public, backend=backend, ssl_context=trusting
        ) as fetcher:
            assert (await fetcher.fetch("https://shop.example/page")).body == b"secure"
            reason = await refusal(fetcher, "https://other.example/page")
    assert "certificate is not valid for 'other.example'" in reason


# --- redirects ---------------------------------------------------------------------------------


async def test_a_redirect_is_followed_and_the_end_is_named(site: Web, fetcher: Fetcher) -> None:
    site.pages["/page"] = moved("/a/b")
    site.pages["/a/b"] = moved("../c?d=1", 308)
    site.pages["/c?d=1"] = reply(b"here")
    page = await fetcher.fetch(URL)
    assert (page.url, page.body) == ("http://shop.example/c?d=1", b"here")


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("/page", "it is redirected more than 5 times"),
        ("", "it is redirected to nowhere"),
        ("file:///etc/passwd", "it is redirected, and only http:// and https:// are fetched"),
        ("http://127.1/", "it is redirected, and '127.1' is an unusual spelling of an address"),
        ("http://root@shop.example/", "a user name or password"),
        ("http://[::1/", "it is redirected"),
        ("http://127.0.0.1/", "127.0.0.1 is at 127.0.0.1, this machine itself"),
        ("http://inside.example/", "inside.example is at 10.0.0.1, an inner network"),
        ("http://169.254.169.254/latest/meta-data", "169.254.169.254, link-local"),
    ],
)
async def test_a_redirect_is_checked_like_the_first_step(
    site: Web, location: str, reason: str
) -> None:
    async def resolver(host: str, _port: int) -> Sequence[str]:
        numeric = host.replace(".", "").isdecimal()
        return [host if numeric else "10.0.0.1" if host == "inside.example" else PUBLIC]

    site.pages["/page"] = moved(location)
    backend = Detour(site.port)
    async with Fetcher(LIMITS, resolver=resolver, backend=backend) as fetcher:
        assert reason in await refusal(fetcher)
    assert set(backend.connected) == {PUBLIC}


# --- bodies ------------------------------------------------------------------------------------


def deflated(data: bytes, *, bare: bool = False) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS if bare else zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", gzip.compress(b"text" * 9, mtime=0)),
        ("X-GZip", gzip.compress(b"text" * 9, mtime=0) + b"\0\0"),
        ("deflate", deflated(b"text" * 9)),
        ("deflate", deflated(b"text" * 9, bare=True)),
        ("identity", b"text" * 9),
        ("gzip", gzip.compress(b"text" * 9, compresslevel=0, mtime=0)),
    ],
)
async def test_a_packed_body_is_unpacked(
    site: Web, fetcher: Fetcher, encoding: str, body: bytes
) -> None:
    site.pages["/page"] = reply(body, headers={"Content-Encoding": encoding})
    assert (await fetcher.fetch(URL)).body == b"text" * 9


BOMB = gzip.compress(b"\0" * (64 * CAP), mtime=0)


@pytest.mark.parametrize(
    ("encoding", "body", "reason"),
    [
        ("gzip", BOMB, "it is longer than 1 MB when unpacked"),
        ("deflate", deflated(b"\0" * (64 * CAP)), "it is longer than 1 MB when unpacked"),
        ("deflate", deflated(b"\0" * (64 * CAP), bare=True), "longer than 1 MB when unpacked"),
        (
            "gzip, gzip",
            gzip.compress(BOMB, mtime=0),
            "it is packed as 'gzip, gzip', which was not asked",
        ),
        ("br", b"\x8b\x03\x80text\x03", "it is packed as 'br', which was not asked for"),
        ("zstd", b"\x28\xb5\x2f\xfd\x00", "it is packed as 'zstd', which was not asked for"),
        (
            "gzip",
            gzip.compress(b"a", mtime=0) + gzip.compress(b"b", mtime=0),
            "it holds more than one packed part",
        ),
        ("gzip", gzip.compress(b"text" * 99, mtime=0)[:-9], "it is cut off"),
        ("gzip", b"no gzip", "it cannot be unpacked"),
        ("", b"x" * (CAP + 1), "it is longer than 1 MB"),
    ],
)
async def test_a_bomb_is_refused(
    site: Web, fetcher: Fetcher, encoding: str, body: bytes, reason: str
) -> None:
    """Target 28."""
    site.pages["/page"] = reply(body, headers={"Content-Encoding": encoding} if encoding else {})
    assert reason in await refusal(fetcher)


@pytest.mark.parametrize("packed", [False, True])
async def test_an_endless_body_is_left_at_the_cap(
    site: Web, fetcher: Fetcher, packed: bool
) -> None:
    """Target 28."""
    piece = random.Random(1).randbytes(16 * 1024)
    packer = zlib.compressobj(wbits=31)
    left = asyncio.Event()

    async def endless(writer: asyncio.StreamWriter) -> None:
        encoding = "Content-Encoding: gzip\r\n" if packed else ""
        writer.write(f"HTTP/1.1 200 OK\r\n{encoding}\r\n".encode())
        try:
            while True:
                data = packer.compress(piece) + packer.flush(zlib.Z_SYNC_FLUSH)
                writer.write(data if packed else piece)
                await writer.drain()
        finally:
            left.set()

    site.pages["/page"] = endless
    assert "it is longer than 1 MB" in await refusal(fetcher)
    await left.wait()


async def test_not_more_than_a_piece_past_the_cap_is_read() -> None:
    """Target 28, without the buffers of the kernel in between."""
    from sources.fetch.body import BadBody, read_body

    taken = 0

    async def pieces(data: bytes) -> AsyncIterator[bytes]:
        nonlocal taken
        for start in range(0, len(data), 64 * 1024):
            taken += len(data[start : start + 64 * 1024])
            yield data[start : start + 64 * 1024]

    with pytest.raises(BadBody):
        await read_body(pieces(b"x" * (4 * CAP)), encoding="", limit=CAP)
    assert taken <= CAP + 64 * 1024
    taken = 0
    with pytest.raises(BadBody):
        await read_body(pieces(BOMB), encoding="gzip", limit=CAP)
    assert taken <= 64 * 1024


@pytest.mark.parametrize("where", ["head", "body", "silence"])
async def test_a_server_that_trickles_is_left_at_the_deadline(
    site: Web, where: str, passes: Callable[[float], None]
) -> None:
    """Target 28: slow-loris from the other side."""
    never = asyncio.Event()

    async def trickle(writer: asyncio.StreamWriter) -> None:
        if where == "body":
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        elif where == "head":
            writer.write(b"HTTP/1.1 200 OK\r\n")
        while where != "silence":
            writer.write(b"X: y\r\n")
            await writer.drain()
            passes(0.01)
            await asyncio.sleep(0)
        passes(0.3)
        await never.wait()

    site.pages["/page"] = trickle
    limits = FetchLimits(max_bytes=CAP, timeout_s=0.3, interval_s=0)
    backend = Detour(site.port)
    async with Fetcher(limits, resolver=everywhere_public, backend=backend) as fetcher:
        assert await refusal(fetcher) == "it took longer than 0.3 s"


async def test_slow_redirects_share_one_deadline(
    site: Web, passes: Callable[[float], None]
) -> None:
    async def slowly(writer: asyncio.StreamWriter) -> None:
        passes(0.1)
        writer.write(moved("/page"))

    site.pages["/page"] = slowly
    limits = FetchLimits(timeout_s=0.25, interval_s=0)
    backend = Detour(site.port)
    async with Fetcher(limits, resolver=everywhere_public, backend=backend) as fetcher:
        assert await refusal(fetcher) == "it took longer than 0.25 s"
    assert len(site.requests) == 3


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\nConnection: close\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\n" + b"X: " + b"y" * 200_000,
    ],
)
async def test_a_broken_answer_is_a_sentence(site: Web, fetcher: Fetcher, answer: bytes) -> None:
    async def break_off(writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        await writer.drain()

    site.pages["/page"] = break_off
    assert "the connection failed (" in await refusal(fetcher)


# --- manners -----------------------------------------------------------------------------------


async def test_robots_txt_is_read_once_and_obeyed(site: Web, fetcher: Fetcher) -> None:
    site.pages["/robots.txt"] = reply(b"User-agent: *\nDisallow: /private\nAllow: /private/open")
    site.pages["/private/open"] = site.pages["/page"] = reply(b"ok")
    assert (await fetcher.fetch(URL)).status == 200
    assert (await fetcher.fetch("http://shop.example/private/open")).status == 200
    reason = await refusal(fetcher, "http://shop.example/private?x")
    assert reason == "the robots.txt of shop.example forbids it"
    assert [place for place, _ in site.requests] == [
        "shop.example/page",
        "shop.example/private/open",
    ]


async def test_a_redirect_obeys_the_robots_txt_of_where_it_leads(
    site: Web, fetcher: Fetcher
) -> None:
    site.pages["/page"] = moved("http://other.example/page2")
    site.pages["other.example/robots.txt"] = reply(b"User-agent: answerdesk\nDisallow: /")
    assert await refusal(fetcher) == "the robots.txt of other.example forbids it"


async def test_a_robots_txt_that_cannot_be_read_forbids_all(site: Web, fetcher: Fetcher) -> None:
    site.pages["/robots.txt"] = reply(status=503)
    site.pages["/page"] = reply(b"ok")
    for _ in range(2):
        assert await refusal(fetcher) == "its robots.txt: the server answered 503"
    assert site.requests == []


@pytest.mark.parametrize("status", [401, 403, 404, 410])
async def test_no_robots_txt_forbids_nothing(site: Web, fetcher: Fetcher, status: int) -> None:
    site.pages["/robots.txt"] = reply(status=status)
    site.pages["/page"] = reply(b"ok")
    assert (await fetcher.fetch(URL)).body == b"ok"


@pytest.mark.parametrize(("asked", "pause"), [("", 1.0), ("3", 3.0), ("9999", 30.0), ("x", 1.0)])
async def test_a_host_is_asked_no_more_often_than_it_wants(
    site: Web, asked: str, pause: float
) -> None:
    site.pages["/robots.txt"] = reply(f"User-agent: *\nCrawl-delay: {asked}".encode())
    site.pages["/page"] = reply(b"ok")
    now, slept = 100.0, []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    async with Fetcher(
        resolver=everywhere_public, backend=Detour(site.port), sleep=sleep, clock=lambda: now
    ) as fetcher:
        await asyncio.gather(*(fetcher.fetch(URL) for _ in range(3)))
        assert slept == [pause, 2 * pause]
        now += 100
        await fetcher.fetch(URL)
        await fetcher.fetch("http://other.example/page")
    assert len(slept) == 2
