"""Read text files that come from outside: regular files of bounded size, in UTF-8."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import Final

from .errors import InputError
from .text import printable

_REASONS: Final = {
    errno.ENOENT: "no such file",
    errno.EACCES: "no permission to read it",
    errno.ELOOP: "a loop of symbolic links",
    errno.ENOTDIR: "a part of the path is no folder",
}


def read_text(path: Path, largest: int) -> str:
    """Return the content of a text file.

    Args:
        path: The file. A byte order mark at its beginning is left out.
        largest: Largest allowed size in bytes.

    Raises:
        InputError: There is no such file, it is no regular file, it is too large, or its bytes
            are not UTF-8 text.
    """
    name = printable(str(path))
    try:
        # Without O_NONBLOCK, opening a named pipe would block forever.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise InputError(f"{name}: found no regular file; allowed: a text file")
            data = file.read(largest + 1)
    except ValueError:
        raise InputError(f"{name}: found a NUL in the path; allowed: a file's path") from None
    except OSError as error:
        reason = _REASONS.get(error.errno or 0, error.strerror or "cannot be read")
        raise InputError(f"{name}: {reason}") from None
    if len(data) > largest:
        raise InputError(f"{name}: found more than {largest} bytes; allowed: at most {largest}")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        found = f"byte 0x{data[error.start]:02x}"
        raise InputError(f"{name}:{line}: found {found}; allowed: UTF-8 text") from None
    nul = text.find("\0")
    if nul >= 0:
        line = text.count("\n", 0, nul) + 1
        raise InputError(f"{name}:{line}: found a NUL; allowed: UTF-8 text")
    return text
