"""What `models.reranker` of the configuration brings about."""

import json
import logging
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from app.commands.service import _checks
from app.doctor import Finding, examine
from app.paths import find_paths
from app.reranking import open_reranker, second_opinion
from core.config import Config, ModelsConfig
from core.errors import ConfigError
from kb.rerank import Rerank
from models.calls import Limits
from models.generator import WorkerGenerator
from models.worker import Worker

pytestmark = pytest.mark.anyio


def config(reranker: str, **models: str) -> Config:
    return Config(models=ModelsConfig.model_validate({"reranker": reranker, **models}))


async def opened(config: Config, root: Path) -> bool:
    async with AsyncExitStack() as stack:
        return await open_reranker(stack, config, root) is not None


async def doctor(config: Config, root: Path) -> Finding:
    checks = _checks(config, find_paths(root))
    return (await examine([c for c in checks if c[0] == "reranker"]))[0]


async def test_it_is_off_unless_configured(tmp_path: Path) -> None:
    assert not await opened(Config(), tmp_path)
    assert second_opinion(Config(), None, None) is None
    assert (await doctor(Config(), tmp_path)).ok


async def test_a_model_that_is_missing_is_told_and_holds_nothing_up(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    missing = config(f"path:{tmp_path / 'nowhere'}")
    with caplog.at_level(logging.WARNING):
        assert not await opened(missing, tmp_path)
    assert "Passages are not reranked: The weights of" in caplog.text
    found = await doctor(missing, tmp_path)
    assert not found.ok
    assert "nowhere' are not at" in found.text


async def test_a_folder_of_another_kind_is_told(tmp_path: Path) -> None:
    for name in ("tokenizer.json", "model.safetensors"):
        (tmp_path / name).touch()
    (tmp_path / "config.json").write_text(json.dumps({"architectures": ["BertModel"]}))
    found = await doctor(config(f"path:{tmp_path}"), tmp_path)
    assert not found.ok
    assert "it is a BertModel" in found.text


async def test_a_name_that_is_no_specification_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="'bge-reranker' names no cross-encoder"):
        await opened(config("bge-reranker"), tmp_path)


async def test_the_likelihood_needs_a_generator_that_runs_here(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    asked = config("generator", generator="off")
    assert not await opened(asked, tmp_path)
    with caplog.at_level(logging.WARNING):
        assert second_opinion(asked, None, None) is None
    assert "models.generator is none that runs here" in caplog.text
    assert not (await doctor(asked, tmp_path)).ok
    worker = Worker("generator", "models.generator_child", {}, limits=Limits())
    local = WorkerGenerator(worker, name="local", context_tokens=64)
    assert isinstance(second_opinion(asked, None, local), Rerank)
