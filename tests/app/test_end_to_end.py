"""The whole service as a process: real models, real LanceDB, real HTTP, a Telegram on loopback."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from db.erasure import ErasureList
from models.weights.catalogue import load_catalogue
from tests.botapi import TOKEN, BotApi
from tests.process_log import ProcessLog, started

pytestmark = [pytest.mark.anyio, pytest.mark.models]

PROJECT = Path(__file__).parent.parent.parent
DEMO = yaml.safe_load((PROJECT / "demo" / "demo.yaml").read_text("utf-8"))["questions"]
WEIGHTS = Path(os.environ.get("ANSWERDESK_DATA", PROJECT / "data")).absolute() / "models"
START_S = 300
"""Upper bound for a busy machine; nothing here measures time."""


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """Let one service serve all tests of this module."""
    return "asyncio"


@dataclass(frozen=True)
class Running:
    """A service that is up."""

    process: asyncio.subprocess.Process
    client: httpx.AsyncClient
    telegram: BotApi
    environment: dict[str, str]
    data: Path
    log: ProcessLog

    async def cli(self, *arguments: str) -> tuple[int, str, str]:
        """Run a command beside the service; return exit code, output and errors."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "app",
            *arguments,
            cwd=PROJECT,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        out, err = await process.communicate()
        return process.returncode or 0, out.decode(), err.decode()


