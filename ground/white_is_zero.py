"""Mark a TIFF's grey samples as growing from white to black, which GDAL's COG driver cannot write.

Such pictures have PhotometricInterpretation 0 (WhiteIsZero) instead of 1 (BlackIsZero): TIFF 6.0,
section 4. GDAL returns their samples as they are in the file, so a delivered picture needs the same
tag to look like its scene. The tag is a number of 16 bits in the file's directory, and is changed
in place: nothing else in the file moves.

    header ──► directory of the picture ──► directories of its masks and overviews ──► 0
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

_PHOTOMETRIC = 262
_WHITE_IS_ZERO, _BLACK_IS_ZERO = 0, 1
_BIG_TIFF = 43


def counted_from_white(file: bytes) -> bytes:
    """Return a TIFF or a BigTIFF in which 0 is white in every picture in which it was black.

    Args:
        file: Bytes of a sound file, in any byte order.
    """
    out = bytearray(file)
    order = "<" if file[:2] == b"II" else ">"
    short = struct.Struct(f"{order}H")
    for at in _values(file, order):
        if short.unpack_from(file, at)[0] == _BLACK_IS_ZERO:
            short.pack_into(out, at, _WHITE_IS_ZERO)
    return bytes(out)


def _values(file: bytes, order: str) -> Iterator[int]:
    """Yield the offset of the value of each PhotometricInterpretation."""
    big = struct.unpack_from(f"{order}H", file, 2)[0] == _BIG_TIFF
    link = struct.Struct(f"{order}Q" if big else f"{order}I")
    length = struct.Struct(f"{order}Q" if big else f"{order}H")
    entry = 20 if big else 12
    (at,) = link.unpack_from(file, 8 if big else 4)
    while at:
        (count,) = length.unpack_from(file, at)
        at += length.size
        for _ in range(count):
            if struct.unpack_from(f"{order}H", file, at)[0] == _PHOTOMETRIC:
                yield at + entry - link.size
            at += entry
        (at,) = link.unpack_from(file, at)
