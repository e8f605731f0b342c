"""Keep llama.cpp from using AMX, the matrix unit of newer Intel processors.

GCC 12 (Debian 12) drops the stores that fill a tile configuration, because its ``_tile_loadconfig``
declares 8 of the 64 bytes it reads. llama.cpp compiled with it for a processor with AMX dies of the
first matrix product: general protection fault at ``ldtilecfg``, seen with llama-cpp-python 0.3.36.
A process has to ask the kernel for AMX before it uses it, and llama.cpp does without when that is
refused. So it is refused, whatever compiler there was.
"""

import ctypes
import platform

_STACK_BYTES = 7168
"""Enough for a signal's frame with AVX-512 (3.5 kB), too small for one with AMX (11 kB)."""


class _SignalStack(ctypes.Structure):
    _fields_ = (("sp", ctypes.c_void_p), ("flags", ctypes.c_int), ("size", ctypes.c_size_t))


_stack = ctypes.create_string_buffer(_STACK_BYTES)


def refuse_amx() -> None:
    """Make the kernel refuse AMX to this process. Call it before llama.cpp loads a model.

    The kernel refuses it to a process with an alternate signal stack that is too small for the
    larger frame (Documentation/arch/x86/xstate.rst). Elsewhere than on Linux nothing happens.
    """
    if platform.system() == "Linux" and platform.machine() == "x86_64":
        stack = _SignalStack(ctypes.addressof(_stack), 0, _STACK_BYTES)
        ctypes.CDLL(None).sigaltstack(ctypes.byref(stack), None)
