"""Entries and passages in one order; the reader and the base's own questions have their say."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit

from core.types import Chunk
from kb.ranking.calibration import Linear
from kb.ranking.candidates import Reading
from kb.ranking.evidence import CERTAINTY, FEATURES
from kb.ranking.kernel import CONFIDENCE, EVIDENCE, Models
from kb.ranking.leave_one_out import LeaveOneOut
from kb.ranking.own_questions import OwnQuestions
from kb.ranking.ranker import Ranked, Ranker, Weights
from kb.ranking.retriever import Retriever
from kb.ranking.training_rows import TrainingSet
from tests.fakes import WordEmbedder
from tests.kb.ranking.memory import Found, MemoryIndex, ScriptedReader, base, entry, page

pytestmark = pytest.mark.anyio


def by(names: Sequence[str], bias: float = 0.0, **weights: float) -> Linear:
    """Return a sum of a few named features."""
    values = np.asarray([weights.get(name, 0.0) for name in names])
    return Linear(np.zeros(len(names)), np.ones(len(names)), values, bias)


WEIGHTS = Weights(
    order=by(FEATURES, -5.0, stated=10.0),
    certain=by(CERTAINTY, score=1.0),
    read_order=by((*FEATURES, "whole", "sentence"), -0.5, stated=1.0, whole=0.5, sentence=0.5),
    read_certain=by(CERTAINTY, 0.5, score=1.0),
)
"""Log-odds of the search: ten times the nearness of what is stated, less 5."""


def rows(*nearness: tuple[Chunk, float]) -> list[Found]:
    roles = {"faq": "answer", "passage": "passage"}
    found = [Found(c, c.text, roles[c.kind], score) for c, score in nearness]  # type: ignore[arg-type]
    return sorted(found, key=lambda row: -row.score)


async def rank(
    *nearness: tuple[Chunk, float], question: str = "how?", own: OwnQuestions | None = None
) -> Ranked:
    """Rank chunks of which the statements are so near."""
    found = rows(*nearness)
    vector = await WordEmbedder().embed_query(question)
    passages = [row for row in found if row.chunk.kind == "passage"]
    ranker = Ranker(WEIGHTS, own=own)
    return ranker.rank(question, vector, own=passages, stated=found, text=[])


def ids(ranked: Ranked) -> list[str]:
    return [candidate.chunk.chunk_id for candidate in ranked.candidates]


def says(*log_odds: float) -> list[Reading]:
    return [Reading(value, (("", value),)) for value in log_odds]


# --- the search --------------------------------------------------------------------------------


async def test_the_same_in_another_language_takes_nothing_from_how_sure_a_text_is() -> None:
    weights = replace(WEIGHTS, certain=by(CERTAINTY, share=4.0))
    vector = await WordEmbedder().embed_query("how?")

    def sure(language: str) -> float:
        best, twin = replace(page(0, "a"), language="en"), replace(page(1, "b"), language=language)
        found = rows((best, 0.7), (twin, 0.7))
        return Ranker(weights).rank("how?", vector, own=found, stated=found, text=[]).probability

    assert sure("de") > sure("en")


@pytest.mark.parametrize(
    ("text", "near", "rivals"),
    [
        ("Job: Nest; June: £69\nJob: Hive; June: £99", 0.7, False),
        ("Job: Nest; June: £69\nJob: Hive; June: £99", 0.4, True),  # likely no answer
        ("We close. You wait.", 0.7, True),
    ],
)
async def test_the_rest_of_a_table_takes_nothing_from_how_sure_a_piece_is(
    text: str, near: float, rivals: bool
) -> None:
    weights = replace(WEIGHTS, certain=by(CERTAINTY, share=4.0))
    vector = await WordEmbedder().embed_query("how?")
    first = replace(page(0, text), title="Prices › Nests")

    def sure(title: str) -> float:
        rest = replace(page(1, f"{text} So."), doc_id=first.doc_id, title=title)
        found = rows((first, near), (rest, near))
        return Ranker(weights).rank("how?", vector, own=found, stated=found, text=[]).probability

    assert (sure(first.title) > sure("Prices › Hives")) is not rivals


async def test_entries_and_passages_are_on_one_scale() -> None:
    ranked = await rank((entry(0, "a?"), 0.7), (page(1, "b"), 0.7))
    assert ranked.scores == pytest.approx([2.0, 2.0])


@pytest.mark.parametrize(("entry_near", "first"), [(0.8, "c0"), (0.6, "p1")])
async def test_the_better_one_comes_first_whatever_it_is(entry_near: float, first: str) -> None:
    ranked = await rank((entry(0, "a?"), entry_near), (page(1, "b"), 0.7))
    assert ids(ranked)[0] == first
    assert ranked.probability == pytest.approx(expit(ranked.scores)[0])
    assert not ranked.settled


async def test_nothing_found_has_no_probability_and_nothing_to_read() -> None:
    ranked = await rank()
    assert ranked.candidates == ()
    assert (ranked.probability, ranked.settled, ranked.hits()) == (0.0, True, [])


async def test_hits_have_the_best_ones_probability_and_their_shares_of_the_odds() -> None:
    hits = (await rank((page(0, "a"), 0.8), (page(1, "b"), 0.79), (page(2, "c"), 0.4))).hits()
    assert [hit.chunk.chunk_id for hit in hits] == ["p0", "p1", "p2"]
    assert [hit.score for hit in hits] == pytest.approx([0.8, 0.79, 0.4])
    assert hits[0].probability == pytest.approx(float(expit(np.asarray(3.0))))
    odds = np.exp([3.0, 2.9, -1.0])
    assert [hit.probability for hit in hits[1:]] == pytest.approx((odds / odds.sum())[1:])


async def test_where_none_is_probable_the_others_are_as_near_to_the_best_as_their_odds() -> None:
    first, second = (await rank((page(0, "a"), 0.3), (page(1, "b"), 0.29))).hits()
    assert first.probability == pytest.approx(float(expit(np.asarray(-2.0))))
    assert second.probability == pytest.approx(first.probability * float(np.exp(-0.1)))


# --- the reader --------------------------------------------------------------------------------


async def test_the_reader_can_reorder() -> None:
    ranked = await rank((entry(0, "a?"), 0.8), (page(1, "b"), 0.7), (page(2, "c"), 0.6))
    assert ids(ranked) == ["c0", "p1", "p2"]
    read = Ranker(WEIGHTS).read(ranked, says(-2.0, 1.0, 0.0))
    assert ids(read) == ["p1", "p2", "c0"]
    assert read.scores == pytest.approx([1.2, 0.1, -1.7])
    assert read.probability == pytest.approx(float(expit(np.asarray(0.5 + 1.2))))


async def test_only_what_was_read_is_left() -> None:
    ranked = await rank(*((page(n, f"page {n}"), 0.8 - n / 10) for n in range(4)))
    read = Ranker(WEIGHTS).read(ranked, says(0.0, 0.0))
    assert ids(read) == ["p0", "p1"]
    assert read.settled


# --- the base's own questions ------------------------------------------------------------------

WORDINGS = {
    "May I return it?": ("send it back", "return an item", "can it go back", "give it back"),
    "When do you open?": ("opening hours", "open on sunday", "are you open", "hours please"),
}


async def own_questions(wordings: int, *, sure: float = 0.0) -> tuple[OwnQuestions, list[Chunk]]:
    """Return what two entries of so many wordings say; `sure`: the log-odds of their best one."""
    chunks = [
        entry(number, question, *more[: wordings - 1])
        for number, (question, more) in enumerate(WORDINGS.items())
    ]
    texts = [text for chunk in chunks for text in (chunk.text, *chunk.variants)]
    owners = np.repeat(np.arange(len(chunks)), wordings)
    strange = ("tell me a joke", "is it raining")
    embedder = WordEmbedder()
    left_out = LeaveOneOut(
        TrainingSet(
            tuple(texts),
            await embedder.embed_queries(texts),
            owners,
            tuple(chunk.answer for chunk in chunks),
            strange,
            await embedder.embed_queries(strange),
        )
    )
    models = Models(by(EVIDENCE, kernel=20.0), by(CONFIDENCE, sure))
    numbers = {chunk.chunk_id: number for number, chunk in enumerate(chunks)}
    return OwnQuestions(left_out.kernel(), models, numbers), chunks


@pytest.mark.parametrize(("wordings", "weight"), [(1, 0.0), (2, 1 / 144), (5, 1 / 9)])
async def test_the_weight_of_own_questions_is_by_their_wordings(
    wordings: int, weight: float
) -> None:
    own, _ = await own_questions(wordings)
    assert own.weight == pytest.approx(weight)


async def test_own_questions_count_more_with_more_wordings() -> None:
    question = "are you open on sunday, hours please"
    leads = []
    for wordings in (1, 2, 5):
        own, (returns, opening) = await own_questions(wordings)
        near = ((returns, 0.8), (opening, 0.79), (page(2, "c"), 0.6))
        ranked = await rank(*near, question=question, own=own)
        scores = dict(zip(ids(ranked), ranked.scores.tolist(), strict=True))
        said = dict(zip(ids(ranked), ranked.own.tolist(), strict=True))
        assert said["c1"] > said["c0"]
        assert np.isnan(said["p2"]), "own questions say nothing of a passage"
        assert scores["p2"] == pytest.approx(1.0)
        leads.append(scores["c1"] - scores["c0"])
    assert leads[0] == pytest.approx(-0.1), "one wording leaves the order to the search"
    assert leads[0] < leads[1] < leads[2]
    assert leads[2] > 0


async def test_own_questions_keep_their_weight_when_the_reader_has_read() -> None:
    own, (returns, opening) = await own_questions(5)
    near = ((returns, 0.8), (opening, 0.79))
    ranked = await rank(*near, question="are you open on sunday", own=own)
    assert ids(ranked) == ["c1", "c0"]
    says_returns = says(0.0, 0.5)
    assert ids(Ranker(WEIGHTS).read(ranked, says_returns)) == ["c0", "c1"]
    assert ids(Ranker(WEIGHTS, own=own).read(ranked, says_returns)) == ["c1", "c0"]


@pytest.mark.parametrize(("sure", "times"), [(0.0, 2), (5.0, 0)])
async def test_what_the_bases_own_questions_settle_is_not_read(sure: float, times: int) -> None:
    own, chunks = await own_questions(5, sure=sure)

    class Trained:
        async def ranker(self, release: int) -> Ranker:
            return Ranker(WEIGHTS, own=own)

    reader = ScriptedReader("open")
    retriever = Retriever(
        WordEmbedder(), MemoryIndex(await base(*chunks)).view, Trained().ranker, reader=reader
    )
    found = await retriever.retrieve("are you open on sunday then")
    assert found.hits[0].chunk.text == "When do you open?"
    assert len(reader.read_texts) == times  # wholes, then sentences


async def test_an_entry_that_own_questions_do_not_know_leaves_the_search_to_decide() -> None:
    own, (returns, _) = await own_questions(5)
    near = ((returns, 0.7), (replace(entry(9, "New?"), chunk_id="new"), 0.8))
    ranked = await rank(*near, question="return an item", own=own)
    assert np.isnan(ranked.own).all()
    assert ids(ranked) == ["new", "c0"]
