"""An evaluation goes through the service's own objects."""

import datetime
from dataclasses import replace

import numpy as np
import pytest

from core.types import Answer, Chunk, Vector
from evaluation.evalset import EvalQuestion, EvalSet
from evaluation.evaluate import evaluate, summarise
from evaluation.metrics import Outcome
from evaluation.probe import Probe
from kb.answering.answerer import Answerer
from kb.answering.decision import Policy
from kb.answering.reply import Replier
from kb.index.table import RowHit, RowSet
from kb.index.view import View
from tests.fakes import DefaultRanker, WordEmbedder

pytestmark = pytest.mark.anyio

TEXTS = {
    "fees": "The yearly fee is 40 euros.",
    "hours": "The workshop opens at nine.",
    "rhine": "The Rhine flows through Basel.",
}


class Base(View):
    """A knowledge base in memory, which is its own view."""

    def __init__(self) -> None:
        super().__init__(None, 1)

    async def view(self) -> "Base":
        return self

    async def search_dense(
        self, vector: Vector, k: int, *, today: str = "", rows: RowSet = "own"
    ) -> list[RowHit]:
        found = [
            RowHit(
                Chunk(f"id-{name}", "texts.md", "passage", text, entry_id=name, language="en"),
                text,
                "passage",
                float(vector @ (await WordEmbedder().embed_passages([text]))[0]),
                name,
            )
            for name, text in TEXTS.items()
        ]
        return sorted(found, key=lambda row: -row.score)

    async def search_text(
        self, text: str, k: int, *, today: str = "", rows: RowSet = "own"
    ) -> list[RowHit]:
        return await self.search_dense(np.ones(64, np.float32), k)


def question(text: str, *labels: str, without: str = "") -> EvalQuestion:
    left_out = frozenset({without} if without else ())
    return EvalQuestion(text, text, frozenset(labels), ("40 euros",), left_out)


async def run(*questions: EvalQuestion) -> list[Outcome]:
    probe = Probe(WordEmbedder(), Base().view, DefaultRanker().ranker, by_document=False)
    policy = Policy(0.0, 0.0, 200, "Acme", "en")
    answerer = Answerer(
        probe, Replier(), None, policy=policy, today=lambda: datetime.date(2026, 11, 22)
    )

    async def nothing_wrong(answer: Answer) -> int:
        return 0

    return await evaluate(
        EvalSet("set", {}, tuple(questions), by_document=False),
        probe=probe,
        answerer=answerer,
        check_reply=nothing_wrong,
        on_outcome=lambda _: None,
    )


FEE = question("How high is the yearly fee?", "fees")


async def test_what_answers_is_found_and_quoted() -> None:
    (outcome,) = await run(FEE)
    assert outcome.found[0] == "fees"
    assert outcome.kind == "quoted"
    assert summarise("set", [outcome], answer_at=0.5).answer_contains_gold == 1


async def test_a_text_that_is_left_out_is_left_out_for_its_question_alone() -> None:
    without, after = await run(question("The yearly fee?", without="fees"), FEE)
    assert "fees" not in (*without.found, *without.dense, *without.text_search)
    assert after.found[0] == "fees"


async def test_accuracy_is_given_where_so_many_of_the_rest_are_refused() -> None:
    (right,) = await run(FEE)
    strange = [
        replace(right, question_id=str(n), relevant=frozenset(), confidence=n / 10)
        for n in range(10)
    ]
    outcomes = [replace(right, confidence=0.75), replace(right, confidence=0.95), *strange]
    result = summarise("set", outcomes, answer_at=0.5, oos_recall=0.5)
    assert result.accuracy_at_oos_recall == {"0.5": 1.0, "0.8": 1.0, "0.9": 0.5}
    assert summarise("set", [right], answer_at=0.5).accuracy_at_oos_recall == {}


async def test_the_parts_alone_are_the_baselines() -> None:
    outcomes = await run(FEE)
    result = summarise("set", outcomes, answer_at=0.5)
    assert result.baselines["dense"] == (1.0, 1.0)
    assert set(result.baselines) == {"dense", "bm25", "rrf"}
