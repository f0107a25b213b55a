"""JPEG XL (ISO/IEC 18181-1) by libjxl: VarDCT at effort 3, lossless at the top.

The ladder's parameter is libjxl's butteraugli distance, 25 to 0.03. Effort 3 omits the perceptual
adaptive quantisation, which costs PSNR, and is about six times as fast as effort 7.

The first three bands are coded as a colour picture and every further band alone: at any distance,
libjxl codes more than one extra channel practically without loss.
"""

from __future__ import annotations

import math
from typing import Final

import imagecodecs

from ...link.container.frame import Frame
from .base import Setting
from .tiled import Samples

_COARSEST: Final = 25.0
_FINEST: Final = 0.03
_LOSSY_STEPS: Final = 680
_EFFORT: Final = 3
_CODESTREAM: Final = b"\xff\x0a"


class JpegXl:
    """JPEG XL as a tile codec: its ladder of steps and its encoder."""

    name = "jpegxl"
    slope = 0.007

    def __init__(self) -> None:
        self.version = f"imagecodecs {imagecodecs.__version__}, {imagecodecs.jpegxl_version()}"

    def steps(self, bit_depth: int) -> int:  # noqa: ARG002
        """Return the number of steps: distances one per cent apart, then lossless."""
        return _LOSSY_STEPS + 1

    def step(self, quality: float, bit_depth: int) -> int:  # noqa: ARG002
        """Return the step, by libjxl's JxlEncoderDistanceFromQuality; 100 is lossless."""
        if quality == 100:
            return _LOSSY_STEPS
        if quality >= 30:
            distance = 0.1 + (100 - quality) * 0.09
        else:
            distance = 53 / 3000 * quality**2 - 23 / 20 * quality + 25
        share = math.log(_COARSEST / distance) / math.log(_COARSEST / _FINEST)
        return min(max(round(share * (_LOSSY_STEPS - 1)), 0), _LOSSY_STEPS - 1)

    def check(self, frame: Frame, setting: Setting) -> None:
        """Accept every frame and every setting."""

    def encode(
        self,
        samples: Samples,
        bit_depth: int,
        step: int,
        colour: bool,  # noqa: ARG002
    ) -> bytes:
        """Return a raw codestream (no boxes)."""
        lossless = step == _LOSSY_STEPS
        distance = _COARSEST * (_FINEST / _COARSEST) ** (step / (_LOSSY_STEPS - 1))
        return bare(
            imagecodecs.jpegxl_encode(
                samples,
                effort=_EFFORT,
                distance=0.0 if lossless else distance,
                lossless=lossless,
                bitspersample=bit_depth,
                usecontainer=False,
                numthreads=1,
            )
        )


def bare(stream: bytes | bytearray) -> bytes:
    """Return the codestream without the boxes that libjxl adds to lossless 13 to 16 bits."""
    if stream[:2] == _CODESTREAM:
        return bytes(stream)
    offset = 0
    while offset + 8 <= len(stream):
        length = int.from_bytes(stream[offset : offset + 4], "big")
        end = offset + length if length else len(stream)
        if stream[offset + 4 : offset + 8] == b"jxlc":
            return bytes(stream[offset + 8 : end])
        offset = max(end, offset + 8)
    raise RuntimeError("libjxl wrote a container without a codestream")
