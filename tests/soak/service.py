"""The real service as a process, with the Telegram on loopback."""

import asyncio
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from core.config import data_folder
from tests.botapi import TOKEN, BotApi

PROJECT = Path(__file__).parent.parent.parent
_READY_S = 600.0


@contextmanager
def own_data() -> Iterator[None]:
    """Use a data folder of its own, with the models of the one in use."""
    with (
        tempfile.TemporaryDirectory(prefix="answerdesk-soak-") as folder,
        pytest.MonkeyPatch.context() as patch,
    ):
        (Path(folder) / "models").symlink_to(data_folder().absolute() / "models")
        patch.setenv("ANSWERDESK_DATA", folder)
        yield


@dataclass(frozen=True, slots=True)
class Served:
    """A service that runs, and where."""

    process: asyncio.subprocess.Process
    url: str


@asynccontextmanager
async def running(telegram: BotApi) -> AsyncIterator[Served]:
    """Start `answerdesk run` on the data folder in use, wait until it is ready, stop it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    environment = {
        **os.environ,
        "ANSWERDESK__CONSOLE__PORT": str(port),
        "ANSWERDESK__TELEGRAM__BASE_URL": telegram.base_url,
        "ANSWERDESK__TELEGRAM__BASE_FILE_URL": telegram.base_file_url,
        "TELEGRAM_BOT_TOKEN": TOKEN,
        "NO_PROXY": "127.0.0.1",
    }
    with tempfile.TemporaryFile() as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "app", "run", cwd=PROJECT, env=environment,
            stdout=log, stderr=subprocess.STDOUT,
        )  # fmt: skip
        try:
            async with asyncio.timeout(_READY_S), httpx.AsyncClient(trust_env=False) as client:
                while not await _is_ready(client, f"{url}/health"):
                    if process.returncode is not None:
                        log.seek(0)
                        raise RuntimeError(log.read().decode()[-2000:])
                    await asyncio.sleep(0.5)
            yield Served(process, url)
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()


async def _is_ready(client: httpx.AsyncClient, address: str) -> bool:
    try:
        return bool((await client.get(address)).json()["status"] == "ok")
    except httpx.TransportError:
        return False
