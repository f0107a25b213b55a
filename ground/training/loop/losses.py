"""The training objective, and the quality at which each sample is coded.

The figure of merit is a mean over pictures of *relative* changes of rate. The objective is
therefore the mean logarithm of bits + λ · error: a saving of one per cent counts the same on a dull
field as on a town, at a tenth of a bit as at two bits.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from ..networks.codec import Codec, Coded
from ..networks.layers import space_to_depth
from ..networks.shape import lambda_of_quality

FLOOR_BPP = 0.05
"""Added to the cost before the logarithm, so that blank crops do not dominate the gradient."""
RATE_RANGE = (0.06, 2.5)
"""Bits per pixel of the samples. The highest is drawn twice as often as the lowest, because BD-rate
is a mean over decibels: an octave of the rate has twice as many at one bit as at a tenth of one."""


def rate_distortion(coded: Coded, planes: Tensor, quality: Tensor) -> Tensor:
    """Return bits per pixel + λ · MSE of each sample (b,)."""
    pixels = planes.shape[2] * planes.shape[3]
    error = (coded.planes - planes).square().mean(dim=(1, 2, 3))
    return coded.bits / pixels + lambda_of_quality(quality) * error


def relative_cost(cost: Tensor) -> Tensor:
    """Return the mean logarithm of the samples' costs."""
    return torch.log(cost + FLOOR_BPP).mean()


@torch.no_grad()
def draw_qualities(codec: Codec, planes: Tensor, rng: np.random.Generator) -> Tensor:
    """Return a quality for each sample, such that the rates are spread over `RATE_RANGE`.

    The λ of a tenth of a bit per pixel differs by a factor of a hundred between a town and a dune.
    The rate at each quality is therefore estimated from the linear latents. For one sample in
    eight, the quality is drawn evenly from all qualities instead.

    Args:
        codec: The codec; its gains and its linear analysis are used.
        planes: Planes of the samples (b, 3, h, w).
        rng: Source of the random numbers.
    """
    count = planes.shape[0]
    grid = torch.linspace(0, 1, 9, device=planes.device)
    gains = torch.exp2(codec.gain(grid))
    latents = codec.analysis.linear(space_to_depth(planes, 16)).float()
    energy = latents.square()
    rates = []
    for gain in gains:
        bits = 0.5 * torch.log2(1 + 8 * energy * gain.square().view(1, -1, 1, 1))
        rates.append(bits.sum(dim=(1, 2, 3)))
    pixels = planes.shape[2] * planes.shape[3]
    log_rate = torch.log(torch.stack(rates, dim=1) / pixels + 1e-6).cpu().double().numpy()
    log_rate = np.maximum.accumulate(log_rate, axis=1)
    low, high = (math.log(rate) for rate in RATE_RANGE)
    # Where u is drawn evenly, the density of √(1 + 3u) − 1 rises from 2/3 at 0 to 4/3 at 1.
    wanted = low + (high - low) * (np.sqrt(1.0 + 3.0 * rng.random(count)) - 1.0)
    drawn = [np.interp(w, row, grid.cpu().numpy()) for w, row in zip(wanted, log_rate, strict=True)]
    anywhere = rng.random(count) < 0.125
    quality = np.where(anywhere, rng.random(count), drawn)
    return torch.from_numpy(quality).float().to(planes.device)
