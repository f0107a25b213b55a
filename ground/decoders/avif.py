"""AVIF tiles by libavif."""

from __future__ import annotations

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from ...payload.encoders.avif import Avif
from .tiled import TileDecodeError


class AvifTiles:
    """Decodes AVIF files of one picture each."""

    groups = staticmethod(Avif().groups)

    def decode(
        self,
        stream: bytes,
        shape: tuple[int, int, int],
        bit_depth: int,  # noqa: ARG002
    ) -> NDArray[np.integer]:
        """Return the samples after checking every spatial extent (ISO/IEC 23008-12, 6.5.3)."""
        rows, columns, _ = shape
        extents = stream.split(b"ispe")[1:]
        expected = bytes(4) + columns.to_bytes(4, "big") + rows.to_bytes(4, "big")
        if not extents or any(extent[:12] != expected for extent in extents):
            raise TileDecodeError("its spatial extent is not this tile's")
        samples: NDArray[np.integer] = imagecodecs.avif_decode(stream, numthreads=1)
        return samples
