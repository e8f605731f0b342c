"""Who computes first when several threads want the same cores."""

import os
import platform
import threading
from pathlib import Path

_LATER = 10
"""A tenth of the share of a thread that does not step back (`man 7 sched`, nice value)."""


def step_back() -> None:
    """Let other threads go before the one that calls this; it gets what they leave.

    Linux keeps a nice value for each thread, which the threads that it starts have, too. Elsewhere
    nothing happens.
    """
    if platform.system() == "Linux":
        _lower(threading.get_native_id())


def step_back_whole() -> None:
    """Let other processes go before all threads of this one, those that libraries started too."""
    if platform.system() == "Linux":
        for thread in Path("/proc/self/task").iterdir():
            _lower(int(thread.name))


def _lower(thread: int) -> None:
    now = os.getpriority(os.PRIO_PROCESS, thread)
    os.setpriority(os.PRIO_PROCESS, thread, max(now, _LATER))
