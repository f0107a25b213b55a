"""Rate-distortion of the integer codec on held-out pictures, for the model card."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from ..data.colour import (
    PLANE_FRACTION,
    difference_covariance,
    rotation_matrix,
    rotation_of,
    to_pixels,
    to_planes,
)
from ..loop.held_out import HeldOutPicture
from ..loop.rd_curve import compare, monotone, psnr
from ..networks.codec import Codec
from ..networks.shape import LATENT_FRACTION, PIXEL_FRACTION, QUALITY_STEPS
from .entropy_reference import TileReference
from .integer_networks import Arrays
from .tables import ideal_bits
from .training_tiles import analyse_tile, to_integers


@torch.no_grad()
def integer_curve(
    codec: Codec, arrays: Arrays, picture: HeldOutPicture, qualities: Sequence[int]
) -> dict[str, list[float]]:
    """Return the rate-distortion curve of one picture, coded in integers.

    Args:
        codec: The codec, on its grids.
        arrays: Its integers and tables.
        picture: The picture.
        qualities: Qualities 0…256.

    Returns:
        `quality`, `bpp` (ideal bits of the tables) and `psnr_db` of each point.
    """
    matrix = rotation_matrix(rotation_of(difference_covariance(picture.pixels)))
    planes = torch.from_numpy(to_planes(picture.pixels, matrix) / 2**PLANE_FRACTION)
    tile = analyse_tile(codec, planes[None].float(), 0)
    curve: dict[str, list[float]] = {"quality": [], "bpp": [], "psnr_db": []}
    for quality in qualities:
        coder = TileReference(arrays, tile.log_scales, quality)
        symbols, decoded, index = coder.encode(tile.latents)
        bits = ideal_bits(arrays, symbols, index, tile.side)
        latents = torch.from_numpy(decoded[None] / 2**LATENT_FRACTION).float()
        out = codec.synthesis(latents, torch.tensor([quality / QUALITY_STEPS]))
        pixels = to_pixels(to_integers(out * 2**PIXEL_FRACTION), matrix, PIXEL_FRACTION)
        curve["quality"].append(quality)
        curve["bpp"].append(round(bits / (pixels.shape[0] * pixels.shape[1]), 5))
        curve["psnr_db"].append(round(psnr(picture.pixels.astype(float), pixels.astype(float)), 3))
    return curve


def held_out_report(
    codec: Codec, arrays: Arrays, pictures: Sequence[HeldOutPicture], step: int = 32
) -> dict[str, Any]:
    """Return BD-rate and coverage against JPEG 2000 by group, and the curve of each picture."""
    by_group: dict[str, list[tuple[float, float]]] = {}
    curves = {}
    for picture in pictures:
        curve = integer_curve(codec, arrays, picture, range(0, QUALITY_STEPS + 1, step))
        curves[picture.name] = curve
        result = compare(picture.anchor, monotone(curve["bpp"], curve["psnr_db"]))
        by_group.setdefault(picture.group, []).append((result.percent / 100, result.coverage))
    results = np.array([v for values in by_group.values() for v in values])
    mean = np.nanmean(results, axis=0)
    return {
        "bd_rate": round(float(mean[0]), 4),
        "coverage": round(float(mean[1]), 4),
        "groups": {
            name: {
                "bd_rate": round(float(np.nanmean([v[0] for v in values])), 4),
                "coverage": round(float(np.mean([v[1] for v in values])), 4),
                "pictures": len(values),
            }
            for name, values in by_group.items()
        },
        "curves": curves,
    }
