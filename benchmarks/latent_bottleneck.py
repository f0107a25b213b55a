"""Is the encoder the bottleneck? What better latents gain through the shipped decoder.

    python benchmarks/latent_bottleneck.py --images DIR --out DIR [--iterations 60] [--csv FILE]

A teacher can at best show a student better latents for the same decoder and entropy model. So
latents of held-out crops are improved directly, one set for each crop and quality, with the shipped
networks frozen; they begin as the encoder's. The gain bounds what any encoder, however heavy, could
reach with this decoder. What is lowered is bits + slope · error, with the slope that the encoder's
own curve has at that rate: with another one, such as the λ of the quality, latents would also move
along the curve, and a lower cost would not be a gain at equal quality. The methods:

  descent  Symbols are moved by one where that lowers the cost, by the gradient through the whole
           decoder; moves that do not lower the real cost of a crop are taken back.
  gumbel   Stochastic Gumbel annealing (Yang, Bamler and Mandt, arXiv 2006.04240), then `descent`:
           each symbol is drawn from the two integers next to it, at a temperature that falls. Of
           this and `descent` alone, the cheaper is taken for each crop and quality.
  weights  The encoder's own weights, fitted to these crops at all qualities: what this encoder
           could reach if training had shown it nothing else.

At the end the symbols are made as on board: dead zone, means in the closed loop, side information
from the new latents. Printed is the change of rate against the encoder's own latents at equal PSNR,
which are coded at many qualities: the mean over a crop's rates, then over crops. It is counted
twice: with the shipped integers and the ideal bits of the stored tables, and with the likelihoods
that training uses. The tables hold the frequencies of the encoder's own
symbols, so symbols that were chosen otherwise cost more with them than with tables counted anew.
"""

from __future__ import annotations

import argparse
import csv
import math
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from statistics import fmean, stdev

import numpy as np
import torch
from downpass.ground.training.arguments import SHIPPED, add_corpus_arguments
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
from downpass.ground.training.loop.held_out import HeldOutPicture, load_training_and_held_out
from downpass.ground.training.loop.optimiser import make_optimiser, parameter_groups
from downpass.ground.training.loop.precision import mixed_precision
from downpass.ground.training.loop.rd_curve import psnr
from downpass.ground.training.loop.warm_start import load_start
from downpass.ground.training.networks.codec import Codec, Coded, CodedLatents
from downpass.ground.training.networks.logistic_prior import logistic_bits
from downpass.ground.training.networks.scale_context import table_index
from downpass.ground.training.networks.shape import (
    LATENT_FRACTION,
    PIXEL_FRACTION,
    QUALITY_STEPS,
)
from downpass.ground.training.verify.shipped_codec import (
    from_integers,
    shipped_arrays,
    shipped_card,
    shipped_shape,
)
from numpy.typing import NDArray
from torch import Tensor

RATES = (0.12, 0.4, 1.3)
"""Bits per pixel near which each crop is coded."""
CANDIDATES = tuple(range(0, QUALITY_STEPS + 1, 16))
BATCH = 16
ROUNDS = 12
"""Rounds of moves in the descent."""
LARGEST_SHARE = 0.6
"""Largest share of the moves that would pay that is made in a round."""
RATE_OF_LATENTS = 0.01
"""Learning rate of the latents, in steps of the quantiser."""
RATE_OF_WEIGHTS = 2e-4
WARM_UP = 20
"""Iterations over which the learning rate of the weights rises."""
TEMPERATURES = (0.5, 0.2)
"""First and last temperature of the Gumbel annealing."""


