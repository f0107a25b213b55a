"""The hidden folders beside its output that a run works in, and the removal of abandoned ones.

    .NAME-xxxxxxxx.partial   results that a run is writing
    .NAME-xxxxxxxx.old       the previous results, while the new ones are moved into place

The process that makes such a folder holds a lock on it (flock, on the folder itself). The kernel
releases the lock when the process ends, however it ends. A folder that can be locked therefore
belongs to a dead run, and the next run with the same output removes it. On a file system without
locks nothing is ever removed.
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
from ...link.held_folder import hold, leads_to, open_folder

EARLIER: Final = "run"
"""Name of the previous results within a folder of kind `.old`."""

Kind = Literal[".partial", ".old"]

_RANDOM: Final = "[a-z0-9_]{8}"
"""The random part of a name; older versions drew from more letters."""


@contextlib.contextmanager
def held(out: Path, kind: Kind) -> Iterator[Path]:
    """Make a new folder beside `out` that no sweep touches while this process has it.

    Removing it is the caller's.

    Raises:
        OSError: It cannot be made.
    """
    while True:
        folder = fresh_name(out.parent, out.name, kind)
        # A `.old` folder holds results that must be put back, so a stop must not remove it.
        with leaving(folder) if kind == ".partial" else contextlib.nullcontext():
            folder.mkdir(0o700)
            handle = hold(folder)
            if handle is None:
                continue
            try:
                yield folder
            finally:
                os.close(handle)
            return


def sweep(out: Path) -> None:
    """Remove the folders that dead runs of this output have left.

    Restore the previous results if the new ones were never moved into place.

    Folders of running processes, of other outputs and of other users are not touched. A folder
    that cannot be removed stays; this never fails.
    """
    name = re.compile(rf"\.{re.escape(out.name)}-{_RANDOM}(\.partial|\.old)")
    with contextlib.suppress(OSError):
        for entry in list(os.scandir(out.parent)):
            if name.fullmatch(entry.name):
                with contextlib.suppress(OSError):
                    _remove_if_dead(Path(entry.path), out)


def _remove_if_dead(folder: Path, out: Path) -> None:
    handle = open_folder(folder)
    try:
        if os.fstat(handle).st_uid != os.geteuid():
            return
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not leads_to(folder, handle):
            return
        earlier = folder / EARLIER
        if folder.suffix == ".old" and earlier.is_dir() and not out.exists():
            earlier.rename(out)
        shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(handle)
