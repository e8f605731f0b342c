"""Programs with keys: what each right opens, and that OpenAPI says what is there."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from console.knowledge import Editing
from tests.console.conftest import Builder, records_of
from tests.console.fakes import ANSWERS, DOCUMENT_QUESTION, FAQ_QUESTION, HEDGED_QUESTION
from tests.console.uploads import upload_desk
from tests.fakes import WordEmbedder
from tests.kb.workshop import InProcess, library_of, workshop

pytestmark = pytest.mark.anyio

PASSWORD = "correct horse"


async def key(builder: Builder, *grants: str, per_minute: int = 1000) -> dict[str, str]:
    token = await builder.records.keys.add("shop", grants, per_minute=per_minute)
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture
async def workbench(builder: Builder, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A program with the rights to read and write a real knowledge base."""
    async with (
        workshop(tmp_path, WordEmbedder(), parser=InProcess()) as shop,
        upload_desk(shop) as desk,
    ):
        await shop.put(faq="Q: May I return it?\nA: Within 30 days.")
        builder.records = records_of(shop.database)
        async with builder.client(
            editing=Editing(shop.entries, shop.releases),
            questions=library_of(shop).questions,
            uploads=desk,
            password=PASSWORD,
        ) as client:
            client.headers.update(await key(builder, "read", "write"))
            yield client


async def test_a_key_is_shown_once_and_stored_as_a_hash(
    builder: Builder, client: httpx.AsyncClient
) -> None:
    form = {"name": "shop", "ask": "yes", "per_minute": "5"}
    page = (await client.post("/console/keys/add", data=form)).text
    token = page.partition("<code>adk_")[2].partition("<")[0]
    assert len(token) > 40
    assert token not in (await client.get("/console/programs")).text
    [stored] = await builder.records.keys.list()
    assert (stored.name, stored.grants, stored.per_minute) == ("shop", ("ask",), 5)
    headers = {"Authorization": f"Bearer adk_{token}"}
    question = {"question": FAQ_QUESTION}
    assert (await client.post("/api/v1/ask", json=question, headers=headers)).status_code == 200
    await client.post("/console/keys/revoke", data={"name": "shop"})
    response = await client.post("/api/v1/ask", json=question, headers=headers)
    assert response.status_code == 401
    assert response.json() == {"error": "There is no such key, or it was revoked."}
    actions = [(entry.action, entry.details) for entry in await builder.records.audit.recent()]
    assert actions == [("keys/revoke", "shop"), ("keys/add", "shop: ask")]


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"name": " ", "ask": "yes", "per_minute": "5"}, "has 1 to 50 characters"),
        ({"name": "a", "per_minute": "5"}, "are some of ask, read, write"),
        ({"name": "a", "ask": "yes", "per_minute": "0"}, "allows 1 to 100,000 requests a minute"),
        (
            {"name": "shop", "ask": "yes", "per_minute": "5"},
            "There is a key &#39;shop&#39; already",
        ),
    ],
)
async def test_a_key_that_cannot_be_made_is_a_sentence(
    builder: Builder, client: httpx.AsyncClient, form: dict[str, str], sentence: str
) -> None:
    await key(builder, "ask")
    response = await client.post("/console/keys/add", data=form)
    assert response.status_code == 409
    assert sentence in response.text


async def test_a_key_has_its_own_limit(builder: Builder) -> None:
    headers = await key(builder, "ask", per_minute=2)
    async with builder.client(password=PASSWORD) as client:
        for status in (200, 200, 429):
            response = await client.get("/v1/models", headers=headers)
            assert response.status_code == status
    assert response.headers["retry-after"] == "30"
    assert "allows 2 requests a minute" in response.json()["error"]["message"]


async def test_the_last_use_of_a_key_is_known(builder: Builder) -> None:
    headers = await key(builder, "ask")
    [before] = await builder.records.keys.list()
    async with builder.client() as client:
        await client.get("/v1/models", headers=headers)
    [after] = await builder.records.keys.list()
    assert before.used is None
    assert after.used


async def step(client: httpx.AsyncClient, number: int, **step: str) -> Any:
    """Take a step with a proposal, if any, and return it when nothing is under way."""
    url = f"/api/v1/proposals/{number}"
    if step:
        response = await client.post(url, json=step)
        assert response.status_code == 202, response.text
    async with asyncio.timeout(60):
        while (found := (await client.get(url)).json())["state"] in ("checking", "applying"):
            pass
    return found


async def done(client: httpx.AsyncClient, method: str, path: str, body: Any = None) -> Any:
    """Begin something, and return it when it is done."""
    response = await client.request(method, path, json=body)
    assert response.status_code == 202, response.text
    work = response.json()
    async with asyncio.timeout(60):
        while work["state"] == "working":
            work = (await client.get(f"/api/v1/tasks/{work['id']}")).json()
    return work


