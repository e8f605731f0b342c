"""Limits that a process puts on itself before it reads what a stranger wrote.

What the kernel guarantees on Linux for x86-64 and arm64: no socket, no other program, no file
opened for writing, removed or renamed, no more memory, CPU time and open files than set, death
with the parent. It can read what the service's user can read, and its only way out is its reply.
Elsewhere the resource limits hold, and Python code is kept from sockets, programs and writing by
an audit hook, which native code could evade; `confine` returns which of the two it is.
"""

import ctypes
import os
import platform
import resource
import signal
import struct
import sys
from dataclasses import dataclass
from typing import Literal

_PR_SET_PDEATHSIG = 1
_PR_SET_SECCOMP = 22
_PR_SET_NO_NEW_PRIVS = 38
_SECCOMP_MODE_FILTER = 2
_ALLOW = 0x7FFF0000
_REFUSE = 0x00050000 | 1  # EPERM
_X32 = 0x40000000

_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC


@dataclass(frozen=True, slots=True)
class _Calls:
    """Numbers of system calls on one architecture, from its kernel headers."""

    architecture: int
    """As the filter sees it (AUDIT_ARCH_…)."""
    openat: int
    refused: tuple[int, ...]


_CALLS = {
    "x86_64": _Calls(0xC000003E, 257, (
        41, 53, 42, 49,  # socket, socketpair, connect, bind
        59, 322, 57, 58,  # execve, execveat, fork, vfork
        101, 310, 311, 62, 200, 424, 425,  # ptrace, process_vm_*, kill, tkill, pidfd, io_uring
        2, 85, 437,  # open, creat, openat2: the libraries use openat
        76, 77, 82, 264, 316, 87, 263, 84,  # truncate, ftruncate, rename*, unlink*, rmdir
        83, 258, 86, 265, 88, 266, 133, 259,  # mkdir*, link*, symlink*, mknod*
        90, 91, 268, 92, 93, 94, 260, 188, 165, 161,  # chmod*, chown*, setxattr, mount, chroot
    )),
    "aarch64": _Calls(0xC00000B7, 56, (
        198, 199, 203, 200,
        221, 281,
        117, 270, 271, 129, 130, 424, 425,
        437,
        45, 46, 38, 276, 35,
        34, 37, 36, 33,
        52, 53, 54, 55, 5, 40, 51,
    )),
}  # fmt: skip
"""The calls of aarch64 stand in the lines of those of x86-64; it has fewer."""

_BLOCKED_EVENTS = (
    "socket.", "subprocess.", "os.system", "os.exec", "os.posix_spawn", "os.fork",
    "os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.link", "os.symlink", "os.chmod",
    "os.truncate", "shutil.", "webbrowser.", "ftplib.", "smtplib.", "urllib.",
)  # fmt: skip


def limit_resources(*, memory_bytes: int) -> None:
    """Cap memory, written bytes (none), open files and core dumps of this process for good."""
    for what, value in (
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, 64),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (value, value))


def allow_cpu(seconds: int) -> None:
    """Let this process compute for so many more seconds; then the kernel ends it."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    until = int(used.ru_utime + used.ru_stime) + seconds + 1
    resource.setrlimit(resource.RLIMIT_CPU, (until, resource.getrlimit(resource.RLIMIT_CPU)[1]))


def confine() -> Literal["kernel", "python"]:
    """Shut this process off from network and programs; say who enforces it."""
    kernel = _die_with_parent() and _filter_system_calls()
    sys.addaudithook(_refuse)
    return "kernel" if kernel else "python"


def _die_with_parent() -> bool:
    if sys.platform != "linux":
        return False
    parent = os.getppid()
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)
    return True


def _filter_system_calls() -> bool:
    """Install a seccomp filter (https://docs.kernel.org/userspace-api/seccomp_filter.html)."""
    calls = _CALLS.get(platform.machine())
    if calls is None:
        return False
    code = b"".join(struct.pack("HBBI", *instruction) for instruction in _program(calls))
    buffer = ctypes.create_string_buffer(code, len(code))
    header = struct.pack("HxxxxxxP", len(code) // 8, ctypes.addressof(buffer))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        return False
    return bool(libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, header, 0, 0) == 0)


def _program(calls: _Calls) -> list[tuple[int, int, int, int]]:
    """Return the filter: (operation, jump if true, jump if false, value) each.

    Jumps count the instructions they leave out; the last two are "refuse" and "allow".
    """
    load, equal, at_least, any_bit, give = 0x20, 0x15, 0x35, 0x45, 0x06
    tests = [(at_least, _X32), *((equal, number) for number in calls.refused)]
    program = [
        (load, 0, 0, 4),  # the architecture
        (equal, 1, 0, calls.architecture),
        (give, 0, 0, _REFUSE),
        (load, 0, 0, 0),  # the number of the call
    ]
    for index, (operation, value) in enumerate(tests):
        program.append((operation, len(tests) - index + 2, 0, value))
    program += [
        (equal, 0, 3, calls.openat),
        (load, 0, 0, 32),  # its third argument, the flags
        (any_bit, 0, 1, _WRITES),
        (give, 0, 0, _REFUSE),
        (give, 0, 0, _ALLOW),
    ]
    return program


def _refuse(event: str, arguments: tuple[object, ...]) -> None:
    writes = event == "open" and isinstance(flags := arguments[-1], int) and flags & _WRITES
    if writes or event.startswith(_BLOCKED_EVENTS):
        raise PermissionError(f"{event} is not allowed while a file is read")
