"""An evaluation goes through the service's own objects, and can be broken off."""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pytest

from core.types import Answer, Chunk, Vector
from evaluation.evalset import EvalQuestion, EvalSet
from evaluation.evaluate import Checked, evaluate, summarise
from evaluation.hallucinations import inventions
from evaluation.metrics import Outcome
from evaluation.probe import Probe
from kb.answering.answerer import Answerer, Policy
from kb.answering.reply import Replier
from kb.index.table import RowSet
from tests.fakes import DefaultRanker, WordEmbedder

pytestmark = pytest.mark.anyio

TEXTS = {
    "fees": "The yearly fee is 40 euros.",
    "hours": "The workshop opens at nine.",
    "rhine": "The Rhine flows through Basel.",
}


@dataclass(frozen=True)
class Row:
    chunk: Chunk
    text: str
    score: float
    role: str = "passage"


class Base:
    """A knowledge base in memory, which is its own view."""

    release = 1

    async def view(self) -> "Base":
        return self

    async def search_dense(
        self, vector: Vector, k: int, *, today: str = "", rows: RowSet = "own"
    ) -> Sequence[Row]:
        found = [
            Row(
                Chunk(f"id-{name}", "texts.md", "passage", text, entry_id=name, language="en"),
                text,
                float(vector @ (await WordEmbedder().embed_passages([text]))[0]),
            )
            for name, text in TEXTS.items()
        ]
        return sorted(found, key=lambda row: -row.score)

    async def search_text(
        self, text: str, k: int, *, today: str = "", rows: RowSet = "own"
    ) -> Sequence[Row]:
        return await self.search_dense(np.ones(64, np.float32), k)

    async def count(self) -> int:
        return len(TEXTS)

    async def objections(self, vector: Vector) -> Mapping[str, float]:
        return {}


def question(text: str, *labels: str, without: str = "") -> EvalQuestion:
    left_out = frozenset({without} if without else ())
    return EvalQuestion(text, text, frozenset(labels), ("40 euros",), "en", left_out)


async def run(
    questions: Sequence[EvalQuestion], known: Mapping[str, Outcome] | None = None, answers: int = 0
) -> tuple[list[Outcome], list[str]]:
    """Return the outcomes and the ids of the questions that were asked."""
    probe = Probe(WordEmbedder(), Base(), DefaultRanker(), by_document=False)
    policy = Policy(0.0, 0.0, 200, "Acme", "en")
    answerer = Answerer(
        probe, Replier(), None, policy=policy, today=lambda: datetime.date(2026, 11, 22)
    )

    async def nothing_wrong(question: str, answer: Answer) -> Checked:
        return Checked()

    asked: list[str] = []
    outcomes = await evaluate(
        EvalSet("set", {}, tuple(questions), by_document=False),
        probe=probe,
        answerer=answerer,
        quick=answerer,
        answers=answers,
        check_reply=nothing_wrong,
        known=known or {},
        on_outcome=lambda outcome: asked.append(outcome.question_id),
    )
    return outcomes, asked


FEE = question("How high is the yearly fee?", "fees")


async def test_what_answers_is_found_and_quoted() -> None:
    (outcome,), _ = await run([FEE])
    assert outcome.found[0] == "fees"
    assert outcome.kind == "quoted"
    assert summarise("set", [outcome], answer_at=0.5).answer_contains_gold == 1


async def test_a_text_that_is_left_out_is_left_out_for_its_question_alone() -> None:
    (without, after), _ = await run([question("The yearly fee?", without="fees"), FEE])
    assert "fees" not in (*without.found, *without.dense, *without.text_search)
    assert after.found[0] == "fees"


async def test_known_outcomes_are_not_asked_for_again() -> None:
    outcomes, _ = await run([FEE])
    kept = Outcome.from_json(outcomes[0].to_json())
    assert kept == outcomes[0]
    again, asked = await run([FEE, question("Opening?", "hours")], {FEE.question_id: kept})
    assert asked == ["Opening?"]
    assert again[0] == kept


async def test_a_quoted_outcome_is_asked_for_again_if_it_is_to_be_written_now() -> None:
    (outcome,), _ = await run([FEE])
    quoted = replace(outcome, written=False)
    _, asked = await run([FEE], {FEE.question_id: quoted})
    assert asked == [FEE.question_id]


async def test_only_so_many_replies_are_written() -> None:
    outcomes, _ = await run([FEE, question("Opening?", "hours")], answers=1)
    assert sorted(outcome.written for outcome in outcomes) == [False, True]
    assert summarise("set", outcomes, answer_at=0.5).answers == 1


async def test_accuracy_is_given_where_so_many_of_the_rest_are_refused() -> None:
    (right,), _ = await run([FEE])
    strange = [
        replace(right, question_id=str(n), relevant=frozenset(), confidence=n / 10)
        for n in range(10)
    ]
    outcomes = [replace(right, confidence=0.75), replace(right, confidence=0.95), *strange]
    result = summarise("set", outcomes, answer_at=0.5, oos_recall=0.5)
    assert result.accuracy_at_oos_recall == {"0.5": 1.0, "0.8": 1.0, "0.9": 0.5}
    assert summarise("set", [right], answer_at=0.5).accuracy_at_oos_recall == {}


async def test_the_parts_alone_are_the_baselines() -> None:
    outcomes, _ = await run([FEE])
    result = summarise("set", outcomes, answer_at=0.5)
    assert result.baselines["dense"] == (1.0, 1.0)
    assert set(result.baselines) == {"dense", "bm25", "rrf"}


PASSAGE = "Anna Berg founded the shop in 1998 with three friends. See https://shop.example/help."


@pytest.mark.parametrize(
    "reply",
    [
        "Anna Berg founded it in 1998.",
        "It was founded with 3 friends.",
        "More is at https://shop.example/help.",
        "In Leipzig the shop has 3 friends.",
    ],
)
def test_what_stands_in_the_passage_or_as_a_name_in_the_question_is_no_invention(
    reply: str,
) -> None:
    assert inventions(reply, [PASSAGE], "What about Leipzig in 1997?") == []


@pytest.mark.parametrize(
    ("reply", "found"),
    [
        ("It was founded in 1997.", ["1997"]),
        ("It has 19 friends.", ["19"]),
        ("Write to help@shop.example now.", ["help@shop.example"]),
        ("It was founded by Clara.", ["Clara"]),
    ],
)
def test_what_the_passage_does_not_say_is_an_invention(reply: str, found: list[str]) -> None:
    assert inventions(reply, [PASSAGE], "What about Leipzig in 1997?") == found
