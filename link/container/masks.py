"""A tile's nodata mask: which of its samples have no data.

The mask comes before the tile's payload, and only in frames that have nodata, so other frames
spend no bytes on it. If all bands have the same nodata, they share one mask; otherwise each band
has its own. Each row is XORed with the row above it, then packed to bits and deflated (RFC 1951).
The edges of a swath are straight over many rows, and equal rows become zeros.
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
BY_BAND: Final = 3


def pack(nodata: NDArray[np.bool_]) -> bytes:
    """Return the mask's bytes.

    Args:
        nodata: Mask (rows, columns) or (rows, columns, bands), where a single band is for all
            bands; True where there is no data.
    """
    if nodata.ndim == 2:
        return _pack_plane(nodata)
    first = nodata[..., 0]
    if (nodata[..., 1:] == first[..., None]).all():
        return _pack_plane(first)
    planes = (_pack_plane(nodata[..., band]) for band in range(nodata.shape[2]))
    return bytes((BY_BAND,)) + b"".join(planes)


def unpack(data: bytes, rows: int, columns: int, bands: int = 1) -> tuple[NDArray[np.bool_], int]:
    """Return the mask (True where there is no data) and the offset of the first byte after it.

    No mask inflates to more bits than the tile has pixels, rounded up to whole bytes.

    Args:
        data: Bytes of a tile; the mask comes first.
        rows: Rows of the tile.
        columns: Columns of the tile.
        bands: Bands of the frame.

    Returns:
        The mask (rows, columns, bands), or (rows, columns, 1) if all bands share it.

    Raises:
        ValueError: The bytes are not a mask of a tile of this size.
    """
    if data[:1] != bytes((BY_BAND,)):
        plane, end = _unpack_plane(data, 0, rows, columns)
        return plane[..., None], end
    out = np.empty((rows, columns, bands), np.bool_)
    end = 1
    for band in range(bands):
        out[..., band], end = _unpack_plane(data, end, rows, columns)
    return out, end


def is_by_band(data: bytes) -> bool:
    """Return whether a tile's bytes begin with a mask for each band."""
    return data[:1] == bytes((BY_BAND,))


def _pack_plane(nodata: NDArray[np.bool_]) -> bytes:
    if not nodata.any():
        return bytes((ALL_VALID,))
    if nodata.all():
        return bytes((ALL_NODATA,))
    change = nodata.copy()
    change[1:] ^= nodata[:-1]
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = squeeze.compress(np.packbits(change).tobytes()) + squeeze.flush()
    return bytes((SOME_NODATA,)) + varint.pack(len(packed)) + packed


def _unpack_plane(
    data: bytes, start: int, rows: int, columns: int
) -> tuple[NDArray[np.bool_], int]:
    kind = data[start] if start < len(data) else None
    if kind == ALL_VALID:
        return np.zeros((rows, columns), np.bool_), start + 1
    if kind == ALL_NODATA:
        return np.ones((rows, columns), np.bool_), start + 1
    if kind != SOME_NODATA:
        raise ValueError(f"a nodata mask of kind {kind}: known are 0, 1, 2 and 3")
    length, start = varint.unpack(data, start + 1)
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
