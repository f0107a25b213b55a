"""AVIF (AV1 pictures in ISO/IEC 23008-12 files) by libavif and aom: a reference for comparisons.

It codes samples of 8 to 12 bits. No payload uses it, because it needs about a hundred times the
work of JPEG 2000. The ladder's parameter is libavif's quality, 0 to 100. There is no chroma
subsampling; the speed is 6.

imagecodecs applies a quality only to pictures of three bands and codes others without loss.
Therefore a single band is passed as three equal bands and coded as AV1 monochrome: the luma of
equal red, green and blue is their value.
"""

from __future__ import annotations

from typing import Final

import imagecodecs
import numpy as np

from ...link.container.frame import Frame
from .base import Setting
from .tiled import Samples

_SPEED: Final = 6
_LOSSLESS: Final = 100


class Avif:
    """AVIF as a tile codec: its ladder of steps and its encoder."""

    name = "avif"
    slope = 0.045

    def __init__(self) -> None:
        self.version = (
            f"imagecodecs {imagecodecs.__version__}, {imagecodecs.avif_version()}, 4:0:0 by quality"
        )

    def steps(self, bit_depth: int) -> int:  # noqa: ARG002
        """Return the number of steps: qualities 0 to 99, then lossless."""
        return _LOSSLESS + 1

    def step(self, quality: float, bit_depth: int) -> int:  # noqa: ARG002
        """Return the rounded quality as the step."""
        return round(quality)

    def check(self, frame: Frame, setting: Setting) -> None:
        """Accept every setting."""

    def encode(
        self,
        samples: Samples,
        bit_depth: int,
        step: int,
        colour: bool,  # noqa: ARG002
    ) -> bytes:
        """Return an AVIF file: 4:4:4 for three bands, monochrome for one."""
        alone = samples.ndim == 2
        if alone and step < _LOSSLESS:
            samples = np.repeat(samples[..., None], 3, axis=2)
        return bytes(
            imagecodecs.avif_encode(
                samples,
                level=step,
                speed=_SPEED,
                bitspersample=8 if bit_depth <= 8 else 10 if bit_depth <= 10 else 12,
                pixelformat="yuv400" if alone else "yuv444",
                numthreads=1,
            )
        )
