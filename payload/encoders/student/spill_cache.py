"""Spill cache: the networks' outputs for a frame's tiles, while a byte budget is searched for.

The networks run once, and the search codes all tiles again at every quality that it tries. A pixel
of three bands takes fifteen bytes, so tiles beyond a limit go into a temporary file. The file has
no name and disappears with the process.
"""

from __future__ import annotations

import math
import os
import tempfile
import threading
from dataclasses import dataclass
from typing import IO, Any, Final

import numpy as np
from numpy.typing import NDArray

from ....link.errors import InputError
from ....link.student.codestream import AnalysedTile

MOST_IN_MEMORY: Final = 1 << 29
"""Bytes of tiles that stay in memory by default."""


@dataclass(frozen=True, slots=True)
class _Stored:
    """Place of an array in the temporary file."""

    file: IO[bytes]
    offset: int
    shape: tuple[int, ...]
    kind: np.dtype[Any]

    @property
    def size(self) -> int:
        """Size of the array in bytes."""
        return math.prod(self.shape) * self.kind.itemsize


class SpillCache:
    """Analysed tiles by number; safe to use from several threads.

    Args:
        most: Bytes of tiles that stay in memory; tiles beyond it are written to the file.
    """

    def __init__(self, most: int = MOST_IN_MEMORY) -> None:
        self._most = most
        self._used = self._end = 0
        self._memory: dict[int, list[AnalysedTile]] = {}
        self._stored: dict[int, list[tuple[_Stored, ...]]] = {}
        self._file: IO[bytes] | None = None
        self._lock = threading.Lock()

    def get(self, number: int) -> list[AnalysedTile] | None:
        """Return a tile's band triples; None if `put` was not called for it."""
        if number in self._stored:
            return [AnalysedTile.of(*map(_read, arrays)) for arrays in self._stored[number]]
        return self._memory.get(number)

    def put(self, number: int, tiles: list[AnalysedTile]) -> None:
        """Store a tile's band triples.

        Raises:
            InputError: The temporary file cannot be written, for example on a full disk.
        """
        parts = [(tile.latents, tile.side, tile.log_scales) for tile in tiles]
        size = sum(array.nbytes for arrays in parts for array in arrays)
        with self._lock:
            if self._used + size <= self._most:
                self._used += size
                self._memory[number] = tiles
                return
            self._stored[number] = [
                tuple(self._write(array) for array in arrays) for arrays in parts
            ]

    def _write(self, array: NDArray[Any]) -> _Stored:
        if self._file is None:
            self._file = tempfile.TemporaryFile(prefix="downpass-", buffering=0)  # noqa: SIM115
        stored = _Stored(self._file, self._end, array.shape, array.dtype)
        data, done = memoryview(array.tobytes()), 0
        try:
            while done < len(data):
                done += os.pwrite(self._file.fileno(), data[done:], self._end + done)
        except OSError as error:
            raise InputError(
                f"{tempfile.gettempdir()}: no room for {len(data)} bytes that a budget is searched "
                f"with ({error.strerror}); give a quality, or another TMPDIR"
            ) from None
        self._end += done
        return stored


def _read(stored: _Stored) -> NDArray[Any]:
    data, done = bytearray(stored.size), 0
    while done < stored.size:
        place = stored.offset + done
        count = os.preadv(stored.file.fileno(), [memoryview(data)[done:]], place)
        if not count:
            raise EOFError("the file of temporary data ends before what was written to it")
        done += count
    return np.frombuffer(data, stored.kind).reshape(stored.shape)
