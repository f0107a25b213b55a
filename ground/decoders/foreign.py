"""Decode tiles by a codec from outside (`link.foreign`), which checks all that comes back."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...link.foreign.codec import ForeignCodec


class ForeignTiles:
    """Decodes each tile by the codec's own decoder."""

    def __init__(self, codec: ForeignCodec) -> None:
        self._codec = codec

    def decode(
        self, stream: bytes, shape: tuple[int, int, int], bit_depth: int
    ) -> NDArray[np.integer]:
        """Return the samples of a codestream, which have the tile's size."""
        return self._codec.decode(stream, shape, bit_depth)
