"""Calibration: put a trained float codec on its integer grids.

The grids' steps are chosen from the values that training crops send through the networks.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn

from ..data.augment import CropSampler
from ..data.colour import canonical_planes
from .codec import Codec
from .quantise import Grid, GridConv
from .rounding import block_moments, round_convolutions, round_weights


def calibrate(module: nn.Module, run: Callable[[], object]) -> None:
    """Choose every grid of a network from the values that `run` sends through it; switch all on."""
    grids = [m for m in module.modules() if isinstance(m, Grid)]
    for grid in grids:
        grid.watching, grid.largest_seen = True, 0.0
    with torch.no_grad():
        run()
    for grid in grids:
        grid.watching = False
        grid.settle()
    for layer in module.modules():
        if isinstance(layer, GridConv):
            layer.settle()


@torch.no_grad()
def spreads_to_powers_of_two(codec: Codec) -> None:
    """Round the networks' input scales to powers of two of at least one, and adapt the weights.

    The integer codec divides by these scales with shifts.
    """
    _spread_to_powers_of_two(codec.hyper.analysis_in, codec.hyper.spread)
    _spread_to_powers_of_two(codec.synthesis.latent_in, codec.synthesis.spread)


def _spread_to_powers_of_two(layer: GridConv, spread: Tensor) -> None:
    rounded = torch.exp2(torch.log2(spread).round().clamp_min(0))
    layer.weight.mul_((rounded / spread).view(1, -1, 1, 1))
    spread.copy_(rounded)


def put_on_grids(codec: Codec, sampler: CropSampler, batches: int = 8) -> None:
    """Turn a codec's networks into integer ones, calibrated on training crops.

    Args:
        codec: The codec, changed in place; nothing is done if it is on its grids already.
        sampler: Source of the crops.
        batches: Batches of crops to calibrate on.
    """
    if codec.on_grids:
        return
    spreads_to_powers_of_two(codec)
    _calibrate_on_crops(codec, codec, sampler, batches)
    moments = block_moments(sampler, 4 * batches, codec.analysis.filtered)
    round_weights(codec.analysis.linear, moments)
    round_synthesis(codec, sampler, batches)


def put_synthesis_on_grids(codec: Codec, sampler: CropSampler, batches: int = 8) -> None:
    """Do the same with the synthesis alone, in a codec whose other networks are integer ones.

    The arguments are those of `put_on_grids`.
    """
    if codec.synthesis.linear_out.on:
        return
    with torch.no_grad():
        _spread_to_powers_of_two(codec.synthesis.latent_in, codec.synthesis.spread)
    _calibrate_on_crops(codec.synthesis, codec, sampler, batches)
    round_synthesis(codec, sampler, batches)


def round_synthesis(codec: Codec, sampler: CropSampler, batches: int = 8) -> None:
    """Round the weights of a synthesis that is on its grids, each making up for those before.

    The average of weights that were trained in integers is not on their grids any more.

    Args:
        codec: The codec, changed in place.
        sampler: Source of the crops whose activations count.
        batches: Batches of crops.
    """
    was_training = codec.training
    codec.eval()
    round_convolutions(codec.synthesis, partial(_send_crops, codec, sampler, batches))
    codec.train(was_training)


def _send_crops(codec: Codec, sampler: CropSampler, batches: int) -> None:
    """Send crops of all qualities through a codec."""
    for step in range(batches):
        planes = canonical_planes(sampler.draw(0x20000000 + step))
        quality = torch.linspace(0, 1, planes.shape[0], device=planes.device)
        codec(planes, quality)


def _calibrate_on_crops(part: nn.Module, codec: Codec, sampler: CropSampler, batches: int) -> None:
    """Calibrate a part of a codec on the values that crops of all qualities send through it."""
    was_training = part.training
    codec.eval()

    calibrate(part, partial(_send_crops, codec, sampler, batches))
    part.train(was_training)
