"""Whatever programs send, nothing ends in an error of ours: schemathesis on a real base."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.core.result import Ok
from starlette.types import ASGIApp

from console.knowledge import Editing
from tests.console.conftest import Builder, records_of
from tests.console.fakes import ANSWERS, FAQ_QUESTION, ScriptedDesk
from tests.console.served import served
from tests.console.uploads import upload_desk
from tests.fakes import WordEmbedder
from tests.kb.workshop import InProcess, library_of, workshop

pytestmark = pytest.mark.slow

_CASES = 25
"""Of each operation, as many that the schema allows and as many that it does not."""


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve a console over a knowledge base with a conversation and a proposal."""
    folder: Path = tmp_path_factory.mktemp("shop")

    @asynccontextmanager
    async def console(_urls: Sequence[str]) -> AsyncIterator[Sequence[ASGIApp]]:
        async with (
            workshop(folder, WordEmbedder(), parser=InProcess()) as shop,
            upload_desk(shop) as desk,
        ):
            await shop.put(faq="Q: May I return it?\nA: Within 30 days.")
            await shop.conversations.record(
                FAQ_QUESTION, ANSWERS[FAQ_QUESTION], chat="api:a", channel="web"
            )
            app = Builder(ScriptedDesk(), records_of(shop.database), shop.database).build(
                editing=Editing(shop.entries, shop.releases),
                questions=library_of(shop).questions,
                uploads=desk,
            )
            yield (app,)

    with served(console) as (address,):
        yield address


def test_nothing_that_is_sent_ends_in_an_error_of_ours(url: str) -> None:
    described = requests.get(f"{url}/api/v1/openapi.json", timeout=60).json()
    found = schemathesis.openapi.from_dict(described).get_all_operations()
    operations = [one.ok() for one in found if isinstance(one, Ok)]
    assert len(operations) == 19
    sent = 0
    for operation in operations:
        for mode in schemathesis.GenerationMode:

            @settings(
                max_examples=_CASES,
                deadline=None,
                derandomize=True,
                database=None,
                suppress_health_check=list(HealthCheck),
            )
            @given(case=operation.as_strategy(generation_mode=mode))
            def send(case: Any) -> None:
                nonlocal sent
                response = case.call(base_url=url, timeout=60)
                sent += 1
                assert response.status_code < 500, (case.as_curl_command(), response.content)

            send()
    assert sent > 17 * _CASES
