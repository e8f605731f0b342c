"""An embedder process for tests: a batch with "slow" in it ends only after a question.

Its reader says how many words a text has, and marks each of them once for each of the question.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from models.onnx.embedder_child import Array, EmbedderHandler, Encoder
from models.workers.child import main


class Gated:
    def __init__(self) -> None:
        self._asked = threading.Event()

    def encode(self, texts: Sequence[str]) -> Array:
        if any("slow" in text for text in texts):
            assert self._asked.wait(20)
        elif any("question" in text for text in texts):
            self._asked.set()
        return np.ones((len(texts), 4), np.float32)


class Counting:
    def read(self, question: str, texts: Sequence[str], *, wanted: Callable[[], bool]) -> Array:
        return np.asarray([len(text.split()) for text in texts], np.float32)


class Handler(EmbedderHandler):
    def _load(self, folder: Path, settings: Mapping[str, Any]) -> Encoder:
        return Gated()

    def _load_reader(self, settings: Mapping[str, Any]) -> Counting:
        return Counting()


if __name__ == "__main__":
    main(Handler)
