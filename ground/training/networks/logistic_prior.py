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
    """Return the bits of values on the integer grid, under a logistic distribution about 0.

    Args:
        value: Quantised (or noisy) values less their mean, in steps.
        log2_scale: log₂ of the scale, in steps; clipped to the range of the tables.

    Returns:
        Bits of each value, in the shape of the inputs.
    """
    scale = torch.exp2(-log2_scale.clamp(SMALLEST_LOG2_SCALE, LARGEST_LOG2_SCALE))
    # On the negative side both sigmoids are small, so their difference loses no digits.
    magnitude = -value.abs()
    upper = torch.sigmoid((magnitude + 0.5) * scale)
    lower = torch.sigmoid((magnitude - 0.5) * scale)
    return -torch.log2((upper - lower).clamp_min(SMALLEST_PROBABILITY))
