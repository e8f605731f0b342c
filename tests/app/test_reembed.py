"""A change of models.embedder, on the real service: it answers all the time, and can go back."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from models.weights.catalogue import load_catalogue
from tests.process_log import started

pytestmark = [pytest.mark.anyio, pytest.mark.models]

PROJECT = Path(__file__).parent.parent.parent
WEIGHTS = Path(os.environ.get("ANSWERDESK_DATA", PROJECT / "data")).absolute() / "models"
OLD, NEW = "multilingual-e5-small", "all-MiniLM-L6-v2"
ASKED = {"question": "Can I test ride a bike before I buy it?"}


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    missing = [n for n in (OLD, NEW) if not (WEIGHTS / load_catalogue().get(n).name).is_dir()]
    if missing:
        pytest.skip(f"{', '.join(missing)} not fetched: run `answerdesk models fetch`")
    (tmp_path / "models").symlink_to(WEIGHTS)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    inherited = {k: v for k, v in os.environ.items() if k != "TELEGRAM_BOT_TOKEN"}
    return {
        **inherited,
        "ANSWERDESK_DATA": str(tmp_path),
        "ANSWERDESK__CONSOLE__PORT": str(port),
        "ANSWERDESK__MODELS__GENERATOR": "off",
    }


async def cli(environment: dict[str, str], *arguments: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "app", *arguments,
        cwd=PROJECT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    out, _ = await process.communicate()
    return process.returncode or 0, out.decode()


@asynccontextmanager
async def running(environment: dict[str, str]) -> AsyncIterator[httpx.AsyncClient]:
    command = (sys.executable, "-m", "app", "run")
    address = f"http://127.0.0.1:{environment['ANSWERDESK__CONSOLE__PORT']}"
    async with (
        started(*command, cwd=PROJECT, env=environment) as (process, log),
        httpx.AsyncClient(base_url=address, trust_env=False, timeout=120) as client,
    ):
        try:
            async with asyncio.timeout(240):
                await log.until("Ready after")
            yield client
        finally:
            if process.returncode is None:
                process.send_signal(signal.SIGTERM)
            assert await process.wait() == 0, log.text[-3000:]


async def answered_from(
    client: httpx.AsyncClient, release: int, *, reasons: set[str] | None = None
) -> list[int]:
    """Ask until a release answers; return the releases that answered meanwhile.

    What the service says of its health meanwhile is added to `reasons`.
    """
    seen: list[int] = []
    reasons = set() if reasons is None else reasons
    async with asyncio.timeout(240):
        while release not in seen:
            try:
                reply = (await client.post("/api/ask", json=ASKED)).json()
                if reply["release"]:
                    assert reply["kind"] == "faq", reply
                    seen.append(reply["release"])
                reasons |= set((await client.get("/health")).json()["reasons"])
            except httpx.TransportError:
                assert not seen or seen[-1] + 1 == release, "it may only be opening itself again"
    return seen


async def test_the_old_model_answers_while_the_new_one_embeds(environment: dict[str, str]) -> None:
    old = {**environment, "ANSWERDESK__MODELS__EMBEDDER": OLD}
    new = {**environment, "ANSWERDESK__MODELS__EMBEDDER": NEW}
    code, out = await cli(old, "golden", "add", ASKED["question"])
    assert code == 0, out
    code, out = await cli(old, "golden", "add", "Who won the world cup in 1998?")
    assert code == 0, out
    async with running(new) as client:
        assert await answered_from(client, 1) == [1], "the old model answers first"
        seen = await answered_from(client, 2)
        assert set(seen) <= {1, 2}
    code, out = await cli(new, "releases", "list")
    assert f"embedded by {NEW}" in " ".join(out.split())
    code, out = await cli(new, "golden", "check")
    assert code == 0, out
    async with running(new) as client:
        assert await answered_from(client, 2) == [2], "what was switched stays so"
        code, out = await cli(new, "releases", "rollback", "1")
        assert code == 0, out
        assert "0 texts embedded" in out
        assert (await answered_from(client, 3))[-1] == 3
    code, out = await cli(new, "doctor")
    assert f"embedded by {OLD}" in " ".join(out.split())
