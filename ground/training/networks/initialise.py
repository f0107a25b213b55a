"""Start of training: principal components of training blocks, and gains and scales to match.

The linear transforms become the Karhunen-Loève transform of 16 x 16 RGB blocks, the gains become
the uniform quantiser steps that each λ asks for at high rate, and the scales become the statistics
of the latents. Nothing is learned yet, and the codec already works.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from ..data.augment import CropSampler
from ..data.colour import canonical_planes
from .codec import Codec
from .layers import space_to_depth
from .shape import BLOCK, KNOTS, LOG2_LAMBDA_HIGH, LOG2_LAMBDA_LOW


def principal_components(sampler: CropSampler, batches: int) -> tuple[Tensor, Tensor]:
    """Return the eigenvectors (768, 768), one a row, and the variances, by falling variance.

    Blocks are relative to mid-grey, not to their mean, because the transform has no offset.
    """
    size = 3 * BLOCK**2
    total = torch.zeros(size, size, dtype=torch.float64)
    count = 0.0
    for step in range(batches):
        folded = space_to_depth(canonical_planes(sampler.draw(-1 - step & 0x7FFFFFFF)), BLOCK)
        blocks = folded.permute(0, 2, 3, 1).reshape(-1, size).double().cpu()
        # Without weights, a few pictures of high contrast would determine every component.
        energy = (blocks - blocks.mean(dim=1, keepdim=True)).square().mean(dim=1)
        weight = 1.0 / (energy + 30.0)
        total += (blocks * weight[:, None]).T @ blocks
        count += float(weight.sum())
    variances, vectors = torch.linalg.eigh(total / count)
    return vectors.T.flip(0).contiguous(), variances.flip(0)


@torch.no_grad()
def start_from_components(codec: Codec, sampler: CropSampler, batches: int = 150) -> None:
    """Initialise a codec from the principal components of training blocks, in place.

    Args:
        codec: The codec, with the random weights that torch gives it.
        sampler: Source of the blocks.
        batches: Batches of crops that the components are computed from.
    """
    vectors, _ = principal_components(sampler, batches)
    basis = vectors[: codec.shape.latents].float().to(codec.analysis.linear.weight.device)
    codec.analysis.linear.weight.copy_(basis[:, :, None, None])
    _zero(codec.analysis.linear.bias)
    codec.synthesis.linear.weight.copy_(basis.T[:, :, None, None])
    _zero(codec.synthesis.linear.bias)
    _shrink(codec.analysis.leave)
    _shrink(codec.synthesis.leave)
    for block in (*codec.synthesis.before, *codec.synthesis.below, *codec.synthesis.after):
        block.second.weight.mul_(0.3)
    for knot in range(KNOTS):
        fraction = knot / (KNOTS - 1)
        log2_lambda = LOG2_LAMBDA_LOW + fraction * (LOG2_LAMBDA_HIGH - LOG2_LAMBDA_LOW)
        # The bits fall by log₂ of the step, and the mean error over three bands grows by
        # step² / 12. The two balance at step² = 18 / (λ ln 2).
        step = math.sqrt(18.0 / (2.0**log2_lambda * math.log(2.0)))
        codec.gain.values[knot] = -math.log2(step)
    latents = torch.cat(
        [codec.analysis(canonical_planes(sampler.draw(0x40000000 + i))) for i in range(8)]
    )
    spread = latents.abs().mean(dim=(0, 2, 3)).clamp_min(0.05)
    codec.hyper.spread.copy_(spread)
    codec.synthesis.spread.copy_(2.0 * spread)
    codec.hyper.synthesis_out.weight.mul_(0.3)
    # A logistic of scale s has mean magnitude 2 s ln 2.
    bias = codec.hyper.synthesis_out.bias
    if bias is None:
        raise ValueError("the hyper synthesis needs a bias")
    bias.copy_(torch.log2(spread / (2.0 * math.log(2.0))))
    codec.hyper.analysis_end.weight.mul_(3.0)


def _zero(parameter: Tensor | None) -> None:
    if parameter is not None:
        parameter.zero_()


def _shrink(layer: nn.Conv2d) -> None:
    layer.weight.mul_(0.01)
    _zero(layer.bias)
