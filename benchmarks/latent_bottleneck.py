"""Is the encoder the bottleneck? What better latents gain through the shipped decoder.

    python benchmarks/latent_bottleneck.py --images DIR --out DIR [--iterations 150] [--csv FILE]

A teacher can at best show a student better latents for the same decoder and entropy model. So
latents of held-out crops are improved directly, one set for each crop and quality, with the shipped
networks frozen; they begin as the encoder's. The gain bounds what any encoder, however heavy, could
reach with this decoder. The methods:

  descent  Symbols are moved by one where that lowers bits + λ · error, by the gradient through the
           whole decoder; moves that do not lower the real cost of a crop are taken back.
  gumbel   Stochastic Gumbel annealing (Yang, Bamler and Mandt, arXiv 2006.04240), then `descent`:
           each symbol is drawn from the two integers next to it, at a temperature that falls.
  weights  The encoder's own weights, fitted to these crops at all qualities: what this encoder
           could reach if training had shown it nothing else.

At the end the symbols are made as on board, in the shipped integers: dead zone, means in the closed
loop, side information from the new latents. Bits are the ideal ones of the stored tables. Printed
is the BD-rate against the encoder's own latents, over the PSNR that both reach.
"""

from __future__ import annotations

import argparse
import csv
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from statistics import fmean, stdev

