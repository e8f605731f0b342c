"""Visitors have their conversation erased, over real HTTP (target 36)."""

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.web_server import listen, serve_web
from console.labels import Labels
from core.errors import StorageError
from core.metrics import Metrics
from core.types import Answer
from db.base import Database, create_engine, database_url
from db.erasure import ErasureList, replay
from kb.answering.answerer import Answerer
from kb.answering.desk import Desk
from tests.console.conftest import Builder
from tests.console.requests import HERE, SITE, read_events
from tests.database import empty_database, failing_delete

pytestmark = pytest.mark.anyio

CANARY = "canary-90d4"
WAYS = ["api", "widget", "page"]
GERMAN = {"Accept-Language": "de"}


class Echo(Answerer):
    """Answers with the question, once the gate is open."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.gate.set()
        self.asked = asyncio.Event()

    async def answer(self, message: str, **_: Any) -> Answer:
        self.asked.set()
        await self.gate.wait()
        return Answer("faq", f"re: {message}", "en")


class Counter(Desk):
    """The desk; tells how many questions have come to it."""

    def __init__(self, *parts: Any, **more: Any) -> None:
        super().__init__(*parts, **more)
        self.came = asyncio.Semaphore(0)

    async def ask(self, *question: Any, **more: Any) -> Answer:
        self.came.release()
        return await super().ask(*question, **more)


class Visitor:
    """Asks and has erased what was asked, in one of three ways."""

    def __init__(self, client: httpx.AsyncClient, way: str) -> None:
        self.client = client
        self.way = way
        self.session = ""

    async def ask(self, question: str) -> httpx.Response:
        if self.way == "api":
            body = {"question": question, "conversation": "shop-7"}
            return await self.client.post("/api/ask", json=body)
        if self.way == "page":
            return await self.client.post("/ask", data={"question": question}, headers=GERMAN)
        body = {"question": question, "session": self.session, "languages": "de"}
        response = await self.client.post("/widget/ask", json=body, headers=HERE)
        for name, data in read_events(response.text):
            if name == "answer":
                self.session = data["session"]
        return response

    async def forget(self) -> httpx.Response:
        if self.way == "api":
            return await self.client.delete("/api/conversations/shop-7")
        if self.way == "page":
            return await self.client.post("/forget")
        body = {"session": self.session}
        return await self.client.post("/widget/forget", json=body, headers=HERE)


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with empty_database(tmp_path) as opened:
        yield opened


@pytest.fixture
def echo() -> Echo:
    return Echo()


@pytest.fixture
def erasures(tmp_path: Path) -> ErasureList:
    return ErasureList(tmp_path / "erased.txt")


@pytest.fixture
def counter(builder: Builder, echo: Echo, erasures: ErasureList) -> Counter:
    return Counter(echo, builder.records.conversations, Metrics(), erasures=erasures)


@pytest.fixture
async def client(builder: Builder, counter: Counter) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a served console with the real desk and a database on the disk."""
    console = builder.build(desk=counter, origins=(SITE,))
    with listen("127.0.0.1", 0) as listener:
        async with (
            serve_web(console, listener) as address,
            httpx.AsyncClient(base_url=address, trust_env=False) as client,
        ):
            yield client


def files_with(folder: Path, text: str) -> Sequence[str]:
    files = (f for f in folder.rglob("*") if f.is_file())
    return [f.name for f in files if text.encode() in f.read_bytes()]


@pytest.mark.parametrize("way", WAYS)
async def test_no_byte_of_a_visitor_is_left_here_or_in_a_restored_database(
    client: httpx.AsyncClient, erasures: ErasureList, tmp_path: Path, way: str
) -> None:
    visitor, restored = Visitor(client, way), tmp_path / "restored"
    await visitor.ask(CANARY)
    await client.post("/api/ask", json={"question": "kept-31", "conversation": "other"})
    restored.mkdir()
    for file in tmp_path.glob("answerdesk.db*"):
        shutil.copy(file, restored)
    assert (await visitor.forget()).status_code in (200, 303)
    copy = Database(create_engine(database_url("", restored)))
    assert files_with(restored, CANARY)
    assert await replay(copy, erasures.read()) == 1
    await copy.close()
    assert files_with(tmp_path, CANARY) == []
    assert len({*files_with(tmp_path, "kept-31"), *files_with(restored, "kept-31")}) > 0
    assert CANARY not in (await client.get("/")).text


