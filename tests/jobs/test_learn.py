import json
from collections.abc import Sequence

import numpy as np
import pytest

from core.types import Chunk
from jobs.evalset import EvalQuestion
from jobs.learn import (
    Example,
    Labelled,
    examples,
    learn_entries,
    learn_rows,
    to_json,
)
from jobs.learn_passages import Example as Judged
from jobs.learn_passages import examples_of, learn
from kb.calibrate import Linear
from kb.kernel import entry_evidence, sureness
from kb.rank import DEFAULTS, Defaults, Ranker
from kb.workshop import Base, Workshop
from tests.fakes import WordEmbedder
from tests.kb.test_retrieve import MemoryView

pytestmark = pytest.mark.anyio

THINGS = tuple(
    f"{colour} {thing}"
    for colour in ("red", "blue", "green", "black", "white", "grey")
    for thing in ("saddle", "helmet", "lamp", "chain", "pedal", "bell", "rack", "pump", "lock")
)
STRANGERS = tuple(f"who painted the {n} chapel ceiling" for n in ("first", "second", "third"))


def about(thing: str) -> str:
    return f"The {thing} is sold in our shop. Every {thing} may be returned within a month."


async def shelves() -> MemoryView:
    embedder = WordEmbedder()
    chunks = [
        Chunk(thing, f"{thing}.md", "passage", about(thing), entry_id=thing) for thing in THINGS
    ]
    return MemoryView([(c, c.text, await embedder.embed_query(c.text)) for c in chunks])


def asked(things: Sequence[str] = THINGS) -> list[EvalQuestion]:
    return [
        EvalQuestion(thing, f"may I return the {thing} to you", frozenset({thing}))
        for thing in things
    ]


async def looked(questions: Sequence[EvalQuestion]) -> list[Example]:
    return await examples(
        questions,
        view=await shelves(),
        embedder=WordEmbedder(),
        ranker=Ranker(Defaults.load()),
        kind="passage",
    )


async def test_each_question_is_asked_with_and_without_what_answers_it() -> None:
    with_it, without = await looked(asked(THINGS[:1]))
    assert [with_it.without, without.without] == [False, True]
    assert with_it.right.sum() == 1
    assert without.right.sum() == 0
    assert len(without.right) == len(with_it.right) - 1


async def test_questions_without_an_answer_and_rows_that_are_the_question_teach_nothing() -> None:
    own = EvalQuestion("own", about(THINGS[0]), frozenset({THINGS[0]}))
    unanswerable = EvalQuestion("none", "may I return the moon", frozenset())
    found = await looked([own, unanswerable])
    assert len(found) == 2
    assert not any(example.right.any() for example in found)


async def test_learned_weights_order_passages() -> None:
    found = await looked(asked())
    rows = learn_rows([found])
    firsts = [e.right[rows.score(e.evidence).argmax()] for e in found if not e.without]
    assert np.mean(firsts) > 0.9


async def judged(questions: Sequence[EvalQuestion]) -> list[Judged]:
    view, embedder, ranker = await shelves(), WordEmbedder(), Ranker(Defaults.load())
    return [
        example
        for question in questions
        for example in await examples_of(
            question, embedder=embedder, view=view, ranker=ranker, by_document=False
        )
    ]


async def test_a_passage_is_asked_for_in_a_whole_and_a_thinned_base_with_and_without_it() -> None:
    found = await judged(asked(THINGS[:1]))
    assert [(e.thinned, e.left_out, e.right) for e in found] == [
        (False, False, True),
        (False, True, False),
        (True, False, True),
        (True, True, False),
    ]


async def test_off_topic_messages_have_no_right_passage() -> None:
    found = await judged([EvalQuestion("off", STRANGERS[0], frozenset())])
    assert [(e.off_topic, e.right) for e in found] == [(True, False)] * 2


async def test_learned_weights_know_when_no_passage_answers() -> None:
    questions = [*asked(), *asked(), *(EvalQuestion("off", s, frozenset()) for s in STRANGERS)]
    found = await judged(questions)
    learned = learn({"shelves": found})
    assert set(learned) == {"spaced"}  # no example of the others
    sure: dict[bool, list[float]] = {False: [], True: []}
    for example in found:
        sure[example.right].append(float(learned["spaced"].probability(example.features[None])[0]))
    assert np.median(sure[True]) > 0.8 > 0.3 > np.median(sure[False])


async def test_entries_with_one_question_are_learned_from_the_sets_own_questions() -> None:
    embedder = WordEmbedder()
    base = Base(
        texts=tuple(f"how much is the {thing}" for thing in THINGS),
        vectors=await embedder.embed_queries([f"how much is the {thing}" for thing in THINGS]),
        owners=np.arange(len(THINGS)),
        answers=tuple(about(thing) for thing in THINGS),
        background=STRANGERS,
        background_vectors=await embedder.embed_queries(STRANGERS),
    )
    questions = tuple(f"price of a {thing} please" for thing in THINGS)
    vectors = await embedder.embed_queries(questions)
    models = learn_entries([Labelled(base, questions, vectors, np.arange(len(THINGS)))])
    workshop = Workshop(base)
    kernel, every = workshop.kernel(), np.arange(len(THINGS))
    right = []
    for number, (question, vector) in enumerate(zip(questions, vectors, strict=True)):
        votes = kernel.ask(question, vector, every)
        evidence = entry_evidence(votes, base.owners, every, np.ones(len(every), bool))
        scores = models.rank.score(evidence).astype(np.float32)
        features = sureness(votes, evidence, scores)
        right.append(scores.argmax() == number and models.sure.probability(features[None])[0] > 0.5)
    assert np.mean(right) > 0.9


def test_what_is_written_can_be_read_as_the_weights_that_ship() -> None:
    shipped = Defaults.load()
    values = to_json(
        "made",
        rows=shipped.rows,
        passages=shipped.passages,
        several=shipped.several,
        single=shipped.single,
    )
    stored = json.loads(DEFAULTS.read_text("utf-8"))
    assert values.keys() == stored.keys()
    assert {k: v for k, v in values.items() if k != "provenance"} == {
        k: v for k, v in stored.items() if k != "provenance"
    }
    assert Linear.from_json(values["rows"]["faq"]).to_json() == stored["rows"]["faq"]
