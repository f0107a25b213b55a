"""Read files that somebody else names: regular ones of bounded size, without waiting on a pipe."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import Final

from ..errors import InputError

LARGEST_FILE: Final = 1 << 30


@contextmanager
def opened(path: Path) -> Iterator[BufferedReader]:
    """Open a regular file to read.

    Raises:
        InputError: It cannot be read, is no regular file, or is larger than 1 GiB.
    """
    try:
        # The flag prevents blocking on a pipe.
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "no name of a file"
        raise InputError(f"{path}: cannot be read ({why})") from None
    state = os.fstat(handle)
    if not stat.S_ISREG(state.st_mode) or state.st_size > LARGEST_FILE:
        os.close(handle)
        raise InputError(
            f"{path}: found no regular file of at most {LARGEST_FILE} bytes; a codec's programs "
            "and files must be such"
        )
    with os.fdopen(handle, "rb") as file:
        try:
            yield file
        except OSError as error:
            raise InputError(f"{path}: cannot be read ({error.strerror})") from None
