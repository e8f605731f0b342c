"""Fixtures that every part of the tests shares."""

import asyncio
from collections.abc import Callable

import pytest

from models.llama.amx import refuse_amx
from tests.fakes import WordEmbedder


def pytest_sessionstart() -> None:
    """Refuse AMX before a test imports torch, which asks for it on behalf of llama.cpp, too."""
    refuse_amx()


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def passes(anyio_backend: str, monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Seconds that pass on the event loop's clock at once, for time limits without waiting."""
    loop = asyncio.get_running_loop()
    real, ahead = loop.time, 0.0

    def ahead_by(seconds: float) -> None:
        nonlocal ahead
        ahead += seconds

    monkeypatch.setattr(loop, "time", lambda: real() + ahead)
    return ahead_by


@pytest.fixture
def embedder() -> WordEmbedder:
    return WordEmbedder()
