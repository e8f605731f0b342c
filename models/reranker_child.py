"""The cross-encoder's process: sentence-transformers behind the requests of `models.reranker`."""

from collections.abc import Mapping
from typing import Any

import torch
from sentence_transformers import CrossEncoder

from models.child import Channel, Request, main, serve_one_by_one


class RerankerHandler:
    """Answers ``score``."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        torch.set_num_threads(int(settings["threads"]))
        self._model = CrossEncoder(
            settings["folder"], device="cpu", local_files_only=True, trust_remote_code=False
        )

    def info(self) -> Mapping[str, Any]:
        """Return nothing: the parent needs to know no more."""
        return {}

    def serve(self, channel: Channel) -> None:
        """Answer one request after the other."""
        serve_one_by_one(channel, self._handle)

    def _handle(self, request: Request) -> tuple[Mapping[str, Any], bytes]:
        """Score pairs; the model's own numbers, before any function that flattens large ones."""
        question: str = request.params["question"]
        scores = self._model.predict(
            [(question, text) for text in request.params["texts"]],
            activation_fn=torch.nn.Identity(),
            show_progress_bar=False,
        )
        return {"scores": [float(score) for score in scores]}, b""


if __name__ == "__main__":
    main(RerankerHandler)
