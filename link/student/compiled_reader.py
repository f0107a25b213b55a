"""Read tiles' codestreams in C (native/tile_reader.h): the same integers as `codestream` reads.

The C is compiled when there is a C compiler at installation; otherwise `codestream` reads with
numpy, more slowly.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from .entropy_model import EntropyModel
from .native_module import native_module
from .planes import Integers, TileShape
from .range_coder import WRONG_END, CodeError

NATIVE: Final = native_module(__package__, "_tile_reader")
"""The compiled module; None if there was no compiler."""


class CompiledTileReader:
    """Reads one tile's codestream in C, without the interpreter's lock.

    A codestream may be damaged or hostile: it costs no more time and memory than a valid one of the
    same tile.
    """

    def __init__(self, native: Any, model: EntropyModel, data: bytes) -> None:
        self._native, self._model = native, model
        self._reader = native.start(data)

    def read_side(self, shape: TileShape) -> NDArray[np.int8]:
        """Return ẑ (channels, half the rows, half the columns).

        Raises:
            CodeError: No encoder writes these bytes.
        """
        side = np.zeros((self._model.side, *shape.halves), np.int8)
        tables = self._model.reader_tables
        _check(self._native.read_side(self._reader, tables, *shape.halves, side))
        return side

    def read_latents(
        self, shape: TileShape, log_scales: Integers, quality: int
    ) -> NDArray[np.int32]:
        """Return ŷ (channels, rows, columns), and check that the bytes end behind it.

        Args:
            shape: Size of the tile in latents.
            log_scales: L (channels, rows or more, columns or more).
            quality: Quality of the tile, 0 to 256.

        Raises:
            CodeError: No encoder writes these bytes.
        """
        sides = shape.rows, shape.columns
        inside = np.ascontiguousarray(log_scales[:, : shape.rows, : shape.columns], np.int16)
        latents = np.zeros((self._model.latents, *sides), np.int32)
        tables, gain = self._model.reader_tables, self._model.gain[quality]
        _check(self._native.read_latents(self._reader, tables, gain, *sides, inside, latents))
        if not self._native.ends(self._reader):
            raise CodeError(WRONG_END)
        return latents


def _check(reason: str | None) -> None:
    if reason is not None:
        raise CodeError(reason)
