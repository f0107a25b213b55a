"""Search for latents that cost less than the encoder's, through the shipped decoder.

What is lowered is bits + slope · error, with the slope that the encoder's own curve has at that
rate: with another one, such as the λ of the quality, latents would also move along the curve, and a
lower cost would not be a gain at equal quality. The methods:

  descent  Symbols are moved by one where that lowers the cost, by the gradient through the whole
           decoder; moves that do not lower the real cost of a crop are taken back.
  gumbel   Stochastic Gumbel annealing (Yang, Bamler and Mandt, arXiv 2006.04240), then `descent`:
           each symbol is drawn from the two integers next to it, at a temperature that falls. Of
           this and `descent` alone, the cheaper is taken for each crop and quality.
  weights  The encoder's own weights, fitted to these crops at all qualities: what this encoder
           could reach if training had shown it nothing else.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch
from downpass.ground.training.loop.optimiser import make_optimiser, parameter_groups
from downpass.ground.training.loop.precision import mixed_precision
from downpass.ground.training.networks.codec import Codec, Coded, CodedLatents
from downpass.ground.training.networks.logistic_prior import logistic_bits
from downpass.ground.training.networks.scale_context import table_index
from downpass.ground.training.networks.shape import QUALITY_STEPS
from latent_rates import CropAtQuality, decode, frozen_codec
from torch import Tensor

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

    def __init__(self, codec: Codec, cases: Sequence[CropAtQuality]) -> None:
        self.codec = codec
        self.latents = torch.cat([case.latents for case in cases])
        self.planes = torch.cat([case.crop.planes for case in cases])
        self.quality = torch.tensor([case.quality / QUALITY_STEPS for case in cases])
        self.slope = torch.tensor([case.slope for case in cases]).view(-1, 1, 1, 1)
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


def by_latents(cases: Sequence[CropAtQuality], iterations: int) -> list[Tensor]:
    """Improve the latents of all cases, in batches; without iterations, by descent alone."""
    codec = frozen_codec()
    out: list[Tensor] = []
    for begin in range(0, len(cases), BATCH):
        batch = Batch(codec, cases[begin : begin + BATCH])
        best = descended(batch, batch.latents)
        if iterations:
            best = best.or_better(descended(batch, annealed(batch, iterations)))
        out += best.latents.split(1)
        print(f"  {len(out)} of {len(cases)}", file=sys.stderr, flush=True)
    return out


def by_weights(cases: Sequence[CropAtQuality], iterations: int) -> list[Tensor]:
    """Fit the analysis to the crops of all cases at their qualities; return its latents."""
    codec = frozen_codec()
    codec.analysis.requires_grad_(requires_grad=True)
    groups = parameter_groups(codec, RATE_OF_WEIGHTS)
    optimiser = make_optimiser("soap", groups, torch.device("cpu"))
    rng = np.random.default_rng(1)
    for iteration in range(iterations):
        factor = min(1.0, (iteration + 1) / WARM_UP, 2 * (1 - iteration / iterations))
        for group in optimiser.param_groups:
            group["lr"] = RATE_OF_WEIGHTS * group["share"] * factor
        chosen = [cases[i] for i in rng.choice(len(cases), min(BATCH, len(cases)), False)]
        batch = Batch(codec, chosen)
        with mixed_precision("cpu"):
            coded = codec(batch.planes, batch.quality)
        optimiser.zero_grad(set_to_none=True)
        log_costs(coded, batch).mean().backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    with torch.no_grad():
        return [codec.analysis(case.crop.planes) for case in cases]


METHODS: dict[str, Callable[[Sequence[CropAtQuality], int], list[Tensor]]] = {
    "descent": lambda cases, _: by_latents(cases, 0),
    "gumbel": by_latents,
    "weights": by_weights,
}
