"""Rate and PSNR of latents of held-out crops through the shipped decoder, whatever made them.

They are counted twice: with the shipped integers and the ideal bits of the stored tables, and with
the likelihoods that training uses. The tables hold the frequencies of the encoder's own symbols, so
symbols that were chosen otherwise cost more with them than with tables counted anew.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np
import torch
from downpass.ground.training.arguments import SHIPPED
from downpass.ground.training.data.colour import (
    PLANE_FRACTION,
    difference_covariance,
    rotation_matrix,
    rotation_of,
    to_pixels,
    to_planes,
)
from downpass.ground.training.export.entropy_reference import TileReference
from downpass.ground.training.export.integer_networks import Integers
from downpass.ground.training.export.tables import ideal_bits
from downpass.ground.training.export.training_tiles import tile_of_latents, to_integers
from downpass.ground.training.loop.checkpoint import restore
from downpass.ground.training.loop.held_out import HeldOutPicture
from downpass.ground.training.loop.rd_curve import psnr
from downpass.ground.training.loop.warm_start import load_start
from downpass.ground.training.networks.codec import Codec, Coded, CodedLatents
from downpass.ground.training.networks.shape import (
    LATENT_FRACTION,
    PIXEL_FRACTION,
    QUALITY_STEPS,
)
from downpass.ground.training.verify.shipped_codec import (
    from_integers,
    shipped_arrays,
    shipped_shape,
)
from numpy.typing import NDArray
from torch import Tensor

RATES = (0.12, 0.4, 1.3)
"""Bits per pixel near which each crop is coded."""
CANDIDATES = tuple(range(0, QUALITY_STEPS + 1, 16))
"""Qualities at which the encoder's own latents are coded, 0…256."""


