"""JPEG 2000 tiles by OpenJPEG."""

from __future__ import annotations

import struct

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from ...payload.encoders.jpeg2000 import Jpeg2000
from .tiled import TileDecodeError

_SIZ = struct.Struct(">HHHHIIIIIIIIH")


class Jpeg2000Tiles:
    """Decodes raw codestreams of one JPEG 2000 tile each."""

    groups = staticmethod(Jpeg2000().groups)

    def decode(
        self, stream: bytes, shape: tuple[int, int, int], bit_depth: int
    ) -> NDArray[np.integer]:
        """Return the samples after checking the SIZ segment (15444-1, A.5.1) against the tile."""
        rows, columns, bands = shape
        if len(stream) < _SIZ.size:
            raise TileDecodeError("shorter than its SIZ segment")
        size = _SIZ.unpack_from(stream)
        expected = (
            0xFF4F,
            0xFF51,
            38 + 3 * bands,
            0,
            columns,
            rows,
            0,
            0,
            columns,
            rows,
            0,
            0,
            bands,
        )
        components = stream[_SIZ.size : _SIZ.size + 3 * bands]
        if size != expected or components != bytes((bit_depth - 1, 1, 1)) * bands:
            raise TileDecodeError("its SIZ segment is not this tile's")
        samples: NDArray[np.integer] = imagecodecs.jpeg2k_decode(stream, numthreads=1)
        return samples
