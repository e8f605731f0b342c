"""The page of what went wrong, over a real database: each kind is counted, listed, dealt with."""

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import PurePath

import httpx
import pytest

from console.mishaps import Disk, Restarts
from core.request import working_on
from core.types import IngestReport
from db.base import Database
from db.inbox import Inbox, NewUpdate
from db.jobs import JobRepository
from db.outbox import Outbox, Outgoing
from db.uploads import SentFile, Uploads
from kb.releases.upload import Outcome, stored
from tests.console.conftest import Builder

pytestmark = pytest.mark.anyio

SECRET = "my IBAN is 12345"
HELD = "2 golden questions would be answered worse."


class Bot:
    """Remembers what it was asked to try again."""

    def __init__(self) -> None:
        self.done: list[tuple[str, int]] = []

    async def handle_again(self, number: int) -> bool:
        self.done.append(("handle", number))
        return number == 2

    async def send_again(self, number: int) -> bool:
        self.done.append(("send", number))
        return True


async def nearly_full() -> Disk:
    return Disk(PurePath("/srv/data"), 200 * 10**6, low=True)


@pytest.fixture
def bot() -> Bot:
    return Bot()


@pytest.fixture
def asked_for(builder: Builder, bot: Bot) -> list[str]:
    """Let models and disk be in trouble; return the jobs that are begun."""
    begun: list[str] = []

    def run_again(name: str) -> bool:
        begun.append(name)
        return name != "unknown"

    builder.watched = replace(
        builder.watched,
        models=lambda: [
            Restarts("the-embedder", 2, "it was killed by SIGKILL", 1.8e9),
            Restarts("the-generator", 0, "", 0.0),
        ],
        disk=nearly_full,
        run_again=run_again,
        telegram=lambda: bot,
    )
    return begun


@pytest.fixture
async def client(
    builder: Builder, database: Database, asked_for: list[str]
) -> AsyncIterator[httpx.AsyncClient]:
    inbox, outbox = Inbox(database, bot_id=7), Outbox(database, bot_id=7)
    text = f'{{"text": "{SECRET}"}}'
    await inbox.store([NewUpdate(501, 5, text, "KeyError: <date>"), NewUpdate(502, 5, text)])
    await inbox.start(502)
    await inbox.bury(502, "RuntimeError: boom")
    (sent,) = await outbox.add([Outgoing(5, "sendMessage", {"text": SECRET}, {})])
    await outbox.finish(sent.outbox_id, "uncertain", error="timed out")
    jobs = JobRepository(database)
    for name, states in {
        "refresh": ("done", "failed"),
        "maintenance": ("failed", "done"),
        "watch": ("held",),
    }.items():
        for number, state in enumerate(states):
            run = await jobs.start(name, f"slot {number}")
            assert run is not None
            await jobs.finish(run, state, text=f"{name} <{state}>", detail={})  # type: ignore[arg-type]
    for channel in ("console", "telegram"):
        uploads = Uploads(database, channel=channel)
        number = await uploads.add(files=[SentFile(f"by-{channel}.csv", "0")])
        report = IngestReport(1, (), 0, 0.1, held=HELD)
        await uploads.move(number, "checking", "preview", outcome=stored(Outcome(report)))
        plain = await uploads.add(files=[SentFile("fine.csv", "0")])
        await uploads.move(
            plain, "checking", "preview", outcome=stored(Outcome(replace(report, held="")))
        )
    with working_on("update-501"):
        await builder.watched.answering.ask(SECRET, chat="telegram:5", channel="telegram")
    async with builder.client() as opened:
        yield opened


async def look(client: httpx.AsyncClient) -> str:
    response = await client.get("/console/mishaps")
    assert response.status_code == 200
    return response.text


def counts(page: str) -> dict[str, int]:
    line = re.sub(r"<[^>]+>", "", page[page.index('<p class="muted">') :].split("</p>")[0])
    return {name: int(number) for name, number in re.findall(r"([A-Z][a-z ]+): (\d+)", line)}


