"""The page of contradictions and duplicates, over a real knowledge base."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from console.knowledge import Editing
from tests.console.conftest import Builder, records_of
from tests.console.uploads import preview_of, upload_desk
from tests.fakes import WordEmbedder
from tests.kb.workshop import Workshop, library_of, workshop

pytestmark = pytest.mark.anyio
HERE = "/console/contradictions"


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Workshop]:
    async with workshop(tmp_path, WordEmbedder()) as opened:
        await opened.put(
            faq="How long does delivery take?|Three days.|when will it come",
            old="How long does a delivery take?|It takes nine <b>days</b>.\nAre you open?|Always.",
        )
        yield opened


@pytest.fixture
async def client(builder: Builder, shop: Workshop) -> AsyncIterator[httpx.AsyncClient]:
    builder.records = records_of(shop.database)
    async with (
        upload_desk(shop) as desk,
        builder.client(
            editing=Editing(shop.entries, shop.releases),
            questions=library_of(shop).questions,
            uploads=desk,
        ) as opened,
    ):
        yield opened


async def looked(client: httpx.AsyncClient) -> str:
    assert (await client.post(f"{HERE}/begin")).headers["Location"] == HERE
    return await preview_of(client, HERE)


def pair_on(page: str) -> dict[str, str]:
    return dict(re.findall(r'name="(one|other)" value="(\w+)"', page))


async def test_two_texts_stand_side_by_side_with_their_differences(
    client: httpx.AsyncClient,
) -> None:
    assert "pairs to review" not in (await client.get(HERE)).text
    page = await looked(client)
    assert "1 pair to review." in page
    assert "<mark>Three</mark> " in page
    assert "<mark>takes nine &lt;b&gt;</mark>days" in page
    assert page.count('href="/console/entry?id=') == 2


async def test_what_was_found_is_there_after_a_restart(
    builder: Builder, client: httpx.AsyncClient, shop: Workshop
) -> None:
    page = await looked(client)
    await shop.put(other="Something else")
    async with (
        upload_desk(shop) as desk,
        builder.client(
            editing=Editing(shop.entries, shop.releases),
            questions=library_of(shop).questions,
            uploads=desk,
        ) as later,
    ):
        again = (await later.get(HERE)).text
    assert pair_on(again) == pair_on(page)
    assert "A newer release is live" in again


async def test_what_may_stay_is_remembered_and_can_be_looked_at_again(
    client: httpx.AsyncClient,
) -> None:
    pair = pair_on(await looked(client))
    await client.post(f"{HERE}/leave", data=pair)
    assert "0 pairs to review." in await looked(client)
    left = (await client.get(HERE, params={"left": "yes"})).text
    assert pair_on(left) == pair
    await client.post(f"{HERE}/leave", data=pair | {"again": "yes"})
    assert "1 pair to review." in (await client.get(HERE)).text


async def test_two_entries_are_merged_and_parted_again_as_one_release_each(
    client: httpx.AsyncClient, shop: Workshop
) -> None:
    before = await shop.entries.find()
    pair = pair_on(await looked(client))
    release = await shop.repository.live_number()
    (kept,) = [one for one in before if one.doc_id == "faq.txt"]
    refused = await client.post(f"{HERE}/merge", data=pair | {"keep": "f" * 32})
    assert refused.status_code == 409
    moved = await client.post(f"{HERE}/merge", data=pair | {"keep": kept.chunk_id})
    page = await client.get(moved.headers["Location"])
    assert "Merged." in page.text
    (merged,) = [e for e in await shop.entries.find() if "delivery" in e.text]
    assert merged.answer == "Three days."
    assert set(merged.variants) == {"when will it come", "How long does a delivery take?"}
    assert await shop.repository.live_number() == release + 1
    (number,) = re.findall(r'name="number" value="(\d+)"', page.text)
    later = (await client.get("/console/knowledge")).text
    assert "merged into “How long does delivery take?”" in later
    assert f'name="number" value="{number}"' in later, "also without the address"
    undone = await client.post("/console/changes/undo", data={"number": number})
    said = (await client.get(undone.headers["Location"])).text
    assert "“How long does a delivery take?” (old.txt) is as it was" in said
    assert "its wordings are no longer those of “How long does delivery take?”" in said
    assert await shop.entries.find() == before
    assert await shop.repository.live_number() == release + 2


async def test_a_look_can_be_stopped(client: httpx.AsyncClient) -> None:
    await client.post(f"{HERE}/begin")
    await client.post(f"{HERE}/stop")
    assert "Check the whole knowledge base" in (await client.get(HERE)).text


async def test_what_is_old_or_expires_is_listed(client: httpx.AsyncClient, shop: Workshop) -> None:
    await shop.put(sale="Is there a sale?|Until Sunday.@2026-01-31")
    page = (await client.get("/console/knowledge", params={"kind": "stale"})).text
    assert "Is there a sale?" in page
    assert "Are you open?" not in page
    assert "1 entry or passage is old or expires soon" in (await client.get(HERE)).text