@pytest.fixture(scope="module")
async def service(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    needed = ("multilingual-e5-small", "smollm2-135m-instruct")
    missing = [name for name in needed if not (WEIGHTS / load_catalogue().get(name).name).is_dir()]
    if missing:
        pytest.skip(f"{', '.join(missing)} not fetched: run `make setup`")
    data = tmp_path_factory.mktemp("data")
    (data / "models").symlink_to(WEIGHTS)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    async with BotApi() as telegram:
        environment = {
            **os.environ,
            "ANSWERDESK_DATA": str(data),
            "ANSWERDESK__CONSOLE__PORT": str(port),
            "ANSWERDESK__MODELS__GENERATOR": "smollm2-135m-instruct",
            "ANSWERDESK__TELEGRAM__BASE_URL": telegram.base_url,
            "ANSWERDESK__TELEGRAM__BASE_FILE_URL": telegram.base_file_url,
            "ANSWERDESK_LOG": "DEBUG",
            "TELEGRAM_BOT_TOKEN": TOKEN,
            "NO_PROXY": "127.0.0.1",
        }
        command = (sys.executable, "-m", "app", "run")
        async with (
            started(*command, cwd=PROJECT, env=environment) as (process, log),
            httpx.AsyncClient(
                base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=START_S
            ) as client,
        ):
            try:
                async with asyncio.timeout(START_S):
                    await log.until("Ready after")
                yield Running(process, client, telegram, environment, data, log)
            finally:
                if process.returncode is None:
                    process.terminate()
                assert await process.wait() == 0, log.text[-3000:]


@pytest.mark.parametrize("asked", DEMO, ids=lambda q: "-".join(q["expected"]))
async def test_the_demo_questions_get_the_kind_of_answer_they_promise(
    service: Running, asked: dict[str, Any]
) -> None:
    reply = (await service.client.post("/api/ask", json={"question": asked["text"]})).json()
    assert reply["kind"] in asked["expected"], reply
    documents = [source["document"] for source in reply["sources"]]
    wanted = asked.get("document")
    assert documents == ([] if wanted is None else [f"demo/{wanted}"]) or (
        wanted is not None and any(d.endswith(str(wanted)) for d in documents)
    )


async def test_telegram_gives_the_same_answer_with_its_source(service: Running) -> None:
    customer = service.telegram.person("Ada")
    customer.say(DEMO[0]["text"])
    reply = await customer.next()
    assert "test ride is free" in reply.text
    assert reply.buttons[0].startswith("📄 Can I test ride a bike before I buy it?")


async def test_a_chinese_question_is_answered_in_chinese(service: Running) -> None:
    reply = (await service.client.post("/api/ask", json={"question": "你好"})).json()
    assert reply["kind"] == "smalltalk"
    assert reply["language"] == "zh"


async def test_who_is_erased_is_listed_for_backups_in_telegram_and_outside(
    service: Running,
) -> None:
    erased = service.data / "erased.txt"
    body = {"question": "Hello", "conversation": "one"}
    await service.client.post("/api/ask", json=body)
    assert (await service.client.delete("/api/conversations/one")).json() == {"erased": 1}
    assert len(ErasureList(erased).read()) == 1
    ana = service.telegram.person("Ana")
    ana.say("/forget")
    ana.press(await ana.next(), "Delete everything")
    assert "deleted" in (await ana.next()).text
    assert len(ErasureList(erased).read()) == 2


async def test_a_second_service_on_the_same_data_is_refused(service: Running) -> None:
    code, _out, err = await service.cli("run")
    assert code == 1
    assert "already serves" in err


async def test_a_file_ingested_beside_the_service_is_answered_at_once(
    service: Running, tmp_path: Path
) -> None:
    faq = tmp_path / "kayaks.csv"
    faq.write_text('question,answer\nDo you sell inflatable kayaks?,"Yes, three models."\n')
    code, out, err = await service.cli("ingest", str(faq), "--json")
    assert code == 0, err
    assert json.loads(out)["release"] == 2
    asked = {"question": "Do you sell inflatable kayaks?"}
    reply = (await service.client.post("/api/ask", json=asked)).json()
    assert (reply["kind"], reply["text"], reply["release"]) == ("faq", "Yes, three models.", 2)
    code, _out, err = await service.cli("releases", "rollback", "1")
    assert code == 0, err
    reply = (await service.client.post("/api/ask", json=asked)).json()
    assert reply["text"] != "Yes, three models."


async def test_a_file_sent_on_the_console_is_foreseen_answered_and_undone(
    service: Running,
) -> None:
    asked = {"question": "Do you rent out pedal boats?"}
    before = (await service.client.post("/api/ask", json=asked)).json()
    table = b'question,answer\nDo you rent out pedal boats?,"Yes, from May on."\n'
    sent = await service.client.post("/console/uploads", files={"files": ("boats.csv", table)})
    page = await _settled(service, sent)
    assert "Nothing is changed yet." in page
    assert "Then: answered from &#34;boats.csv&#34;" in page, page
    number = {"number": sent.headers["location"].partition("number=")[2]}
    sent = await service.client.post("/console/uploads/apply", data=number)
    assert "is live.</strong>" in await _settled(service, sent)
    reply = (await service.client.post("/api/ask", json=asked)).json()
    assert reply["text"] == "Yes, from May on."
    sent = await service.client.post("/console/uploads/undo", data=number)
    assert "Undone." in (await service.client.get(sent.headers["location"])).text
    reply = (await service.client.post("/api/ask", json=asked)).json()
    assert (reply["kind"], reply["text"]) == (before["kind"], before["text"])


async def _settled(service: Running, sent: httpx.Response) -> str:
    """Return the page of an upload once its step has ended."""
    assert sent.status_code == 303, sent.text
    number = sent.headers["location"].partition("number=")[2]
    async with asyncio.timeout(START_S):
        await service.log.until(f"Upload {number}: ")
    page = (await service.client.get(sent.headers["location"])).text
    assert "http-equiv" not in page
    return page


async def test_golden_questions_hold_a_release_back_on_the_command_line(
    service: Running, tmp_path: Path
) -> None:
    code, out, err = await service.cli("golden", "add", "Can I test ride a bike before I buy it?")
    assert code == 0, err
    assert 'from "demo/faq.csv" by the entry "Can I test ride' in " ".join(out.split())
    questions = tmp_path / "golden.csv"
    questions.write_text("question,refuse\nWho won the world cup in 1998?,yes\n")
    assert (await service.cli("golden", "import", str(questions)))[0] == 0
    code, out, err = await service.cli("golden", "check")
    assert code == 0, out + err
    code, out, err = await service.cli("remove", "demo/faq.csv")
    assert code == 1
    assert "Held back: 1 of 2 golden questions" in err
    assert "--anyway" in err
    code, out, err = await service.cli("remove", "demo/faq.csv", "--anyway", "--json")
    assert code == 0, err
    removed = json.loads(out)["release"]
    assert (await service.cli("golden", "check"))[0] == 1
    code, out, err = await service.cli("releases", "rollback", str(removed - 1))
    assert code == 0, err
    listed = json.loads((await service.cli("golden", "list", "--json"))[1])
    for golden in listed:
        assert (await service.cli("golden", "remove", str(golden["golden_id"])))[0] == 0


async def test_the_doctor_finds_nothing_wrong(service: Running) -> None:
    code, out, err = await service.cli("doctor")
    assert code == 0, out + err
    assert "belongs to @" in out
    assert (await service.client.get("/health")).json()["status"] == "ok"


async def test_neither_token_nor_question_is_in_the_log(service: Running) -> None:
    await service.client.post("/api/ask", json={"question": "canary-5533 please?"})
    assert TOKEN not in service.log.text
    assert "canary-5533" not in service.log.text


async def test_a_changed_setting_takes_effect_after_a_restart_that_visitors_wait_for(
    service: Running,
) -> None:
    form = {"group": "Company", "company.name": "Finch", "company.languages": "en\nde"}
    assert (await service.client.post("/console/settings", data=form)).status_code == 303
    assert "Ask Finch &amp; Ferry<" in (await service.client.get("/")).text
    assert (await service.client.post("/console/restart")).status_code == 303
    async with asyncio.timeout(START_S):
        await service.log.until("Everything is opened again")
    assert "Ask Finch<" in (await service.client.get("/")).text


async def test_sigterm_ends_it_with_exit_code_0(service: Running) -> None:
    service.process.send_signal(signal.SIGTERM)
    async with asyncio.timeout(60):
        assert await service.process.wait() == 0
