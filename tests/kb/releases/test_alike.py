"""Open questions that ask the same are one line of the operators' list."""

from collections.abc import Sequence

import pytest

from core.errors import ModelUnavailable
from core.types import Matrix
from kb.releases.alike import Alike
from tests.fakes import WordEmbedder

pytestmark = pytest.mark.anyio


async def test_wordings_that_mean_the_same_are_together() -> None:
    alike = Alike(WordEmbedder())
    groups = await alike.group(
        ["Do you repair lamps?", "Opening hours", "repair lamps, do you", "OPENING  hours?"]
    )
    assert groups == [[0, 2], [1, 3]]


async def test_a_question_is_embedded_once() -> None:
    embedder = WordEmbedder()
    alike = Alike(embedder)
    await alike.group(["Opening hours?", "opening hours"])
    await alike.group(["Opening hours", "Where are you?"])
    assert len(embedder.embedded) == 2


async def test_others_come_by_nearness() -> None:
    others = ["Where are you?", "Do you sell lamps?", "Do you repair chairs and lamps?"]
    found = await Alike(WordEmbedder()).by_nearness("Do you repair lamps?", others)
    assert [place for place, _ in found] == [2, 1, 0]
    assert found[0][1] > 0.5 > found[2][1]
    assert await Alike(WordEmbedder()).by_nearness("Lamps?", []) == []


async def test_nothing_is_no_group() -> None:
    assert await Alike(WordEmbedder()).group([]) == []


async def test_without_the_model_equal_wordings_are_together() -> None:
    class Down(WordEmbedder):
        async def embed_queries(self, texts: Sequence[str]) -> Matrix:
            raise ModelUnavailable("down")

    assert await Alike(Down()).group(["Is it new?", "new is it", "is it new"]) == [[0, 2], [1]]
