"""Write codestreams of analysed tiles: in C if it was compiled, else by `link.student.codestream`.

Both write the same bytes; the C is several times as fast.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ....link.student.codestream import AnalysedTile, encode_tile
from ....link.student.entropy_model import MANTISSAS, EntropyModel
from .compiled import NATIVE

MOST_ROUNDING: Final = 128
"""Largest rounding offset, in 1/256 step: flooring becomes rounding to the nearest,
without a dead zone."""


class TileWriter:
    """Writes tiles' codestreams with one entropy model.

    Attributes:
        model: The entropy model.
    """

    def __init__(self, model: EntropyModel) -> None:
        self.model = model
        self._tables = None if NATIVE is None else _tables(model)

    def write(self, tile: AnalysedTile, quality: int, narrower: int = 0) -> bytes:
        """Return a tile's codestream.

        Args:
            tile: The networks' outputs for the tile.
            quality: Quality, 0 to 256.
            narrower: Increase of the rounding offset, in 1/256 step, which narrows the dead zone;
                it may be negative. The sum is limited to 0 and half a step, where there is no
                dead zone.
        """
        if NATIVE is None:
            return encode_tile(self.model, tile, quality, narrower)
        rounding = self.model.arrays["rounding"].astype(np.int64) + narrower
        stream: bytes = NATIVE.write_tile(
            self._tables,
            self.model.gain[quality],
            np.clip(rounding, 0, MOST_ROUNDING).astype(np.uint8),
            tile.shape.rows,
            tile.shape.columns,
            tile.latents,
            tile.log_scales,
            tile.side,
        )
        return stream


def _tables(model: EntropyModel) -> tuple[Any, ...]:
    """Return the arrays of native/tilewriter.h's model, in the order that native/module.c reads."""
    groups = [(group.first, group.last, group.window) for group in model.groups]
    start = model.arrays["tables.latents_start"].astype(np.int32)
    latents, side = model.arrays["tables.latents"], model.arrays["tables.side"]
    tables = [_sums(latents[first:last]) for first, last in pairwise(start)]
    return (
        model.predicted,
        model.side,
        np.array(groups, np.int32),
        MANTISSAS.astype(np.uint16),
        model.expected,
        model.corrections.astype(np.int32),
        model.packed_means,
        np.concatenate(tables),
        start,
        _sums(side),
        model.side_contexts.weights,
        model.side_contexts.bias,
        model.side_contexts.thresholds,
    )


def _sums(frequencies: NDArray[Any]) -> NDArray[np.uint16]:
    """Return the sums of the frequencies before each symbol."""
    whole = frequencies.astype(np.int64)
    return np.asarray((whole.cumsum(axis=-1) - whole).astype(np.uint16))
