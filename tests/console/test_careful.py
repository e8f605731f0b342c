"""The page of the careful start: what a rule would have done, and what people made of drafts."""

import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Any

import httpx
import pytest

from console.knowledge import Editing
from core.careful import Tier
from core.types import Answer, Chunk, Draft, Source
from db.handover import number_of
from tests.console.conftest import Builder
from tests.console.fakes import NoEntries

pytestmark = pytest.mark.anyio

PATH = "/console/careful"


class TwoEntries(NoEntries):
    async def named(self, chunk_ids: Sequence[str]) -> list[Chunk]:
        known = {
            "c1": Chunk("c1", "faq.csv", "faq", "May I?", "Yes.", category="Shop & rides"),
            "c2": Chunk("c2", "guide.md", "passage", "Keep it dry."),
        }
        return [known[one] for one in chunk_ids if one in known]


def answer(chunk_id: str, confidence: float) -> Answer:
    source = Source(chunk_id, "", "", "", "", 0.9, "")
    return Answer("faq", "Yes.", "en", confidence=confidence, sources=(source,))


@pytest.fixture
async def client(builder: Builder) -> AsyncIterator[httpx.AsyncClient]:
    for chunk_id, confidence in (("c1", 0.9), ("c1", 0.9), ("c1", 0.5), ("c2", 0.8), ("c9", 0.5)):
        await builder.records.conversations.record(
            "May I?", answer(chunk_id, confidence), chat="web:1", channel="web"
        )
    entries: Any = TwoEntries()
    async with builder.client(editing=Editing(entries, entries)) as opened:
        yield opened


def previewed(page: str) -> dict[str, tuple[int, int]]:
    """Return how many answers go which way, with today's rules and with the change."""
    rows = re.findall(r'<tr><th[^>]*scope="row">([^<]+)</th>' + 2 * r"<td[^>]*>(\d+)</td>", page)
    return {name: (int(now), int(then)) for name, now, then in rows}


@pytest.mark.parametrize(
    ("rule", "then"),
    [
        ({"scope": "shadow", "sure": "hold"}, (0, 0, 5)),
        ({"scope": "default", "sure": "send", "unsure": "hold"}, (3, 0, 2)),
        ({"scope": "document", "name": "guide.md", "sure": "hold"}, (2, 2, 1)),
        ({"scope": "category", "name": "Shop & rides", "sure": "hedge"}, (1, 4, 0)),
    ],
)
async def test_a_rule_shows_what_it_would_have_done_and_is_set_with_its_reason(
    client: httpx.AsyncClient, builder: Builder, rule: dict[str, str], then: tuple[int, int, int]
) -> None:
    page = (await client.get(PATH, params=rule)).text
    found = previewed(page)
    assert [now for now, _ in found.values()] == [3, 2, 0]
    assert tuple(after for _, after in found.values()) == then
    assert "Sources that have changed since: 1;" in page
    assert await builder.records.careful.rules() == {}, "nothing is on before it is switched on"
    refused = await client.post(PATH, data={**rule, "reason": " "})
    assert (refused.status_code, "Say why" in refused.text) == (422, True)
    assert (await client.post(PATH, data={**rule, "reason": "First <week>"})).status_code == 303
    page = (await client.get(PATH)).text
    assert "First &lt;week&gt;" in page
    ((scope, name),) = await builder.records.careful.rules()
    assert (scope, name) == (rule["scope"], rule.get("name", ""))
    back = re.findall(r'<a href="\?([^"]+)">Take back', page)[0].replace("&amp;", "&")
    page = (await client.get(f"{PATH}?{back}")).text
    assert [after for _, after in previewed(page).values()] == [3, 2, 0]
    form = {"scope": scope, "name": name, "reason": "It went well"}
    assert (await client.post(PATH, data=form)).status_code == 303
    assert await builder.records.careful.rules() == {}


@pytest.mark.parametrize(
    "rule", [{}, {"scope": "moon"}, {"scope": "document", "name": " ", "sure": "hold"}]
)
async def test_what_is_no_rule_is_not_set(client: httpx.AsyncClient, rule: dict[str, str]) -> None:
    assert (await client.get(PATH, params=rule)).status_code == 200
    assert (await client.post(PATH, data={**rule, "reason": "x"})).status_code == 400


async def test_what_is_unsure_is_never_treated_with_less_care(
    client: httpx.AsyncClient, builder: Builder
) -> None:
    rule = {"scope": "default", "sure": "hold", "unsure": "send", "reason": "x"}
    await client.post(PATH, data=rule)
    assert await builder.records.careful.rules() == {("default", ""): Tier("hold", "hold")}


async def test_the_figures_count_what_people_made_of_drafts(
    client: httpx.AsyncClient, builder: Builder
) -> None:
    conversations, number = builder.records.conversations, number_of("web:7")
    await builder.records.handovers.ask(number, reason="When?", chat="web:7", for_draft=True)
    for sent in ("At nine, every day.", "At ten, every day.", "Call us!"):
        held = replace(answer("c1", 0.9), kind="held", draft=Draft("At nine, every day.", "a", "b"))
        await conversations.record("When?", held, chat="web:7", channel="widget")
        await builder.records.handovers.answered(number, sent)
    for path in ("/console/figures", PATH):
        page = (await client.get(path)).text
        row = re.search(r">a</th><td[^>]*>b</td>(.*?)</tr>", page)
        assert row is not None
        assert re.findall(r">([^<>]+)</td>", row[1]) == ["1", "1", "1", "0", "33%"]
