"""The reader on onnxruntime: each token of a question looks for the nearest one of a text."""

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from models.batches import batches
from models.onnx.build import LOWER
from models.onnx.encoder import RUN_TOKENS, OnnxEncoder, new_session, padded

Array = npt.NDArray[np.float32]

_LONGEST = 180
"""Tokens of a text that are read, and of a question; as in training."""
_KEPT_TOKENS = 60_000
"""Tokens of the texts that are kept as they were read: 46 MB; 2,400 sentences, or 660 passages."""


@dataclass(frozen=True, slots=True)
class _Read:
    """A text as the reader sees it."""

    tokens: npt.NDArray[np.float16]
    """Unit vectors, shape (tokens, 384)."""
    weights: Array
    whole: Array


class OnnxReader:
    """Reads a question with each of a few texts."""

    def __init__(
        self,
        model: Path,
        encoder: OnnxEncoder,
        tokenizer: Tokenizer,
        *,
        query_prompt: str,
        passage_prompt: str,
    ) -> None:
        """`model` is a file of `models.onnx.reader_build`; `encoder` has the layers below it."""
        self._session = new_session(model, threads=1)
        about = self._session.get_modelmeta().custom_metadata_map
        self._scale = [float(value) for value in about["scale"].split(",")]
        self._threshold = float(about["threshold"])
        self._encoder = encoder
        self._tokenizer = tokenizer
        self._query_prompt = query_prompt
        self._passage_prompt = passage_prompt
        self._kept: OrderedDict[str, _Read] = OrderedDict()
        self._tokens = 0
        """Of all kept texts."""
        self._keeping = threading.Lock()

    def read(self, question: str, texts: Sequence[str]) -> Array:
        """Return the log-odds that each text answers, shape (texts,)."""
        (asked,) = self._encode([question], self._query_prompt)
        with self._keeping:
            found = {text: self._kept[text] for text in texts if text in self._kept}
        new = [text for text in dict.fromkeys(texts) if text not in found]
        found |= zip(new, self._encode(new, self._passage_prompt), strict=True)
        self._keep(found)
        wanted, weights = asked.tokens.astype(np.float32).T, asked.weights / asked.weights.sum()
        by_token, whole = np.empty(len(texts)), np.empty(len(texts))
        for place, text in enumerate(texts):
            read = found[text]
            by_token[place] = (read.tokens.astype(np.float32) @ wanted).max(0) @ weights
            whole[place] = read.whole @ asked.whole
        odds = self._scale[0] * (whole - self._threshold)
        return (odds + self._scale[1] * (by_token - self._threshold)).astype(np.float32)

    def _keep(self, found: Mapping[str, _Read]) -> None:
        with self._keeping:  # two threads of the process read
            for text, read in found.items():
                self._tokens += 0 if text in self._kept else len(read.tokens)
                self._kept[text] = read
                self._kept.move_to_end(text)
            while self._tokens > _KEPT_TOKENS:
                _, oldest = self._kept.popitem(last=False)
                self._tokens -= len(oldest.tokens)

    def _encode(self, texts: Sequence[str], prompt: str) -> list[_Read]:
        rows = [self._tokenizer.encode(prompt + text).ids[:_LONGEST] for text in texts]
        out: dict[int, _Read] = {}
        for run in batches([len(row) for row in rows], most=RUN_TOKENS):
            ids, mask = padded([rows[place] for place in run])
            states = self._encoder.states(ids, mask, f"x{LOWER}")
            tokens, weights, whole = self._session.run(
                ["tokens", "weights", "whole"], {"states": states, "mask": mask}
            )
            for row, place in enumerate(run):
                size = len(rows[place])
                kept = tokens[row, :size].astype(np.float16)
                out[place] = _Read(kept, weights[row, :size], whole[row])
        return [out[place] for place in range(len(texts))]
