"""Fixtures that every part of the tests shares."""

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
def embedder() -> WordEmbedder:
    return WordEmbedder()
