from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from db.pages import PageRepository, PageState
from tests.database import empty_database

pytestmark = pytest.mark.anyio


@pytest.fixture
async def pages(tmp_path: Path) -> AsyncIterator[PageRepository]:
    async with empty_database(tmp_path) as database:
        yield PageRepository(database)


async def test_the_pages_of_a_source_are_replaced_as_a_whole(pages: PageRepository) -> None:
    first = PageState("http://a/1", "a/1.html", "ab" * 32, '"etag"', "yesterday", 1)
    second = PageState("http://a/2", "a/2.html")
    await pages.replace("a", [first, second])
    await pages.replace("b", [first])
    assert await pages.list("a") == {"http://a/1": first, "http://a/2": second}
    await pages.replace("a", [second])
    assert await pages.list("a") == {"http://a/2": second}
    assert await pages.list("b") == {"http://a/1": first}