async def test_an_entry_is_added_changed_switched_off_and_brought_back(
    workbench: httpx.AsyncClient, builder: Builder
) -> None:
    url = "/api/v1/knowledge"
    entry = {"question": "Do you sell kayaks?", "answer": "No, canoes alone."}
    proposed = await workbench.post(url, json=entry)
    assert proposed.status_code == 202
    number = proposed.json()["number"]
    assert (await step(workbench, number))["state"] == "preview"
    live = await step(workbench, number, step="apply")
    assert (live["state"], live["release"]) == ("live", 2)
    found = (await workbench.get(url, params={"words": "kayaks"})).json()
    assert found["total"] == 1
    [one] = found["entries"]
    assert one["answer"] == entry["answer"], one
    where = f"{url}/{one['id']}"
    edit = {"kind": "answer", "text": "Yes, two of them."}
    begun = await workbench.post(where, json=edit)
    assert (begun.status_code, begun.json()["state"]) == (202, "working")
    assert (await workbench.get(where)).json()["answer"] == entry["answer"], "it goes on beside"
    async with asyncio.timeout(60):
        follow = f"/api/v1/tasks/{begun.json()['id']}"
        while (made := (await workbench.get(follow)).json())["state"] == "working":
            pass
    assert made["change"]["author"] == "key shop"
    lost = await workbench.post(where, json={"kind": "answer", "text": "Yes, three."})
    assert lost.status_code == 404  # the answer that this was meant for is gone
    where = f"{url}/{made['change']['entry']}"
    assert (await workbench.get(where)).json()["answer"] == "Yes, two of them."
    same = await workbench.post(where, json=edit)
    assert (same.status_code, same.json()["error"][:18]) == (409, "That is its answer")
    off = (await done(workbench, "POST", where, {"kind": "disabled"}))["change"]
    assert (await workbench.get(where)).status_code == 404
    listed = (await workbench.get("/api/v1/changes")).json()["changes"]
    assert [change["kind"] for change in listed] == ["answer", "disabled"]
    await done(workbench, "DELETE", f"/api/v1/changes/{off['number']}")
    assert (await workbench.get(where)).status_code == 200
    back = await done(workbench, "POST", "/api/v1/releases/1")
    assert back["release"]["note"] == "content of release 1"
    releases = (await workbench.get("/api/v1/releases")).json()["releases"]
    assert releases[0]["number"] == back["release"]["number"] == 6
    assert (await workbench.get(url, params={"words": "kayaks"})).json()["total"] == 0
    did = [(one.person, one.details) for one in await builder.records.audit.recent(action="api")]
    assert did[0] == ("key shop", "POST /api/v1/releases/1")
    assert did[-1] == ("key shop", "POST /api/v1/knowledge")
    assert len(did) == 6  # what was refused changed nothing


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "sentence"),
    [
        ("POST", "/api/v1/releases/7", None, 404, "Release 7 does not exist"),
        ("POST", "/api/v1/releases/99999999999", None, 404, "Nothing has the number 99999999999"),
        (
            "POST",
            "/api/v1/releases/1",
            None,
            409,
            "Release 1 is live already. Nothing was changed.",
        ),
        ("GET", "/api/v1/tasks/gone", None, 404, "There is no work 'gone', or it is from before a"),
        ("DELETE", "/api/v1/changes/7", None, 404, "There is no operators' change 7"),
        ("GET", "/api/v1/knowledge/ffff", None, 404, "'ffff' means no live entry"),
        ("GET", "/api/v1/proposals/7", None, 404, "There is no proposal 7"),
        ("GET", "/api/v1/conversations/7", None, 404, "There is no conversation 7; it may have"),
        ("POST", "/api/v1/proposals/7", {"step": "apply"}, 404, "There is no proposal 7"),
        (
            "POST",
            "/api/v1/proposals/7",
            {"step": "go"},
            422,
            '"step" is "go". Write one of "apply"',
        ),
        (
            "POST",
            "/api/v1/knowledge",
            {"question": "a", "answer": " "},
            409,
            "The answer is empty.",
        ),
    ],
)
async def test_what_cannot_be_done_is_a_sentence(
    workbench: httpx.AsyncClient, method: str, path: str, body: Any, status: int, sentence: str
) -> None:
    response = await workbench.request(method, path, json=body)
    assert response.status_code == status
    assert sentence in response.json()["error"]


