"""Where the process begins: what must be set before the heavy libraries are loaded."""

import ctypes
import os
import sys

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
"""Of glibc's ``mallopt``."""

_KEPT_BYTES = 16 * 2**20
"""Freed memory that is kept for the next question. Giving all of it back at once cost 3,000 page
faults a question, 6 ms, in a base of 100,000 chunks; keeping this much costs 8 MB."""

_APART_BYTES = 4 * 2**20
"""Larger pieces are given back as soon as they are free."""


def main() -> None:
    """Run the command line in a process that keeps its memory small."""
    if sys.platform == "win32":
        sys.exit("Answerdesk runs on Linux and macOS. On Windows, run it in WSL or with Docker.")
    keep_memory_small()
    from app.cli import main as run

    run()


def keep_memory_small() -> None:
    """Set what LanceDB, Arrow and malloc read once; call it before they are loaded."""
    # LanceDB's own pools: a small index needs no more, and each thread keeps memory of its own.
    for name, value in (
        ("TOKIO_WORKER_THREADS", "2"),
        ("LANCE_CPU_THREADS", "2"),
        ("LANCE_IO_THREADS", "4"),
        ("ARROW_DEFAULT_MEMORY_POOL", "system"),
    ):
        os.environ.setdefault(name, value)
    # Two arenas instead of sixteen: each keeps what was freed in it.
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:  # glibc only
        mallopt(_M_ARENA_MAX, 2)
        mallopt(_M_TRIM_THRESHOLD, _KEPT_BYTES)
        mallopt(_M_MMAP_THRESHOLD, _APART_BYTES)
