"""Evaluation of a codec on held-out pictures: BD-rate of each picture, then the mean."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...bd_rate import BdRate
from ..data.colour import (
    MATRIX_FRACTION,
    difference_covariance,
    rotate,
    rotate_back,
    rotation_matrix,
    rotation_of,
)
from ..networks.codec import Codec
from .held_out import HeldOutPicture
from .precision import mixed_precision
from .rd_curve import RdCurve, compare, monotone

QUALITIES = tuple(np.linspace(0.0, 1.0, 9).tolist())


@torch.no_grad()
def codec_curve(
    codec: Codec, pixels: NDArray[np.uint8], qualities: Sequence[float] = QUALITIES
) -> RdCurve:
    """Return the curve of a codec on one picture, with ideal bits and rounded latents and pixels.

    Args:
        codec: The codec, in evaluation mode.
        pixels: (height, width, 3), the sides multiples of 16.
        qualities: Qualities in 0…1.
    """
    device = next(codec.parameters()).device
    levels = torch.from_numpy(np.array(pixels)).to(device).permute(2, 0, 1)[None].float()
    matrix = rotation_matrix(rotation_of(difference_covariance(pixels))) / 2**MATRIX_FRACTION
    rotation = torch.from_numpy(matrix)[None].float().to(device)
    planes = torch.floor(rotate(levels, rotation) * 2 + 0.5) / 2
    planes = planes.expand(len(qualities), -1, -1, -1).contiguous(memory_format=torch.channels_last)
    # The eight bits of a bfloat16 are enough for the curve of a float codec, not for integers.
    with mixed_precision(device.type, enabled=not codec.on_grids):
        coded = codec(planes, torch.tensor(qualities, device=device))
    decoded = rotate_back(coded.planes, rotation.expand(len(qualities), -1, -1))
    decoded = torch.floor(decoded + 0.5).clamp(0, 255)
    bpp = (coded.bits / (pixels.shape[0] * pixels.shape[1])).tolist()
    quality = tensor_psnr(decoded, levels).tolist()
    return monotone(bpp, quality)


@dataclass(frozen=True, slots=True)
class Summary:
    """Results on held-out pictures.

    Attributes:
        mean: Mean BD-rate and coverage over all pictures.
        groups: Mean BD-rate and coverage of each group.
        curves: Curve of the codec on each picture, by name.
    """

    mean: BdRate
    groups: dict[str, BdRate]
    curves: dict[str, RdCurve]


def evaluate(
    codec: Codec, pictures: Sequence[HeldOutPicture], qualities: Sequence[float] = QUALITIES
) -> Summary:
    """Code every picture at every quality, and compare each with its anchor."""
    was_training = codec.training
    codec.eval()
    results: dict[str, list[BdRate]] = defaultdict(list)
    curves = {}
    for picture in pictures:
        curve = curves[picture.name] = codec_curve(codec, picture.pixels, qualities)
        results[picture.group].append(compare(picture.anchor, curve))
    codec.train(was_training)
    all_results = [result for group in results.values() for result in group]
    return Summary(
        _mean(all_results), {name: _mean(group) for name, group in results.items()}, curves
    )


def _mean(results: Sequence[BdRate]) -> BdRate:
    """Return the mean over the pictures whose curves overlap the anchor's in quality."""
    return BdRate(
        _finite_mean([result.percent for result in results]),
        _finite_mean([result.coverage for result in results]),
    )


def _finite_mean(values: Sequence[float]) -> float:
    finite = [value for value in values if not math.isnan(value)]
    return float(np.mean(finite)) if finite else math.nan


def tensor_psnr(first: Tensor, second: Tensor) -> Tensor:
    """Return the PSNR in dB of each sample of two batches of grey levels; infinite if equal."""
    error = (first - second).square().mean(dim=(1, 2, 3))
    return 10.0 * torch.log10(255.0**2 / error)
