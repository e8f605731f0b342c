"""The reader's layers and what is made of them, on tiny random weights, against plain numpy."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from safetensors.numpy import save_file
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import TemplateProcessing

from core.recent import Recent
from models.onnx import reader as onnx_reader
from models.onnx import reader_build
from models.onnx.build import LOWER, build_graph
from models.onnx.encoder import OnnxEncoder, new_session, padded
from models.onnx.reader import NotWanted, OnnxReader
from models.onnx.reader_build import HEADS

Array = npt.NDArray[np.float32]

WIDTH, INNER, LAYERS = 24, 48, 2
WORDS = (
    *("query", "passage", ":", "parcels", "leave", "at", "noon", "returns", "are", "free"),
    *("within", "thirty", "days", "when", "do"),
)


def tensors_of_reader() -> dict[str, Array]:
    """Return random weights under the names that training gives them."""
    random = np.random.default_rng(3)

    def some(*shape: int) -> Array:
        return (random.standard_normal(shape) * 0.4).astype(np.float32)

    tensors = {
        "weight.weight": some(1, WIDTH),
        "weight.bias": some(1),
        "scale": np.asarray([30.0, 10.0], np.float32),
        "threshold": np.asarray(0.5, np.float32),
    }
    sizes = {"qkv": (3 * WIDTH, WIDTH), "ao": (WIDTH, WIDTH)}
    sizes |= {"fi": (INNER, WIDTH), "fo": (WIDTH, INNER)}
    for number in range(LAYERS):
        for name, size in sizes.items():
            tensors[f"layers.{number}.{name}.weight"] = some(*size)
            tensors[f"layers.{number}.{name}.bias"] = some(size[0])
        for name in ("aln", "oln"):
            tensors[f"layers.{number}.{name}.weight"] = 1 + some(WIDTH)
            tensors[f"layers.{number}.{name}.bias"] = some(WIDTH)
    return tensors


def layer(tensors: dict[str, Array], number: int, x: Array) -> Array:
    """Compute one layer for one text without padding, shape (tokens, WIDTH)."""

    def get(name: str) -> tuple[Array, Array]:
        at = f"layers.{number}.{name}"
        return tensors[f"{at}.weight"], tensors[f"{at}.bias"]

    def dense(name: str, y: Array) -> Array:
        weight, bias = get(name)
        return y @ weight.T + bias

    def norm(name: str, y: Array) -> Array:
        weight, bias = get(name)
        y = y - y.mean(-1, keepdims=True)
        normed: Array = y / np.sqrt((y * y).mean(-1, keepdims=True) + 1e-12) * weight + bias
        return normed

    size, head = len(x), WIDTH // HEADS
    q, k, v = dense("qkv", x).reshape(size, 3, HEADS, head).transpose(1, 2, 0, 3)
    logits = q @ k.transpose(0, 2, 1) / math.sqrt(head)
    seen = np.exp(logits - logits.max(-1, keepdims=True))
    seen = (seen / seen.sum(-1, keepdims=True)) @ v
    x = norm("aln", x + dense("ao", seen.transpose(1, 0, 2).reshape(size, WIDTH)))
    y = dense("fi", x)
    gelu = y * 0.5 * (1 + np.vectorize(math.erf)(y / math.sqrt(2)))
    return norm("oln", x + dense("fo", gelu.astype(np.float32)))


def read_by_numpy(tensors: dict[str, Array], states: Array) -> tuple[Array, Array, Array]:
    """Return the token vectors, their weights and the whole vector of one text."""
    x = states
    for number in range(LAYERS):
        x = layer(tensors, number, x)
    weights = np.logaddexp(0, (x @ tensors["weight.weight"].T)[:, 0] + tensors["weight.bias"])
    mean = x.mean(0)
    return (
        x / np.linalg.norm(x, axis=-1, keepdims=True),
        weights.astype(np.float32),
        mean / np.linalg.norm(mean),
    )


@pytest.fixture(scope="module")
def tensors() -> dict[str, Array]:
    return tensors_of_reader()


@pytest.fixture(scope="module")
def reader_file(tensors: dict[str, Array], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the file that the program writes."""
    folder = tmp_path_factory.mktemp("reader")
    save_file(tensors, folder / "reader.safetensors")
    target = folder / "onnx" / "reader.onnx"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["reader_build", str(folder / "reader.safetensors"), str(target)])
        reader_build.main()
    return target


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    words = ["[UNK]", "[CLS]", "[SEP]", *WORDS]
    tokenizer = Tokenizer(WordLevel({w: n for n, w in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 1), ("[SEP]", 2)]
    )
    return tokenizer


