"""Who may use what (targets 38 and 39), and what a browser may not do for a stranger."""

import asyncio
import base64
import contextlib
import json
import re
from collections.abc import Callable, Mapping
from typing import get_args

import httpx
import pytest
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.routing import Mount, Route

from console.security import CookieSigner, check_exposure, is_own_host, is_same_origin
from console.security_logins import Attempts, TooManyFailures
from core.errors import ConfigError
from core.rights import ROLES, Role
from db.keys import Grant
from tests.console.conftest import Builder
from tests.console.fakes import FAQ_QUESTION
from tests.console.requests import (
    GRANTS,
    PASSWORD,
    log_in_as,
    lowest_role,
)

JSON_QUESTION = {"question": FAQ_QUESTION}
OPEN_TO_ALL = {
    ("/health", "GET"),
    ("/login", "GET"),
    ("/login", "POST"),
    ("/login/code", "POST"),
    ("/logout", "POST"),
    ("/invitation", "GET"),
    ("/invitation", "POST"),
}
BEARER = {"Authorization": f"Bearer {PASSWORD}"}


def routes(builder: Builder) -> list[tuple[str, str]]:
    """Return every path and method that the console serves."""
    application = builder.build().app
    assert isinstance(application, Starlette)
    found = []
    for route in application.routes:
        if isinstance(route, Route):
            path = route.path.replace("{number:int}", "7")
            found += [(path, m) for m in route.methods or () if m != "HEAD"]
        else:
            assert isinstance(route, Mount)
            assert route.path == "/static"
    return found


@pytest.mark.anyio
async def test_a_stranger_on_the_network_gets_nothing_but_the_login(builder: Builder) -> None:
    """Target 38: enumerates the routes, so a new one is closed unless listed here."""
    async with builder.client(password=PASSWORD) as client:
        for path, method in routes(builder):
            response = await client.request(method, path)
            sent_to = response.headers.get("location", "")
            closed = "Log in first" in response.text or sent_to.startswith("/login?next=")
            assert closed == ((path, method) not in OPEN_TO_ALL), (path, method)
    assert builder.desk.calls == []


@pytest.mark.anyio
@pytest.mark.parametrize("role", ROLES)
async def test_everybody_may_use_what_their_role_includes(builder: Builder, role: Role) -> None:
    async with builder.client(password=PASSWORD) as client:
        await log_in_as(builder, client, role)
        for path, method in sorted(set(routes(builder)) - OPEN_TO_ALL):
            response = await client.request(method, path)
            assert "Log in first" not in response.text, (path, method)
            refused = response.status_code == 403
            assert refused == ("Your role" in response.text)
            allowed = ROLES.index(role) >= ROLES.index(lowest_role(path, method))
            assert refused != allowed, (path, method)
            if path == "/console/account/end-all":
                await client.post("/login", data={"name": role, "password": PASSWORD})


@pytest.mark.anyio
async def test_without_a_password_this_machine_sees_the_console(client: httpx.AsyncClient) -> None:
    assert (await client.get("/console")).status_code == 200


@pytest.mark.anyio
@pytest.mark.parametrize(
    "header", ["Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP"]
)
async def test_without_a_password_nothing_is_passed_on_by_a_proxy(
    builder: Builder, header: str
) -> None:
    async with builder.client() as client:
        client.headers[header] = "for=198.51.100.7"
        for path, method in routes(builder):
            response = await client.request(method, path)
            closed = "This console has no password" in response.text
            assert closed == ((path, method) not in OPEN_TO_ALL), (path, method)
        assert "reasons" not in (await client.get("/health")).json()


@pytest.mark.anyio
async def test_without_a_password_only_this_machine_is_served(builder: Builder) -> None:
    transport = httpx.ASGITransport(builder.build(), client=("192.0.2.9", 5000))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        assert (await client.get("/")).status_code == 401


@pytest.mark.anyio
async def test_the_password_opens_everything_until_log_out(builder: Builder) -> None:
    """Target 39: a log-out revokes the token at once."""
    async with builder.client(password=PASSWORD) as client:
        form = {"password": PASSWORD, "next": "/console"}
        response = await client.post("/login", data=form)
        assert response.headers["location"] == "/console"
        cookie = response.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=strict" in cookie
        token = client.cookies["answerdesk_operator"]
        assert (await client.get("/console")).status_code == 200
        assert (await client.get("/")).status_code == 200
        await client.post("/logout")
        replayed = {"cookie": f"answerdesk_operator={token}"}
        assert (await client.get("/console", headers=replayed)).status_code == 303


