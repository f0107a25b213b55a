"""Which downpass this is: its version, and a digest of its files.

Results belong to the code that made them. The version alone does not say which code that is: it
stays the same from one release to the next, while a checkout changes every day.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Final

_PACKAGES: Final = ("ground", "link", "payload", "sim")
_COMPILED: Final = {".so", ".pyc", ".c", ".h", ".o"}
"""Compiled code differs from computer to computer, and computes what Python's does."""


@cache
def revision() -> str:
    """Return the version with a digest of all modules, tables and weights: `0.1.0 (9f86d081884c)`.

    It takes 40 ms for 25 MB. It is computed once, so it is that of the files as the process found
    them.
    """
    digest = hashlib.sha256()
    for name, content in _files(Path(__file__).parents[2]):
        digest.update(f"{name} {len(content)}\n".encode())
        digest.update(content)
    return f"{version('downpass')} ({digest.hexdigest()[:12]})"


def _files(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of each file that results may depend on, in order."""
    for package in _PACKAGES:
        for path in sorted((folder / package).rglob("*")):
            if path.suffix not in _COMPILED and path.is_file():
                yield path.relative_to(folder).as_posix(), path.read_bytes()
