"""Bits of a quantised latent under a logistic distribution, as training estimates them.

A logistic distribution has heavier tails than a Gaussian, which suits a transform whose scale is
known only roughly. The exported tables are counted from real symbols (see `export.tables`), so the
shape matters to training alone.
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
