"""CCSDS 121.0-B-3 lossless data compression by libaec: the onboard Rice coder.

It uses unit-delay prediction along the rows of each band, one band after the other, with blocks of
16 samples and a reference sample every 128 blocks. It is lossless only.
"""

from __future__ import annotations

import imagecodecs
import numpy as np

from ...link.container.ccsds121 import BLOCK, REFERENCE_INTERVAL
from ...link.container.frame import Frame
from ...link.errors import InputError
from .base import Setting
from .tiled import Samples


class Ccsds121:
    """CCSDS 121.0 as a tile codec: its only step and its encoder."""

    name = "ccsds121"
    slope = 1.0

    def __init__(self) -> None:
        self.version = f"imagecodecs {imagecodecs.__version__}, {imagecodecs.aec_version()}"

    def steps(self, bit_depth: int) -> int:  # noqa: ARG002
        """Return 1: the only step is lossless."""
        return 1

    def step(self, quality: float, bit_depth: int) -> int:  # noqa: ARG002
        """Return the lossless step; refuse any quality below 100."""
        _only_lossless(f"quality {quality:g}", quality == 100)
        return 0

    def check(self, frame: Frame, setting: Setting) -> None:  # noqa: ARG002
        """Refuse a rate or a budget: the size of a lossless stream cannot be chosen."""
        _only_lossless(f"setting {setting}", setting.quality == 100)

    def encode(
        self,
        samples: Samples,
        bit_depth: int,
        step: int,  # noqa: ARG002
        colour: bool,  # noqa: ARG002
    ) -> bytes:
        """Return the stream of all samples, one band after the other."""
        planes = np.ascontiguousarray(np.moveaxis(np.atleast_3d(samples), 2, 0))
        return bytes(
            imagecodecs.aec_encode(
                planes.reshape(-1),
                bitspersample=bit_depth,
                blocksize=BLOCK,
                rsi=REFERENCE_INTERVAL,
            )
        )


def _only_lossless(found: str, lossless: bool) -> None:
    if not lossless:
        raise InputError(f"ccsds121 {found}: allowed is lossless (quality 100)")
