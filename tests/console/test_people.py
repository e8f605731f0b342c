"""Accounts: invitations, passwords, logins, roles."""

import re
from pathlib import Path

import httpx
import pyotp
import pytest

from console.knowledge import Editing
from console.security_logins import hash_password
from core.rights import ROLES
from core.types import Answer
from db.accounts import Account
from db.base import Database
from db.operators import Operators
from tests.console.conftest import Builder, records_of
from tests.console.fakes import ScriptedDesk
from tests.console.filled import fill
from tests.console.people import OWN, PASSWORD, account, log_in
from tests.console.requests import lowest_role
from tests.console.uploads import upload_desk
from tests.fakes import WordEmbedder
from tests.kb.workshop import InProcess, library_of, tracer_of, workshop

PAGES = (
    "questions",
    "question?number=1",
    "questions/dismissed",
    "conversations",
    "conversation?answer=1",
    "knowledge",
    "uploads",
    "bench",
    "figures",
    "mishaps",
    "account",
)
pytestmark = pytest.mark.anyio


async def test_an_invitation_works_once_and_logs_in(builder: Builder) -> None:
    token = await builder.records.accounts.invite("Ada", "editor")
    async with builder.client(password=PASSWORD) as client:
        assert "<strong>editor</strong>" in (await client.get(f"/invitation?token={token}")).text
        short = await client.post("/invitation", data={"token": token, "password": "short"})
        assert "A password has 10 to 200 characters." in short.text
        taken = await client.post("/invitation", data={"token": token, "password": OWN})
        assert taken.headers["location"] == "/console"
        assert (await client.get("/console")).status_code == 200
        again = await client.post("/invitation", data={"token": token, "password": OWN})
        assert "used already" in again.text
        client.cookies.clear()
        assert (await log_in(client, " aDA ")).status_code == 303


async def test_who_takes_a_conversation_looks_after_it_if_nobody_does(builder: Builder) -> None:
    for name in ("Ada", "Bob"):
        await account(builder, name, "agent")
    answer = Answer("unknown", "?", "en")
    await builder.records.conversations.record("Q", answer, chat="widget:1", channel="widget")
    for name in ("Ada", "Bob"):
        async with builder.client(password=PASSWORD) as client:
            await log_in(client, name)
            taken = await client.post("/console/conversation/take", data={"number": "1"})
            assert taken.status_code == 303, taken.text
            assert (await builder.records.accounts.assigned(["widget:1"]))["widget:1"].name == "Ada"
            await client.post("/console/conversation/give-back", data={"number": "1"})