async def press(client: httpx.AsyncClient, what: str, number: int) -> httpx.Response:
    return await client.post(f"/console/mishaps/{what}", data={"number": str(number)})


async def test_when_nothing_went_wrong_it_says_so_in_one_sentence(builder: Builder) -> None:
    async with builder.client() as client:
        page = await look(client)
    assert "Nothing went wrong that needs you." in page
    assert set(counts(page).values()) == {0}
    assert "40.0 GB free on the disk" in page
    assert "<section" not in page


async def test_each_kind_is_counted_and_listed_without_what_was_said(
    client: httpx.AsyncClient,
) -> None:
    page = await look(client)
    assert counts(page) == {
        "Dead letters": 2,
        "Uncertain sends": 1,
        "Failed jobs": 1,
        "Held back": 3,
        "Failed answers": 1,
        "Model restarts": 2,
        "Disk nearly full": 1,
    }
    assert "Update 501 from Telegram could not be read: KeyError: &lt;date&gt;" in page
    assert "Update 502 from Telegram could not be handled: RuntimeError: boom" in page
    assert page.count(">Handle again<") == 1, "what cannot be read cannot be handled"
    assert "may have arrived in Telegram or not: timed out" in page
    assert "refresh &lt;failed&gt;" in page
    assert "maintenance" not in page, "it went well since"
    assert page.count(HELD) == 2
    assert page.count(">Look at it<") == 1, "the other one is Telegram's"
    assert "fine.csv" not in page
    assert "watch kept something back: watch &lt;held&gt;" in page
    assert "A message was not answered: RuntimeError" in page
    assert "under <code>update-501</code>" in page
    assert "the-embedder was started again 2 times" in page
    assert "the-generator" not in page
    assert "Only 200.0 MB are free at /srv/data." in page
    assert SECRET not in page
    assert "<script" not in page


async def test_metrics_have_the_same_counts(client: httpx.AsyncClient) -> None:
    lines = (await client.get("/metrics")).text.splitlines()
    found = dict(re.findall(r'answerdesk_mishaps\{kind="(\w+)"\} (\S+)', "\n".join(lines)))
    assert found == {
        "dead_letters": "2.0",
        "uncertain_sends": "1.0",
        "failed_jobs": "1.0",
        "held": "3.0",
        "failed_answers": "1.0",
        "worker_restarts": "2.0",
        "disk_low": "1.0",
    }


async def test_what_can_be_tried_again_is_asked_of_who_can(
    client: httpx.AsyncClient, bot: Bot
) -> None:
    assert (await press(client, "handle-again", 2)).status_code == 303
    assert (await press(client, "send-again", 1)).status_code == 303
    again = await press(client, "handle-again", 1)
    assert again.status_code == 409
    assert "That was dealt with meanwhile." in again.text
    assert bot.done == [("handle", 2), ("send", 1), ("handle", 1)]


async def test_a_job_of_the_list_is_run_now(
    client: httpx.AsyncClient, asked_for: list[str]
) -> None:
    done = await client.post("/console/run", data={"job": "maintenance"})
    assert done.headers["location"] == "/console#runs"
    assert asked_for == ["maintenance"]
    assert (await client.post("/console/run", data={"job": "unknown"})).status_code == 409


async def test_what_is_discarded_is_gone_once(client: httpx.AsyncClient) -> None:
    for what, number in (("drop-letter", 1), ("drop-letter", 2), ("drop-send", 1)):
        assert (await press(client, what, number)).status_code == 303
        assert (await press(client, what, number)).status_code == 409
    found = counts(await look(client))
    assert (found["Dead letters"], found["Uncertain sends"]) == (0, 0)


async def test_without_telegram_nothing_is_sent_and_it_says_why(
    client: httpx.AsyncClient, builder: Builder
) -> None:
    builder.watched = replace(builder.watched, telegram=lambda: None)
    async with builder.client() as opened:
        response = await press(opened, "send-again", 1)
    assert response.status_code == 409
    assert "Telegram is off or still connecting" in response.text
    assert "Uncertain sends: 1" in response.text
