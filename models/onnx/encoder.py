"""The embedder on onnxruntime: starts in a second, where importing torch takes ten."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime
from tokenizers import Tokenizer

from models.batches import batches

RUN_TOKENS = 192
"""Computed at once, unless one text is longer: what 450 tokens make does not fit a core's cache
(passages of 150 tokens: one at a time 21 a second and core, two 16, four 14)."""

Array = npt.NDArray[np.float32]
Ids = npt.NDArray[np.int64]


class OnnxEncoder:
    """Texts that fit the model to unit vectors, from a file of `models.onnx.build`."""

    def __init__(self, model: Path, tokenizer: Tokenizer, *, threads: int) -> None:
        """`tokenizer` must neither cut nor pad; `threads` is for the matrix products."""
        self._session = new_session(model, threads=threads)
        self._tokenizer = tokenizer

    def encode(self, texts: Sequence[str]) -> Array:
        """Return one row per text, in order."""
        rows = [encoding.ids for encoding in self._tokenizer.encode_batch_fast(list(texts))]
        parts, places = [], []
        for run in batches([len(row) for row in rows], most=RUN_TOKENS):
            parts.append(self.run(*padded([rows[place] for place in run])))
            places += run
        return np.concatenate(parts)[np.argsort(places)]

    def run(self, ids: Ids, mask: Ids) -> Array:
        """Return the vectors of tokenised texts."""
        (vectors,) = self._session.run(["vectors"], {"input_ids": ids, "attention_mask": mask})
        return np.asarray(vectors, np.float32)

    def states(self, ids: Ids, mask: Ids, layer: str) -> Array:
        """Return the states of tokenised texts at an inner output, shape (texts, tokens, width)."""
        (states,) = self._session.run([layer], {"input_ids": ids, "attention_mask": mask})
        return np.asarray(states, np.float32)


def new_session(model: Path, *, threads: int) -> onnxruntime.InferenceSession:
    """Open a file; `threads` is for the matrix products."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # A thread that waits for work sleeps instead of spinning: the generator needs the cores.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])


def padded(rows: Sequence[Sequence[int]]) -> tuple[Ids, Ids]:
    """Return token ids and mask, each of shape (texts, longest)."""
    longest = max(len(row) for row in rows)
    ids = np.zeros((len(rows), longest), np.int64)
    mask = np.zeros((len(rows), longest), np.int64)
    for index, row in enumerate(rows):
        ids[index, : len(row)] = row
        mask[index, : len(row)] = 1
    return ids, mask
