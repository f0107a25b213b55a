"""JPEG-LS (ISO/IEC 14495-1) by CharLS: near-lossless, with errors of at most NEAR per sample.

The ladder's parameter is NEAR itself, so the ladder is coarse: the step from NEAR 1 to 2 changes
the size by 15 per cent, and a frame of one tile may leave as much of its budget unused. A frame of
several tiles uses its budget better, because some tiles get the next finer step.
"""

from __future__ import annotations

from typing import Final

import imagecodecs

from ...link.container.frame import Frame
from .base import Setting
from .tiled import Samples

_LARGEST_NEAR: Final = 255
_APP8: Final = 0xFFE8
_LARGEST_HEADER: Final = 1024


class JpegLs:
    """JPEG-LS as a tile codec: its ladder of steps and its encoder."""

    name = "jpegls"
    slope = 0.03

    def __init__(self) -> None:
        self.version = f"imagecodecs {imagecodecs.__version__}, {imagecodecs.jpegls_version()}"

    def steps(self, bit_depth: int) -> int:
        """Return the number of steps: NEAR from its largest value (half the peak, ≤ 255) to 0."""
        return _largest_near(bit_depth) + 1

    def step(self, quality: float, bit_depth: int) -> int:
        """Return the step with NEAR = ((100 - q) / 100)**2 of the largest; 100 is lossless."""
        largest = _largest_near(bit_depth)
        return largest - round(((100 - quality) / 100) ** 2 * largest)

    def check(self, frame: Frame, setting: Setting) -> None:
        """Accept every frame and every setting."""

    def encode(
        self,
        samples: Samples,
        bit_depth: int,
        step: int,
        colour: bool,  # noqa: ARG002
    ) -> bytes:
        """Return a codestream without the SPIFF header that imagecodecs writes."""
        near = _largest_near(bit_depth) - step
        # CharLS estimates the size as that of the samples, which a codestream of noise exceeds.
        room = largest_codestream(samples.size, samples.itemsize)
        return without_spiff(imagecodecs.jpegls_encode(samples, level=near, out=room))


def largest_codestream(samples: int, sample_bytes: int) -> int:
    """Return an upper bound of a codestream's size in bytes, header included.

    The code of a sample has at most LIMIT bits, four times those of the sample (14495-1, A.2.1 and
    A.5.3), and a zero bit follows every byte of ones (A.1), which adds less than a seventh.
    """
    return samples * sample_bytes * 4 * 8 // 7 + _LARGEST_HEADER


def without_spiff(stream: bytes | bytearray) -> bytes:
    """Return the codestream without its SPIFF segments: colour space and print resolution."""
    offset = 2
    while int.from_bytes(stream[offset : offset + 2], "big") == _APP8:
        offset += 2 + int.from_bytes(stream[offset + 2 : offset + 4], "big")
    return bytes(stream[:2] + stream[offset:])


def _largest_near(bit_depth: int) -> int:
    return min(_LARGEST_NEAR, ((1 << bit_depth) - 1) // 2)