@dataclass(frozen=True, slots=True)
class HeldOutCrop:
    """A held-out crop in the planes that the encoder reads.

    Attributes:
        name: Name of its picture.
        pixels: (side, side, 3).
        matrix: Rotation of its bands.
        planes: (1, 3, side, side), relative to mid-grey.
    """

    name: str
    pixels: NDArray[np.uint8]
    matrix: NDArray[np.int64]
    planes: Tensor

    @classmethod
    def of(cls, picture: HeldOutPicture, side: int) -> HeldOutCrop:
        """Return the middle of a picture."""
        row, column = ((n - side) // 2 for n in picture.pixels.shape[:2])
        pixels = np.ascontiguousarray(picture.pixels[row : row + side, column : column + side])
        matrix = rotation_matrix(rotation_of(difference_covariance(pixels)))
        planes = torch.from_numpy(to_planes(pixels, matrix) / 2**PLANE_FRACTION)
        return cls(picture.name, pixels, matrix, planes[None].float())


@dataclass(frozen=True, slots=True)
class CropAtQuality:
    """One crop at one quality, with the encoder's latents.

    Attributes:
        crop: The crop.
        quality: Quality 0…256.
        latents: Latents y as the encoder gives them (1, N, rows, columns).
        slope: Bits per pixel that an error of one is worth at that quality.
    """

    crop: HeldOutCrop
    quality: int
    latents: Tensor
    slope: float


def choose_crops(pictures: Sequence[HeldOutPicture], count: int, side: int) -> list[HeldOutCrop]:
    """Return crops of the first picture of `count` groups, spread over all groups by name."""
    first = {picture.group: picture for picture in reversed(pictures)}
    large = [p for _, p in sorted(first.items()) if min(p.pixels.shape[:2]) >= side]
    places = np.linspace(0, len(large) - 1, min(count, len(large))).round().astype(int)
    return [HeldOutCrop.of(large[place], side) for place in places]


def frozen_codec() -> Codec:
    """Return the shipped codec in floating point, without gradients for its weights."""
    content = load_start(SHIPPED)
    codec = Codec(shipped_shape())
    restore(codec, content["model"])
    return codec.requires_grad_(requires_grad=False).train()


def decode(codec: Codec, coded: CodedLatents, quality: Tensor) -> Coded:
    """Return what was coded, with the decoded planes."""
    return Coded.of(coded, codec.synthesis(coded.decoded, quality))


Point = tuple[float, float]
"""Bits per pixel, and PSNR in dB."""
Rater = Callable[[HeldOutCrop, Tensor, int], Point]
"""What latents of a crop reach at a quality 0…256."""


class ShippedIntegers:
    """The shipped codec in integers: what it makes of latents, and what that costs."""

    def __init__(self) -> None:
        self.arrays = shipped_arrays()
        self.codec = from_integers(self.arrays, shipped_shape())

    def latents(self, crop: HeldOutCrop) -> Tensor:
        """Return y (1, N, rows, columns) as the encoder gives it."""
        with torch.no_grad():
            result: Tensor = self.codec.analysis(crop.planes)
            return result

    @torch.no_grad()
    def point(self, crop: HeldOutCrop, latents: Tensor, quality: int) -> Point:
        """Return bits per pixel and PSNR in dB of latents (1, N, rows, columns)."""
        on_grid = torch.floor(latents.float() * 2**LATENT_FRACTION + 0.5) / 2**LATENT_FRACTION
        tile = tile_of_latents(self.codec, on_grid, quality)
        coder = TileReference(self.arrays, tile.log_scales, quality)
        symbols, decoded, index = coder.encode(tile.latents)
        bits = ideal_bits(self.arrays, symbols, index, tile.side)
        found = self._pixels(crop, decoded, quality)
        size = crop.pixels.shape[0] * crop.pixels.shape[1]
        return bits / size, psnr(crop.pixels.astype(float), found.astype(float))

    def _pixels(self, crop: HeldOutCrop, decoded: Integers, quality: int) -> NDArray[np.uint8]:
        latents = torch.from_numpy(decoded[None] / 2**LATENT_FRACTION).float()
        out = self.codec.synthesis(latents, torch.tensor([quality / QUALITY_STEPS]))
        return to_pixels(to_integers(out * 2**PIXEL_FRACTION), crop.matrix, PIXEL_FRACTION)


@torch.no_grad()
def likely_point(codec: Codec, crop: HeldOutCrop, latents: Tensor, quality_step: int) -> Point:
    """Return bits per pixel by likelihoods and PSNR in dB of latents (1, N, rows, columns)."""
    quality = torch.tensor([quality_step / QUALITY_STEPS])
    coded = decode(codec.eval(), codec.encode_latents(latents, quality), quality)
    error = float((coded.planes - crop.planes).square().mean())
    return float(coded.bits) / coded.planes[0, 0].numel(), 10 * math.log10(255**2 / error)


class EncoderCurves:
    """What the encoder's own latents reach at many qualities, and changes of rate against that.

    Args:
        rater: How points are counted.
        latents: Crops, each with the encoder's latents.
    """

    def __init__(self, rater: Rater, latents: Sequence[tuple[HeldOutCrop, Tensor]]) -> None:
        self.rater = rater
        self.points = {
            crop.name: [rater(crop, own, quality) for quality in CANDIDATES]
            for crop, own in latents
        }

    def qualities(self, crop: HeldOutCrop) -> list[int]:
        """Return the qualities of a crop whose rates are nearest to `RATES`."""
        log_rates = np.log([rate for rate, _ in self.points[crop.name]])
        return sorted({CANDIDATES[int(np.abs(log_rates - np.log(r)).argmin())] for r in RATES})

    def slope(self, crop: HeldOutCrop, quality: int) -> float:
        """Return the fall of the rate with the mean square error, at a quality."""
        points = self.points[crop.name]
        middle = min(max(CANDIDATES.index(quality), 1), len(points) - 2)
        (low, low_db), (rate, db), (high, high_db) = points[middle - 1 : middle + 2]
        error = 255**2 / 10 ** (db / 10)
        return rate / error * math.log(high / low) / ((high_db - low_db) * math.log(10) / 10)

    def change(self, case: CropAtQuality, latents: Tensor) -> float:
        """Return the logarithm of the rate over that of the encoder at the same PSNR."""
        rate, db = self.rater(case.crop, latents, case.quality)
        points = self.points[case.crop.name]
        middle = min(max(CANDIDATES.index(case.quality), 1), len(points) - 2)
        near = points[middle - 1 : middle + 2]
        curve = np.polyfit([one[1] - db for one in near], np.log([one[0] for one in near]), 2)
        return math.log(rate) - float(curve[-1])


def percent_by_crop(cases: Sequence[CropAtQuality], changes: Sequence[float]) -> dict[str, float]:
    """Return each crop's change of rate in per cent, the mean over its rates."""
    found: dict[str, list[float]] = {}
    for case, change in zip(cases, changes, strict=True):
        found.setdefault(case.crop.name, []).append(change)
    return {name: 100 * math.expm1(fmean(values)) for name, values in found.items()}
