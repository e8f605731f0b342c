"""What a role may not do is offered to it on no page."""

import html
import re
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from console.knowledge import Editing
from core.careful import Tier
from core.rights import ROLES, Role
from core.types import Answer, Draft, Source
from db.handover import number_of
from db.uploads import Entry
from kb.releases.ingestor import IncomingFile
from tests.console.conftest import Builder, records_of
from tests.console.requests import PASSWORD, log_in_as, lowest_role
from tests.console.uploads import upload_desk
from tests.fakes import WordEmbedder
from tests.kb.workshop import InProcess, Workshop, library_of, workshop

pytestmark = pytest.mark.anyio

CHAT = "web:1"


async def live_through(shop: Workshop, builder: Builder) -> None:
    """Leave something of each kind for the pages to show."""
    table = b"question,answer\nAre you open?,Always.\nMay I return it?,Within 30 days.\n"
    await shop.ingestor.ingest([IncomingFile("faq.csv", table)])
    (entry,) = await shop.entries.find("open")
    edited = await shop.entries.change(entry.chunk_id, "answer", text="On Mondays.")
    await shop.entries.change(edited.chunk_id, "translation", text="Montags.", language="de")
    source = Source(edited.chunk_id, "faq.csv", "", "", "", 0.9, "")
    given = Answer("faq", "On Mondays.", "en", confidence=0.9, sources=(source,))
    held = replace(given, kind="held", draft=Draft("On Mondays.", "faq.csv", "Shop"))
    for answer in (given, held, Answer("unknown", "I don't know.", "en")):
        await builder.records.conversations.record("Open?", answer, chat=CHAT, channel="widget")
    await builder.records.handovers.ask(number_of(CHAT), reason="Open?", chat=CHAT, for_draft=True)
    await builder.records.careful.set("document", "faq.csv", Tier("hold", "hold"), reason="new")


async def pages_of(client: httpx.AsyncClient, *first: str) -> dict[str, str]:
    """Return every page that can be reached by links, one of each kind, by its address."""
    found: dict[str, str] = {}
    known: set[str] = set()
    left = ["/console", *first]
    while left:
        where = left.pop()
        kind = re.sub(r"=[^&]*", "", where)
        if kind in known:
            continue
        known.add(kind)
        response = await client.get(where)
        assert response.status_code < 400, where
        found[where] = response.text
        for link in re.findall(r'<a [^>]*href="([^"#]+)', response.text):
            to = html.unescape(link)
            left.append(to if to.startswith("/") else f"{where.partition('?')[0]}{to}")
    return found


@pytest.mark.parametrize("role", ROLES)
async def test_what_a_role_may_not_do_is_offered_on_no_page(
    builder: Builder, tmp_path: Path, role: Role
) -> None:
    async with (
        workshop(tmp_path, WordEmbedder(), parser=InProcess()) as shop,
        upload_desk(shop) as desk,
    ):
        builder.records = records_of(shop.database)
        await live_through(shop, builder)
        number = await desk.propose(Entry("Do you sell kayaks?", "No."))
        async with builder.client(
            editing=Editing(shop.entries, shop.releases),
            questions=library_of(shop).questions,
            uploads=desk,
            password=PASSWORD,
        ) as client:
            await log_in_as(builder, client, role)
            upload = f"/console/upload?number={number}"
            while "Reading and comparing" in (await client.get(upload)).text:
                pass
            pages = await pages_of(client, upload)
            may = ROLES.index(role)
            offered = set()
            for where, page in pages.items():
                for path in re.findall(r'<form action="([^"]+)" method="post"', page):
                    assert may >= ROLES.index(lowest_role(path, "POST")), (where, path)
                    offered.add(path)
            discards = "/console/uploads/entry/discard"
            assert (discards in offered) == (role != "viewer")
            assert ("Fix this answer" in str(pages)) == (role != "viewer")
            assert ("Set a rule" in str(pages)) == (role in ("editor", "owner"))
            dropped = await client.post(discards, data={"number": number})
            assert dropped.status_code == (403 if role == "viewer" else 303)
