"""Webhooks: written with what happened, signed, tried again, silent about what customers wrote."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from core.errors import PublishConflict
from core.types import Answer
from db.base import Database
from db.conversations import Conversations
from db.handover import Handovers
from db.knowledge import Release, ReleaseRepository
from db.webhooks import Deliveries, Delivery, announce
from jobs.webhooks import Messenger, Webhook, sign
from tests.database import empty_database
from tests.jobs.receiver import EVENTS, receiver

pytestmark = pytest.mark.anyio

SECRET = b"shared"
REFUSED = Answer("unknown", "I do not know that.", "en", release=1)
RELEASE = Release(1, 0.0, "ingest", "", "t", 1, 0, 0, 0, 0, {})


async def describe(delivery: Delivery, text: bool) -> Mapping[str, Any] | None:
    return {"subject": delivery.subject} | ({"text": "words"} if text else {})


def messenger(
    database: Database,
    url: str,
    *,
    text: bool = False,
    allow: Sequence[str] = ("127.0.0.1",),
    again_s: Sequence[float] = (0.0, 0.0),
) -> Messenger:
    deliveries = Deliveries(database)
    hook = Webhook(url, SECRET, text)
    return Messenger([hook], deliveries, describe, allow_hosts=allow, again_s=again_s)


async def states(database: Database) -> list[tuple[str, int, str]]:
    found = await Deliveries(database).latest(limit=10)
    return [(one.state, one.attempts, one.result) for one in found]


async def test_what_happens_is_told_once_and_signed() -> None:
    async with receiver() as told, empty_database() as database:
        url = f"{told.address}/hook"
        announce(database, [(url, EVENTS)])
        handovers = Handovers(database)
        number = await Conversations(database).record("q", REFUSED, chat="web:a", channel="web")
        await Conversations(database).record("q", Answer("faq", "Yes.", "en"), chat="", channel="")
        await ReleaseRepository(database).publish(RELEASE, {}, base=0)
        await handovers.ask(5, reason="Help")
        await handovers.ask(5, reason="Help!")
        await handovers.hasten(5, "urgent")
        await handovers.take(5, holder=1)
        await handovers.close(5)
        await handovers.ask(5, reason="Again")
        sender = messenger(database, url)
        assert await sender.send_due() == 4
        assert await sender.send_due() == 0
        told.got.sort(key=lambda one: json.loads(one[1])["id"])
        bodies = [json.loads(body) for _, body in told.got]
        assert [(body["event"], body["data"]["subject"]) for body in bodies] == [
            ("question.unanswered", number),
            ("release.published", 1),
            ("conversation.handed_over", 5),
            ("conversation.handed_over", 5),
        ]
        for signature, body in told.got:
            at = re.fullmatch(r"t=(\d+),v1=[0-9a-f]{64}", signature)
            assert at
            assert signature == sign(SECRET, body, at=int(at[1]))
            assert "words" not in body.decode()
        left = await Deliveries(database).latest(limit=10)
        assert {one.subject for one in left} == {0}


async def test_a_webhook_is_told_what_it_asked_for_alone() -> None:
    async with empty_database() as database:
        announce(database, [("http://a.example", EVENTS[2:])])
        await Conversations(database).record("q", REFUSED, chat="web:a", channel="web")
        assert await states(database) == []


async def test_what_did_not_happen_is_not_told() -> None:
    async with empty_database() as database:
        announce(database, [("http://a.example", EVENTS)])
        await ReleaseRepository(database).publish(RELEASE, {}, base=0)
        before = await states(database)
        with pytest.raises(PublishConflict):
            await ReleaseRepository(database).publish(RELEASE, {}, base=0)
        assert await states(database) == before


async def test_text_is_sent_where_that_is_asked_for() -> None:
    async with receiver() as told, empty_database() as database:
        url = f"{told.address}/hook"
        announce(database, [(url, EVENTS)])
        await ReleaseRepository(database).publish(RELEASE, {}, base=0)
        await messenger(database, url, text=True).send_due()
        assert json.loads(told.got[0][1])["data"]["text"] == "words"


@pytest.mark.parametrize("status", [500, 404, 302])
async def test_a_refused_delivery_is_tried_again_also_after_a_restart(
    tmp_path: Path, status: int
) -> None:
    async with receiver() as told:
        told.status, url = status, f"{told.address}/hook"
        async with empty_database(tmp_path) as database:
            announce(database, [(url, EVENTS)])
            await ReleaseRepository(database).publish(RELEASE, {}, base=0)
            await messenger(database, url).send_due()
            assert await states(database) == [("waiting", 1, f"the reply was {status}")]
        async with empty_database(tmp_path) as database:
            await messenger(database, url).send_due()
            told.status = 204
            await messenger(database, url).send_due()
            assert await states(database) == [("delivered", 3, "the reply was 204")]
        assert len(told.got) == 3
        assert len({body for _, body in told.got}) == 1


async def test_after_the_last_attempt_it_is_given_up() -> None:
    async with receiver() as told, empty_database() as database:
        told.status, url = 503, f"{told.address}/hook"
        announce(database, [(url, EVENTS)])
        await ReleaseRepository(database).publish(RELEASE, {}, base=0)
        sender = messenger(database, url)
        assert [await sender.send_due() for _ in range(4)] == [1, 1, 1, 0]
        assert await states(database) == [("failed", 3, "the reply was 503")]


async def test_pauses_grow() -> None:
    async with empty_database() as database:
        url = "http://127.0.0.1:9/hook"
        announce(database, [(url, EVENTS)])
        await ReleaseRepository(database).publish(RELEASE, {}, base=0)
        sender = messenger(database, url, again_s=(3600.0,))
        assert await sender.send_due() == 1
        assert await sender.send_due() == 0
        [(state, attempts, result)] = await states(database)
        assert (state, attempts) == ("waiting", 1)
        assert result


async def test_inner_addresses_are_refused_unless_allowed() -> None:
    async with receiver() as told, empty_database() as database:
        url = f"{told.address}/hook"
        announce(database, [(url, EVENTS)])
        await ReleaseRepository(database).publish(RELEASE, {}, base=0)
        await messenger(database, url, allow=()).send_due()
        [(state, _, result)] = await states(database)
        assert state == "waiting"
        assert "127.0.0.1" in result
        assert not told.got


async def test_what_is_gone_is_dropped() -> None:
    async with empty_database() as database:
        announce(database, [("http://a.example", EVENTS)])
        await ReleaseRepository(database).publish(RELEASE, {}, base=0)
        await messenger(database, "http://another.example").send_due()
        assert [state for state, *_ in await states(database)] == ["dropped"]
