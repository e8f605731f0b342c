"""An embedder process for tests: it dies of its first request, and of every text "die"."""

import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from models.workers.child import Channel, Request, main, serve_one_by_one


class Frail:
    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._note = Path(settings["note"])

    def info(self) -> Mapping[str, Any]:
        return {}

    def serve(self, channel: Channel) -> None:
        serve_one_by_one(channel, channel.requests, self._handle)

    def _handle(self, request: Request) -> tuple[Mapping[str, Any], bytes]:
        texts: list[str] = request.params["texts"]
        if not self._note.exists() or "die" in texts:
            self._note.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        vectors = np.array([[len(text), 0] for text in texts], np.float32)
        return {"counts": [len(text) for text in texts]}, vectors.tobytes()


if __name__ == "__main__":
    main(Frail)