@pytest.fixture(scope="module")
def encoder(tokenizer: Tokenizer, tmp_path_factory: pytest.TempPathFactory) -> OnnxEncoder:
    """Return a random embedder with one layer more than the reader builds on."""
    random = np.random.default_rng(5)

    def some(*shape: int) -> Array:
        return (random.standard_normal(shape) * 0.4).astype(np.float32)

    at = "embeddings."
    tensors = {
        f"{at}word_embeddings.weight": some(tokenizer.get_vocab_size(), WIDTH),
        f"{at}position_embeddings.weight": some(256, WIDTH),
        f"{at}token_type_embeddings.weight": some(2, WIDTH),
        f"{at}LayerNorm.weight": 1 + some(WIDTH),
        f"{at}LayerNorm.bias": some(WIDTH),
    }
    attention = "attention.self.query attention.self.key attention.self.value"
    for number in range(LOWER + 1):
        here = f"encoder.layer.{number}."
        for name in (*attention.split(), "attention.output.dense"):
            tensors[f"{here}{name}.weight"] = some(WIDTH, WIDTH)
            tensors[f"{here}{name}.bias"] = some(WIDTH)
        tensors[f"{here}intermediate.dense.weight"] = some(INNER, WIDTH)
        tensors[f"{here}intermediate.dense.bias"] = some(INNER)
        tensors[f"{here}output.dense.weight"] = some(WIDTH, INNER)
        tensors[f"{here}output.dense.bias"] = some(WIDTH)
        for name in ("attention.output.LayerNorm", "output.LayerNorm"):
            tensors[f"{here}{name}.weight"] = 1 + some(WIDTH)
            tensors[f"{here}{name}.bias"] = some(WIDTH)
    config = {
        "layer_norm_eps": 1e-12,
        "num_hidden_layers": LOWER + 1,
        "num_attention_heads": HEADS,
        "hidden_size": WIDTH,
    }
    path = tmp_path_factory.mktemp("embedder") / "exact.onnx"
    path.write_bytes(build_graph(tensors, config, "exact").SerializeToString())
    return OnnxEncoder(path, tokenizer, threads=1)


@pytest.fixture
def reader(reader_file: Path, encoder: OnnxEncoder, tokenizer: Tokenizer) -> OnnxReader:
    return OnnxReader(
        reader_file, encoder, tokenizer, query_prompt="query: ", passage_prompt="passage: "
    )


# --- the file ----------------------------------------------------------------------------------


def test_the_layers_are_computed_as_numpy_does_whatever_is_beside_a_text(
    reader_file: Path, tensors: dict[str, Array]
) -> None:
    random = np.random.default_rng(7)
    states = random.standard_normal((2, 9, WIDTH)).astype(np.float32)
    sizes = (5, 9)
    mask = (np.arange(9) < np.asarray(sizes)[:, None]).astype(np.int64)
    session = new_session(reader_file, threads=1)
    tokens, weights, whole = session.run(
        ["tokens", "weights", "whole"], {"states": states, "mask": mask}
    )
    for row, size in enumerate(sizes):
        expected = read_by_numpy(tensors, states[row, :size])
        assert np.sum(tokens[row, :size] * expected[0], axis=-1).min() > 0.999
        assert weights[row, :size] == pytest.approx(expected[1], abs=0.05)
        assert whole[row] @ expected[2] > 0.999


