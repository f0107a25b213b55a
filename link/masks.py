"""A tile's nodata mask: which of its pixels show nothing.

Coded before the tile's payload and only in frames that have nodata pixels, so a frame without
them pays nothing. Each row is taken against the one above it (edges of a swath run straight for
many rows, and what stays the same becomes zeros), packed to bits and deflated (RFC 1951).
"""

from __future__ import annotations

import zlib
from typing import Final

import numpy as np
from numpy.typing import NDArray

from . import varint

ALL_VALID: Final = 0
ALL_NODATA: Final = 1
SOME_NODATA: Final = 2


def pack(nodata: NDArray[np.bool_]) -> bytes:
    """Return the mask's bytes; `nodata` is (rows, columns), True where there is no data."""
    if not nodata.any():
        return bytes((ALL_VALID,))
    if nodata.all():
        return bytes((ALL_NODATA,))
    change = nodata.copy()
    change[1:] ^= nodata[:-1]
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = squeeze.compress(np.packbits(change).tobytes()) + squeeze.flush()
    return bytes((SOME_NODATA,)) + varint.pack(len(packed)) + packed


def unpack(data: bytes, rows: int, columns: int) -> tuple[NDArray[np.bool_], int]:
    """Return the mask (True where there is no data) and the offset behind it.

    Never inflates to more than the tile's own number of pixels.

    Raises:
        ValueError: The bytes are not a mask of a tile of this size.
    """
    kind = data[0] if data else None
    if kind == ALL_VALID:
        return np.zeros((rows, columns), np.bool_), 1
    if kind == ALL_NODATA:
        return np.ones((rows, columns), np.bool_), 1
    if kind != SOME_NODATA:
        raise ValueError(f"a nodata mask of kind {kind}: known are 0, 1 and 2")
    length, start = varint.unpack(data, 1)
    end = start + length
    if end > len(data):
        raise ValueError("the bytes end within the nodata mask")
    expected = -(-rows * columns // 8)
    inflate = zlib.decompressobj(-15)
    try:
        packed = inflate.decompress(data[start:end], expected)
    except zlib.error as error:
        raise ValueError(f"the nodata mask does not inflate: {error}") from None
    if len(packed) != expected:
        raise ValueError(f"a nodata mask of {len(packed)} bytes for {rows} x {columns} pixels")
    bits = np.unpackbits(np.frombuffer(packed, np.uint8), count=rows * columns)
    change = bits.reshape(rows, columns).astype(np.bool_)
    return np.logical_xor.accumulate(change, axis=0), end
