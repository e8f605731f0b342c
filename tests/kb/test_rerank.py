"""The best passages are read once more; who fails or is late changes nothing (kb/rerank.py)."""

import asyncio
from collections.abc import Sequence

import pytest

from core.errors import ModelUnavailable
from core.types import Chunk, Prompt
from kb.prompt import build_prompt, passage_of
from kb.rerank import CANDIDATES, ByCrossEncoder, ByLikelihood, Rerank

pytestmark = pytest.mark.anyio

CHUNKS = [
    Chunk(f"p{n}", "d", "passage", f"Page {n}.", title="Guide", language="en") for n in range(12)
]


class Reads:
    """Gives scores from a list, or fails."""

    odds = (0.5, -0.25)

    def __init__(self, *scores: float, error: Exception | None = None, late: bool = False) -> None:
        self._scores = scores
        self._error = error
        self._late = late
        self.read_chunks: list[Chunk] = []

    async def read(self, question: str, chunks: Sequence[Chunk]) -> Sequence[float]:
        self.read_chunks = list(chunks)
        if self._late:
            await asyncio.Event().wait()
        if self._error:
            raise self._error
        return self._scores


async def test_scores_count_in_standard_deviations() -> None:
    for scale in (1.0, 1000.0):
        rerank = Rerank(Reads(1 * scale, 3 * scale), weight=2.0, timeout_s=9)
        opinion = await rerank.opinion("?", CHUNKS[:2])
        assert opinion is not None
        assert opinion.likes == {"p0": -2.0, "p1": 2.0}
        assert opinion.surer == {"p0": -scale - 0.25, "p1": scale - 0.25}  # half of what is between


async def test_only_the_best_are_read() -> None:
    reads = Reads(*range(CANDIDATES))
    opinion = await Rerank(reads, weight=1, timeout_s=9).opinion("?", CHUNKS)
    assert reads.read_chunks == CHUNKS[:CANDIDATES]
    assert opinion is not None
    assert len(opinion.likes) == len(opinion.surer) == CANDIDATES


@pytest.mark.parametrize(
    "reads",
    [
        Reads(error=ModelUnavailable("The model 'reranker' is not ready: it is loading.")),
        Reads(late=True),
        Reads(1.0, 1.0),
        Reads(1.0, float("nan")),
    ],
    ids=["down", "late", "no difference", "no number"],
)
async def test_a_model_that_cannot_tell_changes_nothing(reads: Reads) -> None:
    rerank = Rerank(reads, weight=1, timeout_s=0.01)
    assert await rerank.opinion("?", CHUNKS[:2]) is None
    assert len(reads.read_chunks) == 2


async def test_one_passage_needs_no_second_opinion() -> None:
    reads = Reads(1.0)
    assert await Rerank(reads, weight=1, timeout_s=9).opinion("?", CHUNKS[:1]) is None
    assert reads.read_chunks == []


async def test_a_cross_encoder_reads_what_replies_are_written_from() -> None:
    class Reranker:
        name = "pairs"

        async def scores(self, question: str, texts: Sequence[str]) -> Sequence[float]:
            asked.append((question, list(texts)))
            return [0.5, 0.25]

    asked: list[tuple[str, list[str]]] = []
    assert await ByCrossEncoder(Reranker()).read("Which page?", CHUNKS[:2]) == [0.5, 0.25]
    assert asked == [("Which page?", [passage_of(chunk) for chunk in CHUNKS[:2]])]
    assert asked[0][1][0] == "Guide\nPage 0."


class Scorer:
    """Finds each prompt less likely than the one before."""

    def __init__(self) -> None:
        self.prompts: list[Prompt] = []

    async def likelihood(self, prompt: Prompt) -> float:
        self.prompts.append(prompt)
        return -float(len(self.prompts))


async def test_within_a_language_the_generator_is_not_asked() -> None:
    scorer = Scorer()
    rerank = Rerank(ByLikelihood(scorer), weight=1, timeout_s=9)
    assert await rerank.opinion("On which page does the guide say that?", CHUNKS[:2]) is None
    assert scorer.prompts == []
    opinion = await rerank.opinion("哪一页？", CHUNKS[:2])
    assert opinion is not None
    assert opinion.likes == {"p0": 1.0, "p1": -1.0}
    assert opinion.surer == pytest.approx({"p0": 1.3, "p1": -2.7})


async def test_the_likelihood_is_of_the_question_after_the_prompt_of_a_reply() -> None:
    scorer = Scorer()
    assert await ByLikelihood(scorer).read("哪一页？", CHUNKS[:2]) == [-1.0, -2.0]
    reply = build_prompt("哪一页？", [passage_of(CHUNKS[0])], "zh")
    assert scorer.prompts[0] == Prompt(
        reply.instructions, reply.passage, "问题： 哪一页？", ("p0",)
    )
    assert scorer.prompts[1].sources == ("p1",)
