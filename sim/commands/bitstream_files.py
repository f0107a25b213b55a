"""Read and write the files of bitstreams, and print lines about them."""

from __future__ import annotations

import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from ...link.errors import BitstreamError, InputError
from ...link.files import whole_file
from ...link.text import printable

_MOST_BYTES: Final = 1 << 32
"""Largest bitstream that is read; the largest frame that is decoded has a quarter as many bytes."""


def read_bitstream(path: Path) -> bytes:
    """Return the bytes of a file.

    Raises:
        InputError: The file cannot be read, is no regular file, or is too large.
    """
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode) and not path.is_dir():
            raise InputError(f"{path}: found a pipe or a device; allowed: a file on disk")
        if found.st_size > _MOST_BYTES:
            raise InputError(f"{path}: {found.st_size} bytes; allowed are {_MOST_BYTES}")
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Add the file's name to the error if its bytes are refused."""
    try:
        yield
    except BitstreamError as error:
        raise BitstreamError(f"{path}: {error}") from None


def write_bitstream(path: Path, data: bytes) -> None:
    """Write a file, which gets its name only when it is complete."""
    with whole_file(path) as file:
        file.write(data)


def say(line: str) -> None:
    """Print a line without characters that act on the terminal."""
    sys.stdout.write(f"{printable(line)}\n")
