"""The reader on onnxruntime: each token of a question looks for the nearest one of a text."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from core.errors import AnswerdeskError
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
        self._questions: OrderedDict[str, _Read] = OrderedDict()
        self._kept: OrderedDict[str, _Read] = OrderedDict()
        self._tokens = 0
        """Of all kept texts."""
        self._keeping = threading.Lock()

    def read(
        self, question: str, texts: Sequence[str], *, wanted: Callable[[], bool] = lambda: True
    ) -> Array:
        """Return the log-odds that each text answers, shape (texts,).

        Raises:
            NotWanted: once `wanted` is false; what was read until then is kept.
        """
        asked = self._asked(question)
        found = self._known(texts)
        new = [text for text in dict.fromkeys(texts) if text not in found]
        for text, read in self._encode(new, self._passage_prompt):
            self._keep(text, read)
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
        known = self._questions.get(question)
        if known is None:
            ((_, known),) = self._encode([question], self._query_prompt)
            with self._keeping:
                self._questions[question] = known
                while len(self._questions) > _KEPT_QUESTIONS:
                    self._questions.popitem(last=False)
        return known

    def _known(self, texts: Sequence[str]) -> dict[str, _Read]:
        with self._keeping:  # two threads of the process read
            found = {text: self._kept[text] for text in texts if text in self._kept}
            for text in found:
                self._kept.move_to_end(text)
        return found

    def _keep(self, text: str, read: _Read) -> None:
        with self._keeping:
            self._tokens += 0 if text in self._kept else len(read.tokens)
            self._kept[text] = read
            while self._tokens > _KEPT_TOKENS:
                _, oldest = self._kept.popitem(last=False)
                self._tokens -= len(oldest.tokens)

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
