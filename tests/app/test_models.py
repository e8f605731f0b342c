"""What `models.second_embedder` of the configuration brings about."""

import logging
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from app.commands.service import _checks
from app.doctor import Finding, examine
from app.models import WITHOUT_SECOND, open_second, wait_for
from app.paths import find_paths
from core.config import Config, ModelsConfig
from core.errors import ModelUnavailable
from models.embedder import WorkerEmbedder
from models.workers.worker import Worker

pytestmark = pytest.mark.anyio


def config(second: str) -> Config:
    return Config(models=ModelsConfig.model_validate({"second_embedder": second}))


async def opened(config: Config, root: Path) -> bool:
    async with AsyncExitStack() as stack:
        return await open_second(stack, config, root) is not None


async def doctor(config: Config, root: Path) -> Finding:
    checks = _checks(config, find_paths(root))
    return (await examine([c for c in checks if c[0] == "second embedder"]))[0]


@pytest.mark.parametrize("none", ["off", ModelsConfig().embedder])
async def test_there_need_not_be_one(
    tmp_path: Path, none: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        assert not await opened(config(none), tmp_path)
    assert caplog.text == ""
    assert (await doctor(config(none), tmp_path)).ok


async def test_one_that_is_missing_is_told_and_holds_nothing_up(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        assert not await opened(Config(), tmp_path)
    assert "Entries are scored by the first embedder alone: The weights of" in caplog.text
    found = await doctor(Config(), tmp_path)
    assert not found.ok
    assert "answerdesk models fetch all-MiniLM-L6-v2" in found.text


async def test_one_of_a_server_that_is_down_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        assert not await opened(config("url:http://127.0.0.1:9/v1#words"), tmp_path)
    assert "The model server at 'http://127.0.0.1:9/v1' does not answer" in caplog.text


class Broken(WorkerEmbedder):
    async def start(self, *, wait: bool = True) -> None:
        raise ModelUnavailable("The model cannot be loaded.")


async def test_one_that_cannot_be_loaded_is_told(caplog: pytest.LogCaptureFixture) -> None:
    worker = Worker("embedder", "models.onnx.embedder_child", {})
    broken = Broken(worker, name="words", dim=3, max_tokens=9, fingerprint="words-1")
    with caplog.at_level(logging.WARNING):
        await wait_for(broken, without=WITHOUT_SECOND)
        await wait_for(None, without=WITHOUT_SECOND)
    assert caplog.messages == [
        "Entries are scored by the first embedder alone: The model cannot be loaded."
    ]
