from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest

from core.types import Chunk, Vector
from kb.passages import Opinion
from kb.ranking.retriever import DefaultRanker, Retriever
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


class Likes:
    """A second opinion that likes one passage."""

    def __init__(self, liked: str, surer: float = 0.0) -> None:
        self._liked = liked
        self._surer = surer
        self.read: list[str] = []

    async def opinion(self, question: str, chunks: Sequence[Chunk]) -> Opinion | None:
        self.read = [chunk.chunk_id for chunk in chunks]
        if self._liked not in self.read:
            return None
        others = dict.fromkeys(self.read, 0.0)
        return Opinion(others | {self._liked: 99.0}, others | {self._liked: self._surer})


async def manual(*texts: str, entry: str = "") -> MemoryView:
    embedder = WordEmbedder()
    chunks = [Chunk(f"p{n}", "manual.md", "passage", text) for n, text in enumerate(texts)]
    if entry:
        chunks.append(Chunk("e", "faq.csv", "faq", entry, "Yes."))
    return MemoryView([(c, c.text, await embedder.embed_query(c.text)) for c in chunks])


PAGES = ("the red kettle holds two litres", "the red kettle is loud", "parcels are sent on mondays")


async def test_the_passage_that_a_second_opinion_likes_comes_first_and_is_judged_itself() -> None:
    view = await manual(*PAGES)
    retriever = Retriever(WordEmbedder(), MemoryIndex(view), DefaultRanker())
    first = await retriever.retrieve("how many litres holds the kettle")
    assert [hit.chunk.chunk_id for hit in first.hits] == ["p0", "p1", "p2"]
    retriever.second_opinion = likes = Likes("p2")
    found = await retriever.retrieve("how many litres holds the kettle")
    assert likes.read == ["p0", "p1", "p2"]
    assert [hit.chunk.chunk_id for hit in found.hits] == ["p2", "p0", "p1"]
    assert found.answerable < 0.5 * first.answerable  # none of its words are asked for


async def test_a_second_opinion_that_agrees_changes_no_probability() -> None:
    view = await manual(*PAGES)
    retriever = Retriever(WordEmbedder(), MemoryIndex(view), DefaultRanker())
    first = await retriever.retrieve("how many litres holds the kettle")
    retriever.second_opinion = Likes("p0")
    assert (await retriever.retrieve("how many litres holds the kettle")).hits == first.hits


async def test_a_second_opinion_may_make_the_first_passage_surer() -> None:
    view = await manual(*PAGES)
    retriever = Retriever(WordEmbedder(), MemoryIndex(view), DefaultRanker())
    first = (await retriever.retrieve("how many litres holds the kettle")).answerable
    retriever.second_opinion = Likes("p0", surer=np.log(3))
    surer = (await retriever.retrieve("how many litres holds the kettle")).answerable
    assert surer / (1 - surer) == pytest.approx(3 * first / (1 - first), rel=1e-3)


async def test_nobody_is_asked_about_passages_where_an_entry_comes_first() -> None:
    view = await manual(*PAGES, entry="do you sell a loud kettle")
    retriever = Retriever(WordEmbedder(), MemoryIndex(view), DefaultRanker())
    retriever.second_opinion = likes = Likes("p1")
    found = await retriever.retrieve("do you sell a loud kettle")
    assert found.hits[0].chunk.chunk_id == "e"
    assert likes.read == []


async def test_without_an_opinion_the_first_order_stays() -> None:
    view = await manual(*PAGES)
    retriever = Retriever(WordEmbedder(), MemoryIndex(view), DefaultRanker())
    first = await retriever.retrieve("how many litres holds the kettle")
    retriever.second_opinion = Likes("not there")
    assert (await retriever.retrieve("how many litres holds the kettle")).hits == first.hits
