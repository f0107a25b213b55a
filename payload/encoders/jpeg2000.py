"""JPEG 2000 (ISO/IEC 15444-1) by OpenJPEG: irreversible 9/7 wavelet, colour transform, one layer.

The ladder's parameter is OpenJPEG's fixed-quality target, a PSNR in dB at the peak of the bit
depth, so all tiles of a frame aim at one PSNR. The top step is the reversible 5/3 wavelet:
lossless.

The first three bands go through the irreversible colour transform as a colour triple, further
bands, up to eight together, into codestreams without one. Without the transform OpenJPEG needs a
third more bits on RGB, so leaving it out would flatter whatever is compared with it.
"""

from __future__ import annotations

import math
from typing import Any, Final

import imagecodecs
import numpy as np

from ...link.container.frame import Frame
from .base import Setting
from .tiled import Samples

_COARSEST_DB: Final = 5.0
_STEP_DB: Final = 0.05
_COM, _SOT, _SOC_LENGTH = 0xFF64, 0xFF90, 2


class Jpeg2000:
    """The codec's ladder and its tiles."""

    name = "jpeg2000"
    slope = _STEP_DB * 0.12  # about a doubling in 6 dB

    def __init__(self) -> None:
        self.version = f"imagecodecs {imagecodecs.__version__}, {imagecodecs.jpeg2k_version()}"

    def steps(self, bit_depth: int) -> int:
        """Target PSNR from 5 dB to where the 9/7 wavelet has no more to give, then lossless."""
        finest_db = 6.02 * bit_depth + 12
        return int((finest_db - _COARSEST_DB) / _STEP_DB) + 2

    def step(self, quality: float, bit_depth: int) -> int:
        """Quality q below 100 is a target of 15 + 0.4 q dB; 100 is lossless."""
        if quality == 100:
            return self.steps(bit_depth) - 1
        return min(round((10 + 0.4 * quality) / _STEP_DB), self.steps(bit_depth) - 2)

    def check(self, frame: Frame, setting: Setting) -> None:
        """Every frame and every setting will do."""

    def encode(self, samples: Samples, bit_depth: int, step: int, colour: bool) -> bytes:
        """Return a raw codestream (no JP2 boxes).

        OpenJPEG allows a tile 1.3 times the bits of its samples and fails beyond (uclouvain/
        openjpeg, issue 1522). Noise of one or two bits needs more, so it is coded as samples of
        a higher precision, which hold the same values.
        """
        for precision in range(bit_depth, 16):
            try:
                return self._encode(samples, bit_depth, precision, step, colour)
            except imagecodecs.Jpeg2kError:
                continue
        return self._encode(samples, bit_depth, 16, step, colour)

    def _encode(
        self, samples: Samples, bit_depth: int, precision: int, step: int, colour: bool
    ) -> bytes:
        lossless = step == self.steps(bit_depth) - 1
        level: Any = None  # stubs say int
        if not lossless:
            # OpenJPEG's PSNR is of the precision's peak, ours of the bit depth's.
            peaks = ((1 << precision) - 1) / ((1 << bit_depth) - 1)
            level = _COARSEST_DB + step * _STEP_DB + 20 * math.log10(peaks)
        kind: Any = np.uint8 if precision <= 8 else np.uint16
        stream = imagecodecs.jpeg2k_encode(
            samples.astype(kind, copy=False),
            level=level,
            codecformat="J2K",
            reversible=lossless,
            bitspersample=precision,
            resolutions=_resolutions(samples),
            mct=colour,
            planar=False,
            numthreads=1,
        )
        return without_comments(stream)


def without_comments(stream: bytes | bytearray) -> bytes:
    """Return the codestream without its comment segments: they say which library wrote it."""
    out, offset = bytearray(stream[:_SOC_LENGTH]), _SOC_LENGTH
    while offset + 4 <= len(stream):
        marker = int.from_bytes(stream[offset : offset + 2], "big")
        if marker == _SOT:
            break
        end = offset + 2 + int.from_bytes(stream[offset + 2 : offset + 4], "big")
        if marker != _COM:
            out += stream[offset:end]
        offset = end
    return bytes(out + stream[offset:])


def _resolutions(samples: Samples) -> int:
    """Six levels as OpenJPEG does, fewer where the tile is too small to halve so often."""
    shorter = int(np.min(samples.shape[:2]))
    return max(1, min(6, shorter.bit_length()))
