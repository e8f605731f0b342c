"""The operators' page of entries, over a real knowledge base."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from console.knowledge import Editing
from tests.console.conftest import Builder
from tests.fakes import WordEmbedder
from tests.kb.workshop import Workshop, workshop

pytestmark = pytest.mark.anyio

FAQ = "May I return it?|Within <b>30</b> days.|give it back\nAre you open?|Always."


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Workshop]:
    async with workshop(tmp_path, WordEmbedder()) as opened:
        await opened.put(faq=FAQ)
        yield opened


@pytest.fixture
async def client(builder: Builder, shop: Workshop) -> AsyncIterator[httpx.AsyncClient]:
    builder.records = type(builder.records)(
        shop.repository, builder.records.sources, builder.records.conversations
    )
    async with builder.client(editing=Editing(shop.entries, shop.releases)) as opened:
        yield opened


async def test_entries_are_listed_and_searched(client: httpx.AsyncClient) -> None:
    page = (await client.get("/console/knowledge")).text
    assert "Within &lt;b&gt;30&lt;/b&gt; days." in page
    assert "+1 wordings" in page
    page = (await client.get("/console/knowledge", params={"q": "open"})).text
    assert "Are you open?" in page
    assert "May I return it?" not in page
    page = (await client.get("/console/knowledge", params={"q": "<kayak>"})).text
    assert "No entry has these words." in page
    assert 'value="&lt;kayak&gt;"' in page


async def test_a_change_by_hand_is_taken_back(client: httpx.AsyncClient, shop: Workshop) -> None:
    (entry,) = await shop.entries.find("open")
    made = await shop.entries.change(entry.chunk_id, "answer", text="On Mondays.", author="Ada")
    page = (await client.get("/console/knowledge")).text
    assert "answer: On Mondays." in page
    assert "<td>Ada</td>" in page
    response = await client.post("/console/changes/undo", data={"number": made.curation_id})
    assert response.headers["location"] == "/console/knowledge#changes"
    (entry,) = await shop.entries.find("open")
    assert entry.answer == "Always."


async def test_what_no_longer_fits_waits_and_can_be_dropped(
    client: httpx.AsyncClient, shop: Workshop
) -> None:
    (entry,) = await shop.entries.find("open")
    made = await shop.entries.change(entry.chunk_id, "variant", text="opening hours")
    await shop.put(faq="May I return it?|Within 30 days.")
    page = (await client.get("/console/knowledge")).text
    assert "To review" in page
    assert "variant: opening hours" in page
    await client.post("/console/changes/undo", data={"number": made.curation_id})
    assert "To review" not in (await client.get("/console/knowledge")).text


async def test_an_earlier_release_is_published_again(
    client: httpx.AsyncClient, shop: Workshop
) -> None:
    await shop.put(faq="Other?|Other.")
    response = await client.post("/console/releases/rollback", data={"number": "1"})
    assert response.headers["location"] == "/console/knowledge#releases"
    assert "Are you open?" in await shop.texts()
    assert "content of release 1" in (await client.get("/console/knowledge")).text


@pytest.mark.parametrize("number", ["77", "", "-1", "１", "9" * 40, "x"])
async def test_what_does_not_exist_is_said_in_a_sentence(
    client: httpx.AsyncClient, number: str
) -> None:
    response = await client.post("/console/releases/rollback", data={"number": number})
    assert response.status_code == 409
    assert "does not exist; the newest is 1." in response.text
    response = await client.post("/console/changes/undo", data={"number": number})
    assert response.status_code == 409
    assert "There is no operators&#39; change" in response.text


async def test_another_site_cannot_change_anything(
    client: httpx.AsyncClient, shop: Workshop
) -> None:
    await shop.put(faq="Other?|Other.")
    response = await client.post(
        "/console/releases/rollback",
        data={"number": "1"},
        headers={"origin": "https://evil.example"},
    )
    assert response.status_code == 403
    assert (await shop.snapshot())[0] == 2
