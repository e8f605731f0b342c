"""llama-cpp-python's own server, as its documentation starts it.

``python -m evaluation.baselines.server MODEL.gguf THREADS CONTEXT`` prints ``{"url": …}`` when it
is ready, or ``{"missing": "a sentence"}``, and serves until its input is closed. Streams are not
interrupted by the next request, as they are by default: replies would be cut short.
"""

import socket
import sys
import threading

from evaluation.baselines.lines import Pipe
from models.llama.cpu import refuse_amx


def main() -> None:
    """Serve until the pipe is closed."""
    path, threads, context = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    pipe = Pipe()
    refuse_amx()
    try:
        import uvicorn
        from llama_cpp.server.app import create_app
        from llama_cpp.server.settings import ModelSettings, ServerSettings
    except ImportError as error:
        pipe.reply({"missing": f"the server of llama-cpp-python cannot be imported ({error})"})
        return
    model = ModelSettings(
        model=path, n_ctx=context, n_threads=threads, n_threads_batch=threads, verbose=False
    )
    app = create_app(
        server_settings=ServerSettings(interrupt_requests=False), model_settings=[model]
    )
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        pipe.reply({"url": f"http://127.0.0.1:{listener.getsockname()[1]}"})
        for _ in pipe.requests():
            pass
        server.should_exit = True
        thread.join(timeout=3)


if __name__ == "__main__":
    main()
