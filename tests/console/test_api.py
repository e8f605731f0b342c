"""Answers, health and figures for programs."""

import httpx
import pytest

from core.health import Check, Health
from tests.console.conftest import Builder
from tests.console.fakes import DOCUMENT_QUESTION, HEDGED_QUESTION, ScriptedDesk

pytestmark = pytest.mark.anyio


async def test_an_answer_is_the_object_of_the_command_line_with_its_ticket(
    client: httpx.AsyncClient,
) -> None:
    response = await client.post("/api/ask", json={"question": DOCUMENT_QUESTION})
    answer = response.json()
    assert set(answer) == {
        "kind", "text", "confidence", "language", "sources", "release", "timings_ms", "tokens",
        "ticket",
    }  # fmt: skip
    assert answer["kind"] == "composed"
    assert answer["tokens"] == {"prompt": 212, "cached": 180, "generated": 41}
    assert answer["timings_ms"]["total"] == 1872.0
    [source] = answer["sources"]
    assert set(source) == {"document", "title", "location", "quote", "score", "updated"}


async def test_a_hedged_answer_lists_its_choices(client: httpx.AsyncClient) -> None:
    answer = (await client.post("/api/ask", json={"question": HEDGED_QUESTION})).json()
    assert answer["choices"][0] == "How long does it take to charge?"


async def test_a_conversation_has_a_name_or_is_new(
    client: httpx.AsyncClient, desk: ScriptedDesk
) -> None:
    for body in ({"conversation": "shop-7"}, {"conversation": "shop-7"}, {}, {}):
        await client.post("/api/ask", json={"question": "And then?", **body})
    chats = [call.chat for call in desk.calls]
    assert chats[:2] == ["api:shop-7", "api:shop-7"]
    assert len(set(chats[2:])) == 2
    assert [call.asker for call in desk.calls] == ["", "", "127.0.0.1", "127.0.0.1"]


@pytest.mark.parametrize(
    ("body", "status", "sentence"),
    [
        (b"no json", 400, "The body is not JSON. Send {"),
        (b'{"question": "\\ud800"}', 400, "The body is not JSON. Send {"),
        (b"[]", 422, "The body is not a JSON object. Send {"),
        (b"{}", 422, '"question" is missing. Send {'),
        (b'{"question": ""}', 422, '"question" is empty. Write what is asked.'),
        (b'{"question": " \\n"}', 422, '"question" is empty. Write what is asked.'),
        (b'{"question": "\\u200b\\u00a0"}', 422, '"question" is empty. Write what is asked.'),
        (b'{"question": 5}', 422, '"question" is 5. Write text of at most 20,000 characters.'),
        (b'{"question": null}', 422, '"question" is null. Write text of'),
        (b'{"question": "a", "chat": "x"}', 422, '"chat" is not a field. Leave it out: there are'),
        (b'{"question": "a", "conversation": "a b"}', 422, '"conversation" is "a b". Use letters,'),
        (b'{"question": "%s"}' % (b"a" * 20_001), 422, '"question" has 20,001 characters. Shorten'),
        (b'{"question": "a", "language": "%s"}' % (b"a" * 17), 422, '"language" has 17 characters'),
    ],
)
async def test_a_wrong_body_is_answered_with_what_is_wrong(
    client: httpx.AsyncClient, desk: ScriptedDesk, body: bytes, status: int, sentence: str
) -> None:
    headers = {"Content-Type": "application/json"}
    response = await client.post("/api/ask", content=body, headers=headers)
    assert response.status_code == status
    assert response.json()["error"].startswith(sentence)
    assert desk.calls == []


async def test_a_form_of_another_site_cannot_pose_as_json(
    client: httpx.AsyncClient, desk: ScriptedDesk
) -> None:
    response = await client.post("/api/ask", content=b'{"question": "a"}')
    assert response.status_code == 415
    assert "Content-Type: application/json" in response.json()["error"]
    assert desk.calls == []


async def test_a_body_over_64_kb_is_refused(client: httpx.AsyncClient, desk: ScriptedDesk) -> None:
    response = await client.post("/api/ask", json={"question": "a" * 70_000})
    assert response.status_code == 413
    assert response.json() == {
        "error": "That is more text than this takes. Send less of it at a time."
    }
    assert desk.calls == []


async def test_an_unknown_address_is_json_below_api_and_a_page_elsewhere(
    client: httpx.AsyncClient,
) -> None:
    assert (await client.get("/api/other")).json() == {"error": "There is no such page."}
    page = await client.get("/other")
    assert page.status_code == 404
    assert "There is no such page." in page.text
    assert "<html" in page.text


@pytest.mark.parametrize(
    ("health", "status"),
    [
        (Health("ok"), 200),
        (Health("loading", ("The embedder is loading.",)), 503),
        (Health("degraded", ("The generator is down; answers are quoted.",)), 200),
        (Health("failing", ("No answer within 15 s.",)), 503),
    ],
)
async def test_health(builder: Builder, health: Health, status: int) -> None:
    builder.health = health
    async with builder.client() as client:
        response = await client.get("/health")
    assert response.status_code == status
    assert response.json() == {"status": health.status, "reasons": list(health.reasons)}


async def test_health_and_metrics_tell_how_the_last_question_to_itself_went(
    builder: Builder,
) -> None:
    check = Check(error="", age_s=12.34, took_s=0.0567)
    builder.health = Health("ok", check=check)
    async with builder.client() as client:
        assert "answerdesk_check_answered" not in (await client.get("/metrics")).text
        builder.metrics.watch_check(lambda: check)
        health = (await client.get("/health")).json()
        metrics = (await client.get("/metrics")).text.splitlines()
    assert health["check"] == {"answered": True, "age_s": 12.3, "took_s": 0.057}
    assert "answerdesk_check_answered 1.0" in metrics
    assert "answerdesk_check_age_seconds 12.34" in metrics
    assert "answerdesk_check_seconds 0.0567" in metrics


async def test_metrics_count_requests_by_route_and_never_by_invented_path(
    client: httpx.AsyncClient,
) -> None:
    await client.get("/")
    await client.get("/invented/by/a/visitor")
    response = await client.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain; version=")
    assert 'answerdesk_http_requests_total{route="/",status="200"} 1.0' in response.text
    assert 'answerdesk_http_requests_total{route="none",status="404"} 1.0' in response.text
    assert "invented" not in response.text


async def test_what_customers_do_is_logged_and_the_looks_of_monitors_are_not(
    client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO", "console"):
        await client.get("/health")
        assert not caplog.messages
        await client.post("/api/ask", json={"question": "And then?"})
    assert "POST: a request arrived" in caplog.messages
