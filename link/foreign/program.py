"""Run a program from outside on one file, within limits.

    bytes ──► FOLDER/input ──► program ──► FOLDER/output ──► bytes
                                  └── standard error: the end of it is kept for messages

The folder is private and temporary, and is the working folder. Files are used and not pipes: a
program that does not read or write cannot block this one, the kernel bounds what is written, and
most codecs take names of files. A program that is not given the name of its input gets it as
standard input, and one that is not given the name of its output writes it to standard output.

The program runs in a session of its own. When it has ended or its time is over, all processes of
that session's group are killed. A process that leaves the group is beyond this.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Final

from ..scratch import scratch_folder
from . import processor_time
from .command import Command
from .limits import ForeignError, Limits, ending, environment, launched, overtime

_MESSAGE_BYTES: Final = 4096
_POLL_S: Final = 0.005


def transform(
    command: Command, values: Mapping[str, str], data: bytes, most: int, limits: Limits
) -> bytes:
    """Give a program a file, and return the file that it writes.

    Args:
        command: The program and its arguments.
        values: Text for the arguments' placeholders besides `input` and `output`.
        data: Content of the input.
        most: Largest size of the output in bytes.
        limits: What the program may use.

    Raises:
        ForeignError: The program failed, took too long, or wrote no regular file of that size.
    """
    with _private_folder() as folder, tempfile.TemporaryFile() as messages:
        source, target = folder / "input", folder / "output"
        source.write_bytes(data)
        arguments = command.line({**values, "input": str(source), "output": str(target)})
        with contextlib.ExitStack() as stack:
            given = Path(os.devnull) if command.names("input") else source
            reading = stack.enter_context(given.open("rb"))
            writing = messages if command.names("output") else target.open("xb")
            if writing is not messages:
                stack.enter_context(writing)
            status = _run(arguments, folder, reading, writing, messages, limits)
        if status is None:
            raise ForeignError(f"{command.label} {overtime(limits)}")
        if status:
            raise ForeignError(f"{command.label} {ending(status, _end_of(messages), limits)}")
        return _output(target, most, command.label)


@contextlib.contextmanager
def _private_folder() -> Iterator[Path]:
    with scratch_folder("program") as folder:
        try:
            yield folder
        finally:
            # A program may leave folders in which nothing can be deleted.
            with contextlib.suppress(OSError):
                folder.chmod(0o700)
            for place, names, _ in os.walk(folder):
                for name in names:
                    path = Path(place, name)
                    with contextlib.suppress(OSError):
                        if not path.is_symlink():
                            path.chmod(0o700)


def _run(
    arguments: list[str],
    folder: Path,
    reading: IO[bytes],
    writing: IO[bytes],
    messages: IO[bytes],
    limits: Limits,
) -> int | None:
    """Run a program to its end; return its status, or None if its time was over."""
    process = subprocess.Popen(  # noqa: S603  (the caller has been allowed to)
        launched(arguments, limits),
        cwd=folder,
        env=environment(folder),
        stdin=reading,
        stdout=writing,
        stderr=messages,
        start_new_session=True,
    )
    try:
        in_time = _ends_within(process.pid, limits.seconds)
    finally:
        # The leader has not been waited for yet, so its number is still that of the group.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        _, raw, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(raw)
        processor_time.add(used.ru_utime + used.ru_stime)
    return process.returncode if in_time else None


def _ends_within(pid: int, seconds: float) -> bool:
    """Wait until a child ends, without taking its status; return False if it takes longer."""
    try:
        handle = os.pidfd_open(pid)
    except (AttributeError, OSError):  # an old kernel, or a sandbox without this call
        deadline = time.monotonic() + seconds
        while os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is None:
            if time.monotonic() >= deadline:
                return False
            time.sleep(_POLL_S)
        return True
    try:
        poll = select.poll()
        poll.register(handle, select.POLLIN)
        return bool(poll.poll(round(seconds * 1000)))
    finally:
        os.close(handle)


def _end_of(messages: IO[bytes]) -> bytes:
    size = os.fstat(messages.fileno()).st_size
    return os.pread(messages.fileno(), _MESSAGE_BYTES, max(0, size - _MESSAGE_BYTES))


def _output(path: Path, most: int, label: str) -> bytes:
    """Read what a program wrote, if it is a regular file that is not too large."""
    try:
        # The flags prevent following a link and blocking on a pipe.
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise ForeignError(f"{label} wrote no output") from None
    except OSError:
        raise ForeignError(f"{label} wrote an output that is no regular file") from None
    found = os.fstat(handle)
    if not stat.S_ISREG(found.st_mode):
        os.close(handle)
        raise ForeignError(f"{label} wrote an output that is no regular file")
    with os.fdopen(handle, "rb") as file:
        if found.st_size > most:
            raise ForeignError(f"{label} wrote {found.st_size} bytes; allowed: at most {most}")
        return file.read(most + 1)
