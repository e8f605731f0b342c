"""Fixtures that every part of the tests shares."""

import pytest

from tests.fakes import WordEmbedder


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def embedder() -> WordEmbedder:
    return WordEmbedder()
