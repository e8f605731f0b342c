"""Deleting a document on the console, over a real knowledge base."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from core.types import Answer
from db.golden import Golden
from kb.releases.ingestor import IncomingFile
from tests.console.conftest import Builder, records_of
from tests.console.requests import PASSWORD, log_in_as
from tests.console.uploads import settled, upload_desk
from tests.fakes import WordEmbedder
from tests.kb.workshop import Workshop, workshop

pytestmark = pytest.mark.anyio

NAME = "prices & days.txt"
PAGE = "/console/document?name=prices%20%26%20days.txt"
FORM = {"name": NAME}


@pytest.fixture
async def shop(tmp_path: Path, builder: Builder) -> AsyncIterator[Workshop]:
    async with workshop(tmp_path, WordEmbedder()) as opened:
        file = IncomingFile(NAME, content=b"Are you open?|Always.\nMay I return it?|Yes.")
        await opened.ingestor.ingest([file])
        await opened.put(faq="Do you ship?|Yes.")
        builder.records = records_of(opened.database)
        yield opened


@pytest.fixture
async def client(builder: Builder, shop: Workshop) -> AsyncIterator[httpx.AsyncClient]:
    async with upload_desk(shop) as desk, builder.client(uploads=desk) as opened:
        yield opened


async def test_a_document_is_deleted_after_a_preview(
    client: httpx.AsyncClient, shop: Workshop, builder: Builder
) -> None:
    given = Answer("faq", "Always.", "en")
    await shop.conversations.record("Are you open?", given, chat="web:1", channel="web")
    assert f'<a href="{PAGE}">Delete …' in (await client.get("/console")).text
    preview = await settled(client, await client.get(PAGE))
    assert "Deleting removes 2 pieces. Nothing is changed yet." in preview
    assert "1 answer may change." in preview
    assert "Are you open?" in preview.partition("Removed texts")[2]
    assert "It comes from the source" not in preview
    assert (await shop.snapshot())[0] == 2
    page = await settled(client, await client.post("/console/documents/delete", data=FORM))
    assert "Release 3 is live." in page
    assert await shop.texts() == ["Do you ship?"]
    entry, *_ = await builder.records.audit.recent(limit=1)
    assert (entry.action, entry.details) == ("documents/delete", NAME)
    assert (await client.get(PAGE)).status_code == 404
    again = await settled(client, await client.post("/console/documents/delete", data=FORM))
    assert "Nothing was changed. &#39;prices &amp; days.txt&#39; is not in" in again


async def test_what_golden_questions_hold_back_is_deleted_anyway(
    client: httpx.AsyncClient, shop: Workshop
) -> None:
    await shop.golden.add([Golden("Are you open?", words="Always")])
    page = await settled(client, await client.post("/console/documents/delete", data=FORM))
    assert "Held back: 1 of 1 golden questions" in page
    assert (await shop.snapshot())[0] == 2
    assert "Delete anyway</button>" in page
    form = FORM | {"anyway": "yes"}
    page = await settled(client, await client.post("/console/documents/delete", data=form))
    assert "Release 3 is live." in page


async def test_what_comes_from_a_source_comes_back(
    client: httpx.AsyncClient, shop: Workshop
) -> None:
    await shop.ingestor.ingest([IncomingFile("wiki/a.txt", content=b"Hello there.", source="wiki")])
    preview = await settled(client, await client.get("/console/document?name=wiki/a.txt"))
    assert "It comes from the source “wiki” and is back when that is read again" in preview


async def test_the_demo_is_removed_at_once_after_a_preview(
    client: httpx.AsyncClient, shop: Workshop
) -> None:
    own = await shop.texts()
    assert "Remove the demo" not in (await client.get("/console")).text
    names = ("demo/a.txt", "demo/b.txt", "demography.txt")
    await shop.ingestor.ingest([IncomingFile(n, content=f"About {n}.".encode()) for n in names])
    home = (await client.get("/console")).text
    assert '<a class="button" href="/console/document?name=demo/%2A">Remove the demo …' in home
    preview = await settled(client, await client.get("/console/document?name=demo/*"))
    assert "Deleting removes 2 pieces. Nothing is changed yet." in preview
    form = {"name": "demo/*"}
    page = await settled(client, await client.post("/console/documents/delete", data=form))
    assert "To have everything back, publish an" in page
    assert await shop.texts() == sorted([*own, "About demography.txt."])
    assert (await client.get("/console/document?name=demo/*")).status_code == 404


async def test_an_agent_is_offered_no_deletion(builder: Builder, shop: Workshop) -> None:
    async with upload_desk(shop) as desk, builder.client(uploads=desk, password=PASSWORD) as client:
        await log_in_as(builder, client, "agent")
        assert "Delete …" not in (await client.get("/console")).text
        assert "Delete</button>" not in await settled(client, await client.get(PAGE))
        assert (await client.post("/console/documents/delete", data=FORM)).status_code == 403
