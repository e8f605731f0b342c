"""Plain sentence-transformers on torch in float32, as its documentation shows it.

``python -m tests.bench.baselines.embedder FOLDER THREADS``: a request is ``{texts, batch}``; the
reply is ``{seconds}`` of `encode` alone.
"""

import sys
import time

import torch
from sentence_transformers import SentenceTransformer

from tests.bench.baselines.lines import Pipe


def main() -> None:
    """Serve until the pipe is closed."""
    folder, threads = sys.argv[1], int(sys.argv[2])
    pipe = Pipe()
    torch.set_num_threads(threads)
    model = SentenceTransformer(folder, device="cpu", local_files_only=True)
    model.encode(["a first text"], show_progress_bar=False)
    pipe.reply({"ready": True})
    for request in pipe.requests():
        started = time.perf_counter()
        model.encode(
            request["texts"],
            batch_size=request["batch"],
            normalize_embeddings=True,
            show_progress_bar=False,
        )
        pipe.reply({"seconds": time.perf_counter() - started})


if __name__ == "__main__":
    main()