@pytest.mark.anyio
async def test_a_token_set_by_someone_else_is_not_taken_over(builder: Builder) -> None:
    """Target 39: session fixation."""
    async with builder.client(password=PASSWORD) as client:
        client.cookies.set("answerdesk_operator", "chosen-by-an-attacker")
        await client.post("/login", data={"password": PASSWORD})
        chosen = {"cookie": "answerdesk_operator=chosen-by-an-attacker"}
        assert (await client.get("/console", headers=chosen)).status_code == 303


@pytest.mark.anyio
@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "/\\evil.example"])
async def test_the_login_leads_to_our_own_pages_only(builder: Builder, target: str) -> None:
    async with builder.client(password=PASSWORD) as client:
        response = await client.post("/login", data={"password": PASSWORD, "next": target})
    assert response.headers["location"] == "/console"


@pytest.mark.anyio
async def test_wrong_passwords_are_refused_and_then_delayed(builder: Builder) -> None:
    """Target 39: a guessing client waits, also for the right password."""
    async with builder.client(password=PASSWORD) as client:
        for _ in range(5):
            response = await client.post("/login", data={"password": "guess"})
            assert response.status_code == 401
            assert "This password is not right." in response.text
        response = await client.post("/login", data={"password": PASSWORD})
        assert response.status_code == 429
        assert "Too many wrong passwords. Try again in 15 seconds." in response.text
        response = await client.get("/console", headers=BEARER)
        assert response.status_code == 429
        assert response.headers["retry-after"] == "15"


@pytest.mark.anyio
async def test_programs_send_the_password_as_a_bearer_token(builder: Builder) -> None:
    async with builder.client(password=PASSWORD) as client:
        response = await client.post("/api/ask", json=JSON_QUESTION, headers=BEARER)
        assert response.status_code == 200
        wrong = {"Authorization": "Bearer guess"}
        response = await client.post("/api/ask", json=JSON_QUESTION, headers=wrong)
        assert response.status_code == 401
        assert "bearer token" in response.json()["error"]


@pytest.mark.anyio
async def test_a_key_opens_what_its_right_is_for(builder: Builder) -> None:
    tokens = {grant: await builder.records.keys.add(grant, [grant]) for grant in get_args(Grant)}
    assert set(GRANTS) <= set(routes(builder))
    async with builder.client(password=PASSWORD) as client:
        for path, method in set(routes(builder)) - OPEN_TO_ALL:
            for grant, token in tokens.items():
                headers = {"Authorization": f"Bearer {token}"}
                # It is no guess of the password either: an address has five.
                response = await client.request(method, path, headers=headers)
                needed = GRANTS.get((path, method))
                if needed is None:
                    sent_to = response.headers.get("location", "")
                    closed = "Log in first" in response.text or sent_to.startswith("/login?next=")
                else:
                    closed = response.status_code in (401, 403)
                assert closed == (grant != needed), (path, method, grant, response.status_code)


@pytest.mark.anyio
async def test_health_keeps_its_reasons_from_strangers(builder: Builder) -> None:
    async with builder.client(password=PASSWORD) as client:
        assert (await client.get("/health")).json() == {"status": "ok"}
        assert "reasons" in (await client.get("/health", headers=BEARER)).json()


@pytest.mark.anyio
@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
    ],
)
async def test_another_site_cannot_post(builder: Builder, headers: dict[str, str]) -> None:
    async with builder.client() as client:
        for path in ("/ask", "/new", "/login", "/logout", "/api/ask"):
            response = await client.post(path, data={"question": "a"}, headers=headers)
            assert response.status_code == 403, path
    assert builder.desk.calls == []


@pytest.mark.anyio
@pytest.mark.parametrize("host", ["evil.example", "evil.example:8080", "[bad", ""])
async def test_a_foreign_name_for_this_machine_is_refused(builder: Builder, host: str) -> None:
    async with builder.client() as client:
        response = await client.get("/", headers={"Host": host})
    assert response.status_code == 421
    assert "Open it under its own address." in response.text


@pytest.mark.anyio
async def test_every_response_forbids_foreign_content(client: httpx.AsyncClient) -> None:
    for path in ("/", "/console", "/login", "/other", "/static/app.css", "/health"):
        response = await client.get(path)
        policy = response.headers["content-security-policy"]
        assert "default-src 'none'" in policy, path
        assert "unsafe" not in policy, path
        assert response.headers["x-content-type-options"] == "nosniff", path


@pytest.mark.anyio
async def test_only_a_file_with_its_version_is_kept_by_browsers(client: httpx.AsyncClient) -> None:
    for path in ("/console/questions?page=2", "/login?next=/console", "/static/app.css"):
        response = await client.get(path)
        assert "immutable" not in response.headers.get("cache-control", ""), path
    versioned = await client.get("/static/app.css?v=1")
    assert "immutable" in versioned.headers["cache-control"]


