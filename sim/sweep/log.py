"""The log of finished cells, from which an interrupted sweep goes on.

One file of JSON lines, to which finished cells are appended in whatever order they end:

    {"downpass-sweep": 1}
    {"number": 0, "names": ["version", "total.frames.delivered", …]}
    {"cell": KEY, "names": 0, "values": ["0.1.0", 231, …]}
    {"cell": KEY, "error": "--set satellites.0.codec: …"}

Names of figures are written once for all cells that have the same. A key is a digest of everything
that a cell's result depends on, so a log may hold the cells of several sweeps, and a sweep that is
extended by further values runs only those. A killed process leaves at most half a line at the end;
it is cut off. A cell that failed by a fault is not kept, so it is run again.

One process at a time may have the log open, which a lock on the file ensures.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final, Self

from ...link.errors import InputError
from .cell import CellResult

NAME: Final = "cells.log"
_HEAD: Final = {"downpass-sweep": 1}
_LONGEST_LINE: Final = 64_000_000


class CellLog:
    """The finished cells of a sweep on disk; only their places are in memory."""

    def __init__(self, path: Path) -> None:
        """Open or begin a log.

        Raises:
            InputError: The file is not a log, is open in another process, or cannot be written.
        """
        self.path = path
        self._file = _opened(path)
        self.errors: dict[str, str] = {}
        """Why cells cannot be run, by their key."""
        self._places: dict[str, int] = {}
        self._names: dict[int, list[str]] = {}
        self._numbers: dict[tuple[str, ...], int] = {}
        try:
            self._read()
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with contextlib.suppress(OSError):
            os.fsync(self._file.fileno())
        self._file.close()

    def __contains__(self, key: str) -> bool:
        return key in self._places

    def __len__(self) -> int:
        return len(self._places)

    def append(self, result: CellResult) -> None:
        """Add a finished cell; a cell that is already there, or that a fault ended, is ignored.

        Raises:
            InputError: The disk is full.
        """
        if result.fault or result.key in self._places:
            return
        lines: list[dict[str, Any]] = []
        if result.error:
            self.errors[result.key] = result.error
            lines.append({"cell": result.key, "error": result.error})
        else:
            names = tuple(result.row)
            if names not in self._numbers:
                self._numbers[names] = max(self._names, default=-1) + 1
                self._names[self._numbers[names]] = list(names)
                lines.append({"number": self._numbers[names], "names": list(names)})
            number, values = self._numbers[names], list(result.row.values())
            lines.append({"cell": result.key, "names": number, "values": values})
        texts = [json.dumps(line, ensure_ascii=False, allow_nan=False) for line in lines]
        data = [f"{text}\n".encode() for text in texts]
        start = self._file.seek(0, os.SEEK_END)
        try:
            self._file.write(b"".join(data))
            self._file.flush()
        except OSError as error:
            with contextlib.suppress(OSError):
                self._file.truncate(start)
            raise InputError(f"{self.path}: cannot be written ({error.strerror})") from None
        self._places[result.key] = start + sum(map(len, data[:-1]))

    def result(self, key: str) -> CellResult:
        """Return a finished cell.

        Raises:
            KeyError: The log does not have it.
        """
        self._file.seek(self._places[key])
        line = json.loads(self._file.readline())
        if "error" in line:
            return CellResult(key, {}, line["error"])
        return CellResult(key, dict(zip(self._names[line["names"]], line["values"], strict=True)))

    def _read(self) -> None:
        """Find all cells; cut off a last line that was not written to its end."""
        self._file.seek(0)
        place = 0
        for number, line in enumerate(_lines(self._file)):
            content = _content(line)
            if number == 0 and content != _HEAD:
                if not line.endswith(b"\n") and json.dumps(_HEAD).encode().startswith(line):
                    break  # killed in the middle of its first line
                raise InputError(f"{self.path}: is not the log of a sweep; choose another --out")
            if not line.endswith(b"\n"):
                break
            if number and content is not None:
                self._take(content, place)
            place += len(line)
        self._file.truncate(place)
        self._file.seek(0, os.SEEK_END)
        if place == 0:
            self._file.write(json.dumps(_HEAD).encode() + b"\n")
            self._file.flush()

    def _take(self, content: dict[str, Any], place: int) -> None:
        """Note a line's place.

        A line that no log would have is passed over, and its cell runs again.
        """
        names, values, key = content.get("names"), content.get("values"), content.get("cell")
        if isinstance(content.get("number"), int) and isinstance(names, list):
            if all(isinstance(name, str) for name in names):
                self._names[content["number"]] = names
                self._numbers[tuple(names)] = content["number"]
        elif not isinstance(key, str):
            return
        elif isinstance(content.get("error"), str):
            self._places[key] = place
            self.errors[key] = content["error"]
        elif (
            isinstance(names, int)
            and isinstance(values, list)
            and len(values) == len(self._names.get(names, ()))
            and all(_is_value(value) for value in values)
        ):
            self._places[key] = place


def _is_value(value: Any) -> bool:
    return value is None or isinstance(value, str | int | float)


def _content(line: bytes) -> dict[str, Any] | None:
    try:
        content = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None


def _lines(file: IO[bytes]) -> Iterator[bytes]:
    while line := file.readline(_LONGEST_LINE):
        yield line


def _opened(path: Path) -> IO[bytes]:
    try:
        handle = os.open(
            path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK, 0o666
        )
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror})") from None
    file = os.fdopen(handle, "r+b")
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        file.close()
        raise InputError(f"{path}: cannot be written (it is no regular file)")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise InputError(
            f"{path.parent}: another sweep is writing there; choose another --out"
        ) from None
    except OSError:
        pass  # a file system without locks
    return file
