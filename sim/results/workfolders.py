"""The hidden folders that a run works in beside its output, and those that dead runs have left.

    .NAME-xxxxxxxx.partial   what a run is writing
    .NAME-xxxxxxxx.old       the earlier results, for the moment in which the new ones go in place

Whoever makes one holds a lock on it (flock, on the folder itself), which the kernel drops when the
process ends in whatever way. So a folder that can be locked is a dead run's and is swept by the
next run of the same output; where a file system knows no such locks, nothing is ever swept.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Literal

from ...link.files import fresh_name, leaving

EARLIER: Final = "run"
"""Where the earlier results lie in a folder of kind `.old`."""

Kind = Literal[".partial", ".old"]

_RANDOM: Final = "[a-z0-9_]{8}"
"""What is drawn for a name; older versions drew from more letters."""


@contextlib.contextmanager
def held(out: Path, kind: Kind) -> Iterator[Path]:
    """Make a new folder beside `out` that no sweep touches while this process has it.

    Removing it is the caller's.

    Raises:
        OSError: It cannot be made.
    """
    while True:
        folder = fresh_name(out.parent, out.name, kind)
        # Earlier results are put back by whoever moved them away; a stop must not remove them.
        with leaving(folder) if kind == ".partial" else contextlib.nullcontext():
            folder.mkdir(0o700)
            handle = _hold(folder)
            if handle is None:
                continue
            try:
                yield folder
            finally:
                os.close(handle)
            return


def _hold(folder: Path) -> int | None:
    """Open a folder just made and lock it; None where a sweep was faster than the lock."""
    try:
        handle = _open(folder)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    except OSError:  # no locks here, so nobody sweeps
        return handle
    if _is(folder, handle):
        return handle
    os.close(handle)
    return None


def sweep(out: Path) -> None:
    """Remove what dead runs of this output have left; put earlier results back that lack.

    Never touches the folder of a run that lives, of another output or of another user, and never
    fails: what cannot be removed stays.
    """
    name = re.compile(rf"\.{re.escape(out.name)}-{_RANDOM}(\.partial|\.old)")
    with contextlib.suppress(OSError):
        for entry in list(os.scandir(out.parent)):
            if name.fullmatch(entry.name):
                with contextlib.suppress(OSError):
                    _remove_if_dead(Path(entry.path), out)


def _remove_if_dead(folder: Path, out: Path) -> None:
    handle = _open(folder)
    try:
        if os.fstat(handle).st_uid != os.geteuid():
            return
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not _is(folder, handle):
            return
        earlier = folder / EARLIER
        if folder.suffix == ".old" and earlier.is_dir() and not out.exists():
            earlier.rename(out)
        shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(handle)


def _open(folder: Path) -> int:
    return os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)


def _is(folder: Path, handle: int) -> bool:
    """Return whether an open folder still has this name."""
    try:
        return os.path.samestat(folder.lstat(), os.fstat(handle))
    except FileNotFoundError:
        return False
