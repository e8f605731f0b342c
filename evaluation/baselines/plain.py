"""llama-cpp-python as its documentation shows it: `Llama.create_chat_completion`, streamed.

``python -m evaluation.baselines.plain MODEL.gguf THREADS CONTEXT``: a request is
``{messages, max_tokens}``; the replies are ``{"first": true}`` with the first piece of text and
``{"tokens": n}`` at the end.
"""

import sys

from llama_cpp import Llama

from evaluation.baselines.lines import Pipe
from models.llama.cpu import refuse_amx


def main() -> None:
    """Serve until the pipe is closed."""
    path, threads, context = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    pipe = Pipe()
    refuse_amx()
    llama = Llama(path, n_ctx=context, n_threads=threads, n_threads_batch=threads, verbose=False)
    pipe.reply({"ready": True})
    for request in pipe.requests():
        tokens = 0
        for part in llama.create_chat_completion(
            request["messages"], max_tokens=request["max_tokens"], temperature=0, stream=True
        ):
            if part["choices"][0]["delta"].get("content"):  # type: ignore[index,union-attr]
                if not tokens:
                    pipe.reply({"first": True})
                tokens += 1
        pipe.reply({"tokens": tokens})


if __name__ == "__main__":
    main()
