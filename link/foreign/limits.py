"""What a program from outside may use, and what is said when it uses more."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ..text import printable

_LAUNCHER: Final = str(Path(__file__).with_name("launcher.py"))
_MORE_PROCESSES: Final = 256
_LONGEST_MESSAGE: Final = 200
_FILE_LIMIT: Final = -signal.SIGXFSZ
_CPU_LIMIT: Final = -signal.SIGXCPU


class ForeignError(Exception):
    """A program or a graph from outside failed; the text says how, in one line."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one call may use.

    Attributes:
        seconds: Time on the clock.
        memory: Bytes of address space of each of its processes.
        file_bytes: Largest file that it may write.
        cpu_seconds: Processor time of each of its processes; 0 for no limit besides `seconds`.
    """

    seconds: float
    memory: int
    file_bytes: int
    cpu_seconds: int = 0


def launched(command: Sequence[str], limits: Limits, tied: bool = True) -> list[str]:
    """Return the command line that sets limits and then becomes the command.

    Args:
        command: The program and its arguments.
        limits: Its limits.
        tied: Whether it is killed when the thread that starts it ends.
    """
    return [
        *(sys.executable, "-I", "-S", _LAUNCHER, str(os.getpid() if tied else 0)),
        *(str(limits.memory), str(limits.cpu_seconds), str(limits.file_bytes)),
        *(str(_most_processes()), *command),
    ]


def environment(folder: Path) -> dict[str, str]:
    """Return the environment of a program: where programs are found, and its own folder."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "LANG": "C.UTF-8",
        "HOME": str(folder),
        "TMPDIR": str(folder),
        # One thread each, because tiles are coded side by side.
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
    }


def ending(status: int, message: bytes, limits: Limits) -> str:
    """Return how a program ended, with the last line that it wrote.

    Args:
        status: Its exit status, or the negative number of the signal that ended it.
        message: The end of what it wrote as messages.
        limits: Its limits.
    """
    lines = [line for line in message.decode("utf-8", "replace").splitlines() if line.strip()]
    said = f": {printable(lines[-1].strip(), _LONGEST_MESSAGE)}" if lines else ""
    if status == _FILE_LIMIT:
        return f"wrote a file of more than {limits.file_bytes} bytes"
    if status == _CPU_LIMIT:
        return f"used more than {limits.cpu_seconds} s of processor time"
    if status < 0:
        try:
            name = signal.Signals(-status).name
        except ValueError:
            name = f"signal {-status}"
        return f"was ended by {name}{said}"
    return f"ended with status {status}{said}"


def overtime(limits: Limits) -> str:
    """Return what is said of a call that takes too long."""
    return f"took more than {limits.seconds:g} s"


def _most_processes() -> int:
    """Return how many processes and threads a user may have, so that copies cannot flood it.

    The kernel counts all of the user's, so those that run now are added. It does not bound root.
    """
    try:
        running = int(Path("/proc/loadavg").read_text(encoding="ascii").split()[3].split("/")[1])
    except (OSError, ValueError, IndexError):
        return 0
    return running + _MORE_PROCESSES
