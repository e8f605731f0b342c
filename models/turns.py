"""Who computes first when several threads want the same cores."""

import os
import platform
import threading

_LATER = 10
"""A tenth of the share of a thread that does not step back (`man 7 sched`, nice value)."""


def step_back() -> None:
    """Let other threads go before the one that calls this; it gets what they leave.

    Linux keeps a nice value for each thread. Elsewhere nothing happens.
    """
    if platform.system() == "Linux":
        thread = threading.get_native_id()
        now = os.getpriority(os.PRIO_PROCESS, thread)
        os.setpriority(os.PRIO_PROCESS, thread, max(now, _LATER))
