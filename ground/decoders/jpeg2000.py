"""Decode JPEG 2000 tiles (ISO/IEC 15444-1) by OpenJPEG."""

from __future__ import annotations

import struct
from typing import Final

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from .tiled import TileDecodeError

_SIZ: Final = struct.Struct(">HHHHIIIIIIIIH")
_COD: Final = struct.Struct(">HHBBHBBBBBB")
_QCD: Final = 0xFF5C
_SOT: Final = struct.Struct(">HHHIBBH")
_MOST_HALVINGS: Final = 5
_LAST_PROGRESSION: Final = 4
_PRECINCTS: Final = b"\x88"


class Jpeg2000Tiles:
    """Decodes raw codestreams of one JPEG 2000 tile each."""

    def decode(
        self, stream: bytes, shape: tuple[int, int, int], bit_depth: int
    ) -> NDArray[np.integer]:
        """Check the main header against the tile, then return the samples."""
        check_headers(stream, shape, bit_depth)
        samples: NDArray[np.integer] = imagecodecs.jpeg2k_decode(stream, numthreads=1)
        return samples


def check_headers(stream: bytes, shape: tuple[int, int, int], bit_depth: int) -> None:
    """Refuse a codestream that is not exactly one JPEG 2000 tile of the tile's size.

    OpenJPEG allocates structures for precincts, code-blocks and layers; if these are as small as
    possible, it needs hundreds of bytes for every pixel. Encoders of downpass write only what
    docs/bitstream.md lists.

    Args:
        stream: The codestream.
        shape: Rows, columns and components of the tile.
        bit_depth: Least number of bits per sample; the precision may be higher, up to 16.

    Raises:
        TileDecodeError: The codestream is something else; the message says what was found.
    """
    rows, columns, bands = shape
    start = _SIZ.size + 3 * bands
    if len(stream) < start + _COD.size + _MOST_HALVINGS + 5:
        raise TileDecodeError("shorter than its main header")
    # 15444-1, A.5.1: SOC and SIZ.
    here = (columns, rows, 0, 0)
    expected = (0xFF4F, 0xFF51, 38 + 3 * bands, 0, *here, *here, bands)
    components = stream[_SIZ.size : start]
    precision = components[0] + 1
    if (
        _SIZ.unpack_from(stream) != expected
        or components != bytes((precision - 1, 1, 1)) * bands
        or not bit_depth <= precision <= 16
    ):
        raise TileDecodeError("its SIZ segment is not this tile's")
    # A.6.1: precincts of 2^15 or 2^8 a side, one layer, code-blocks of 64 x 64 without options.
    marker, length, style, order, layers, _, halvings, *block, wavelet = _COD.unpack_from(
        stream, start
    )
    precincts = _PRECINCTS * (halvings + 1) if style == 1 else b""
    if (
        (marker, length, layers, *block) != (0xFF52, 12 + len(precincts), 1, 4, 4, 0)
        or max(style, wavelet) > 1
        or order > _LAST_PROGRESSION
        or halvings > _MOST_HALVINGS
        or stream[start + _COD.size : start + _COD.size + len(precincts)] != precincts
    ):
        raise TileDecodeError("its COD segment is none that an encoder of downpass writes")
    start += _COD.size + len(precincts)
    # A.6.4: one quantisation for all components; then A.4.2: one tile-part and nothing more.
    marker, length = struct.unpack_from(">HH", stream, start)
    end = start + 2 + length
    if marker != _QCD or length > 4 + 2 * (3 * _MOST_HALVINGS + 1) or len(stream) < end + 14:
        raise TileDecodeError("its QCD segment is none that an encoder of downpass writes")
    marker, length, tile, size, part, _, data = _SOT.unpack_from(stream + b"\0\0", end)
    if (marker, length, tile, part, data) != (0xFF90, 10, 0, 0, 0xFF93):
        raise TileDecodeError("it does not consist of one tile-part")
    if size != len(stream) - end - 2 or stream[-2:] != b"\xff\xd9":
        raise TileDecodeError("it does not end with its tile-part")
