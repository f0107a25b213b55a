"""Set the limits of a program, then become that program.

    python -I -S launcher.py PARENT MEMORY CPU_SECONDS FILE_BYTES PROCESSES PROGRAM [ARGUMENT …]

This is a program of its own because limits must be set between fork and exec, and a process with
threads may run nothing there safely. The arguments are the process with which it shall end, bytes
of address space, seconds of processor time, bytes of a file, and number of processes and threads
of the user; 0 is none.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys

_PR_SET_PDEATHSIG = 1
_PR_SET_NO_NEW_PRIVS = 38
CANNOT_START = 127


def main(arguments: list[str]) -> int:
    """Set the limits and execute the program; return a status if it cannot be executed."""
    parent, memory, cpu_seconds, file_bytes, processes = map(int, arguments[:5])
    command = arguments[5:]
    libc = ctypes.CDLL(None)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if parent:
        # The program ends with the thread that waits for it, however that ends.
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            return CANNOT_START
    for kind, most in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_CPU, cpu_seconds or None),
        (resource.RLIMIT_FSIZE, file_bytes or None),
        (resource.RLIMIT_NPROC, processes or None),
        (resource.RLIMIT_AS, memory or None),
    ):
        if most is None:
            continue
        # At the soft limit of processor time comes SIGXCPU, at the hard one SIGKILL.
        hard = most + (kind == resource.RLIMIT_CPU)
        _, before = resource.getrlimit(kind)
        if before != resource.RLIM_INFINITY:
            most, hard = min(most, before), min(hard, before)
        resource.setrlimit(kind, (most, hard))
    os.umask(0o077)
    # Python ignores both, and a program would inherit that.
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    try:
        os.execv(command[0], command)  # noqa: S606  (no shell is what is wanted)
    except OSError as error:
        os.write(2, f"cannot be started: {error.strerror}\n".encode())
    return CANNOT_START


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