def test_what_was_learned_beside_the_layers_is_in_the_file(reader_file: Path) -> None:
    about = new_session(reader_file, threads=1).get_modelmeta().custom_metadata_map
    assert about == {"scale": "30.0,10.0", "threshold": "0.5"}


# --- reading -----------------------------------------------------------------------------------

QUESTION = "when do parcels leave"
TEXTS = ("parcels leave at noon", "returns are free within thirty days", "noon")


def states_of(encoder: OnnxEncoder, text: str) -> Array:
    ids, mask = padded([encoder._tokenizer.encode(text).ids])
    states: Array = encoder.states(ids, mask, f"x{LOWER}")[0]
    return states


def test_log_odds_are_those_of_the_whole_texts_and_of_their_nearest_tokens(
    reader: OnnxReader, encoder: OnnxEncoder, tensors: dict[str, Array]
) -> None:
    answers = reader.read(QUESTION, TEXTS)
    tokens, weights, whole = read_by_numpy(tensors, states_of(encoder, f"query: {QUESTION}"))
    weights = weights / weights.sum()
    for text, answer in zip(TEXTS, answers, strict=True):
        other, _, other_whole = read_by_numpy(tensors, states_of(encoder, f"passage: {text}"))
        by_tokens = float(((other @ tokens.T).max(0) * weights).sum())
        expected = 30 * (float(whole @ other_whole) - 0.5) + 10 * (by_tokens - 0.5)
        assert answer == pytest.approx(expected, abs=0.2)


def test_a_text_says_the_same_alone_among_others_and_again(reader: OnnxReader) -> None:
    together = reader.read(QUESTION, TEXTS)
    again = reader.read(QUESTION, TEXTS[::-1])
    assert again[::-1] == pytest.approx(together, abs=1e-4)
    for place, text in enumerate(TEXTS):
        reader._kept.drop_where(lambda _text: True)
        assert reader.read(QUESTION, [text]) == pytest.approx(together[[place]], abs=0.05)


def test_a_long_text_and_a_long_question_are_cut(reader: OnnxReader) -> None:
    long = "noon " * 400
    assert reader.read(long, [long, "noon " * 300]).std() == pytest.approx(0, abs=1e-4)


def test_texts_are_kept_as_they_were_read_and_only_so_many(
    reader: OnnxReader, encoder: OnnxEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoded: list[int] = []
    states = encoder.states

    def noted(ids: npt.NDArray[np.int64], mask: npt.NDArray[np.int64], layer: str) -> Array:
        encoded.append(len(ids))
        return states(ids, mask, layer)

    def texts_encoded(texts: Sequence[str]) -> int:
        encoded.clear()
        reader.read(QUESTION, texts)
        return sum(encoded)

    monkeypatch.setattr(encoder, "states", noted)
    few: Recent[str, Any] = Recent(20, size=lambda read: len(read.tokens))
    monkeypatch.setattr(reader, "_kept", few)
    assert texts_encoded([]) == 1, "the question, which is then kept as well"
    assert texts_encoded([TEXTS[0], TEXTS[0], TEXTS[1]]) == 2
    assert texts_encoded(TEXTS[:1]) == 0
    assert texts_encoded(TEXTS[2:]) == 1
    assert texts_encoded(TEXTS[:1]) == 0
    assert texts_encoded(TEXTS[1:2]) == 1, "it was asked for longest ago, and is gone"


def test_who_has_given_up_leaves_what_was_read_until_then(
    reader: OnnxReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    def kept() -> int:
        return sum(text in reader._kept for text in TEXTS)

    monkeypatch.setattr(onnx_reader, "RUN_TOKENS", 1)  # each text by itself
    with pytest.raises(NotWanted):
        reader.read(QUESTION, TEXTS, wanted=lambda: kept() < 2)
    assert kept() == 2
