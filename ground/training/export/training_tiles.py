"""Integers of tiles of training crops: what the entropy tables are counted on."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from ..data.augment import CropSampler
from ..data.colour import canonical_planes
from ..loop.losses import draw_qualities
from ..networks.codec import Codec
from ..networks.shape import LATENT_FRACTION, LOG2_FRACTION, QUALITY_STEPS
from .integer_networks import Integers
from .tables import IntegerTile


def analyse_tile(codec: Codec, planes: torch.Tensor, quality: int) -> IntegerTile:
    """Return what the networks, on their grids, give for a tile's planes (1, 3, h, w)."""
    with torch.no_grad():
        return tile_of_latents(codec, codec.analysis(planes), quality)


@torch.no_grad()
def tile_of_latents(codec: Codec, latents: torch.Tensor, quality: int) -> IntegerTile:
    """Return the tile of latents y (1, N, rows, columns), with the hyperprior's integers.

    Args:
        codec: The codec, on its grids.
        latents: Multiples of 2^-LATENT_FRACTION.
        quality: Quality 0…256.
    """
    side = torch.floor(codec.hyper.analyse(latents) + 0.5)
    side = side.clamp(codec.hyper.side.low, codec.hyper.side.high)
    scales = codec.hyper.synthesise(side, latents.shape[2], latents.shape[3])
    return IntegerTile(
        to_integers(latents * 2**LATENT_FRACTION),
        to_integers(side),
        to_integers(scales * 2**LOG2_FRACTION),
        quality,
    )


def to_integers(value: torch.Tensor) -> Integers:
    """Return the first sample of a batch of whole numbers as int64."""
    return value[0].double().cpu().numpy().astype(np.int64)


def training_tiles(codec: Codec, sampler: CropSampler, batches: int) -> Iterator[IntegerTile]:
    """Yield tiles of training crops, with qualities that spread over all rates."""
    for step in range(batches):
        rng = np.random.default_rng(step)
        planes = canonical_planes(sampler.draw(0x30000000 + step), rng)
        quality = draw_qualities(codec, planes, rng).cpu().numpy()
        for sample, value in zip(planes, quality, strict=True):
            yield analyse_tile(codec, sample[None], round(float(value) * QUALITY_STEPS))