@dataclass(frozen=True, slots=True)
class Crop:
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
    def of(cls, picture: HeldOutPicture, side: int) -> Crop:
        """Return the middle of a picture."""
        row, column = ((n - side) // 2 for n in picture.pixels.shape[:2])
        pixels = np.ascontiguousarray(picture.pixels[row : row + side, column : column + side])
        matrix = rotation_matrix(rotation_of(difference_covariance(pixels)))
        planes = torch.from_numpy(to_planes(pixels, matrix) / 2**PLANE_FRACTION)
        return cls(picture.name, pixels, matrix, planes[None].float())


Point = tuple[float, float]
"""Bits per pixel, and PSNR in dB."""
Rater = Callable[[Crop, Tensor, int], Point]
"""What latents of a crop reach at a quality 0…256."""


def choose_crops(pictures: Sequence[HeldOutPicture], count: int, side: int) -> list[Crop]:
    """Return crops of the first picture of `count` groups, spread over all groups by name."""
    first = {picture.group: picture for picture in reversed(pictures)}
    large = [p for _, p in sorted(first.items()) if min(p.pixels.shape[:2]) >= side]
    places = np.linspace(0, len(large) - 1, min(count, len(large))).round().astype(int)
    return [Crop.of(large[place], side) for place in places]


class ShippedIntegers:
    """The shipped codec in integers: what it makes of latents, and what that costs."""

    def __init__(self) -> None:
        self.arrays = shipped_arrays()
        self.codec = from_integers(self.arrays, shipped_shape())

    def latents(self, crop: Crop) -> Tensor:
        """Return y (1, N, rows, columns) as the encoder gives it."""
        with torch.no_grad():
            result: Tensor = self.codec.analysis(crop.planes)
            return result

    @torch.no_grad()
    def point(self, crop: Crop, latents: Tensor, quality: int) -> Point:
        """Return bits per pixel and PSNR in dB of latents (1, N, rows, columns)."""
        on_grid = torch.floor(latents.float() * 2**LATENT_FRACTION + 0.5) / 2**LATENT_FRACTION
        tile = tile_of_latents(self.codec, on_grid, quality)
        coder = TileReference(self.arrays, tile.log_scales, quality)
        symbols, decoded, index = coder.encode(tile.latents)
        bits = ideal_bits(self.arrays, symbols, index, tile.side)
        found = self._pixels(crop, decoded, quality)
        size = crop.pixels.shape[0] * crop.pixels.shape[1]
        return bits / size, psnr(crop.pixels.astype(float), found.astype(float))

    def _pixels(self, crop: Crop, decoded: Integers, quality: int) -> NDArray[np.uint8]:
        latents = torch.from_numpy(decoded[None] / 2**LATENT_FRACTION).float()
        out = self.codec.synthesis(latents, torch.tensor([quality / QUALITY_STEPS]))
        return to_pixels(to_integers(out * 2**PIXEL_FRACTION), crop.matrix, PIXEL_FRACTION)


@dataclass(frozen=True, slots=True)
class Job:
    """One crop at one quality, with the encoder's latents.

    Attributes:
        crop: The crop.
        quality: Quality 0…256.
        latents: Latents y as the encoder gives them (1, N, rows, columns).
        slope: Bits per pixel that an error of one is worth at that quality.
    """

    crop: Crop
    quality: int
    latents: Tensor
    slope: float


@torch.no_grad()
def likely_point(codec: Codec, crop: Crop, latents: Tensor, quality_step: int) -> Point:
    """Return bits per pixel by likelihoods and PSNR in dB of latents (1, N, rows, columns)."""
    quality = torch.tensor([quality_step / QUALITY_STEPS])
    coded = decode(codec.eval(), codec.encode_latents(latents, quality), quality)
    error = float((coded.planes - crop.planes).square().mean())
    return float(coded.bits) / coded.planes[0, 0].numel(), 10 * math.log10(255**2 / error)


def frozen_codec() -> Codec:
    """Return the shipped codec in floating point, without gradients for its weights."""
    content = load_start(SHIPPED)
    codec = Codec(shipped_shape())
    restore(codec, content["model"])
    return codec.requires_grad_(requires_grad=False).train()


def decode(codec: Codec, coded: CodedLatents, quality: Tensor) -> Coded:
    """Return what was coded, with the decoded planes."""
    return Coded.of(coded, codec.synthesis(coded.decoded, quality))


def drawn_symbols(codec: Codec, latents: Tensor, quality: Tensor, temperature: float) -> Coded:
    """Code latents with symbols drawn from the two nearest integers, at a temperature.

    The draw is relaxed (Gumbel-softmax), so bits and pixels have gradients in the latents.
    """
    like = codec.encode_latents(latents, quality)
    with torch.autocast(latents.device.type, enabled=False):
        log2_gain = codec.log2_gain(quality)[:, :, None, None]
        gain, step = torch.exp2(log2_gain), torch.exp2(-log2_gain)
        # The means that the closed loop has at these latents; they get no gradient here.
        means = (like.decoded - like.symbols * step).detach()
        value = (latents - means) * gain
        low = value.detach().floor()
        share = (value - low).clamp(1e-4, 1 - 1e-4)
        logits = torch.stack((-torch.atanh(share), -torch.atanh(1 - share))) / temperature
        uniform = torch.rand_like(logits).clamp(1e-6, 1 - 1e-6)
        noise = -torch.log(-torch.log(uniform))
        symbols = low + torch.softmax((logits + noise) / temperature, dim=0)[1]
        is_coded = table_index(like.log2_scales) > 0
        symbols = symbols * is_coded
        corrected = like.log2_scales + codec.context(symbols.detach().round(), like.log2_scales)
        latent_bits = logistic_bits(symbols, corrected) * is_coded
        decoded = means + symbols * step
        bits = latent_bits.sum(dim=(1, 2, 3)) + like.side_bits
    drawn = CodedLatents(
        bits, like.side_bits, latents, decoded, latent_bits, symbols, like.log2_scales
    )
    return decode(codec, drawn, quality)


@dataclass(frozen=True, slots=True)
class Tried:
    """What latents of a batch cost, and how the cost would change.

    Attributes:
        latents: Latents y (b, N, h/16, w/16).
        symbols: Their symbols.
        means: Their means in the closed loop.
        log2_scales: log₂ of their scales in steps, before the context's correction.
        slope: Gradient of the weighted error in the decoded latents.
        cost: Bits per pixel + slope · error of each sample (b, 1, 1, 1).
    """

    latents: Tensor
    symbols: Tensor
    means: Tensor
    log2_scales: Tensor
    slope: Tensor
    cost: Tensor

    def or_better(self, other: Tried) -> Tried:
        """Return, for each sample, the one that costs less."""
        better = other.cost < self.cost
        return Tried(
            *(
                torch.where(better, getattr(other, field.name), getattr(self, field.name))
                for field in fields(Tried)
            )
        )


class Batch:
    """Crops at their qualities, with the steps of their quantisers."""

    def __init__(self, codec: Codec, jobs: Sequence[Job]) -> None:
        self.codec = codec
        self.latents = torch.cat([job.latents for job in jobs])
        self.planes = torch.cat([job.crop.planes for job in jobs])
        self.quality = torch.tensor([job.quality / QUALITY_STEPS for job in jobs])
        self.slope = torch.tensor([job.slope for job in jobs]).view(-1, 1, 1, 1)
        with torch.no_grad():
            self.step = torch.exp2(-codec.log2_gain(self.quality))[:, :, None, None]
        weight = codec.synthesis.linear.weight  # (pixels, latents, 1, 1)
        self.energy = weight.square().sum(dim=(0, 2, 3)).view(1, -1, 1, 1)

    def tried(self, latents: Tensor) -> Tried:
        """Return what latents cost by their real symbols."""
        with torch.no_grad():
            coded = self.codec.encode_latents(latents, self.quality)
        decoded = coded.decoded.clone().requires_grad_(True)
        out = self.codec.synthesis(decoded, self.quality)
        error = (out - self.planes).square().mean(dim=(1, 2, 3), keepdim=True)
        (self.slope * error).sum().backward()  # type: ignore[no-untyped-call]
        pixels = self.planes[0, 0].numel()
        cost = (coded.bits / pixels).view(-1, 1, 1, 1) + self.slope * error.detach()
        means = coded.decoded - coded.symbols * self.step
        slope = decoded.grad
        if slope is None:
            raise RuntimeError("the decoder gave no gradient")
        return Tried(latents, coded.symbols, means, coded.log2_scales, slope, cost)

    @torch.no_grad()
    def moves(self, at: Tried) -> Tensor:
        """Return -1, 0 or 1 for each symbol: the move that lowers the cost most, by its slope."""
        scales = at.log2_scales + self.codec.context(at.symbols, at.log2_scales)
        bits = logistic_bits(at.symbols, scales)
        pixels = self.planes[0, 0].numel()
        # The error's second derivative is that of the linear synthesis alone.
        bend = self.slope * self.energy * self.step**2 / self.planes[0].numel()
        is_coded = table_index(at.log2_scales) > 0
        best, lowest = torch.zeros_like(bits), torch.zeros_like(bits)
        for move in (-1.0, 1.0):
            rate = (logistic_bits(at.symbols + move, scales) - bits) / pixels
            change = rate + move * self.step * at.slope + bend
            takes = (change < lowest) & is_coded
            best = torch.where(takes, torch.full_like(best, move), best)
            lowest = torch.where(takes, change, lowest)
        return best


def log_costs(coded: Coded, batch: Batch) -> Tensor:
    """Return the logarithm of the cost of each sample (b,)."""
    pixels = batch.planes[0, 0].numel()
    error = (coded.planes - batch.planes).square().mean(dim=(1, 2, 3))
    return torch.log(coded.bits / pixels + batch.slope.flatten() * error)


def descended(batch: Batch, latents: Tensor) -> Tried:
    """Move the symbols of latents until few moves pay any more.

    The moves of a round hinder each other, so a share of them is made, drawn at random. The share
    of a sample whose cost has not fallen is halved.
    """
    batch.codec.eval()
    best = batch.tried(latents)
    share = torch.full_like(best.cost, LARGEST_SHARE)
    for _ in range(ROUNDS):
        moves = batch.moves(best)
        made = (moves != 0) & (torch.rand_like(moves) < share)
        moved = best.means + (best.symbols + moves) * batch.step
        other = batch.tried(torch.where(made, moved, best.latents))
        fell = other.cost < best.cost
        best = best.or_better(other)
        share = torch.where(fell, share * 1.1, share / 2).clamp(0.01, LARGEST_SHARE)
    return best


def annealed(batch: Batch, iterations: int) -> Tensor:
    """Return latents after Gumbel annealing."""
    codec = batch.codec.train()
    with torch.no_grad():
        # A skipped latent decodes to nothing whatever it is, so it stays as it is.
        scales = codec.encode_latents(batch.latents, batch.quality).log2_scales
        step = batch.step * (table_index(scales) > 0)
    change = torch.zeros_like(batch.latents, requires_grad=True)
    optimiser = torch.optim.Adam([change], lr=RATE_OF_LATENTS)
    first, last = TEMPERATURES
    for iteration in range(iterations):
        passed = iteration / iterations
        optimiser.param_groups[0]["lr"] = RATE_OF_LATENTS * min(1.0, 2 * (1 - passed))
        temperature = first * (last / first) ** passed
        latents = batch.latents + change * step
        with mixed_precision("cpu"):
            coded = drawn_symbols(codec, latents, batch.quality, temperature)
        optimiser.zero_grad(set_to_none=True)
        # The sum of logarithms: each crop's gradient is that of its own relative cost.
        log_costs(coded, batch).sum().backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    return batch.latents + change.detach() * step


def by_latents(jobs: Sequence[Job], iterations: int) -> list[Tensor]:
    """Improve the latents of all jobs, in batches; without iterations, by descent alone."""
    codec = frozen_codec()
    out: list[Tensor] = []
    for begin in range(0, len(jobs), BATCH):
        batch = Batch(codec, jobs[begin : begin + BATCH])
        best = descended(batch, batch.latents)
        if iterations:
            best = best.or_better(descended(batch, annealed(batch, iterations)))
        out += best.latents.split(1)
        print(f"  {len(out)} of {len(jobs)}", file=sys.stderr, flush=True)
    return out


def by_weights(jobs: Sequence[Job], iterations: int) -> list[Tensor]:
    """Fit the analysis to the crops of all jobs at their qualities; return its latents."""
    codec = frozen_codec()
    codec.analysis.requires_grad_(requires_grad=True)
    groups = parameter_groups(codec, RATE_OF_WEIGHTS)
    optimiser = make_optimiser("soap", groups, torch.device("cpu"))
    rng = np.random.default_rng(1)
    for iteration in range(iterations):
        factor = min(1.0, (iteration + 1) / WARM_UP, 2 * (1 - iteration / iterations))
        for group in optimiser.param_groups:
            group["lr"] = RATE_OF_WEIGHTS * group["share"] * factor
        chosen = [jobs[i] for i in rng.choice(len(jobs), min(BATCH, len(jobs)), False)]
        batch = Batch(codec, chosen)
        with mixed_precision("cpu"):
            coded = codec(batch.planes, batch.quality)
        optimiser.zero_grad(set_to_none=True)
        log_costs(coded, batch).mean().backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    with torch.no_grad():
        return [codec.analysis(job.crop.planes) for job in jobs]


METHODS: dict[str, Callable[[Sequence[Job], int], list[Tensor]]] = {
    "descent": lambda jobs, _: by_latents(jobs, 0),
    "gumbel": by_latents,
    "weights": by_weights,
}


class Reference:
    """What the encoder's own latents reach at many qualities, and changes of rate against that.

    Args:
        rater: How points are counted.
        latents: Crops, each with the encoder's latents.
    """

    def __init__(self, rater: Rater, latents: Sequence[tuple[Crop, Tensor]]) -> None:
        self.rater = rater
        self.points = {
            crop.name: [rater(crop, own, quality) for quality in CANDIDATES]
            for crop, own in latents
        }

    def qualities(self, crop: Crop) -> list[int]:
        """Return the qualities of a crop whose rates are nearest to `RATES`."""
        log_rates = np.log([rate for rate, _ in self.points[crop.name]])
        return sorted({CANDIDATES[int(np.abs(log_rates - np.log(r)).argmin())] for r in RATES})

    def slope(self, crop: Crop, quality: int) -> float:
        """Return the fall of the rate with the mean square error, at a quality."""
        points = self.points[crop.name]
        middle = min(max(CANDIDATES.index(quality), 1), len(points) - 2)
        (low, low_db), (rate, db), (high, high_db) = points[middle - 1 : middle + 2]
        error = 255**2 / 10 ** (db / 10)
        return rate / error * math.log(high / low) / ((high_db - low_db) * math.log(10) / 10)

    def change(self, job: Job, latents: Tensor) -> float:
        """Return the logarithm of the rate over that of the encoder at the same PSNR."""
        rate, db = self.rater(job.crop, latents, job.quality)
        points = self.points[job.crop.name]
        middle = min(max(CANDIDATES.index(job.quality), 1), len(points) - 2)
        near = points[middle - 1 : middle + 2]
        curve = np.polyfit([one[1] - db for one in near], np.log([one[0] for one in near]), 2)
        return math.log(rate) - float(curve[-1])


def percent_by_crop(jobs: Sequence[Job], changes: Sequence[float]) -> dict[str, float]:
    """Return each crop's change of rate in per cent, the mean over its rates."""
    found: dict[str, list[float]] = {}
    for job, change in zip(jobs, changes, strict=True):
        found.setdefault(job.crop.name, []).append(change)
    return {name: 100 * math.expm1(fmean(values)) for name, values in found.items()}


def main() -> None:
    """Improve the latents by every method and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    add_corpus_arguments(parser, out="folder for anchors, if there is no cache")
    add = parser.add_argument
    add("--crops", type=int, default=16, help="(%(default)s)")
    add("--side", type=int, default=128, help="side of a crop, pixels (%(default)s)")
    add("--iterations", type=int, default=60, help="(%(default)s)")
    add("--methods", nargs="+", choices=METHODS, default=list(METHODS), help="(all)")
    add("--csv", type=Path, metavar="FILE", help="write the BD-rate of every crop")
    options = parser.parse_args()
    _, held_out = load_training_and_held_out(options.images, options.cache, options.out)
    shipped = ShippedIntegers()
    crops = choose_crops(held_out, options.crops, options.side)
    codec = frozen_codec()
    latents = [(crop, shipped.latents(crop)) for crop in crops]
    tables = Reference(shipped.point, latents)
    likelihoods = Reference(partial(likely_point, codec), latents)
    jobs = [
        Job(crop, quality, own, likelihoods.slope(crop, quality))
        for crop, own in latents
        for quality in tables.qualities(crop)
    ]
    print(f"model {shipped_card()['fingerprint']}, {len(crops)} crops, {len(jobs)} points")
    rows: list[dict[str, str]] = []
    print(f"{'method':<10} {'tables':>8} {'spread':>8} {'likely':>8} {'spread':>8} {'minutes':>8}")
    for method in options.methods:
        started = time.monotonic()
        torch.manual_seed(1)
        better = METHODS[method](jobs, options.iterations)
        pairs = list(zip(jobs, better, strict=True))
        by_tables = percent_by_crop(jobs, [tables.change(job, y) for job, y in pairs])
        likely = percent_by_crop(jobs, [likelihoods.change(job, y) for job, y in pairs])
        print(
            f"{method:<10} {fmean(by_tables.values()):>+8.2f} {stdev(by_tables.values()):>8.2f} "
            f"{fmean(likely.values()):>+8.2f} {stdev(likely.values()):>8.2f} "
            f"{(time.monotonic() - started) / 60:>8.1f}",
            flush=True,
        )
        rows += [
            {
                "model": shipped_card()["fingerprint"],
                "method": method,
                "iterations": str(options.iterations),
                "crop": name,
                "change_tables": f"{by_tables[name]:.2f}",
                "change_likelihoods": f"{likely[name]:.2f}",
            }
            for name in by_tables
        ]
        if options.csv is not None:
            with options.csv.open("w", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
                writer.writeheader()
                writer.writerows(rows)


if __name__ == "__main__":
    main()
