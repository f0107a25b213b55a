"""A store of bytes on disk, by kind and key: what was computed once is not computed again.

Two processes may share a folder. A value appears under its name when it is complete (by a rename),
and a lock for each key lets the second process wait for the first one's result instead of
computing it too. A value is computed again if it is damaged, is stored under another key's name,
is not a regular file, or could not be a result. When the folder grows above its limit, the least
recently used values are deleted. If a value cannot be written, a run takes longer but does not
fail.

The usual library, diskcache, is not used: it has had no release since 2023, depends on SQLite and
unpickles the files that it finds (CVE-2025-69872). One folder of files is enough here.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import stat
import struct
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from ...link.errors import InputError
from ...link.files import replaced

DEFAULT_LIMIT: Final = 4 * 1024**3
"""Largest size of a store in bytes."""
_MAGIC: Final = b"DPC2"
_HEAD: Final = struct.Struct("<4sIQ")
_TRIM_TO: Final = 0.9


def key_of(*parts: object) -> str:
    """Return the key of a value: the SHA-256, in hexadecimal, of all that it depends on."""
    return hashlib.sha256("\0".join(str(part) for part in parts).encode()).hexdigest()


class ValueStore:
    """Keeps values in files: `<folder>/<kind>/<first two digits of the key>/<key>`.

    Attributes:
        folder: The folder; None for a store that keeps nothing.
        limit: Largest size of the folder in bytes.
    """

    def __init__(self, folder: Path | None, limit: int = DEFAULT_LIMIT) -> None:
        """Open or create a store in a folder; with None, nothing is kept.

        Raises:
            InputError: The folder cannot be created or written to.
        """
        self.folder = folder
        self.limit = limit
        self._since_trim: int | None = None
        if folder is not None:
            try:
                folder.mkdir(parents=True, exist_ok=True)
                if not os.access(folder, os.W_OK | os.X_OK):
                    raise PermissionError(0, "not writable")
            except OSError as error:
                raise InputError(
                    f"cache folder {folder}: {error.strerror}; name another with --cache"
                ) from None

    def value(
        self,
        kind: str,
        key: str,
        make: Callable[[], bytes],
        sound: Callable[[bytes], bool] = lambda _: True,
    ) -> bytes:
        """Return the value of a key; `make` computes it if it is missing or not sound.

        Args:
            kind: Name of the subfolder. Choose a new one when the format of the values changes.
            key: Hexadecimal digest of everything that the value depends on.
            make: Computes the value; its exceptions pass through.
            sound: Returns whether `make` could have returned a stored value.
        """
        if self.folder is None:
            return make()
        path = self.folder / kind / key[:2] / key
        found = _read(path, self.limit)
        if found is not None and sound(found):
            return found
        with _locked(path.with_suffix(".lock")):
            found = _read(path, self.limit)  # another process may just have stored it
            if found is not None and sound(found):
                return found
            value = make()
            self._store(path, value)
        return value

    def _store(self, path: Path, value: bytes) -> None:
        with suppress(OSError), replaced(path) as file:  # a full disk costs the value, not the run
            file.write(_HEAD.pack(_MAGIC, _crc(path.name, value), len(value)))
            file.write(value)
        if self._since_trim is None or self._since_trim > self.limit // 20:
            self._trim()
            self._since_trim = 0
        self._since_trim += len(value)

    def _trim(self) -> None:
        """Remove the least recently used values until the folder is below its limit."""
        assert self.folder is not None  # noqa: S101  (only a cache with a folder stores)
        files: list[tuple[int, int, Path]] = []
        for folder, _, names in os.walk(self.folder):
            for name in names:
                with suppress(OSError):
                    path = Path(folder, name)
                    state = path.lstat()
                    if path.suffix == ".part" and time.time() - state.st_mtime > 3600:
                        path.unlink()  # left behind by a killed process
                    elif not path.suffix:
                        files.append((state.st_mtime_ns, state.st_size, path))
        total = sum(size for _, size, _ in files)
        if total <= self.limit:
            return
        for _, size, path in sorted(files):
            with suppress(OSError):
                path.unlink()
            total -= size
            if total <= self.limit * _TRIM_TO:
                break


def _crc(key: str, value: bytes) -> int:
    """Return the CRC-32 of key and value, so that no value is accepted under another key."""
    return zlib.crc32(value, zlib.crc32(key.encode()))


def _read(path: Path, limit: int) -> bytes | None:
    """Return an undamaged value and mark it as just used; None if there is none.

    Args:
        path: File of the value. A link, a pipe or a device does not count as a value.
        limit: Largest size of a value in bytes.
    """
    try:
        # The flags prevent following a link and blocking on a pipe.
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    state = os.fstat(handle)
    if not stat.S_ISREG(state.st_mode):
        os.close(handle)
        return None
    with os.fdopen(handle, "rb") as file:
        try:
            head = file.read(_HEAD.size)
            if len(head) < _HEAD.size:
                return None
            magic, crc, length = _HEAD.unpack(head)
            if magic != _MAGIC or length != state.st_size - _HEAD.size or length > limit:
                return None
            value = file.read(length)
        except OSError:
            return None
        if len(value) != length or crc != _crc(path.name, value):
            return None
        with suppress(OSError):
            os.utime(handle)
        return value


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock on a file, or continue without if the file system has no locks."""
    handle = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        while True:
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
            fcntl.flock(handle, fcntl.LOCK_EX)
            # The previous holder may have removed the file while this process waited for it.
            with suppress(FileNotFoundError):
                if os.fstat(handle).st_ino == path.stat().st_ino:
                    break
            os.close(handle)
            handle = None
    except OSError:
        pass
    try:
        yield
    finally:
        if handle is not None:
            with suppress(OSError):
                path.unlink()
            os.close(handle)
