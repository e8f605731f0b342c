"""A cross-encoder in its process: a tiny one made here, whose numbers are known."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from core.errors import ConfigError, ModelFileMissing, ModelUnavailable
from models.factory import make_reranker
from models.folder import NotAReranker
from models.reranker import WorkerReranker

pytestmark = pytest.mark.anyio

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "kettle", "parcel", "red", "."]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a BERT that likes pairs by how often "kettle" stands in them.

    Its attention looks at all words alike; only the embedding of "kettle" is not the others'.
    """
    import torch
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizer

    path = tmp_path_factory.mktemp("pairs")
    (path / "vocab.txt").write_text("\n".join(WORDS))
    BertTokenizer(str(path / "vocab.txt"), model_max_length=64).save_pretrained(path)
    config = BertConfig(
        vocab_size=len(WORDS),
        hidden_size=4,
        num_hidden_layers=1,
        num_attention_heads=1,
        intermediate_size=4,
        max_position_embeddings=64,
        id2label={0: "answers"},
    )
    model = BertForSequenceClassification(config)
    kettle = torch.tensor([0.0, 1, 0, 0])
    with torch.no_grad():
        for name, weight in model.named_parameters():
            weight.zero_()
            if name.endswith("word_embeddings.weight"):
                weight[:, 0] = 1.0
                weight[WORDS.index("kettle")] = kettle
            elif name.endswith("LayerNorm.weight"):
                weight.fill_(1.0)
            elif name.endswith(
                ("value.weight", "attention.output.dense.weight", "pooler.dense.weight")
            ):
                weight.copy_(torch.eye(4))
            elif name == "classifier.weight":
                weight[0] = 50 * kettle
    model.save_pretrained(path)
    return path


@pytest.fixture(scope="module")
async def reranker(folder: Path) -> AsyncIterator[WorkerReranker]:
    model = make_reranker(f"path:{folder}", folder, threads=1)
    await model.start()
    yield model
    await model.close()


async def test_texts_are_scored_with_the_question_and_in_their_order(
    reranker: WorkerReranker,
) -> None:
    texts = ["red parcel .", "kettle .", "kettle " * 8, "red ."]
    low, middle, high, lowest = await reranker.scores("red", texts)
    assert low < middle < high
    assert low == pytest.approx(lowest, abs=1e-3)
    assert high > 1  # the model's own number, not squeezed between 0 and 1
    asked = (await reranker.scores("kettle kettle kettle", texts))[0]
    assert asked > low


async def test_a_text_that_is_too_long_is_cut(reranker: WorkerReranker) -> None:
    (score,) = await reranker.scores("red", ["parcel " * 500])
    assert score == pytest.approx((await reranker.scores("red", ["parcel"]))[0], abs=1e-3)


async def test_while_it_loads_a_call_fails_at_once(folder: Path) -> None:
    model = make_reranker(f"path:{folder}", folder, threads=1)
    await model.start(wait=False)
    with pytest.raises(ModelUnavailable, match="'reranker' is not ready: it is loading"):
        await model.scores("red", ["kettle", "parcel"])
    await model.close()


def copy_of(folder: Path, target: Path, **config: object) -> Path:
    """Return a copy with other values in its configuration."""
    target.mkdir()
    for file in folder.iterdir():
        (target / file.name).write_bytes(file.read_bytes())
    values = json.loads((target / "config.json").read_text()) | config
    (target / "config.json").write_text(json.dumps(values))
    return target


def test_a_folder_that_is_no_cross_encoder_is_refused(folder: Path, tmp_path: Path) -> None:
    labels = copy_of(folder, tmp_path / "labels", id2label={"0": "no", "1": "yes"})
    with pytest.raises(NotAReranker, match=r"labels' cannot be used .* it gives 2 numbers"):
        make_reranker(f"path:{labels}", tmp_path)
    words = copy_of(folder, tmp_path / "words", architectures=["BertModel"])
    with pytest.raises(NotAReranker, match=r"it is a BertModel"):
        make_reranker(f"path:{words}", tmp_path)
    (words / "model.safetensors").unlink()
    with pytest.raises(NotAReranker, match=r"model\.safetensors is missing"):
        make_reranker(f"path:{words}", tmp_path)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelFileMissing, match="nowhere"):
        make_reranker(f"path:{tmp_path / 'nowhere'}", tmp_path)
    with pytest.raises(ModelFileMissing, match="models fetch hub:maker/pairs"):
        make_reranker("hub:maker/pairs", tmp_path)


@pytest.mark.parametrize(
    "spec", ["multilingual-e5-small", "url:http://127.0.0.1:1/v1#m", "hub:a/b/c.gguf"]
)
def test_what_names_no_cross_encoder_is_refused(spec: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"names no cross-encoder\. Write path:FOLDER"):
        make_reranker(spec, tmp_path)
