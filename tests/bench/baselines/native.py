"""llama.cpp's own server, from the package xllamacpp, with its prompt cache on.

``python -m tests.bench.baselines.native MODEL.gguf THREADS CONTEXT PARALLEL`` prints ``{"url": …}``
when it is ready, or ``{"missing": "a sentence"}``, and serves until its input is closed.
"""

import sys

from tests.bench.baselines.lines import Pipe


def main() -> None:
    """Serve until the pipe is closed."""
    path, threads, context, parallel = sys.argv[1], *map(int, sys.argv[2:5])
    pipe = Pipe()
    try:
        import xllamacpp
    except ImportError as error:
        pipe.reply({"missing": f"the package xllamacpp cannot be imported ({error})"})
        return
    params = xllamacpp.CommonParams()
    params.model.path = path
    params.n_ctx = context
    params.n_parallel = parallel
    params.kv_unified = True
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
    params.cache_prompt = True
    params.n_gpu_layers = 0
    params.port = 0
    server = xllamacpp.Server(params)
    pipe.reply({"url": server.listening_address})
    for _ in pipe.requests():
        pass


if __name__ == "__main__":
    main()
