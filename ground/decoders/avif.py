"""Decode AVIF tiles (AV1 pictures in ISO/IEC 23008-12 files) by libavif."""

from __future__ import annotations

import struct
from typing import Final

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from .bits import HeaderBits
from .tiled import TileDecodeError

_ILOC: Final = struct.Struct(">IBBHHHHII")
_SEQUENCE_HEADER, _TEMPORAL_DELIMITER, _FRAME = 1, 2, 6


class AvifTiles:
    """Decodes AVIF files of one picture each."""

    def decode(
        self,
        stream: bytes,
        shape: tuple[int, int, int],
        bit_depth: int,  # noqa: ARG002
    ) -> NDArray[np.integer]:
        """Check the file's boxes and AV1's own header, then return the samples."""
        check_boxes(stream, shape[:2])
        samples: NDArray[np.integer] = imagecodecs.avif_decode(stream, numthreads=1)
        return samples


def check_boxes(stream: bytes, shape: tuple[int, int]) -> None:
    """Refuse a file that is not exactly one AV1 picture of the tile's size.

    An AVIF file may also hold sequences, grids, auxiliary pictures and items made of many extents,
    and AV1's header may claim a size other than the file's. No encoder of downpass writes these,
    and each could use memory out of proportion to the tile.

    Args:
        stream: Bytes of the file.
        shape: Rows and columns of the tile.

    Raises:
        TileDecodeError: The file is something else; the message says what was found.
        ValueError: The bytes end within a header.
    """
    rows, columns = shape
    _, meta, data = _boxes(stream, 0, len(stream), "ftyp", "meta", "mdat")
    inside = meta[0] + 4, meta[1]
    _, _, iloc, iinf, iprp = _boxes(stream, *inside, "hdlr", "pitm", "iloc", "iinf", "iprp")
    ipco, _ = _boxes(stream, *iprp, "ipco", "ipma")
    ispe, _, _, _ = _boxes(stream, *ipco, "ispe", "pixi", "av1C", "colr")
    if stream[slice(*ispe)] != struct.pack(">III", 0, columns, rows):
        raise TileDecodeError("its spatial extent is not this tile's")
    if int.from_bytes(stream[iinf[0] + 4 : iinf[0] + 6], "big") != 1:
        raise TileDecodeError("it has several items")
    # ISO/IEC 14496-12, 8.11.3: one item of one extent, which covers all of the data.
    if iloc[1] - iloc[0] != _ILOC.size:
        raise TileDecodeError("its item is not one extent")
    version, sizes, _, items, _, _, extents, offset, length = _ILOC.unpack_from(stream, iloc[0])
    if (version, sizes, items, extents) != (0, 0x44, 1, 1) or (offset, offset + length) != data:
        raise TileDecodeError("its item is not one extent")
    _check_av1(stream[slice(*data)], rows, columns)


def _boxes(stream: bytes, start: int, end: int, *names: str) -> list[tuple[int, int]]:
    """Return start and end of each box's contents; exactly these boxes must be there in order."""
    found = []
    for name in names:
        length = int.from_bytes(stream[start : start + 4], "big")
        if stream[start + 4 : start + 8] != name.encode() or not 8 <= length <= end - start:
            raise TileDecodeError(f"it has no box {name} where that must be")
        found.append((start + 8, start + length))
        start += length
    if start != end:
        raise TileDecodeError(f"something follows its box {names[-1]}")
    return found


def _check_av1(data: bytes, rows: int, columns: int) -> None:
    """Check that the open bitstream units (AV1 5.3) are one still picture of the tile's size."""
    at, kinds = 0, []
    while at < len(data):
        kind, extended, sized = data[at] >> 3 & 15, data[at] & 4, data[at] & 2
        if extended or not sized:
            raise TileDecodeError("it has a unit with an extension or without a size")
        length, at = _leb128(data, at + 1)
        if at + length > len(data):
            raise TileDecodeError("it ends within a unit")
        if kind == _SEQUENCE_HEADER and _size(data[at : at + length]) != (rows, columns):
            raise TileDecodeError("its sequence header is not this tile's")
        kinds.append(kind)
        at += length
    if kinds != [_TEMPORAL_DELIMITER, _SEQUENCE_HEADER, _FRAME]:
        raise TileDecodeError(f"it has units of types {kinds[:8]}")


def _leb128(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for place in range(8):
        if at >= len(data):
            break
        value |= (data[at] & 127) << 7 * place
        at += 1
        if data[at - 1] < 128:
            return value, at
    raise TileDecodeError("a unit has no size")


def _size(header: bytes) -> tuple[int, int]:
    """Return rows and columns from the sequence header (AV1 5.5.1) of a still picture."""
    bits = HeaderBits(header, "big")
    bits.take(3)  # seq_profile
    if bits.take(2) != 3:  # still_picture, reduced_still_picture_header
        raise TileDecodeError("its sequence is no still picture")
    bits.take(5)  # seq_level_idx
    wide, high = bits.take(4) + 1, bits.take(4) + 1
    columns = bits.take(wide) + 1
    return bits.take(high) + 1, columns
