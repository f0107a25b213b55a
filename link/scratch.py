"""Temporary folders that do not outlive a killed process for long.

    TMPDIR/downpass-KIND-xxxxxxxx     a folder of a process that is running

The process that makes such a folder holds a lock on it (flock, on the folder itself), which the
kernel releases however the process ends. If a folder can be locked, its process is dead, and the
next process that makes one of the same kind deletes it. On a file system without locks nothing is
deleted.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import secrets
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from .files import leaving
from .held_folder import hold, open_folder


@contextlib.contextmanager
def scratch_folder(kind: str) -> Iterator[Path]:
    """Make a temporary folder, and delete it at the end of the `with` block.

    Abandoned folders of the same kind and user are deleted first.

    Args:
        kind: What the folder is for, in lower-case letters.

    Raises:
        OSError: The folder cannot be made.
    """
    place = Path(tempfile.gettempdir())
    _sweep(place, kind)
    while True:
        folder = place / f"downpass-{kind}-{secrets.token_hex(4)}"
        with leaving(folder):
            folder.mkdir(0o700)
            handle = hold(folder)
            if handle is None:
                continue
            try:
                yield folder
            finally:
                shutil.rmtree(folder, ignore_errors=True)
                os.close(handle)
            return


def _sweep(place: Path, kind: str) -> None:
    name = re.compile(rf"downpass-{re.escape(kind)}-[a-z0-9_]{{8}}")
    with contextlib.suppress(OSError):
        for entry in list(os.scandir(place)):
            if name.fullmatch(entry.name) and entry.is_dir(follow_symlinks=False):
                with contextlib.suppress(OSError):
                    _remove_if_dead(Path(entry.path))


def _remove_if_dead(folder: Path) -> None:
    handle = open_folder(folder)
    try:
        found = os.fstat(handle)
        if found.st_uid == os.geteuid() and stat.S_ISDIR(found.st_mode):
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(handle)
