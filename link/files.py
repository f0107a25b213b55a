"""Write files that appear under their name only once complete, and clean up after dead processes.

    .NAME-xxxxxxxx.part   temporary file of a process that is writing NAME

The writer holds a lock (flock) on its temporary file, which the kernel releases however the process
ends. If such a file can be locked, the process that wrote it is dead, and the next writer of the
same NAME deletes the file. A process that is stopped by a signal deletes its own temporary files
(`remove_leavings`).
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import secrets
import shutil
import stat
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

from .errors import InputError

_RANDOM: Final = "[a-z0-9_]{8}"
"""The random part of a temporary name; older versions used more letters."""
_TRIES: Final = 3

_leavings: set[Path] = set()
_lock = threading.Lock()


@contextlib.contextmanager
def leaving(path: Path) -> Iterator[Path]:
    """Delete a temporary file or folder if the process is stopped inside the `with` block.

    In every other case the caller deletes it. Enter the block before creating the file: an
    interrupt may come between any two steps, and the path stays registered then.
    """
    path = path.absolute()
    with _lock:
        _leavings.add(path)
    try:
        yield path
    except Exception:
        _forget(path)
        raise
    _forget(path)


def _forget(path: Path) -> None:
    with _lock:
        _leavings.discard(path)


def fresh_name(folder: Path, name: str, ending: str) -> Path:
    """Return a path `.NAME-xxxxxxxx.ENDING` in a folder, with a random middle that is unique."""
    return folder / f".{name}-{secrets.token_hex(4)}{ending}"


def remove_leavings() -> None:
    """Delete all registered temporary files, in a process that is about to end.

    Other threads may still write, so a folder that fills up again while it is deleted is deleted
    again.
    """
    with _lock:
        paths = list(_leavings)
    for path in paths:
        for _ in range(_TRIES):
            with contextlib.suppress(OSError):
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path, ignore_errors=True)
                else:
                    path.unlink(missing_ok=True)
            if not os.path.lexists(path):
                break


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[IO[bytes]]:
    """Open a temporary file to write to, and rename it to its final name at the end.

    A link is followed: its target is replaced, and the link stays. If the block raises, the
    previous file stays as it was.

    Args:
        path: The file's name; its folder must exist.

    Raises:
        InputError: The file cannot be written there, or the name is not that of a regular file.
    """
    try:
        target = _regular(path)
        _sweep(target)
    except OSError as error:
        raise _refusal(path, error) from None
    part = fresh_name(target.parent, target.name, ".part")
    try:
        with _replacement(part, target) as file:
            yield file
    except OSError as error:
        if error.filename not in (None, str(part)):
            raise
        raise _refusal(path, error) from None


def replaced(path: Path) -> contextlib.AbstractContextManager[IO[bytes]]:
    """Open a temporary file to write to, and give it the name of a cache's file at the end.

    Unlike `whole_file`, this replaces a link or a pipe itself, deletes no files that dead
    processes left, and raises every `OSError` unchanged. If the block raises, the previous file
    stays as it was.

    Args:
        path: The file's name; its folder must exist.

    Raises:
        OSError: The file cannot be written there.
    """
    return _replacement(fresh_name(path.parent, path.name, ".part"), path)


@contextlib.contextmanager
def _replacement(part: Path, target: Path) -> Iterator[IO[bytes]]:
    with leaving(part):
        file = part.open("xb")
        try:
            with contextlib.suppress(OSError):  # a file system without locks: no file is swept
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield file
            file.flush()
            part.replace(target)
        finally:
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)
            with contextlib.suppress(OSError):  # on a full disk, closing flushes and fails again
                file.close()


def _refusal(path: Path, error: OSError) -> InputError:
    return InputError(f"{path}: cannot be written ({error.strerror or error})")


def _regular(path: Path) -> Path:
    """Return the path that a name resolves to, if it is a regular file or does not exist yet.

    Raises:
        InputError: A folder, a device, a pipe or a link that points nowhere.
    """
    try:  # by its own name: what a link such as /dev/stdout resolves to may have none
        if not stat.S_ISREG(path.stat().st_mode):
            raise InputError(f"{path}: cannot be written (it is no regular file)")
    except FileNotFoundError:
        if path.is_symlink():
            raise InputError(f"{path}: cannot be written (a link that points nowhere)") from None
    return Path(os.path.realpath(path))


def _sweep(target: Path) -> None:
    """Delete the temporary files of this name that dead processes of this user left behind."""
    name = re.compile(rf"\.{re.escape(target.name)}-{_RANDOM}\.part")
    with contextlib.suppress(OSError):
        for entry in list(os.scandir(target.parent)):
            if name.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
                with contextlib.suppress(OSError):
                    _remove_if_dead(Path(entry.path))


def _remove_if_dead(part: Path) -> None:
    handle = os.open(part, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        if os.fstat(handle).st_uid == os.geteuid():
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            part.unlink()
    finally:
        os.close(handle)
