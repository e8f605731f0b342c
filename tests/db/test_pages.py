from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from db.base import Base, Database, create_engine, database_url
from db.pages import PageRepository, PageState

pytestmark = pytest.mark.anyio


@pytest.fixture
async def pages(tmp_path: Path) -> AsyncIterator[PageRepository]:
    engine = create_engine(database_url("", tmp_path))
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    yield PageRepository(Database(engine))
    await engine.dispose()


async def test_the_pages_of_a_source_are_replaced_as_a_whole(pages: PageRepository) -> None:
    first = PageState("http://a/1", "a/1.html", "ab" * 32, '"etag"', "yesterday", 1)
    second = PageState("http://a/2", "a/2.html")
    await pages.replace("a", [first, second])
    await pages.replace("b", [first])
    assert await pages.list("a") == {"http://a/1": first, "http://a/2": second}
    await pages.replace("a", [second])
    assert await pages.list("a") == {"http://a/2": second}
    assert await pages.list("b") == {"http://a/1": first}
