"""The onnxruntime embedder as a module of sentence-transformers.

For whoever evaluates with that library: the object returned here is an ordinary
`SentenceTransformer`, and its vectors are the service's own. Importing this imports torch, so the
service itself does not.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules.input_module import InputModule
from tokenizers import Tokenizer

from models.onnx.encoder import OnnxEncoder
from models.weights.folder import read_folder
from models.weights.onnx_folder import FILES, Precision


class OnnxModule(InputModule):
    """Texts to unit vectors, in place of Transformer, Pooling and Normalize."""

    def __init__(self, folder: Path, *, precision: Precision = "int8", threads: int = 2) -> None:
        """Load a folder's file for onnxruntime; texts are cut at the model's limit, as usual."""
        super().__init__()  # type: ignore[no-untyped-call]
        info = read_folder(folder)
        self.max_seq_length = info.max_tokens
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.tokenizer.enable_truncation(info.max_tokens)
        self.tokenizer.no_padding()
        self._dim = info.dim
        self._encoder = OnnxEncoder(
            folder / "onnx" / f"{FILES[precision]}.onnx", self.tokenizer, threads=threads
        )

    def preprocess(
        self, inputs: Sequence[Any], prompt: str | None = None, **_: Any
    ) -> dict[str, torch.Tensor]:
        """Return ids and mask of texts."""
        ids, mask = self._encoder.tokenize([(prompt or "") + text for text in inputs])
        return {"input_ids": torch.from_numpy(ids), "attention_mask": torch.from_numpy(mask)}

    def forward(self, features: dict[str, torch.Tensor], **_: Any) -> dict[str, torch.Tensor]:
        """Add the vectors of the texts."""
        ids, mask = features["input_ids"], features["attention_mask"]
        vectors = self._encoder.run(ids.cpu().numpy(), mask.cpu().numpy())
        return features | {"sentence_embedding": torch.from_numpy(vectors)}

    def get_embedding_dimension(self) -> int:
        """Return the length of the vectors."""
        return self._dim

    def save(self, output_path: str, *_: Any, **__: Any) -> None:
        """Refuse: the folder it came from is the model."""
        raise NotImplementedError("Copy the model's folder instead.")


def load_sentence_transformer(
    folder: Path, *, precision: Precision = "int8", threads: int = 2
) -> SentenceTransformer:
    """Return the model of a folder, on onnxruntime, with its prompts ``query`` and ``document``."""
    info = read_folder(folder)
    return SentenceTransformer(
        modules=[OnnxModule(folder, precision=precision, threads=threads)],
        prompts={"query": info.query_prompt, "document": info.passage_prompt},
        device="cpu",
    )
