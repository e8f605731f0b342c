import asyncio
import json
import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from core.errors import ModelUnavailable
from core.types import Chunk, Matrix, Vector
from kb.ranking import second as second_module
from kb.ranking import training
from kb.ranking.pair import between, paired
from kb.ranking.retriever import Retriever
from kb.ranking.second import SecondEmbedder
from kb.ranking.training import Trainer
from tests.fakes import WordEmbedder, words
from tests.kb.ranking.bases import BaseIndex, entry, make_base

pytestmark = pytest.mark.anyio

SAME = (
    "parcel package shipment delivery box",
    "refund reimbursement repayment compensation cashback",
    "broken defective faulty damaged cracked",
    "invoice receipt bill statement paperwork",
)
FRAMES = (
    "where is my {}",
    "what about the {} of last week",
    "I still wait for my {}",
    "please tell me about a {}",
    "is there a {} for me",
)


class Thesaurus(WordEmbedder):
    """Knows which words mean the same, as the first embedder does not."""

    name = "fake-thesaurus"

    def __init__(self, fingerprint: str = "fake-thesaurus-1") -> None:
        super().__init__(fingerprint)
        self.asked: list[str] = []

    async def embed_query(self, text: str) -> Vector:
        self.asked.append(text)
        return await super().embed_query(text)

    def _embed(self, text: str) -> Vector:
        first = {word: line.split()[0] for line in SAME for word in line.split()}
        return super()._embed(" ".join(first.get(word, word) for word in words(text)))


class Noise(WordEmbedder):
    """Says nothing about what texts mean."""

    def _embed(self, text: str) -> Vector:
        return super()._embed(text.replace(" ", ""))


class Down(WordEmbedder):
    async def embed_query(self, text: str) -> Vector:
        raise ModelUnavailable("The model is down.")

    async def embed_passages(self, texts: Sequence[str]) -> Matrix:
        raise ModelUnavailable("The model is down.")


class Late(WordEmbedder):
    async def embed_query(self, text: str) -> Vector:
        await asyncio.Event().wait()
        raise AssertionError


def shop() -> list[Chunk]:
    """Four entries; each question uses another word for what it is about."""
    chunks = []
    for line in SAME:
        texts = [
            frame.format(word)
            for place, word in enumerate(line.split()[:-1])
            for frame in (*FRAMES[place:], *FRAMES[:place])[:3]
        ]
        chunks.append(entry(texts[0], texts[1:]))
    return chunks


UNHEARD = "what about the cashback of last week"
"""Its word stands nowhere in the base; the thesaurus knows it."""


async def _trained(
    folder: Path, embedder: WordEmbedder, index: BaseIndex
) -> tuple[Trainer, Retriever]:
    second = SecondEmbedder(embedder, folder)
    trainer = Trainer(index.view, WordEmbedder(), folder, second=second)
    await trainer.train(1)
    return trainer, Retriever(WordEmbedder(), index.view, trainer.ranker, second)


async def test_a_second_embedder_that_knows_more_finds_more(tmp_path: Path) -> None:
    index = await make_base(shop())
    alone = Trainer(index.view, WordEmbedder(), tmp_path / "alone")
    await alone.train(1)
    trainer, both = await _trained(tmp_path / "both", Thesaurus(), index)
    assert (await trainer.ranker(1)).asks_second(UNHEARD)
    first = await Retriever(WordEmbedder(), index.view, alone.ranker).retrieve(UNHEARD)
    found = await both.retrieve(UNHEARD)
    assert found.hits[0].chunk.text == "where is my refund"
    assert found.answerable > first.answerable


async def test_the_confidence_of_both_is_in_the_middle(tmp_path: Path) -> None:
    index = await make_base(shop())
    trainer, _ = await _trained(tmp_path, Thesaurus(), index)
    ranker = await trainer.ranker(1)
    scorer = ranker.own
    assert scorer is not None
    assert scorer.pair is not None
    question = "where is my parcel now"
    first = await WordEmbedder().embed_query(question)
    second = await Thesaurus().embed_query(question)
    alone = scorer.score(question, first, shop())
    together = scorer.score(question, first, shop(), second)
    by_pair = type(scorer)(scorer.pair.kernel, scorer.pair.models, scorer.numbers).score(
        question, paired(first, second, scorer.pair.share), shop()
    )
    assert alone is not None
    assert together is not None
    assert by_pair is not None
    low, high = sorted([alone.max(), by_pair.max()])
    assert low < together.max() < high


async def test_one_that_knows_nothing_is_not_asked(tmp_path: Path) -> None:
    embedder = Noise()
    trainer, retriever = await _trained(tmp_path, embedder, await make_base(shop()))
    assert not (await trainer.ranker(1)).asks_second(UNHEARD)
    assert (await retriever.retrieve("where is my parcel")).hits


async def test_a_question_in_another_language_is_for_the_first_alone(tmp_path: Path) -> None:
    embedder = Thesaurus()
    _, retriever = await _trained(tmp_path, embedder, await make_base(shop()))
    await retriever.retrieve("我的包裹在哪里")
    await retriever.retrieve("Kann ich das zurückgeben?")
    assert embedder.asked == []
    await retriever.retrieve("where is the box")
    assert embedder.asked == ["where is the box"]


