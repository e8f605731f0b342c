"""A message leaves lines of one request, from its arrival to its reply, and none of its words."""

import io
import json
import logging
import socket
from asyncio import create_task
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from pathlib import Path, PurePath
from typing import Any

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Route

from app.log import set_up_logging
from bot.conversation.service import Manners
from bot.telegram_app import TelegramBot, TelegramSettings
from console.api import Api
from console.openapi import Operation
from console.security_middleware import SecurityMiddleware
from core.health import Health
from core.metrics import Metrics
from core.request import request_id, working_on
from core.types import Answer
from db.base import Base, Database, create_engine, database_url
from db.conversations import Conversations
from kb.answering.answerer import Answerer
from kb.answering.desk import Desk
from models.workers.worker import Worker
from tests.botapi import TOKEN, BotApi

pytestmark = pytest.mark.anyio

WORDS = "xylophone of Mrs Quagmire"
Lines = list[dict[str, Any]]


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """The log as `answerdesk run` writes it at its most talkative, as JSON."""
    root = logging.getLogger()
    levels = {name: logging.getLogger(name).level for name in ("", *_ours())}
    handlers = root.handlers[:]
    stream = io.StringIO()
    monkeypatch.setenv("ANSWERDESK_LOG", "DEBUG")
    monkeypatch.setattr("sys.stderr", stream)
    root.handlers[:] = []  # so that pytest's own are not closed
    set_up_logging("json")
    yield stream
    root.handlers[:] = handlers
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


def _ours() -> Sequence[str]:
    return ("app", "bot", "console", "core", "db", "jobs", "kb", "lookups", "models", "sources")


def lines(log: io.StringIO) -> Lines:
    return [json.loads(line) for line in log.getvalue().splitlines()]


class Echoing(Answerer):
    """Answers with what a real model process returns."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    async def answer(self, message: str, **_: object) -> Answer:
        reply = await self._worker.call("echo", {"text": message})
        return Answer("faq", f"echo: {reply.values['text']}", "en", confidence=0.9)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[tuple[Desk, Database]]:
    database = Database(create_engine(database_url("", tmp_path)))
    Base.metadata.create_all(database.engine)
    worker = Worker("echo", "tests.models.workers.echo_child", {})
    await worker.start()
    yield Desk(Echoing(worker), Conversations(database), Metrics()), database
    await worker.close()
    await database.close()


def of_request(log: io.StringIO, request: str) -> Sequence[str]:
    return [line["message"] for line in lines(log) if line.get("request") == request]


def expect(messages: Sequence[str], *beginnings: str) -> None:
    """Assert that lines with these beginnings are among the messages, in this order."""
    left = iter(messages)
    for beginning in beginnings:
        assert any(message.startswith(beginning) for message in left), (beginning, messages)


async def test_a_message_in_telegram(log: io.StringIO, desk: tuple[Desk, Database]) -> None:
    answering, database = desk
    async with BotApi() as telegram:
        settings = TelegramSettings(
            token=TOKEN,
            base_url=telegram.base_url,
            base_file_url=telegram.base_file_url,
            manners=Manners(company="Acme", merge_s=0),
            grace_s=2,
            deaf_s=1e9,
        )
        conversations = Conversations(database)
        async with TelegramBot(
            settings, database=database, desk=answering, conversations=conversations
        ):
            ana = telegram.person("Quagmira")
            update = ana.say(f"Where is the {WORDS}?")
            other = telegram.person().say(f"And the {WORDS}?")
            assert WORDS in (await ana.next()).text
    for number in (update, other):
        expect(
            of_request(log, f"update-{number}"),
            f"Update {number} arrived",
            "echo: echo done after",
            "telegram: answered (faq)",
            "Message ",
        )
    for secret in ("xylophone", "Quagmi", TOKEN.split(":")[1]):
        assert secret not in log.getvalue()


async def test_a_question_to_the_api(log: io.StringIO, desk: tuple[Desk, Database]) -> None:
    async def health() -> Health:
        return Health("ok")

    async def calm() -> Mapping[str, float]:
        return {}

    async def done(_: Request) -> None:
        return None

    async def knows(_: Request) -> bool:
        return True

    answering, database = desk
    metrics = Metrics()
    api = Api(
        desk=answering,
        conversations=Conversations(database),
        secret=b"0" * 32,
        tell_health=health,
        figures=metrics,
        mishaps=calm,
        detailed_health=knows,
    )
    routes = [
        Route(
            "/api/ask",
            Operation("POST", "/api/ask", "ask", api.ask).endpoint(done),
            methods=["POST"],
        )
    ]
    app = SecurityMiddleware(Starlette(routes=routes), hosts=None, metrics=metrics, refuse=_never)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off"))
        serving = create_task(server.serve([listener]))
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        async with httpx.AsyncClient(base_url=address, trust_env=False) as client:
            response = await client.post(
                "/api/ask", json={"question": f"Where is the {WORDS}?"}, params={"q": WORDS}
            )
            lost = await client.post(f"/api/{WORDS}", json={})
        server.should_exit = True
        await serving
    assert WORDS in response.json()["text"]
    expect(
        of_request(log, response.headers["x-request-id"]),
        "POST: a request arrived",
        "echo: echo done after",
        "api: answered (faq)",
        "POST /api/ask: replied after",
    )
    expect(of_request(log, lost.headers["x-request-id"]), "POST none: replied after")
    assert lost.headers["x-request-id"] != response.headers["x-request-id"]
    assert "xylophone" not in log.getvalue()


def _never(*_: object) -> Any:
    raise AssertionError


async def test_libraries_write_warnings_only_and_errors_are_one_line(log: io.StringIO) -> None:
    logging.getLogger("sqlalchemy.engine").debug("executing %s", WORDS)
    logging.getLogger("telegram.ext").info("Update %s", WORDS)
    try:
        PurePath(f"bot{TOKEN}").relative_to("/nowhere")
    except ValueError:
        with working_on("mine"):
            logging.getLogger("app.serve").exception("It\nfailed with %s", TOKEN)
    (line,) = lines(log)
    assert line["message"] == "It\nfailed with [bot token]"
    assert line["request"] == "mine"
    assert (line["level"], line["logger"]) == ("ERROR", "app.serve")
    assert "ValueError" in line["error"]
    assert TOKEN not in log.getvalue()
    assert not request_id()


def test_text_has_the_request_in_brackets(
    log: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stderr", log)  # pytest put its own there since the fixture
    set_up_logging("text")
    with working_on("mine"):
        logging.getLogger("app.serve").info("Up")
    logging.getLogger("app.serve").info("Ready")
    first, second = log.getvalue().splitlines()
    assert first.endswith("INFO    app.serve: Up [mine]")
    assert second.endswith("INFO    app.serve: Ready")
