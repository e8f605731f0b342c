"""Uploads of the console over a real knowledge base, for tests."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import httpx

from console.upload_desk import UploadDesk
from db.uploads import Uploads
from tests.kb.workshop import Workshop, library_of

FIRST = "Can I return it?|Yes, within 30 days.\nDo you ship?|Yes.\n"
SECOND = "Can I return it?|Yes, within 60 days.\nDo you ship?|Yes.\nAre you <b>open</b>?|Always.\n"
MAX_FILE_BYTES = 2**20


@asynccontextmanager
async def upload_desk(shop: Workshop, ingestor: Any = None) -> AsyncIterator[UploadDesk]:
    desk = UploadDesk(
        Uploads(shop.database, channel="console"),
        shop.originals,
        replace(library_of(shop), ingestor=ingestor or shop.ingestor),
    )
    async with desk.working():
        yield desk


async def preview_of(client: httpx.AsyncClient, where: str) -> str:
    """Return a page of an upload once no step is under way."""
    async with asyncio.timeout(30):
        while True:
            page = await client.get(where)
            if "http-equiv" not in page.text:
                return page.text


async def settled(client: httpx.AsyncClient, begun: httpx.Response) -> str:
    """Return the page of a release once nothing is under way; it reloads itself, too."""
    assert begun.status_code == 303, begun.text
    while True:
        page = (await client.get(begun.headers["location"])).text
        if "http-equiv" not in page:
            return page
        await asyncio.sleep(0)
