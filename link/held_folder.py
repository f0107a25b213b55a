"""Folders that a running process holds by a lock, so that others know which are abandoned.

The lock is a flock on the folder itself, which the kernel releases however the process ends. A
folder that can be locked belongs to a dead process.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path


def open_folder(folder: Path) -> int:
    """Return a handle of a folder; a link to one is refused.

    Raises:
        OSError: It is no folder, or cannot be opened.
    """
    return os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)


def leads_to(folder: Path, handle: int) -> bool:
    """Return whether a name still leads to an open folder."""
    try:
        return os.path.samestat(folder.lstat(), os.fstat(handle))
    except FileNotFoundError:
        return False


def hold(folder: Path) -> int | None:
    """Open a new folder and lock it; None if another process removed it before it was locked."""
    try:
        handle = open_folder(folder)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    except OSError:  # without locks, no process removes folders
        return handle
    if leads_to(folder, handle):
        return handle
    os.close(handle)
    return None
