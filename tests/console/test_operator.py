"""The operators' page over a real database."""

from dataclasses import replace
from typing import Any, Literal

import httpx
import pytest

from core.health import Health
from core.types import Answer
from db.knowledge import Document, Release
from tests.console.conftest import Builder

pytestmark = pytest.mark.anyio


async def test_a_new_installation_says_what_to_do(client: httpx.AsyncClient) -> None:
    page = (await client.get("/console")).text
    assert '<a href="/console/uploads">files</a>.' in page
    assert "There is no release yet." in page


async def test_release_documents_and_open_questions(builder: Builder) -> None:
    document = Document("documents/租车指南.md", "demo", "ab" * 32, "1", 1_790_000_000, 7)
    release = Release(
        1, 1_790_000_000, "ingest", "<b>first</b>", "chunks", 1, 1, 7, 7, 7, {"added": 7}
    )
    await builder.records.releases.publish(release, {document.doc_id: document}, base=0)
    await builder.records.conversations.record(
        "<i>Kayaks?</i>", Answer("unknown", "?", "en"), chat="web:1", channel="web"
    )
    async with builder.client() as client:
        page = (await client.get("/console")).text
    assert "documents/租车指南.md" in page
    assert '<time datetime="2026-09-21T14:13:20+00:00">Sep 21, 2026 14:13 UTC</time>' in page
    async with builder.client(timezone="Asia/Shanghai") as client:
        there = (await client.get("/console")).text
    assert '<time datetime="2026-09-21T22:13:20+08:00">Sep 21, 2026 22:13 CST</time>' in there
    assert '<a href="/console/questions">1</a>' in page
    assert "&lt;b&gt;first&lt;/b&gt;" in page


@pytest.mark.parametrize(
    ("status", "headline"),
    [
        ("degraded", "Works, but needs attention."),
        ("failing", "Customers are not answered."),
    ],
)
async def test_what_is_wrong_is_shown_to_operators(
    builder: Builder, status: Literal["degraded", "failing"], headline: str
) -> None:
    builder.health = Health(status, ("The generator is down; answers are quoted.",))
    async with builder.client() as client:
        page = (await client.get("/console")).text
    assert headline in page
    assert "The generator is down; answers are quoted." in page


async def test_job_runs_are_listed_with_their_reports(builder: Builder) -> None:
    jobs = builder.watched.jobs
    builder.watched = replace(
        builder.watched, due=lambda: {"refresh": 1_790_000_000.0, "reminders": None}
    )
    run_id = await jobs.start("refresh", "2026-11-21T03:00:00+00:00")
    assert run_id is not None
    held = {"held": "", "sources": [{"name": "shop", "held": "held back"}]}
    await jobs.finish(run_id, "held", text="2 files of <shop> would go: held back.", detail=held)
    async with builder.client() as client:
        page = (await client.get("/console")).text
    assert '<span class="state state-held">held</span>' in page
    assert "2 files of &lt;shop&gt; would go: held back." in page
    assert 'data-label="Next run"><time datetime="2026-09-21T14:13:20+00:00">' in page
    assert "on request" in page
    assert '<input type="hidden" name="job" value="reminders">' in page


async def test_what_a_refresh_held_back_is_accepted(builder: Builder) -> None:
    begun: list[tuple[str, dict[str, object]]] = []
    jobs = builder.watched.jobs

    def run_again(job: str, **options: object) -> bool:
        begun.append((job, options))
        return True

    builder.watched = replace(builder.watched, run_again=run_again)
    shop, web = {"name": "shop", "held": "would lose 9"}, {"name": "web", "held": ""}
    details: list[dict[str, Any]] = [
        {"held": "", "sources": [shop, web]},  # the guards of a source
        {"held": "golden", "sources": [web]},
        {"days": 3},
    ]
    async with builder.client() as client:
        for detail in details:
            run_id = await jobs.start("refresh", str(detail))
            assert run_id is not None
            await jobs.finish(run_id, "held", text="held", detail=detail)
            accepted = await client.post("/console/accept", data={"number": run_id})
            assert accepted.status_code == (303 if "sources" in detail else 409)
    assert begun == [
        ("refresh", {"accept": ["shop"], "anyway": False}),
        ("refresh", {"accept": [], "anyway": True}),
    ]
