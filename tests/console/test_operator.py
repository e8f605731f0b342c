"""The operators' page over a real database."""

from typing import Literal

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
    jobs = builder.records.jobs
    assert jobs is not None
    run_id = await jobs.start("refresh", "2026-11-21T03:00:00+00:00")
    assert run_id is not None
    await jobs.finish(run_id, "held", text="2 files of <shop> would go: held back.", detail={})
    async with builder.client() as client:
        page = (await client.get("/console")).text
    assert '<span class="state state-held">held</span>' in page
    assert "2 files of &lt;shop&gt; would go: held back." in page
