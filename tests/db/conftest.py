"""An empty database with all tables."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from db.base import Database
from tests.database import empty_database


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with empty_database(tmp_path) as opened:
        yield opened
