"""Decode JPEG-LS tiles (ISO/IEC 14495-1) by CharLS."""

from __future__ import annotations

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from .tiled import TileDecodeError

_SOI, _SOF55, _LSE, _SOS = 0xFFD8, 0xFFF7, 0xFFF8, 0xFFDA
_PRESETS = 1
_EOI = b"\xff\xd9"


class JpegLsTiles:
    """Decodes codestreams of one picture each."""

    def decode(
        self, stream: bytes, shape: tuple[int, int, int], bit_depth: int
    ) -> NDArray[np.integer]:
        """Check the frame header (14495-1, C.2.2) against the tile, then return the samples."""
        rows, columns, bands = shape
        if not stream.endswith(_EOI):
            # CharLS 2.4 never returns from a stream without an end marker
            # (team-charls/charls, pull request 334).
            raise TileDecodeError("no end marker")
        expected = (8 if bit_depth <= 8 else 16, rows, columns, bands)
        if frame_header(stream) != expected:
            raise TileDecodeError("its frame header is not this tile's")
        samples: NDArray[np.integer] = imagecodecs.jpegls_decode(stream)
        return samples


def frame_header(stream: bytes) -> tuple[int, int, int, int]:
    """Return (precision, rows, columns, components) of the start-of-frame segment.

    Raises:
        TileDecodeError: There is no start-of-frame segment before the scan or more than one, or
            there is a segment that no encoder of downpass writes, such as a mapping table or
            another size (C.2.4.1).
    """
    if int.from_bytes(stream[:2], "big") != _SOI:
        raise TileDecodeError("not a JPEG-LS codestream")
    offset, found = 2, None
    while offset + 4 <= len(stream):
        marker = int.from_bytes(stream[offset : offset + 2], "big")
        length = int.from_bytes(stream[offset + 2 : offset + 4], "big")
        body = stream[offset + 4 : offset + 2 + length]
        if len(body) != length - 2 or not body:
            raise TileDecodeError("it ends within a segment")
        if marker == _SOS:
            if found is not None and body[0] != found[3]:
                raise TileDecodeError("it has several scans")
            break
        if marker == _SOF55:
            if found is not None or len(body) < 6:
                raise TileDecodeError("a bad frame header")
            found = (
                body[0],
                int.from_bytes(body[1:3], "big"),
                int.from_bytes(body[3:5], "big"),
                body[5],
            )
        elif marker != _LSE or body[0] != _PRESETS:
            raise TileDecodeError(f"a segment of marker {marker:#06x}")
        offset += 2 + length
    if found is None:
        raise TileDecodeError("no frame header")
    return found