import numpy as np
import torch
from downpass.ground.bd_rate import bd_rate
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
from downpass.ground.training.loop.losses import rate_distortion, relative_cost
from downpass.ground.training.loop.optimiser import make_optimiser, parameter_groups
from downpass.ground.training.loop.rd_curve import RdCurve, monotone, psnr
from downpass.ground.training.loop.warm_start import load_start
from downpass.ground.training.networks.codec import Codec, Coded, CodedLatents
from downpass.ground.training.networks.logistic_prior import logistic_bits
from downpass.ground.training.networks.scale_context import table_index
from downpass.ground.training.networks.shape import (
    LATENT_FRACTION,
    PIXEL_FRACTION,
    QUALITY_STEPS,
    lambda_of_quality,
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
RATE_OF_WEIGHTS = 5e-4
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
    def point(self, crop: Crop, latents: Tensor, quality: int) -> tuple[float, float]:
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
    """One crop at one quality (0…256), with the encoder's latents and what they reach."""

    crop: Crop
    quality: int
    latents: Tensor
    point: tuple[float, float]


def plan(shipped: ShippedIntegers, crop: Crop) -> list[Job]:
    """Return the crop at the qualities whose rates are nearest to `RATES`."""
    latents = shipped.latents(crop)
    points = {quality: shipped.point(crop, latents, quality) for quality in CANDIDATES}
    log_rates = np.log([points[quality][0] for quality in CANDIDATES])
    nearest = {CANDIDATES[int(np.abs(log_rates - np.log(rate)).argmin())] for rate in RATES}
    return [Job(crop, quality, latents, points[quality]) for quality in sorted(nearest)]


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
        slope: Gradient of λ · error in the decoded latents.
        cost: Bits per pixel + λ · error of each sample (b, 1, 1, 1).
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
        self.slope = lambda_of_quality(self.quality).view(-1, 1, 1, 1)
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


def descended(batch: Batch, latents: Tensor) -> Tensor:
    """Return latents whose symbols are moved until few moves pay any more.

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
    return best.latents


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
        with torch.autocast("cpu", torch.bfloat16):
            coded = drawn_symbols(codec, latents, batch.quality, temperature)
        # The sum of logarithms: each crop's gradient is that of its own relative cost.
        cost = relative_cost(rate_distortion(coded, batch.planes, batch.quality))
        optimiser.zero_grad(set_to_none=True)
        (cost * len(latents)).backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    return batch.latents + change.detach() * step


def by_latents(jobs: Sequence[Job], iterations: int) -> list[Tensor]:
    """Improve the latents of all jobs, in batches; without iterations, by descent alone."""
    codec = frozen_codec()
    out: list[Tensor] = []
    for begin in range(0, len(jobs), BATCH):
        batch = Batch(codec, jobs[begin : begin + BATCH])
        latents = annealed(batch, iterations) if iterations else batch.latents
        out += descended(batch, latents).split(1)
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
        factor = min(1.0, 2 * (1 - iteration / iterations))
        for group in optimiser.param_groups:
            group["lr"] = RATE_OF_WEIGHTS * group["share"] * factor
        batch = [jobs[i] for i in rng.choice(len(jobs), min(BATCH, len(jobs)), False)]
        planes = torch.cat([job.crop.planes for job in batch])
        quality = torch.tensor([job.quality / QUALITY_STEPS for job in batch])
        with torch.autocast("cpu", torch.bfloat16):
            coded = codec(planes, quality)
        optimiser.zero_grad(set_to_none=True)
        relative_cost(rate_distortion(coded, planes, quality)).backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    with torch.no_grad():
        return [codec.analysis(job.crop.planes) for job in jobs]


METHODS: dict[str, Callable[[Sequence[Job], int], list[Tensor]]] = {
    "descent": lambda jobs, _: by_latents(jobs, 0),
    "gumbel": by_latents,
    "weights": by_weights,
}


def curves(jobs: Sequence[Job], points: Sequence[tuple[float, float]]) -> dict[str, RdCurve]:
    """Return the curve of each crop, by its name."""
    found: dict[str, list[tuple[float, float]]] = {}
    for job, point in zip(jobs, points, strict=True):
        found.setdefault(job.crop.name, []).append(point)
    return {
        name: monotone([rate for rate, _ in one], [quality for _, quality in one])
        for name, one in found.items()
    }


def change(reference: RdCurve, tested: RdCurve) -> float:
    """Return the BD-rate in per cent, over the PSNR that both curves reach."""
    return bd_rate(
        list(zip(reference.bpp, reference.psnr_db, strict=True)),
        list(zip(tested.bpp, tested.psnr_db, strict=True)),
    ).percent


def main() -> None:
    """Improve the latents by every method and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    add_corpus_arguments(parser, out="folder for anchors, if there is no cache")
    add = parser.add_argument
    add("--crops", type=int, default=16, help="(%(default)s)")
    add("--side", type=int, default=128, help="side of a crop, pixels (%(default)s)")
    add("--iterations", type=int, default=150, help="(%(default)s)")
    add("--methods", nargs="+", choices=METHODS, default=list(METHODS), help="(all)")
    add("--csv", type=Path, metavar="FILE", help="write the BD-rate of every crop")
    options = parser.parse_args()
    _, held_out = load_training_and_held_out(options.images, options.cache, options.out)
    shipped = ShippedIntegers()
    crops = choose_crops(held_out, options.crops, options.side)
    jobs = [job for crop in crops for job in plan(shipped, crop)]
    print(f"model {shipped_card()['fingerprint']}, {len(crops)} crops, {len(jobs)} points")
    reference = curves(jobs, [job.point for job in jobs])
    rows: list[dict[str, str]] = []
    print(f"{'method':<10} {'mean':>8} {'spread':>8} {'best':>8} {'worst':>8} {'minutes':>8}")
    for method in options.methods:
        started = time.monotonic()
        torch.manual_seed(1)
        better = METHODS[method](jobs, options.iterations)
        points = [
            shipped.point(job.crop, latents, job.quality)
            for job, latents in zip(jobs, better, strict=True)
        ]
        tested = curves(jobs, points)
        found = {name: change(reference[name], tested[name]) for name in reference}
        values = list(found.values())
        print(
            f"{method:<10} {fmean(values):>+8.2f} {stdev(values):>8.2f} {min(values):>+8.2f} "
            f"{max(values):>+8.2f} {(time.monotonic() - started) / 60:>8.1f}",
            flush=True,
        )
        rows += [
            {
                "model": shipped_card()["fingerprint"],
                "method": method,
                "iterations": str(options.iterations),
                "crop": name,
                "bd_rate": f"{value:.2f}",
            }
            for name, value in found.items()
        ]
        if options.csv is not None:
            with options.csv.open("w", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
                writer.writeheader()
                writer.writerows(rows)


if __name__ == "__main__":
    main()
