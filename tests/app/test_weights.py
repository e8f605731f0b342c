"""`answerdesk models fetch` of what a specification names."""

from pathlib import Path

import pytest

from app.commands import weights
from app.commands.common import Failed
from core.errors import UnknownModel
from models.weights.catalogue import Catalogue
from models.weights.fetch import ModelStore
from models.weights.spec import Hub

pytestmark = pytest.mark.anyio


@pytest.fixture
def fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return what was asked of the hub, which gives everything."""
    asked: list[str] = []

    class Store(ModelStore):
        def fetch_hub(self, spec: Hub, report: object = None) -> Path:
            asked.append("/".join(part for part in (spec.repo, spec.file) if part))
            return self.folder

    store = Store(tmp_path, Catalogue(()))
    monkeypatch.setattr(weights, "make_store", lambda _data: store)
    monkeypatch.setenv("ANSWERDESK__MODELS__EMBEDDER", "hub:maker/vectors")
    monkeypatch.setenv("ANSWERDESK__MODELS__SECOND_EMBEDDER", "hub:maker/more-vectors")
    monkeypatch.setenv("ANSWERDESK__MODELS__GENERATOR", "off")
    return asked


async def test_a_model_of_the_hub_is_fetched_by_its_name(fetched: list[str]) -> None:
    await weights.fetch("hub:maker/pairs", default=False, tests=False)
    await weights.fetch("hub:maker/words/small.gguf", default=False, tests=False)
    assert fetched == ["maker/pairs", "maker/words/small.gguf"]


async def test_the_configured_models_are_fetched(
    fetched: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    await weights.fetch("", default=True, tests=False)
    assert fetched == ["maker/vectors", "maker/more-vectors"]
    monkeypatch.setenv("ANSWERDESK__MODELS__SECOND_EMBEDDER", "off")
    await weights.fetch("", default=True, tests=False)
    assert fetched[2:] == ["maker/vectors"]


async def test_what_cannot_be_fetched_is_said(fetched: list[str]) -> None:
    with pytest.raises(Failed, match="'path:/srv/pairs' is nothing to fetch"):
        await weights.fetch("path:/srv/pairs", default=False, tests=False)
    with pytest.raises(UnknownModel, match="No model is named 'pairs'"):
        await weights.fetch("pairs", default=False, tests=False)
    assert fetched == []
