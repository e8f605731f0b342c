"""The embedder's process: behind the requests of `models.embedder`.

A folder with a file of `models.onnx.build` runs on onnxruntime, any other on sentence-transformers;
the vectors are the same, but only the latter has to import torch.

Texts are tokenised here first, so that one that the model would cut is refused instead. A single
question that is too long is read in windows, whose vectors are averaged: a customer's long message
still finds what it is about.
"""

import queue
import threading
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from core.errors import TextTooLong
from models.workers.child import Channel, Request, main, serve_one_by_one
from models.workers.cpu_priority import step_back, step_back_whole

Array = npt.NDArray[np.float32]


class Encoder(Protocol):
    """Texts that fit the model to unit vectors."""

    def encode(self, texts: Sequence[str]) -> Array:
        """Return one row per text, in order."""


class TorchEncoder:
    """sentence-transformers on torch."""

    def __init__(self, folder: Path, threads: int) -> None:
        import torch
        from sentence_transformers import SentenceTransformer

        torch.set_num_threads(threads)
        self._model = SentenceTransformer(
            str(folder), device="cpu", local_files_only=True, trust_remote_code=False
        )

    def encode(self, texts: Sequence[str]) -> Array:
        """Return one row per text, in order."""
        vectors = self._model.encode(
            list(texts),
            prompt="",  # the prompts are in the texts already
            batch_size=len(texts),
            normalize_embeddings=True,
            convert_to_numpy=True,
            show_progress_bar=False,
        )
        return np.ascontiguousarray(vectors, np.float32)


class EmbedderHandler:
    """Answers ``embed`` and ``count``."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        if settings.get("steps_back"):
            step_back_whole()
        folder = Path(settings["folder"])
        self._prompts = {"query": settings["query_prompt"], "passage": settings["passage_prompt"]}
        self._max_tokens = int(settings["max_tokens"])
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._encoder = self._load(folder, settings)
        self._at_once = int(settings["threads"]) if settings.get("onnx") else 1
        """Batches that are worked on at a time."""
        self._questions: queue.SimpleQueue[Request] = queue.SimpleQueue()
        self._reader = self._load_reader(settings)
        self._dim = self._encoder.encode([self._prompts["query"] + "?"]).shape[1]

    def _load(self, folder: Path, settings: Mapping[str, Any]) -> Encoder:
        """Return the model on onnxruntime if there is a file for it, else on torch."""
        if not settings["onnx"]:
            return TorchEncoder(folder, int(settings["threads"]))
        from models.onnx.encoder import OnnxEncoder

        # Each batch in one thread: two at a time are quicker than two threads for each, and a
        # thread of the library's own pool could not step back for a customer.
        return OnnxEncoder(Path(settings["onnx"]), self._tokenizer, threads=1)

    def _load_reader(self, settings: Mapping[str, Any]) -> Any:
        """Return the reader if there is a file for it and for the layers below it."""
        if not settings.get("reader"):
            return None
        from models.onnx.reader import OnnxReader

        return OnnxReader(
            Path(settings["reader"]),
            self._encoder,  # type: ignore[arg-type]  # a reader comes with a file for onnxruntime
            self._tokenizer,
            query_prompt=settings["query_prompt"],
            passage_prompt=settings["passage_prompt"],
        )

    def info(self) -> Mapping[str, Any]:
        """Return the length of the vectors."""
        return {"dim": self._dim}

    def serve(self, channel: Channel) -> None:
        """Work on batches in threads that step back, and on customers' questions beside them.

        Where batches have two threads, so have questions: short ones do not wait for a long one.
        """
        channel.intercept(lambda request: self._arrived(channel, request))
        beside = [self._work_on_batches, self._work_on_questions] * self._at_once
        for work in beside[:-1]:  # the last one's work is done here
            threading.Thread(target=work, args=(channel,), name=work.__name__, daemon=True).start()
        self._work_on_questions(channel)

    def _work_on_questions(self, channel: Channel) -> None:
        serve_one_by_one(channel, self._questions, partial(self._handle, channel))

    def _work_on_batches(self, channel: Channel) -> None:
        step_back()
        serve_one_by_one(channel, channel.requests, partial(self._handle, channel))

    def _arrived(self, channel: Channel, request: Request) -> bool:
        """Let questions and counts overtake the batches of an ingest; runs while it computes."""
        if request.method in ("count", "read") or request.params.get("windows"):
            self._questions.put(request)
            return True
        return False

    def _handle(self, channel: Channel, request: Request) -> tuple[Mapping[str, Any], bytes]:
        texts: list[str] = request.params["texts"]
        if request.method == "read":
            odds = self._reader.read(
                request.params["question"],
                texts,
                wanted=lambda: not channel.is_cancelled(request.id),
            )
            return {}, odds.tobytes()
        if request.method == "count":
            return {"counts": self._count(texts, special=False)}, b""
        prompted = [self._prompts[request.params["prompt"]] + text for text in texts]
        if request.params.get("windows"):
            return {}, self._embed_windows(prompted[0]).tobytes()
        for tokens in self._count(prompted, special=True):
            if tokens > self._max_tokens:
                raise TextTooLong(tokens, self._max_tokens)
        return {}, self._encoder.encode(prompted).tobytes()

    def _count(self, texts: Sequence[str], *, special: bool) -> list[int]:
        encodings = self._tokenizer.encode_batch_fast(texts, add_special_tokens=special)
        return [len(encoding.ids) for encoding in encodings]

    def _embed_windows(self, text: str) -> Array:
        encoding = self._tokenizer.encode(text)
        if len(encoding.ids) <= self._max_tokens:
            return self._encoder.encode([text])
        prompt = self._prompts["query"]
        body = text[len(prompt) :]
        spans = self._tokenizer.encode(body, add_special_tokens=False).offsets
        size = self._max_tokens - self._count([prompt + "?"], special=True)[0] - 8
        pieces = [
            prompt + body[spans[i][0] : spans[min(i + size, len(spans)) - 1][1]]
            for i in range(0, len(spans), size)
        ]
        total = np.sum([self._encoder.encode([piece])[0] for piece in pieces], axis=0)
        return np.asarray(total / np.linalg.norm(total), np.float32)


if __name__ == "__main__":
    main(EmbedderHandler)