@pytest.mark.parametrize(
    ("path", "body", "sentence"),
    [
        ("/api/v1/knowledge", {"question": "", "answer": "a"}, "text of 1 to 400 characters"),
        ("/api/v1/knowledge/f", {"kind": 5}, 'one of "variant", "answer", "disabled", "neg'),
        ("/api/v1/feedback", {"ticket": "a", "helpful": "so"}, "true or false"),
        ("/v1/chat/completions", {"messages": []}, "a list of 1 to 500 items"),
        (
            "/v1/chat/completions",
            {"messages": [{"role": "user", "content": 5}]},
            "text of at most 20,000 characters or a list or null",
        ),
        (
            "/v1/chat/completions",
            {"messages": [{"role": "user", "content": [{"type": "text", "text": 5}]}]},
            "text of at most 20,000 characters",
        ),
    ],
)
async def test_a_wrong_value_is_answered_with_what_may_stand_there(
    client: httpx.AsyncClient, path: str, body: Any, sentence: str
) -> None:
    response = await client.post(path, json=body)
    assert response.status_code == 422
    assert f". Write {sentence}" in response.text.replace('\\"', '"')


async def test_a_verdict_needs_the_ticket_of_the_answer(client: httpx.AsyncClient) -> None:
    answer = (await client.post("/api/v1/ask", json={"question": HEDGED_QUESTION})).json()
    assert answer["hedged"] is True
    for ticket in ("1", f"{answer['ticket']}0", ""):
        body = {"ticket": ticket, "helpful": False}
        assert (await client.post("/api/v1/feedback", json=body)).status_code == 404, ticket


async def test_a_verdict_is_stored(builder: Builder, client: httpx.AsyncClient) -> None:
    number = await builder.records.conversations.record(
        "q", ANSWERS[FAQ_QUESTION], chat="api:a", channel="web"
    )
    answer = (await client.post("/api/v1/ask", json={"question": FAQ_QUESTION})).json()
    assert answer["ticket"].startswith(f"{number}.")
    body = {"ticket": answer["ticket"], "helpful": False, "reason": "outdated"}
    assert (await client.post("/api/v1/feedback", json=body)).json() == {"done": True}
    listed = (await client.get("/api/v1/conversations", params={"feedback": "no"})).json()
    [one] = listed["conversations"]
    assert (one["conversation"], one["helpful"], one["reason"]) == (number, False, "outdated")
    thread = (await client.get(f"/api/v1/conversations/{number}")).json()
    assert [turn["question"] for turn in thread["answers"]] == ["q"]
    assert (await client.get("/api/v1/conversations/99")).status_code == 404


async def test_a_conversation_is_assigned_by_a_program(
    builder: Builder, client: httpx.AsyncClient
) -> None:
    for name, role in (("Ada", "agent"), ("Vic", "viewer")):
        await builder.records.accounts.invite(name, role)  # type: ignore[arg-type]
    conversations = builder.records.conversations
    for chat in ("web:1", "web:2"):
        number = await conversations.record("q", ANSWERS[FAQ_QUESTION], chat=chat, channel="web")
    url = f"/api/v1/conversations/{number}"
    assert (await client.get(url)).json()["assigned"] == ""
    assert (await client.post(url, json={"assigned": "ada"})).json() == {"assigned": "Ada"}
    assert (await client.get(url)).json()["assigned"] == "Ada"
    listed = (await client.get("/api/v1/conversations", params={"assigned": "Ada"})).json()
    assert [one["conversation"] for one in listed["conversations"]] == [number]
    refused = await client.post(url, json={"assigned": "Vic"})
    sentence = "No account 'Vic' may talk to customers. These may: Ada."
    assert (refused.status_code, refused.json()["error"]) == (409, sentence)
    unknown = await client.get("/api/v1/conversations", params={"assigned": "Eve"})
    assert (unknown.status_code, unknown.json()["error"]) == (404, "There is no account 'Eve'.")
    assert (await client.post(url, json={"assigned": ""})).json() == {"assigned": ""}
    assert (await client.post(url[:-1] + "99", json={"assigned": ""})).status_code == 404


async def test_the_page_of_the_api_lists_every_operation(client: httpx.AsyncClient) -> None:
    described = (await client.get("/api/v1/openapi.json")).json()
    page = (await client.get("/api/v1/docs")).text
    for path, methods in described["paths"].items():
        for method in methods:
            assert f"<code>{method.upper()} {path}</code>" in page
    assert "A customer&#39;s question." in page
    assert "://" not in page


async def test_an_unknown_parameter_is_named(client: httpx.AsyncClient) -> None:
    response = await client.get("/api/v1/conversations", params={"limit": "0"})
    assert response.status_code == 422
    assert response.json()["error"].startswith('"limit" is "0".')
    response = await client.get("/api/v1/releases", params={"page": "2"})
    assert '"page" is not a field. Leave it out: there are limit.' in response.json()["error"]


async def test_a_chat_completion_has_the_sources_below(client: httpx.AsyncClient) -> None:
    body = {"model": "x", "messages": [{"role": "user", "content": DOCUMENT_QUESTION}]}
    reply = (await client.post("/v1/chat/completions", json=body)).json()
    assert "\n\n---\nSources:\n- Care guide" in reply["choices"][0]["message"]["content"]
    assert reply["usage"] == {"prompt_tokens": 212, "completion_tokens": 41, "total_tokens": 253}
