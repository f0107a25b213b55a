"""Decode CCSDS 121.0-B-3 tiles by libaec."""

from __future__ import annotations

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from ...link.container.ccsds121 import BLOCK, REFERENCE_INTERVAL
from .tiled import TileDecodeError


class Ccsds121Tiles:
    """Decodes a stream that holds the bands of a tile one after the other."""

    def decode(
        self, stream: bytes, shape: tuple[int, int, int], bit_depth: int
    ) -> NDArray[np.integer]:
        """Return the samples. The stream has no size of its own, so it must fill the tile."""
        rows, columns, bands = shape
        count = rows * columns * bands
        # The coder pads its last block, and libaec refuses a stream that it cannot use up.
        kind: type[np.integer] = np.uint8 if bit_depth <= 8 else np.uint16
        whole = np.zeros(-(-count // BLOCK) * BLOCK, kind)
        written = imagecodecs.aec_decode(
            stream,
            bitspersample=bit_depth,
            blocksize=BLOCK,
            rsi=REFERENCE_INTERVAL,
            out=whole.data.cast("B"),
        )
        if len(written) != whole.nbytes:  # libaec reports no error if a stream ends early
            raise TileDecodeError("it ends before the tile's last block")
        return np.moveaxis(whole[:count].reshape(bands, rows, columns), 0, 2)
