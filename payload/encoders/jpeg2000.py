"""JPEG 2000 (ISO/IEC 15444-1) by OpenJPEG: irreversible 9/7 wavelet, colour transform, one layer.

The ladder's parameter is OpenJPEG's fixed-quality target, a PSNR in dB at the peak of the bit
depth, so all tiles of a frame have the same target. The top step is lossless, with the reversible
5/3 wavelet.

The first three bands form a colour triple, to which the irreversible colour transform is applied.
Further bands are coded without it, up to eight in a codestream. Without the transform OpenJPEG
needs a third more bits on RGB, which would make comparisons unfair to JPEG 2000.
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
    """JPEG 2000 as a tile codec: its ladder of steps and its encoder."""

    name = "jpeg2000"
    slope = _STEP_DB * 0.12  # the size doubles in about 6 dB

    def __init__(self) -> None:
        self.version = f"imagecodecs {imagecodecs.__version__}, {imagecodecs.jpeg2k_version()}"

    def steps(self, bit_depth: int) -> int:
        """Return the number of steps: targets from 5 dB to the limit of 9/7, then lossless."""
        finest_db = 6.02 * bit_depth + 12
        return int((finest_db - _COARSEST_DB) / _STEP_DB) + 2

    def step(self, quality: float, bit_depth: int) -> int:
        """Return the step: a target of 15 + 0.4 q dB for a quality q below 100, else lossless."""
        if quality == 100:
            return self.steps(bit_depth) - 1
        return min(round((10 + 0.4 * quality) / _STEP_DB), self.steps(bit_depth) - 2)

    def check(self, frame: Frame, setting: Setting) -> None:
        """Accept every frame and every setting."""

    def encode(self, samples: Samples, bit_depth: int, step: int, colour: bool) -> bytes:
        """Return a raw codestream (no JP2 boxes).

        OpenJPEG allows a tile 1.3 times the bits of its samples and fails if it needs more
        (uclouvain/openjpeg, issue 1522). Noise of one or two bits needs more. It is therefore
        coded as samples of the same values with a higher precision.
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
        level: Any = None  # the stubs declare int
        if not lossless:
            # OpenJPEG's PSNR uses the peak of the precision, ours that of the bit depth.
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
    """Return the codestream without its comment segments, which name the library."""
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
    """Return the number of resolutions: 6, OpenJPEG's default, or fewer for a small tile."""
    shorter = int(np.min(samples.shape[:2]))
    return max(1, min(6, shorter.bit_length()))