@pytest.mark.anyio
async def test_pages_load_nothing_from_elsewhere_and_run_nothing_inline(
    client: httpx.AsyncClient,
) -> None:
    await client.post("/ask", data={"question": FAQ_QUESTION})
    pages = (
        "questions", "questions/dismissed", "knowledge", "uploads", "bench", "figures", "programs",
    )  # fmt: skip
    paths = ("/", "/console", "/login", "/api/v1/docs")
    for path in (*paths, *(f"/console/{name}" for name in pages)):
        page = (await client.get(path)).text
        assert "://" not in page, path
        assert " style=" not in page, path
        assert not re.search(r"<[^>]*\son\w+=", page), path
        assert page.count("<script") == page.count("<script src="), path


def forgeries(cookie: str) -> list[str]:
    """Return values that a real cookie or key is near, but none of which is one."""
    ends = ["", "0", ".", "..", "=", "%00", "%0a", ".eyJhbGciOiJub25lIn0", "é", "😀"]
    changed = [
        cookie[:place] + ("a" if cookie[place] != "a" else "b") + cookie[place + 1 :]
        for place in range(0, len(cookie), max(1, len(cookie) // 20))
    ]
    tokens = [  # signed with nothing, with the header's own word, with a key that is known
        f"{_url64(head)}.{_url64({'sub': 'owner', 'role': 'owner', 'exp': 2**40})}.{end}"
        for head in ({"alg": "none"}, {"alg": "HS256", "kid": "../../dev/null"}, {"alg": "RS256"})
        for end in ("", "AAAA")
    ]
    others = [cookie[::-1], cookie.swapcase(), cookie[:-1], cookie[1:], cookie + cookie]
    owners = ["1", "owner", "0", "None", "true", "console", "' OR 1=1 --", "*", "admin"]
    return [*changed, *(cookie + end for end in ends[1:]), *tokens, *others, *owners]


def _url64(value: Mapping[str, object]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


@pytest.mark.anyio
async def test_nothing_that_is_near_a_login_or_a_key_is_one(builder: Builder) -> None:
    """Target 39: over 40 forgeries of a cookie and of a key, each refused in the same way."""
    key = await builder.records.keys.add("shop", ["read"])
    async with builder.client(password=PASSWORD) as client:
        await client.post("/login", data={"password": PASSWORD})
        cookie = client.cookies["answerdesk_operator"]
        client.cookies.clear()
        forged = set(forgeries(cookie))
        assert len(forged) >= 40
        for value in forged:
            sent = {b"cookie": f"answerdesk_operator={value}".encode()}
            response = await client.get("/console", headers=sent)
            assert response.headers.get("location") == "/login?next=/console", value
            assert "set-cookie" not in response.headers, value
        keys = set(forgeries(key))
        assert len(keys) >= 40
        for value in keys:
            sent = {b"authorization": f"Bearer {value}".encode()}
            response = await client.get("/api/v1/knowledge", headers=sent)
            assert response.status_code in (401, 429), value
        right = {"authorization": f"Bearer {key}"}
        assert (await client.get("/api/v1/knowledge", headers=right)).status_code == 200
        kept = {"cookie": f"answerdesk_operator={cookie}"}
        assert (await client.get("/console", headers=kept)).status_code == 200


def test_a_cookie_is_read_only_as_it_was_signed() -> None:
    signer = CookieSigner(b"a" * 32)
    cookie = signer.sign("abc")
    assert signer.read(cookie) == "abc"
    for forged in ("", "abc", ".", f"abd{cookie[3:]}", cookie[:-1], f"{cookie}0", "é.é"):
        assert signer.read(forged) is None, forged
    assert CookieSigner(b"b" * 32).read(cookie) is None


class Clock:
    """Time that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


async def give(attempts: Attempts, right: bool, *, client: str, account: int = 1) -> bool:
    """Give a right or a wrong password."""

    async def is_right() -> bool:
        return right

    return await attempts.check(is_right, account=account, client=client)


async def guess(attempts: Attempts, times: int, *, client: str) -> int:
    """Give wrong passwords; return how many were looked at."""
    looked_at = 0
    for _ in range(times):
        with contextlib.suppress(TooManyFailures):
            assert not await give(attempts, False, client=client)
            looked_at += 1
    return looked_at


@pytest.mark.anyio
async def test_a_delay_doubles_and_ends() -> None:
    clock = Clock()
    attempts = Attempts(clock=clock)
    assert await guess(attempts, 100, client="192.0.2.1") == 5
    with pytest.raises(TooManyFailures, match=r"Try again in 15 seconds\."):
        await give(attempts, True, client="192.0.2.1")
    clock.now += 15
    assert await guess(attempts, 100, client="192.0.2.1") == 1
    with pytest.raises(TooManyFailures, match=r"Try again in 30 seconds\."):
        await give(attempts, True, client="192.0.2.1")
    assert await give(attempts, True, client="192.0.2.2")
    clock.now += 15 * 60
    assert await give(attempts, True, client="192.0.2.1")


@pytest.mark.anyio
async def test_guesses_at_once_are_no_way_around_the_delay() -> None:
    attempts, looked_at = Attempts(clock=Clock()), 0

    async def is_right() -> bool:
        nonlocal looked_at
        looked_at += 1
        await asyncio.sleep(0)
        return False

    await asyncio.gather(
        *(attempts.check(is_right, account=1, client="192.0.2.1") for _ in range(50)),
        return_exceptions=True,
    )
    assert looked_at == 5


@pytest.mark.anyio
async def test_one_address_has_few_guesses_an_hour() -> None:
    clock = Clock()
    attempts = Attempts(clock=clock)
    looked_at = 0
    for _ in range(3600):
        looked_at += await guess(attempts, 1, client="192.0.2.1")
        clock.now += 1
    assert looked_at < 30


@pytest.mark.anyio
async def test_the_right_password_is_taken_where_it_was_given_before() -> None:
    attempts = Attempts(clock=Clock())
    assert await give(attempts, True, client="192.0.2.1")
    assert await guess(attempts, 500, client="192.0.2.1") == 5
    assert await give(attempts, True, client="192.0.2.1")
    assert await guess(attempts, 1000, client="192.0.2.1") == 5
    with pytest.raises(TooManyFailures):
        await give(attempts, True, client="192.0.2.1")


@pytest.mark.anyio
async def test_guesses_from_many_addresses_delay_strangers_of_one_account_only() -> None:
    clock = Clock()
    attempts = Attempts(clock=clock)
    assert await give(attempts, True, client="192.0.2.1")
    looked_at = 0
    for n in range(3000):
        looked_at += await guess(attempts, 1, client=f"198.51.{n // 250}.{n % 250}")
    assert looked_at == 100
    assert await give(attempts, True, client="192.0.2.1")
    assert await give(attempts, True, client="203.0.113.6", account=2)
    with pytest.raises(TooManyFailures, match=r"in 5 seconds\."):
        await give(attempts, True, client="203.0.113.5")
    clock.now += 5
    assert await give(attempts, True, client="203.0.113.5")


@pytest.mark.anyio
@pytest.mark.parametrize(
    "addresses",
    [
        [f"2001:db8:1:2::{n:x}" for n in range(1, 20)],
        ["192.0.2.1", "::ffff:192.0.2.1"] * 5,
        [f"made up {n}" for n in range(20)],
    ],
)
async def test_one_customer_of_a_network_is_one_address(addresses: list[str]) -> None:
    attempts = Attempts(clock=Clock())
    assert sum([await guess(attempts, 1, client=address) for address in addresses]) == 5


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.9.9.9"])
def test_this_machine_needs_no_password(host: str) -> None:
    check_exposure(host, "")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "", "shop.example"])
def test_the_network_needs_a_password(host: str) -> None:
    check_exposure(host, PASSWORD)
    with pytest.raises(ConfigError, match=r"CONSOLE_PASSWORD is not set\. Set CONSOLE_PASSWORD"):
        check_exposure(host, "")


def test_a_proxy_needs_a_password() -> None:
    check_exposure("127.0.0.1", PASSWORD, proxies=["127.0.0.1"])
    with pytest.raises(ConfigError, match=r"names 127\.0\.0\.1, which open .* or remove them"):
        check_exposure("127.0.0.1", "", proxies=["127.0.0.1"])


@pytest.mark.parametrize(
    ("method", "headers", "own"),
    [
        ("GET", {"Origin": "https://evil.example"}, True),
        ("POST", {}, True),
        ("POST", {"Sec-Fetch-Site": "same-origin"}, True),
        ("POST", {"Sec-Fetch-Site": "none"}, True),
        ("POST", {"Origin": "http://localhost:8080", "Host": "localhost:8080"}, True),
        ("POST", {"Origin": "http://localhost:9090", "Host": "localhost:8080"}, False),
        ("DELETE", {"Sec-Fetch-Site": "cross-site"}, False),
    ],
)
def test_same_origin(method: str, headers: dict[str, str], own: bool) -> None:
    assert is_same_origin(method, Headers(headers)) is own


def test_own_hosts() -> None:
    check: Callable[[str], bool] = lambda host: is_own_host(  # noqa: E731
        Headers({"host": host}), ("localhost", "::1")
    )
    assert check("localhost:8080")
    assert check("LOCALHOST")
    assert check("[::1]:8080")
    assert not check("localhost.evil.example")
    assert not check("evil.example#localhost")