async def test_what_people_wrote_to_each_other_goes_too_here_and_in_a_restored_database(
    builder: Builder, client: httpx.AsyncClient, erasures: ErasureList, tmp_path: Path
) -> None:
    visitor, restored = Visitor(client, "widget"), tmp_path / "restored"
    await visitor.ask("hello")
    called = {"session": visitor.session, "message": CANARY, "contact": "a@example.com"}
    assert (await client.post("/widget/person", json=called, headers=HERE)).status_code == 200
    (handover,) = await builder.records.handovers.open(web=True)
    await builder.records.handovers.take(handover.chat_id, holder=0)
    await builder.records.handovers.answered(handover.chat_id, f"team: {CANARY}")
    await builder.records.handovers.note(handover.chat, f"note: {CANARY}")
    await visitor.ask(f"my number is {CANARY}")
    restored.mkdir()
    for file in tmp_path.glob("answerdesk.db*"):
        shutil.copy(file, restored)
    assert (await visitor.forget()).status_code == 200
    assert files_with(tmp_path, CANARY) == files_with(restored, CANARY)
    copy = Database(create_engine(database_url("", restored)))
    assert await replay(copy, erasures.read()) == 1
    await copy.close()
    assert files_with(tmp_path, CANARY) == []
    await visitor.ask("answered again")
    assert files_with(tmp_path, "re: answered again"), "nobody has the conversation any more"


@pytest.mark.parametrize("way", WAYS)
async def test_what_is_being_answered_neither_arrives_nor_stays(
    client: httpx.AsyncClient, echo: Echo, counter: Counter, tmp_path: Path, way: str
) -> None:
    """Nor what waits behind it; what is asked afterwards is answered."""
    visitor = Visitor(client, way)
    await visitor.ask("before")
    await counter.came.acquire()
    echo.gate.clear()
    echo.asked.clear()
    async with asyncio.TaskGroup() as asking:
        under_way = [asking.create_task(visitor.ask(f"{CANARY} {n}")) for n in range(2)]
        for _ in under_way:
            await counter.came.acquire()
        await echo.asked.wait()
        assert (await visitor.forget()).status_code in (200, 303)
    for task in under_way:
        response = task.result()
        assert CANARY not in response.text
        if way == "widget":
            assert read_events(response.text) == [("erased", {"text": Labels("de")("erased")})]
        else:
            assert response.status_code == 410
            assert way == "api" or Labels("de")("erased") in response.text
    assert files_with(tmp_path, CANARY) == []
    echo.gate.set()
    assert (await visitor.ask("afterwards")).status_code in (200, 303)
    assert files_with(tmp_path, "afterwards")


async def test_a_page_that_waits_for_an_answer_is_told_that_the_chat_was_deleted(
    client: httpx.AsyncClient, echo: Echo
) -> None:
    visitor = Visitor(client, "page")
    await visitor.ask("before")
    echo.gate.clear()
    echo.asked.clear()
    async with asyncio.TaskGroup() as asking:
        streams = {**GERMAN, "Accept": "text/event-stream"}
        post = client.post("/ask", data={"question": CANARY}, headers=streams)
        waiting = asking.create_task(post)
        await echo.asked.wait()
        await visitor.forget()
    told = [("erased", {"text": Labels("de")("erased")})]
    assert read_events(waiting.result().text) == told


async def test_nothing_is_erased_that_cannot_be_listed(
    client: httpx.AsyncClient, tmp_path: Path
) -> None:
    visitor = Visitor(client, "api")
    await visitor.ask(CANARY)
    (tmp_path / "erased.txt").mkdir()
    with contextlib.suppress(StorageError):
        assert (await visitor.forget()).status_code == 500
    assert files_with(tmp_path, CANARY)


@pytest.mark.parametrize("number", [1, 2, 3])
async def test_an_erasure_that_fails_is_not_called_done_and_is_done_at_the_next_start(
    client: httpx.AsyncClient,
    database: Database,
    erasures: ErasureList,
    tmp_path: Path,
    number: int,
) -> None:
    visitor = Visitor(client, "widget")
    await visitor.ask(CANARY)
    called = {"session": visitor.session, "message": CANARY}
    await client.post("/widget/person", json=called, headers=HERE)
    with failing_delete(database, number) as deletes:
        assert (await visitor.forget()).status_code == 500
    assert len(deletes) == number
    assert files_with(tmp_path, CANARY)
    assert await replay(database, erasures.read()) == 1
    assert files_with(tmp_path, CANARY) == []


@pytest.mark.parametrize("forged", ["", "shop-7", "chosen.0000"])
async def test_a_widget_erases_its_own_conversation_only(
    client: httpx.AsyncClient, tmp_path: Path, forged: str
) -> None:
    visitor = Visitor(client, "widget")
    await visitor.ask(CANARY)
    visitor.session = forged
    assert (await visitor.forget()).status_code == 400
    assert files_with(tmp_path, CANARY)
