"""How many bits a quantised latent costs, as training sees it.

A latent's prior is a logistic distribution: its tails are heavier than a Gaussian's, which
suits a transform whose scale is known only roughly. The exported tables are counted from
real symbols afterwards, so the shape matters to training alone.
"""

from __future__ import annotations

import torch
from torch import Tensor

SMALLEST_PROBABILITY = 1e-7
SMALLEST_LOG2_SCALE = -4.0
LARGEST_LOG2_SCALE = 11.0


def logistic_bits(value: Tensor, log2_scale: Tensor) -> Tensor:
    """Bits to code values on the integer grid, given the scale of a centred logistic.

    Args:
        value: quantised (or noisy) values less their mean, in steps.
        log2_scale: binary logarithm of the scale, in steps; clipped to the tables' range.

    Returns:
        Bits a value, the shape of the inputs.
    """
    scale = torch.exp2(-log2_scale.clamp(SMALLEST_LOG2_SCALE, LARGEST_LOG2_SCALE))
    # On the negative side both sigmoids are small, so their difference keeps its digits.
    magnitude = -value.abs()
    upper = torch.sigmoid((magnitude + 0.5) * scale)
    lower = torch.sigmoid((magnitude - 0.5) * scale)
    return -torch.log2((upper - lower).clamp_min(SMALLEST_PROBABILITY))


class RoundStraight(torch.autograd.Function):
    """Round half up, with the gradient of the identity (straight-through)."""

    @staticmethod
    def forward(_context: object, value: Tensor) -> Tensor:
        """Round half up: floor(v + 1/2), as the integer arithmetic does."""
        return torch.floor(value + 0.5)

    @staticmethod
    def backward(_context: object, gradient: Tensor) -> Tensor:
        """Pass the gradient on as it is."""
        return gradient


def round_straight(value: Tensor) -> Tensor:
    """Round half up with a straight-through gradient."""
    result: Tensor = RoundStraight.apply(value)  # type: ignore[no-untyped-call]
    return result


def floor_straight(value: Tensor, offset: Tensor) -> Tensor:
    """Round magnitudes by floor(|v| + offset) with a straight-through gradient."""
    rounded = torch.sign(value) * torch.floor(value.abs() + offset)
    return value + (rounded - value).detach()