async def test_an_invitation_is_old_after_72_hours(
    builder: Builder, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = await builder.records.accounts.invite("Ada", "editor")
    monkeypatch.setattr("db.accounts.INVITATION_LASTS_S", -1.0)
    late = await builder.records.accounts.invite("Bob", "editor")
    assert await builder.records.accounts.invited(token)
    assert await builder.records.accounts.invited(late) is None
    assert await builder.records.accounts.accept(late, "hash") is None


async def test_who_was_invited_only_has_no_password(builder: Builder) -> None:
    await builder.records.accounts.invite("Ada", "owner")
    async with builder.client(password=PASSWORD) as client:
        for password in ("", OWN, PASSWORD):
            response = await log_in(client, "Ada", password)
            assert response.status_code == 401
            assert "Name or password is not right." in response.text


async def test_the_password_of_the_console_is_the_owners_way_in(builder: Builder) -> None:
    async with builder.client(password=PASSWORD) as client:
        assert (await log_in(client, "", PASSWORD)).status_code == 303
        assert (await client.get("/console")).status_code == 200
    async with builder.client(password="another one") as changed:
        changed.cookies = client.cookies
        assert (await changed.get("/console")).status_code == 303


async def test_a_login_outlives_a_restart_and_ends_after_12_hours(
    builder: Builder, monkeypatch: pytest.MonkeyPatch
) -> None:
    await account(builder, "Ada")
    async with builder.client(password=PASSWORD) as client:
        await log_in(client, "Ada")
    async with builder.client(password=PASSWORD) as restarted:
        restarted.cookies = client.cookies
        assert (await restarted.get("/console")).status_code == 200
        monkeypatch.setattr("db.accounts.SESSION_LASTS_S", 0.0)
        assert (await restarted.get("/console")).status_code == 303


async def test_a_changed_role_or_password_logs_out_everywhere(builder: Builder) -> None:
    ada = await account(builder, "Ada")
    async with builder.client(password=PASSWORD) as client:
        await log_in(client, "Ada")
        await builder.records.accounts.set_role(ada.account_id, "agent")
        assert (await client.get("/console")).status_code == 303
        await log_in(client, "Ada")
        await builder.records.accounts.set_password(
            ada.account_id, await hash_password("another one")
        )
        assert (await client.get("/console")).status_code == 303
        assert (await log_in(client, "Ada")).status_code == 401


async def test_whoever_was_removed_is_out_at_once(builder: Builder, database: Database) -> None:
    ada = await account(builder, "Ada")
    operators = Operators(database)
    code = await operators.new_code("editor", account_id=ada.account_id)
    async with builder.client(password=PASSWORD) as client:
        await log_in(client, "Ada")
        await operators.redeem(code, user_id=7, name="Ada L.")
        waiting = await operators.new_code("editor", account_id=ada.account_id)
        await builder.records.accounts.remove(ada.account_id)
        assert (await client.get("/console")).status_code == 303
        assert (await log_in(client, "Ada")).status_code == 401
    assert await operators.role_of(7) is None
    assert await operators.redeem(waiting, user_id=8, name="Ada L.") is None


async def test_what_is_done_is_recorded_with_its_person(builder: Builder) -> None:
    await account(builder, "Ada")
    async with builder.client(password=PASSWORD) as client:
        await log_in(client, "Ada")
        await client.post("/console/mishaps/drop-letter", data={"number": "3"})
        await client.post("/console/questions/reopen", data={"number": "4"})
    entries = [(e.person, e.action, e.details) for e in await builder.records.audit.recent()]
    assert entries == [("Ada", "questions/reopen", "4"), ("Ada", "login", "")]


async def test_pages_offer_nothing_that_a_role_may_not_do(tmp_path: Path) -> None:
    """Over a shop in use, so that there is something to press."""
    async with (
        workshop(tmp_path, WordEmbedder(), parser=InProcess()) as shop,
        upload_desk(shop) as desk,
    ):
        await fill(shop)
        builder = Builder(ScriptedDesk(), records_of(shop.database), shop.database)
        entry, *_ = await shop.entries.find()
        offered: dict[str, set[str]] = {}
        for role in ROLES:
            await account(builder, role, role)
            async with builder.client(
                password=PASSWORD,
                editing=Editing(shop.entries, shop.releases),
                questions=library_of(shop).questions,
                uploads=desk,
                tracer=tracer_of(shop),
            ) as client:
                await log_in(client, role)
                paths = ["", *(f"/{name}" for name in PAGES), f"/entry?id={entry.chunk_id}"]
                paths += ["/people"] if role == "owner" else []
                pages = [(await client.get(f"/console{path}")).text for path in paths]
            assert all("Log out" in page for page in pages)
            text = "".join(pages)
            sent = set(re.findall(r'action="(/console[^"]*)" method="post"', text))
            sent |= set(re.findall(r'formaction="(/console[^"]*)"', text))
            opened = set(re.findall(r'href="(/console[^"?#]*)', text))
            rank = ROLES.index(role)
            wrong = {path for path in sent if ROLES.index(lowest_role(path, "POST")) > rank}
            wrong |= {path for path in opened if ROLES.index(lowest_role(path, "GET")) > rank}
            assert wrong == set(), role
            offered[role] = {path for path in sent if lowest_role(path, "POST") == role}
    assert all(offered.values()), offered


async def owner(builder: Builder, client: httpx.AsyncClient) -> Account:
    made = await account(builder, "Olga", "owner")
    await log_in(client, "Olga")
    return made


async def test_an_owner_invites_and_the_link_is_shown_once(builder: Builder) -> None:
    async with builder.client(password=PASSWORD) as client:
        await owner(builder, client)
        form = {"name": " Ada  Lovelace ", "role": "agent"}
        page = (await client.post("/console/people/invite", data=form)).text
        found = re.search(r"http://127\.0\.0\.1:8080/invitation\?token=([\w-]+)", page)
        assert found
        invited = await builder.records.accounts.invited(found[1])
        assert invited
        assert (invited.name, invited.role) == ("Ada Lovelace", "agent")
        again = await client.post("/console/people/invite", data=form | {"name": "ada lovelace"})
        assert "There is an account &#39;ada lovelace&#39; already." in again.text
        assert found[1] not in (await client.get("/console/people")).text
        for name, role in ((" ", "agent"), ("Bob", "king"), ("Console password", "owner")):
            wrong = {"name": name, "role": role}
            assert (await client.post("/console/people/invite", data=wrong)).status_code >= 400


async def test_a_new_link_gives_another_password(builder: Builder) -> None:
    async with builder.client(password=PASSWORD) as client:
        await owner(builder, client)
        ada = await account(builder, "Ada")
        number = {"number": str(ada.account_id)}
        page = (await client.post("/console/people/link", data=number)).text
        token = re.findall(r"token=([\w-]+)", page)[0]
    async with builder.client(password=PASSWORD) as client:
        assert (await log_in(client, "Ada")).status_code == 303  # until it is used
        form = {"token": token, "password": "quite another"}
        assert (await client.post("/invitation", data=form)).status_code == 303
        assert (await log_in(client, "Ada")).status_code == 401
        assert (await log_in(client, "Ada", "quite another")).status_code == 303


async def test_the_last_owner_stays(builder: Builder) -> None:
    async with builder.client(password=PASSWORD) as client:
        olga = await owner(builder, client)
        await builder.records.accounts.invite("Pia", "owner")  # who has no password yet
        number = {"number": str(olga.account_id)}
        for path, form in (("remove", number), ("role", number | {"role": "editor"})):
            response = await client.post(f"/console/people/{path}", data=form)
            assert "This is the last owner. Make somebody else an owner first." in response.text
        assert (await client.get("/console/people")).status_code == 200
        await account(builder, "Bob", "owner")
        assert (await client.post("/console/people/remove", data=number)).status_code == 303
        assert (await client.get("/console/people")).status_code == 303
        assert await builder.records.accounts.get(olga.account_id) is None


async def test_an_owner_logs_somebody_out_and_changes_a_role(builder: Builder) -> None:
    ada = await account(builder, "Ada")
    number = {"number": str(ada.account_id)}
    async with (
        builder.client(password=PASSWORD) as client,
        builder.client(password=PASSWORD) as other,
    ):
        await owner(builder, client)
        await log_in(other, "Ada")
        await client.post("/console/people/log-out", data=number)
        assert (await other.get("/console")).status_code == 303
        await client.post("/console/people/role", data=number | {"role": "viewer"})
    changed = await builder.records.accounts.get(ada.account_id)
    assert changed
    assert changed.role == "viewer"
    done = [(e.person, e.action, e.details) for e in await builder.records.audit.recent(limit=2)]
    assert done == [("Olga", "people/role", "Ada, viewer"), ("Olga", "people/log-out", "Ada")]


async def test_the_record_is_filtered_and_exported(builder: Builder) -> None:
    await builder.records.operators.add(7, "agent", name="Tim")
    await builder.records.audit.record(7, "/ban", "=1+1")
    await builder.records.audit.record(0, "uploads/apply", "3", person="Ada")
    async with builder.client() as client:
        page = (await client.get("/console/audit")).text
        assert "Tim, Telegram" in page
        for query, shown in (
            ("person=Ada", "3"),
            ("person=telegram:7", "=1+1"),
            ("action=/ban", "=1+1"),
        ):
            page = (await client.get(f"/console/audit?{query}")).text
            assert re.findall(r'class="report">([^<]*)</td>', page) == [shown]
        assert (await client.get("/console/audit?person=telegram:x")).status_code == 200
        rows = (await client.get("/console/audit.csv?action=/ban")).text.splitlines()
    assert rows[0] == "time (UTC),person,telegram id,action,details"
    assert rows[1].endswith(",Tim,7,/ban,'=1+1")
    assert len(rows) == 2


async def test_without_a_password_the_page_says_that_accounts_are_not_asked_for(
    client: httpx.AsyncClient,
) -> None:
    assert "once CONSOLE_PASSWORD is set" in (await client.get("/console/people")).text


async def test_a_password_is_changed_with_the_old_one_and_logs_out(builder: Builder) -> None:
    await account(builder, "Ada")
    path = "/console/account/password"
    async with builder.client(password=PASSWORD) as client:
        await log_in(client, "Ada")
        wrong = await client.post(path, data={"password": "guess", "new": "quite another"})
        assert "This password is not right." in wrong.text
        short = await client.post(path, data={"password": OWN, "new": "short"})
        assert "A password has 10 to 200 characters." in short.text
        done = await client.post(path, data={"password": OWN, "new": "quite another"})
        assert done.headers["location"] == "/login"
        assert (await client.get("/console/account")).status_code == 303
        assert (await log_in(client, "Ada", "quite another")).status_code == 303


async def test_logins_are_listed_and_ended_one_by_one(builder: Builder) -> None:
    ada = await account(builder, "Ada")
    bob = await account(builder, "Bob")
    clients = [builder.client(password=PASSWORD) for _ in range(3)]
    for client, name in zip(clients, ("Ada", "Ada", "Bob"), strict=True):
        client.headers["user-agent"] = f"Browser of {name}"
        await log_in(client, name)
    page = (await clients[0].get("/console/account")).text
    assert page.count("Browser of Ada") == 2
    assert page.count("(this one)") == 1
    assert "Browser of Bob" not in page
    of_bob = (await builder.records.accounts.sessions(bob.account_id))[0].session_id
    other = (await builder.records.accounts.sessions(ada.account_id))[0].session_id
    for number in (of_bob, other):
        await clients[0].post("/console/account/end", data={"number": str(number)})
    states = [(await client.get("/console")).status_code for client in clients]
    assert states == [200, 303, 200]
    await clients[0].post("/console/account/end-all")
    assert (await clients[0].get("/console")).status_code == 303


async def test_an_app_is_asked_for_its_code_and_none_works_twice(
    builder: Builder, monkeypatch: pytest.MonkeyPatch
) -> None:
    await account(builder, "Ada")
    now = [1_800_000_000.0]
    monkeypatch.setattr("console.security_logins.time.time", lambda: now[0])
    async with builder.client(password=PASSWORD) as client:
        await log_in(client, "Ada")
        page = (await client.post("/console/account/app")).text
        secret = re.findall(r'name="secret" value="(\w+)"', page)[0]
        totp = pyotp.TOTP(secret)
        form = {"secret": secret, "code": "000000", "password": OWN}
        path = "/console/account/app/confirm"
        assert "This code is not right." in (await client.post(path, data=form)).text
        form["code"] = totp.at(1_800_000_000)
        codes = re.findall(r"<li><code>(\w+)</code>", (await client.post(path, data=form)).text)
        assert len(codes) == 10

        async def give(code: str) -> int:
            page = (await log_in(client, "Ada")).text
            pending = re.findall(r'name="pending" value="([^"]+)"', page)[0]
            form = {"pending": pending, "code": code}
            return (await client.post("/login/code", data=form)).status_code

        client.cookies.clear()
        assert await give("") == 401
        assert (await client.get("/console")).status_code == 303
        assert await give(totp.at(1_800_000_000)) == 401, "it confirmed the app"
        now[0] += 30
        assert await give(totp.at(1_800_000_030)) == 303
        assert (await client.get("/console")).status_code == 200
        assert await give(totp.at(1_800_000_030)) == 401
        assert await give(codes[3]) == 303
        assert await give(codes[3]) == 401
        off = "/console/account/app/remove"
        assert (await client.post(off, data={"password": OWN})).status_code == 303
        assert (await log_in(client, "Ada")).status_code == 303


async def test_who_knows_the_password_cannot_guess_the_code(builder: Builder) -> None:
    """The right password, given again and again, takes no delay off."""
    ada = await account(builder, "Ada")
    await builder.records.accounts.set_totp(ada.account_id, pyotp.random_base32())
    states = []
    async with builder.client(password=PASSWORD) as client:
        for _ in range(6):
            response = await log_in(client, "Ada")
            pending = re.findall(r'name="pending" value="([^"]+)"', response.text)
            if pending:
                form = {"pending": pending[0], "code": "guess"}
                response = await client.post("/login/code", data=form)
            states.append(response.status_code)
        for forged in ("", "code:1:99999999999", f"{pending}x"):
            form = {"pending": forged, "code": "guess"}
            assert (await client.post("/login/code", data=form)).status_code == 401
    assert states == [401] * 5 + [429]


async def test_telegram_is_linked_by_a_code_and_has_the_accounts_role(builder: Builder) -> None:
    ada = await account(builder, "Ada")
    async with builder.client(password=PASSWORD) as client:
        await log_in(client, "Ada")
        page = (await client.post("/console/account/link")).text
        code = re.findall(r"/operator ([\w-]+)", page)[0]
        assert await builder.records.operators.redeem(code, user_id=7, name="Ada L.") == "editor"
        assert "Linked: Ada L." in (await client.get("/console/account")).text
        await builder.records.accounts.set_role(ada.account_id, "agent")
        assert await builder.records.operators.role_of(7) == "agent"
        await log_in(client, "Ada")
        await client.post("/console/account/unlink")
        assert await builder.records.operators.role_of(7) is None


async def test_the_password_of_the_console_has_no_account_to_change(builder: Builder) -> None:
    async with builder.client(password=PASSWORD) as client:
        await log_in(client, "", PASSWORD)
        page = (await client.get("/console/account")).text
        assert "without an account" in page
        assert page.count("(this one)") == 1
        for path in ("password", "app", "app/confirm", "app/remove", "link", "unlink"):
            assert (await client.post(f"/console/account/{path}")).status_code == 404