@pytest.mark.parametrize("trouble", [Down, Late])
async def test_a_question_never_waits_for_it_or_fails(
    tmp_path: Path, trouble: type[WordEmbedder], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(second_module, "_PATIENCE_S", 0.01)
    index = await make_base(shop())
    trainer, _ = await _trained(tmp_path, Thesaurus(), index)
    asked = "where is my parcel now"
    alone = await Retriever(WordEmbedder(), index.view, trainer.ranker).retrieve(asked)
    late = SecondEmbedder(trouble(), tmp_path)
    found = await Retriever(WordEmbedder(), index.view, trainer.ranker, late).retrieve(asked)
    assert found.hits == alone.hits


async def test_without_it_a_base_is_trained_and_tried_again_later(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    index = await make_base(shop())
    with caplog.at_level(logging.WARNING):
        trainer, _ = await _trained(tmp_path, Down("fake-thesaurus-1"), index)
    assert "by the first embedder alone: The model is down." in caplog.text
    assert not (await trainer.ranker(1)).asks_second(UNHEARD)
    back = Trainer(
        index.view, WordEmbedder(), tmp_path, second=SecondEmbedder(Thesaurus(), tmp_path)
    )
    await back.ensure()
    assert (await back.ranker(1)).asks_second(UNHEARD)
    known = await back.ranker(1)
    await back.ensure()
    assert await back.ranker(1) is known


async def test_vectors_of_another_second_model_are_not_mixed(tmp_path: Path) -> None:
    index = await make_base(shop())
    await _trained(tmp_path, Thesaurus(), index)
    other = SecondEmbedder(Thesaurus("fake-thesaurus-2"), tmp_path)
    trainer = Trainer(index.view, WordEmbedder(), tmp_path, second=other)
    before = await trainer.ranker(1)
    assert not before.asks_second(UNHEARD)
    await trainer.ensure()
    assert (await trainer.ranker(1)).asks_second(UNHEARD)
    off = Trainer(index.view, WordEmbedder(), tmp_path)
    assert not (await off.ranker(1)).asks_second(UNHEARD)


async def test_a_large_base_is_judged_by_the_first_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "PAIRED_ROWS", 10)
    embedder = Thesaurus()
    trainer, _ = await _trained(tmp_path, embedder, await make_base(shop()))
    assert embedder.embedded == []
    assert not (await trainer.ranker(1)).asks_second(UNHEARD)
    ranker = await trainer.ranker(1)
    await trainer.ensure()
    assert await trainer.ranker(1) is ranker


async def test_the_reliability_curve_is_that_of_both(tmp_path: Path) -> None:
    index = await make_base(shop())
    alone = await Trainer(index.view, WordEmbedder(), tmp_path / "alone").train(1)
    both = Trainer(
        index.view,
        WordEmbedder(),
        tmp_path / "both",
        second=SecondEmbedder(Thesaurus(), tmp_path / "both"),
    )
    training = await both.train(1)
    assert training.questions == alone.questions > 0
    assert training.reliability != alone.reliability
    about = json.loads((tmp_path / "both" / "release-1" / "about.json").read_text("utf-8"))
    assert about["fitted"]["pair"]["language"] == "en"


async def test_only_new_texts_are_embedded(tmp_path: Path) -> None:
    embedder = Thesaurus()
    second = SecondEmbedder(embedder, tmp_path)
    first = await second.vectors(["a box", "a bill"])
    again = await second.vectors(["a bill", "a refund", "a bill"])
    assert embedder.embedded == ["a box", "a bill", "a refund"]
    assert first is not None
    assert again is not None
    assert again[0] == pytest.approx(first[1])
    assert again[2] == pytest.approx(first[1])


async def test_a_torn_file_of_vectors_costs_embedding_again(tmp_path: Path) -> None:
    embedder = Thesaurus()
    await SecondEmbedder(embedder, tmp_path).vectors(["a box"])
    (file,) = tmp_path.glob("second-*.npz")
    file.write_bytes(file.read_bytes()[:40])
    assert await SecondEmbedder(embedder, tmp_path).vectors(["a box"]) is not None
    assert embedder.embedded == ["a box", "a box"]


def test_a_paired_cosine_is_that_of_both_by_share() -> None:
    turn = np.random.default_rng(0)
    a, b = (
        rows / np.linalg.norm(rows, axis=1, keepdims=True)
        for rows in (turn.standard_normal((5, 8)), turn.standard_normal((5, 3)))
    )
    both = paired(a, b, 0.2)
    assert both.shape == (5, 11)
    assert both @ both.T == pytest.approx(0.8 * a @ a.T + 0.2 * b @ b.T, abs=1e-6)
    assert paired(a[0], b[0], 0.2) == pytest.approx(both[0])


def test_between_two_probabilities_is_their_middle_in_odds() -> None:
    assert between(0.5, 0.5) == pytest.approx(0.5)
    assert between([0.9, 0.2], [0.9, 0.8]) == pytest.approx([0.9, 0.5])
    assert between(0.5, 0.99) == pytest.approx(1 / (1 + 99**-0.5))
    assert 0 < between(0.0, 0.0) < between(1.0, 1.0) < 1
