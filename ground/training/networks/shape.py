"""Widths of the codec's networks, and the number formats that all of them share.

A *fraction* f says that a quantity is an integer times 2^-f.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

BLOCK = 16
"""Pixels a side of one latent position."""

KNOTS = 9
"""Qualities that gains are learned at; between them the logarithm is interpolated."""

QUALITY_STEPS = 256
"""Qualities that a bitstream can name: 0/256 … 256/256."""

LOG2_FRACTION = 5
"""Log-scales and log-gains are integers times 1/32 octave."""

LATENT_FRACTION = 4
"""Latents are integers times 2^-4 grey levels (times the transform's gain)."""

PIXEL_FRACTION = 4
"""Decoded grey levels are summed in sixteenths."""

SYNTHESIS_FRACTION = 17
"""The linear synthesis has weights in units of 2^-17, and is summed in float64."""

LOG2_LAMBDA_LOW = -13.0

LOG2_LAMBDA_HIGH = 0.0
"""The range of qualities: λ of bits per pixel + λ · MSE (of 8-bit grey levels)."""

BRANCH_GAIN = 16.0
"""The nonlinear branch's outputs times this are latents."""

PIXEL_GAIN = 64.0
"""Networks see centred grey levels divided by this, and give corrections that are."""


@dataclass(frozen=True, slots=True)
class CodecShape:
    """Widths of the networks: what the complexity follows from.

    Attributes:
        latents: channels of y.
        analysis: channels of the analysis branch at 1/4, 1/8 and 1/16.
        hyper: channels inside the hyper networks.
        side: channels of z.
        predicted: leading channels whose mean is predicted from coded neighbours.
        synthesis: channels of the restoration at 1/4 and 1/8.
        depth: residual blocks of the restoration: at 1/4, at 1/8, at 1/4 again.
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
