"""A console over a scripted desk and a real database."""

from collections.abc import AsyncIterator
from pathlib import PurePath
from typing import Any

import httpx
import pytest
from blockbuster import blockbuster_ctx

from app.messages import as_messages
from console.application import build_console
from console.knowledge import Editing
from console.mishaps import Disk, Watched
from console.operator import Records
from console.security_middleware import SecurityMiddleware
from core.config import Config
from core.health import Health
from core.metrics import Metrics
from core.types import Answer
from db.base import Database
from db.careful import CarefulStart
from db.conversations import Conversations
from db.jobs import JobRepository
from db.mishaps import Mishaps
from db.uploads import Uploads
from kb.answering.answerer import Answerer
from kb.answering.desk import Desk
from kb.releases.alike import Alike
from kb.releases.open_questions import OpenQuestions
from tests.console.fakes import (
    DOCUMENT_QUESTION,
    FAQ_QUESTION,
    UNKNOWN_QUESTION,
    NoEntries,
    NoSettings,
    NoUploads,
    ScriptedDesk,
)
from tests.database import empty_database
from tests.fakes import WordEmbedder


@pytest.fixture
async def database() -> AsyncIterator[Database]:
    async with empty_database() as database:
        yield database


@pytest.fixture
def records(database: Database) -> Records:
    return records_of(database)


def records_of(database: Database) -> Records:
    return Records(database, Conversations(database), CarefulStart(database))


@pytest.fixture
def desk() -> ScriptedDesk:
    return ScriptedDesk()


async def nobody(chat_id: int) -> str:
    return ""


async def roomy() -> Disk:
    return Disk(PurePath("/data"), 40 * 10**9, low=False)


class Broken(Answerer):
    """Answers nothing; the error says what was asked."""

    def __init__(self) -> None:
        pass

    async def answer(self, message: str, **_: object) -> Answer:
        raise RuntimeError(message)


def calm(database: Database) -> Watched:
    """Nothing went wrong; Telegram is off."""
    return Watched(
        Mishaps(database),
        JobRepository(database),
        Uploads(database, channel="console"),
        Desk(Broken(), Conversations(database), Metrics()),
        models=tuple,
        disk=roomy,
        run_again=lambda _, **__: False,
        due=dict,
        telegram=lambda: None,
    )


async def offered(language: str) -> tuple[str, ...]:
    return (FAQ_QUESTION, DOCUMENT_QUESTION, UNKNOWN_QUESTION)


_OF_SECTION = {
    "welcome": "company",
    "languages": "company",
    "max_file_mb": "knowledge",
    "hours": "telegram",
    "timezone": "telegram",
    "origins": "widget",
    "per_minute": "widget",
}


class Builder:
    """Builds consoles that differ in a few arguments or settings."""

    def __init__(self, desk: ScriptedDesk, records: Records, database: Database) -> None:
        self.desk = desk
        self.records = records
        self.health = Health("ok")
        self.metrics = Metrics()
        self.watched = calm(database)

    def build(self, **changes: Any) -> SecurityMiddleware:
        async def health() -> Health:
            return self.health

        nothing: Any = NoEntries()
        arguments: dict[str, Any] = {
            "desk": self.desk,
            "records": self.records,
            "editing": Editing(nothing, nothing),
            "uploads": NoUploads(),
            "questions": OpenQuestions(
                self.records.conversations,
                Alike(WordEmbedder()),
                nothing,
                nothing,
                name_of=nobody,
            ),
            "topics": lambda: None,
            "watched": self.watched,
            "tracer": NoEntries(),
            "embedder": WordEmbedder(),
            "settings": NoSettings(),
            "as_messages": as_messages,
            "health": health,
            "metrics": self.metrics,
            "examples": offered,
            "secret": b"0" * 32,
            "tell": nobody,
        }
        settings: dict[str, Any] = {"company": {"name": "Finch & Ferry", "languages": ("en",)}}
        for name in _OF_SECTION.keys() & changes.keys():
            settings.setdefault(_OF_SECTION[name], {})[name] = changes.pop(name)
        return build_console(Config(**settings), **(arguments | changes))

    def client(self, **changes: Any) -> httpx.AsyncClient:
        """Return a client of a new console; an error inside is answered, not raised."""
        transport = httpx.ASGITransport(self.build(**changes), raise_app_exceptions=False)
        return httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080")


@pytest.fixture
def builder(desk: ScriptedDesk, records: Records, database: Database) -> Builder:
    return Builder(desk, records, database)


@pytest.fixture
async def client(builder: Builder) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a console in which a call that blocks the event loop is an error."""
    async with builder.client() as client:
        with blockbuster_ctx():
            yield client
