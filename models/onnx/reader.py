"""The reader on onnxruntime: each token of a question looks for the nearest one of a text."""

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from core.errors import AnswerdeskError
from core.recent import Recent
from models.batches import batches
from models.onnx.build import LOWER
from models.onnx.encoder import RUN_TOKENS, OnnxEncoder, new_session, padded

Array = npt.NDArray[np.float32]

_LONGEST = 180
"""Tokens of a text that are read, and of a question; as in training."""
_KEPT_TOKENS = 60_000
"""Tokens of the texts that are kept as they were read: 46 MB; 2,400 sentences, or 660 passages."""
_KEPT_QUESTIONS = 64


@dataclass(frozen=True, slots=True)
class _Read:
    """A text as the reader sees it."""

    tokens: npt.NDArray[np.float16]
    """Unit vectors, shape (tokens, 384)."""
    weights: Array
    whole: Array


class NotWanted(AnswerdeskError):
    """Whoever asked has given up."""


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
        self._questions: Recent[str, _Read] = Recent(_KEPT_QUESTIONS)
        self._kept: Recent[str, _Read] = Recent(_KEPT_TOKENS, size=lambda read: len(read.tokens))
        self._keeping = threading.Lock()
        """Two threads of the process read."""

    def read(
        self, question: str, texts: Sequence[str], *, wanted: Callable[[], bool] = lambda: True
    ) -> Array:
        """Return the log-odds that each text answers, shape (texts,).

        Raises:
            NotWanted: once `wanted` is false; what was read until then is kept.
        """
        asked = self._asked(question)
        with self._keeping:
            known = {text: self._kept.get(text) for text in texts}
        found = {text: read for text, read in known.items() if read}
        new = [text for text in dict.fromkeys(texts) if text not in found]
        for text, read in self._encode(new, self._passage_prompt):
            with self._keeping:
                self._kept.put(text, read)
            found[text] = read
            if not wanted():
                raise NotWanted
        tokens, weights = asked.tokens.astype(np.float32).T, asked.weights / asked.weights.sum()
        by_token, whole = np.empty(len(texts)), np.empty(len(texts))
        for place, text in enumerate(texts):
            read = found[text]
            by_token[place] = (read.tokens.astype(np.float32) @ tokens).max(0) @ weights
            whole[place] = read.whole @ asked.whole
        odds = self._scale[0] * (whole - self._threshold)
        return (odds + self._scale[1] * (by_token - self._threshold)).astype(np.float32)

    def _asked(self, question: str) -> _Read:
        """Return a question as it is read; for one reply it is read with several lists of texts."""
        with self._keeping:
            known = self._questions.get(question)
        if known is None:
            ((_, known),) = self._encode([question], self._query_prompt)
            with self._keeping:
                self._questions.put(question, known)
        return known

    def _encode(self, texts: Sequence[str], prompt: str) -> Iterator[tuple[str, _Read]]:
        """Yield each text as it is read, those of like length together."""
        rows = [self._tokenizer.encode(prompt + text).ids[:_LONGEST] for text in texts]
        for run in batches([len(row) for row in rows], most=RUN_TOKENS):
            ids, mask = padded([rows[place] for place in run])
            states = self._encoder.states(ids, mask, f"x{LOWER}")
            tokens, weights, whole = self._session.run(
                ["tokens", "weights", "whole"], {"states": states, "mask": mask}
            )
            for row, place in enumerate(run):
                size = len(rows[place])
                kept = tokens[row, :size].astype(np.float16)
                yield texts[place], _Read(kept, weights[row, :size], whole[row])
