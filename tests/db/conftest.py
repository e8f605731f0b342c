"""An empty database with all tables, and what writes to it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from db.base import Database
from db.group_commit import GroupCommit
from tests.database import empty_database


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with empty_database(tmp_path) as opened:
        yield opened


@pytest.fixture
def writer(database: Database) -> GroupCommit:
    return database.writes
