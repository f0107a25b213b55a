"""Decode JPEG XL tiles (ISO/IEC 18181-1) by libjxl."""

from __future__ import annotations

from typing import Final

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from .bits import HeaderBits
from .tiled import TileDecodeError

_RATIOS: Final = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))
_LONGEST_HEADER: Final = 128
_SKIP_SMOOTHING: Final = 128
"""The only allowed flag of a frame header: no adaptive smoothing of LF."""
_CUSTOM: Final = 2


class JpegXlTiles:
    """Decodes bare codestreams of one frame."""

    def decode(
        self, stream: bytes, shape: tuple[int, int, int], bit_depth: int
    ) -> NDArray[np.integer]:
        """Check all headers against the tile, then return the samples."""
        check_headers(stream, shape[:2], bit_depth)
        samples: NDArray[np.integer] = imagecodecs.jpegxl_decode(stream, numthreads=1)
        return samples


def check_headers(stream: bytes, shape: tuple[int, int], bit_depth: int) -> None:
    """Refuse a codestream that is not exactly one picture of the tile's size.

    A codestream may also hold a preview, an animation, layers that are larger than the picture,
    further channels and a colour profile of any size. No encoder of downpass writes these, and
    libjxl does not limit the memory that they take.

    Args:
        stream: The codestream.
        shape: Rows and columns of the tile.
        bit_depth: Bits per sample.

    Raises:
        TileDecodeError: The codestream is something else; the message says what was found.
        ValueError: The bytes end within the headers.
    """
    bits = HeaderBits(_bare(stream), "little")
    if _size(bits) != shape:
        raise TileDecodeError("its size header is not this tile's")
    xyb = _check_metadata(bits, bit_depth)
    bits.to_byte()
    _check_frame_header(bits, xyb)


def size(stream: bytes) -> tuple[int, int]:
    """Return (rows, columns) that a codestream's SizeHeader claims (18181-1, annex D.2).

    Raises:
        TileDecodeError: The bytes are not a bare codestream.
    """
    return _size(HeaderBits(_bare(stream), "little"))


def _bare(stream: bytes) -> bytes:
    if stream[:2] != b"\xff\x0a":
        raise TileDecodeError("not a bare JPEG XL codestream")
    return stream[2:_LONGEST_HEADER]


def _size(bits: HeaderBits) -> tuple[int, int]:
    def side(small: int) -> int:
        return (bits.take(5) + 1) * 8 if small else bits.take((9, 13, 18, 30)[bits.take(2)]) + 1

    small = bits.take(1)
    rows = side(small)
    ratio = bits.take(3)
    if ratio == 0:
        return rows, side(small)
    across, down = _RATIOS[ratio - 1]
    return rows, rows * across // down


def _check_metadata(bits: HeaderBits, bit_depth: int) -> int:
    """Check ImageMetadata (18181-1, annex D.3); return whether the colours are XYB."""
    depth, xyb = 8, 1
    if not bits.take(1):  # all_default
        extra = bits.take(1)
        if extra and bits.take(6):
            raise TileDecodeError("it has an orientation, another size, a preview or an animation")
        if bits.take(1):
            raise TileDecodeError("its samples are floating-point numbers")
        choice = bits.take(2)
        depth = bits.take(6) + 1 if choice == 3 else (8, 10, 12)[choice]
        bits.take(1)  # modular_16bit_buffers
        if bits.take(2):
            raise TileDecodeError("it has extra channels")
        xyb = bits.take(1)
        _check_colour(bits)
        if extra and not bits.take(1):  # tone mapping that is not the default
            bits.take(16 + 16 + 1 + 16)
        if bits.take(2):
            raise TileDecodeError("its metadata have extensions")
    if depth != bit_depth:
        raise TileDecodeError(f"its samples have {depth} bits, the tile's {bit_depth}")
    if not bits.take(1):
        raise TileDecodeError("it has a colour transform or upsampling weights of its own")
    return xyb


def _check_colour(bits: HeaderBits) -> None:
    """Read past ColourEncoding (18181-1, annex E.2) and refuse a colour profile."""
    if bits.take(1):  # all_default
        return
    if bits.take(1):
        raise TileDecodeError("it has a colour profile")
    space = _enumerated(bits)
    if space != 2:  # XYB
        if _enumerated(bits) == _CUSTOM:  # white point
            _skip_chromaticity(bits)
        if space != 1 and _enumerated(bits) == _CUSTOM:  # primaries, which grey does not have
            for _ in range(3):
                _skip_chromaticity(bits)
        if bits.take(1):  # gamma
            bits.take(24)
        else:
            _enumerated(bits)  # transfer function
    _enumerated(bits)  # rendering intent


def _enumerated(bits: HeaderBits) -> int:
    choice = bits.take(2)
    if choice < 2:
        return choice
    return bits.take(4) + 2 if choice == 2 else bits.take(6) + 18


def _skip_chromaticity(bits: HeaderBits) -> None:
    for _ in range(2):
        bits.take((19, 19, 20, 21)[bits.take(2)])


def _check_frame_header(bits: HeaderBits, xyb: int) -> None:
    """Check FrameHeader (18181-1, annex F.2) of the first frame: regular, whole and the last."""
    if bits.take(1):  # all_default
        return
    if bits.take(2):
        raise TileDecodeError("its first frame is no regular one")
    modular = bits.take(1)
    choice = bits.take(2)
    flags = (0, 1, 17, 0)[choice] + bits.take((0, 4, 8, 12)[choice])
    if choice == 3 or flags & ~_SKIP_SMOOTHING:
        raise TileDecodeError(f"its frame has flags {flags:#x}")
    if not xyb and bits.take(1):
        raise TileDecodeError("its colours are YCbCr")
    bits.take(2)  # upsampling
    if modular:
        bits.take(2)  # size of groups
    elif xyb:
        bits.take(6)  # quantisation of X and B
    if bits.take(2):
        raise TileDecodeError("its frame has several passes")
    if bits.take(1):
        raise TileDecodeError("its frame has a size of its own")
    if bits.take(2):
        raise TileDecodeError("its frame is blended")
    if not bits.take(1):
        raise TileDecodeError("it has several frames")
