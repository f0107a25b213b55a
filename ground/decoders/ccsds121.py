"""Decode CCSDS 121.0-B-3 tiles by libaec."""

from __future__ import annotations

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from ...link.container.ccsds121 import BLOCK, REFERENCE_INTERVAL
from .tiled import TileDecodeError


class Ccsds121Tiles:
    """Decodes streams of a tile's bands, one after the other."""

    def decode(
        self, stream: bytes, shape: tuple[int, int, int], bit_depth: int
    ) -> NDArray[np.integer]:
        """Return the samples. The stream claims no size: it must fill what the tile has."""
        rows, columns, bands = shape
        count = rows * columns * bands
        # The coder fills its last block up, and libaec refuses a stream it cannot use up.
        kind: type[np.integer] = np.uint8 if bit_depth <= 8 else np.uint16
        whole = np.zeros(-(-count // BLOCK) * BLOCK, kind)
        written = imagecodecs.aec_decode(
            stream,
            bitspersample=bit_depth,
            blocksize=BLOCK,
            rsi=REFERENCE_INTERVAL,
            out=whole.data.cast("B"),
        )
        if len(written) != whole.nbytes:  # libaec takes a stream that ends early for the whole
            raise TileDecodeError("it ends before the tile's last block")
        return np.moveaxis(whole[:count].reshape(bands, rows, columns), 0, 2)
