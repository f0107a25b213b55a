"""Widths of the codec's networks, and the number formats that all of them share.

A *fraction* f says that a quantity is an integer times 2^-f.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

BLOCK = 16
"""Side of the block of pixels at one latent position."""

KNOTS = 9
"""Qualities at which gains are learned; their logarithms are interpolated in between."""

QUALITY_STEPS = 256
"""A bitstream can name the qualities 0/256 … 256/256."""

LOG2_FRACTION = 5
"""log₂ scales and log₂ gains are in units of 1/32 octave."""

LATENT_FRACTION = 4
"""Latents are in units of 1/16 grey level (times the transform's gain)."""

PIXEL_FRACTION = 4
"""Decoded grey levels are in units of 1/16."""

LAPPED_FRACTION = 12
"""Weights of the filters across block boundaries are in units of 2^-12."""

SYNTHESIS_FRACTION = 17
"""Weights of the linear synthesis are in units of 2^-17; its sums are in float64."""

LOG2_LAMBDA_LOW = -13.0
LOG2_LAMBDA_HIGH = 0.0
"""Range of the qualities: λ in bits per pixel + λ · MSE (of 8-bit grey levels)."""

BRANCH_GAIN = 16.0
"""Factor from the nonlinear branch's outputs to latents."""

PIXEL_GAIN = 64.0
"""Divisor of the grey levels that networks read and of the corrections that they give."""


@dataclass(frozen=True, slots=True)
class CodecShape:
    """Widths of the networks, which determine the complexity.

    Attributes:
        latents: Channels of y.
        analysis: Channels of the analysis branch at 1/4, 1/8 and 1/16.
        hyper: Channels inside h_a and h_s.
        side: Channels of z.
        predicted: First channels of y, whose means are predicted from decoded neighbours.
        synthesis: Channels of the restoration at 1/4 and 1/8.
        depth: Residual blocks of the restoration: at 1/4, at 1/8, and at 1/4 again.
    """

    latents: int = 640
    analysis: tuple[int, int, int] = (48, 96, 192)
    hyper: int = 64
    side: int = 12
    predicted: int = 32
    synthesis: tuple[int, int] = (64, 128)
    depth: tuple[int, int, int] = (2, 2, 1)


def lambda_of_quality(quality: Tensor) -> Tensor:
    """Return the rate-distortion slope λ of a quality 0…1."""
    return torch.exp2(LOG2_LAMBDA_LOW + quality * (LOG2_LAMBDA_HIGH - LOG2_LAMBDA_LOW))
