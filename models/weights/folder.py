"""What a sentence-transformers folder says about itself, without loading it."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import ModelError

_MATTERS = (".json", ".txt", ".model", ".safetensors")
"""Files that decide the vectors, by suffix."""
_OTHER = ("data_config.json", "fetched.json", "README.txt")


class NotAnEmbedder(ModelError):
    """The folder is not one that sentence-transformers can load without foreign code."""

    def __init__(self, folder: Path, reason: str) -> None:
        super().__init__(
            f"{str(folder)!r} cannot be used as an embedder: {reason}. It must be a "
            "sentence-transformers folder with modules.json, tokenizer.json and model.safetensors."
        )


@dataclass(frozen=True, slots=True)
class FolderInfo:
    """What is needed to use the folder."""

    dim: int
    max_tokens: int
    query_prompt: str
    passage_prompt: str


def read_folder(folder: Path) -> FolderInfo:
    """Read the folder's configuration files.

    Raises:
        NotAnEmbedder: saying what is missing.
    """
    for name in ("modules.json", "tokenizer.json", "config.json"):
        if not (folder / name).is_file():
            raise NotAnEmbedder(folder, f"{name} is missing")
    if not list(folder.rglob("*.safetensors")):
        raise NotAnEmbedder(folder, "it has no safetensors")
    config = _read(folder / "config.json")
    prompts = _read(folder / "config_sentence_transformers.json").get("prompts") or {}
    limit = _read(folder / "sentence_bert_config.json").get("max_seq_length")
    try:
        return FolderInfo(
            dim=_dim(folder, config),
            max_tokens=int(limit or config["max_position_embeddings"]),
            query_prompt=prompts.get("query") or "",
            passage_prompt=prompts.get("document") or prompts.get("passage") or "",
        )
    except (KeyError, TypeError, ValueError) as error:
        raise NotAnEmbedder(folder, f"its configuration lacks {error}") from error


def _dim(folder: Path, config: Mapping[str, Any]) -> int:
    """Return the length of the vectors: what the last Dense module makes, or the network."""
    dim = int(config["hidden_size"])
    for module in json.loads((folder / "modules.json").read_bytes()):
        if module["type"].endswith(".Dense"):
            dim = int(_read(folder / module["path"] / "config.json")["out_features"])
    return dim


def _read(path: Path) -> dict[str, Any]:
    try:
        values: dict[str, Any] = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    return values


def files_that_matter(folder: Path) -> dict[str, Path]:
    """Return the files whose content decides the vectors, by their path in the folder."""
    paths = (p for p in sorted(folder.rglob("*")) if p.suffix in _MATTERS and p.is_file())
    names = ((p.relative_to(folder).as_posix(), p) for p in paths)
    return {n: p for n, p in names if n not in _OTHER and not n.startswith(("onnx/", "openvino/"))}


def fingerprint(
    hashes: Mapping[str, str], *, query_prompt: str, passage_prompt: str, runtime: str = ""
) -> str:
    """Return the hash that decides whether two embedders give the same vectors (16 hex digits).

    `runtime` is named where the same files give other vectors, as with 8-bit arithmetic.
    """
    facts = [sorted(hashes.items()), query_prompt, passage_prompt, *([runtime] if runtime else [])]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]
