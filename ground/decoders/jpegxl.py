"""JPEG XL tiles by libjxl."""

from __future__ import annotations

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from ...payload.encoders.jpegxl import JpegXl
from .tiled import TileDecodeError

_RATIOS = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))


class JpegXlTiles:
    """Decodes bare codestreams."""

    groups = staticmethod(JpegXl().groups)

    def decode(
        self,
        stream: bytes,
        shape: tuple[int, int, int],
        bit_depth: int,  # noqa: ARG002
    ) -> NDArray[np.integer]:
        """Return the samples after checking the size header against the tile."""
        if size(stream) != shape[:2]:
            raise TileDecodeError("its size header is not this tile's")
        samples: NDArray[np.integer] = imagecodecs.jpegxl_decode(stream, numthreads=1)
        return samples


def size(stream: bytes) -> tuple[int, int]:
    """Return (rows, columns) that a codestream's SizeHeader claims (18181-1, annex D.2).

    Raises:
        TileDecodeError: Not a bare codestream.
    """
    if stream[:2] != b"\xff\x0a":
        raise TileDecodeError("not a bare JPEG XL codestream")
    bits = int.from_bytes(stream[2:14], "little")

    def take(count: int) -> int:
        nonlocal bits
        value = bits & ((1 << count) - 1)
        bits >>= count
        return value

    def side(small: int) -> int:
        return (take(5) + 1) * 8 if small else take((9, 13, 18, 30)[take(2)]) + 1

    small = take(1)
    rows = side(small)
    ratio = take(3)
    if ratio == 0:
        return rows, side(small)
    across, down = _RATIOS[ratio - 1]
    return rows, rows * across // down
