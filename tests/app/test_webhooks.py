"""What a webhook is told of each event, and that it needs a secret."""

import json
from types import SimpleNamespace
from typing import Any

import pytest

from app.webhooks import make_messenger
from core.config import Config, RefreshConfig, WebhookConfig
from core.errors import ConfigError
from core.types import Answer
from db.base import Database
from db.conversations import Conversations
from db.handover import Handovers
from db.knowledge import Release, ReleaseRepository
from db.webhooks import announce
from tests.database import empty_database
from tests.jobs.receiver import EVENTS, receiver

pytestmark = pytest.mark.anyio

QUESTION = "Do you sell kayaks?"


async def happen(database: Database) -> None:
    """Let everything happen once."""
    refused = Answer("unknown", "I do not know that.", "en", release=1)
    handovers = Handovers(database)
    release = Release(1, 0.0, "ingest", "files", "t", 1, 1, 2, 3, 0, {})
    await Conversations(database).record(QUESTION, refused, chat="telegram:5", channel="telegram")
    await handovers.ask(5, reason=QUESTION, language="en", urgency="angry")
    await ReleaseRepository(database).publish(release, {}, base=0)


@pytest.mark.parametrize("text", [False, True])
async def test_what_is_told(monkeypatch: pytest.MonkeyPatch, text: bool) -> None:
    monkeypatch.setenv("HOOK_SECRET", "shared")
    async with receiver() as told, empty_database() as database:
        url = f"{told.address}/hook"
        announce(database, [(url, EVENTS)])
        await happen(database)
        config = Config(
            webhooks=(WebhookConfig(url=url, events=EVENTS, secret="HOOK_SECRET", text=text),),
            refresh=RefreshConfig(allow_hosts=("127.0.0.1",)),
        )
        knowledge: Any = SimpleNamespace(
            database=database, release_rows=ReleaseRepository(database)
        )
        await make_messenger(config, knowledge).send_due()
        bodies = {body["event"]: body["data"] for body in (json.loads(b) for _, b in told.got)}
    said = {"text": QUESTION} if text else {}
    where = {"conversation": 1, "language": "en", "channel": "telegram"}
    assert bodies == {
        "question.unanswered": where | said,
        "conversation.handed_over": where | {"urgency": "angry"} | said,
        "release.published": {"release": 1, "kind": "ingest", "note": "files"},
    }


async def test_who_was_erased_meanwhile_is_not_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK_SECRET", "shared")
    async with receiver() as told, empty_database() as database:
        url = f"{told.address}/hook"
        announce(database, [(url, EVENTS)])
        await happen(database)
        await Conversations(database).forget("telegram:5")
        await Handovers(database).forget(5)
        config = Config(
            webhooks=(WebhookConfig(url=url, events=EVENTS, secret="HOOK_SECRET", text=True),),
            refresh=RefreshConfig(allow_hosts=("127.0.0.1",)),
        )
        knowledge: Any = SimpleNamespace(
            database=database, release_rows=ReleaseRepository(database)
        )
        await make_messenger(config, knowledge).send_due()
    assert [json.loads(body)["event"] for _, body in told.got] == ["release.published"]


async def test_a_secret_that_is_missing_is_named() -> None:
    hook = WebhookConfig(url="https://a.example", events=EVENTS, secret="HOOK_SECRET_7")
    async with empty_database() as database:
        knowledge: Any = SimpleNamespace(database=database, release_rows=None)
        with pytest.raises(ConfigError, match="HOOK_SECRET_7, which is not set"):
            make_messenger(Config(webhooks=(hook,)), knowledge)


def test_an_address_is_configured_once() -> None:
    hook = WebhookConfig(url="https://a.example", events=EVENTS, secret="A")
    with pytest.raises(ValueError, match="two webhooks have the same url"):
        Config(webhooks=(hook, hook))
