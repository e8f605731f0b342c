from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest

from core.types import Chunk, Vector
from kb.retrieve import DefaultRanker, Retriever
from tests.fakes import WordEmbedder

pytestmark = pytest.mark.anyio


@dataclass(frozen=True)
class Found:
    chunk: Chunk
    text: str
    score: float


class MemoryView:
    """A release in a list."""

    release = 7

    def __init__(self, rows: Sequence[tuple[Chunk, str, Vector]]) -> None:
        self.rows = rows
        self.days: list[str] = []

    async def search_dense(self, vector: Vector, k: int, *, today: str = "") -> list[Found]:
        self.days.append(today)
        hits = [Found(c, t, float(v @ vector)) for c, t, v in self.rows]
        return sorted(hits, key=lambda hit: -hit.score)[:k]

    async def objections(self, vector: Vector) -> dict[str, float]:
        return {}

    async def search_text(self, text: str, k: int, *, today: str = "") -> list[Found]:
        self.days.append(today)
        asked = set(text.split())
        hits = [Found(c, t, float(len(asked & set(t.split())))) for c, t, _ in self.rows]
        return [hit for hit in hits if hit.score][:k]


class MemoryIndex:
    def __init__(self, view: MemoryView) -> None:
        self._view = view

    async def view(self) -> MemoryView:
        return self._view


async def shop(*entries: Sequence[str]) -> MemoryView:
    embedder = WordEmbedder()
    rows = []
    for number, texts in enumerate(entries):
        chunk = Chunk(f"c{number}", "faq.csv", "faq", texts[0], "Yes.", tuple(texts[1:]))
        rows += [(chunk, text, await embedder.embed_query(text)) for text in texts]
    return MemoryView(rows)


async def test_the_variants_of_an_entry_are_one_hit() -> None:
    view = await shop(
        ["reset my password", "i forgot my password", "password lost"], ["opening hours"]
    )
    retriever = Retriever(WordEmbedder(), MemoryIndex(view), DefaultRanker())
    found = await retriever.retrieve("how do i reset my password")
    assert [hit.chunk.chunk_id for hit in found.hits] == ["c0", "c1"]
    assert found.answerable == found.hits[0].probability
    assert found.release == 7
    assert set(found.timings_ms) == {"embed", "search", "decide"}
    assert found.vector == pytest.approx(
        await WordEmbedder().embed_query("how do i reset my password")
    )


async def test_the_day_reaches_both_searches() -> None:
    view = await shop(["reset my password"])
    retriever = Retriever(WordEmbedder(), MemoryIndex(view), DefaultRanker())
    await retriever.retrieve("password", today="2026-11-30")
    assert view.days == ["2026-11-30", "2026-11-30"]


async def test_only_the_most_probable_are_returned() -> None:
    view = await shop(*[[f"question number {i}"] for i in range(20)])
    retriever = Retriever(WordEmbedder(), MemoryIndex(view), DefaultRanker())
    found = await retriever.retrieve("question number 4", k=3)
    assert len(found.hits) == 3
    assert found.hits[0].chunk.text == "question number 4"


async def test_an_empty_knowledge_base_answers_nothing() -> None:
    retriever = Retriever(WordEmbedder(), MemoryIndex(MemoryView([])), DefaultRanker())
    found = await retriever.retrieve("anything")
    assert found.hits == ()
    assert found.answerable == 0
    assert np.isclose(np.linalg.norm(found.vector), 1)


async def test_an_entrys_own_question_is_certain_whatever_its_case() -> None:
    view = await shop(["Do you sell kayaks?"], ["Do you sell bikes?"])
    retriever = Retriever(WordEmbedder(), MemoryIndex(view), DefaultRanker())
    found = await retriever.retrieve("do you  SELL kayaks?")
    assert found.hits[0].chunk.text == "Do you sell kayaks?"
    assert found.answerable >= 0.99
