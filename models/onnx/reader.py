"""The reader on onnxruntime: each token of a question looks for the nearest one of a text."""

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from models.onnx.build import LOWER
from models.onnx.encoder import OnnxEncoder, new_session, padded, runs

Array = npt.NDArray[np.float32]

_LONGEST = 180
"""Tokens of a text that are read, and of a question; as in training."""
_KEPT = 600
"""Texts that are kept as they were read: 70 kB each at 90 tokens."""


@dataclass(frozen=True, slots=True)
class _Read:
    """A text as the reader sees it."""

    tokens: npt.NDArray[np.float16]
    """Unit vectors, shape (tokens, 384)."""
    weights: Array
    whole: Array
    places: Array
    """Start and end of each token in the text, shape (tokens, 2)."""


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
        numbers = {
            k: [float(v) for v in about[k].split(",")] for k in ("scale", "threshold", "line")
        }
        self._scale, self._line = numbers["scale"], numbers["line"]
        self._threshold = numbers["threshold"][0]
        self._encoder = encoder
        self._tokenizer = tokenizer
        self._query_prompt = query_prompt
        self._passage_prompt = passage_prompt
        self._kept: OrderedDict[str, _Read] = OrderedDict()
        self._keeping = threading.Lock()

    def read(self, question: str, texts: Sequence[str]) -> tuple[Array, list[Array]]:
        """Return the log-odds that each text answers, and what its tokens say.

        Returns:
            Shape (texts,), and for each text shape (tokens, 2 + question tokens): start, end, and
            how near the token is to each of the question's, weighed and scaled: a span's log-odds
            are the sum of its highest values less `offset`.
        """
        (asked,) = self._encode([question], self._query_prompt)
        with self._keeping:
            found = {text: self._kept[text] for text in texts if text in self._kept}
        new = [text for text in dict.fromkeys(texts) if text not in found]
        found |= zip(new, self._encode(new, self._passage_prompt), strict=True)
        self._keep(found)
        weights = asked.weights / asked.weights.sum()
        answers, marks = [], []
        for text in texts:
            read = found[text]
            near = read.tokens.astype(np.float32) @ asked.tokens.astype(np.float32).T
            by_tokens = float((near.max(0) * weights).sum())
            whole = float(read.whole @ asked.whole)
            answers.append(
                self._scale[0] * (whole - self._threshold)
                + self._scale[1] * (by_tokens - self._threshold)
            )
            marks.append(np.concatenate([read.places, near * weights * self._line[0]], axis=1))
        return np.asarray(answers, np.float32), marks

    def _keep(self, found: Mapping[str, _Read]) -> None:
        with self._keeping:  # two threads of the process read
            for text, read in found.items():
                self._kept[text] = read
                self._kept.move_to_end(text)
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)

    @property
    def offset(self) -> float:
        """What is taken off a span's sum."""
        return self._line[0] * self._line[1]

    def _encode(self, texts: Sequence[str], prompt: str) -> list[_Read]:
        encodings = [self._tokenizer.encode(prompt + text) for text in texts]
        rows = [encoding.ids[:_LONGEST] for encoding in encodings]
        out: dict[int, _Read] = {}
        for run in runs([len(row) for row in rows]) if rows else ():
            ids, mask = padded([rows[place] for place in run])
            states = self._encoder.states(ids, mask, f"x{LOWER}")
            tokens, weights, whole = self._session.run(
                ["tokens", "weights", "whole"], {"states": states, "mask": mask}
            )
            for row, place in enumerate(run):
                size = len(rows[place])
                spans = np.asarray(encodings[place].offsets[:size], np.float32) - len(prompt)
                out[place] = _Read(
                    tokens[row, :size].astype(np.float16),
                    weights[row, :size],
                    whole[row],
                    np.maximum(spans, 0),
                )
        return [out[place] for place in range(len(texts))]
