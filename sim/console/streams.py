"""Standard output and standard error of the command line.

All text that a command writes passes through here. Characters that would act on the terminal
(`link.text`) and characters that the encoding lacks are escaped. If an output cannot be written,
the command ends with one line instead of a traceback.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from collections.abc import Iterator
from typing import IO, Any

from ...link.errors import InputError
from ...link.text import defused, printable


class OutputError(Exception):
    """Standard output cannot be written, although its reader has not closed it."""


class Stream:
    """A text stream that escapes characters that would act on the terminal.

    Args:
        stream: Where to write; None if the process has no such stream.
        name: Name of the stream in messages.
        needed: Whether failing to write is an error, as it is for output but not for messages.
    """

    def __init__(self, stream: IO[str] | None, name: str, needed: bool) -> None:
        self._stream, self._name, self._needed = stream, name, needed

    def write(self, text: str) -> int:
        """Write text; characters that would act on the terminal are escaped."""
        return self.write_as_it_is(defused(text))

    def write_as_it_is(self, text: str) -> int:
        """Write text that holds this program's own colours and cursor movements.

        Raises:
            OutputError: It cannot be written.
        """
        with self._faults():
            if self._stream is None:
                raise OSError(errno.EBADF, "it is closed")
            encoding = getattr(self._stream, "encoding", None) or "utf-8"
            self._stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
        return len(text)

    def flush(self) -> None:
        """Write buffered text.

        Raises:
            OutputError: It cannot be written.
        """
        with self._faults():
            if self._stream is not None:
                self._stream.flush()

    def isatty(self) -> bool:
        """Whether the stream is a terminal."""
        return self._stream is not None and self._stream.isatty()

    @contextlib.contextmanager
    def _faults(self) -> Iterator[None]:
        try:
            yield
        except BrokenPipeError:
            if self._needed:
                raise
        except (OSError, ValueError) as error:  # ValueError: closed in this process
            if self._needed:
                reason = getattr(error, "strerror", None) or str(error)
                raise OutputError(f"{self._name}: cannot be written ({reason})") from None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class AsItIs:
    """A stream for libraries that write colours. They must be given escaped text."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write text as it is."""
        return self._stream.write_as_it_is(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextlib.contextmanager
def guarded() -> Iterator[None]:
    """Route standard output and standard error through `Stream` within the context."""
    before = sys.stdout, sys.stderr
    sys.stdout = Stream(before[0], "standard output", needed=True)
    sys.stderr = Stream(before[1], "standard error", needed=False)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


def as_it_is(stream: Any) -> Any:
    """Return a stream that does not escape colours and cursor movements."""
    return AsItIs(stream) if isinstance(stream, Stream) else stream


def complain(*lines: str) -> None:
    """Write lines to standard error; a line break within one is escaped."""
    for line in lines:
        sys.stderr.write(f"{printable(line)}\n")


def lines_of(error: InputError) -> list[str]:
    """Return an error's lines: one for each problem if it has several."""
    problems = getattr(error, "problems", None)
    return str(error).split("\n") if problems else [str(error)]


def open_standard_streams() -> None:
    """Open /dev/null for each standard stream that the process lacks.

    Otherwise the next opened file would get its number, and a library's output would go into it.
    """
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


def abandon_output() -> None:
    """Discard further output, after standard output could not be written."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        descriptor = os.open(os.devnull, os.O_WRONLY)
        os.dup2(descriptor, sys.stdout.fileno())
        os.close(descriptor)
