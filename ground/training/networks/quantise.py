"""Quantisation in the loop: weights and activations on grids of powers of two.

Every tensor that a convolution reads lies on a grid: integers of a given number of bits, times
2^-f. Weights are signed 8-bit integers times 2^-s, with one s per channel. Sums of products of such
numbers are exact in float32, in whatever order they are added, as long as

    a_max · Σ|w| + |b| + 2^(s-1) < 2^24        (integers, per output channel)

A network on grids that runs in float32 therefore *is* the integer network, and every machine that
computes it gets the same bits. Rounding is floor(v + 1/2) with straight-through gradients.

Integer-only inference is described by Jacob et al. (CVPR 2018). That an entropy model needs such
exactness is shown by Ballé et al. (ICLR 2019).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from .straight_through import round_straight

WEIGHT_LARGEST = 127

EXACT = 2**24
"""float32 adds integers below this without error."""


class Grid(nn.Module):
    """The integer grid that a tensor's values are rounded and clipped to, once it is switched on.

    Until then, an unsigned grid is a rectifier and a signed one does nothing.

    Args:
        bits: Bits of an integer, its sign included.
        signed: Whether values may be negative.
        fraction: A fixed fraction: the grid's step is 2^-fraction. None if calibration chooses it.
        finest: Largest fraction that calibration may choose.

    Attributes:
        on: Whether values are rounded.
        watching: Whether calibration records the values' magnitudes.
        largest_seen: Largest magnitude that was recorded.
    """

    def __init__(
        self,
        bits: int = 8,
        *,
        signed: bool = False,
        fraction: int | None = None,
        finest: int = 12,
    ) -> None:
        super().__init__()
        self.finest = finest
        self.low = -(2 ** (bits - 1)) if signed else 0
        self.high = 2 ** (bits - 1) - 1 if signed else 2**bits - 1
        self.fixed = fraction is not None
        self.register_buffer("fraction", torch.tensor(float(fraction or 0)))
        self.register_buffer("active", torch.tensor(False))
        self.fraction: Tensor
        self.active: Tensor
        self.on = False
        self.watching = False
        self.largest_seen = 0.0

    def forward(self, value: Tensor) -> Tensor:
        """Return the values on the grid; before it is switched on, rectified or unchanged."""
        if self.watching:
            self._watch(value)
        if not self.on:
            return value if self.low < 0 else torch.relu(value)
        step = torch.exp2(-self.fraction)
        if value.dtype != torch.float64:  # bfloat16 has too few digits to hold the integers
            value = value.float()
        integer = round_straight(value / step).clamp(self.low, self.high)
        result: Tensor = integer * step
        return result

    def _watch(self, value: Tensor) -> None:
        magnitude = (value.abs() if self.low < 0 else torch.relu(value)).float().flatten()
        if magnitude.numel() > 200_000:
            magnitude = magnitude[:: magnitude.numel() // 200_000]
        # Wide grids hold sums that must not be clipped. Narrow ones clip the largest few values.
        share = 1.0 if self.high > 2000 else 0.9998
        self.largest_seen = max(
            self.largest_seen, float(torch.quantile(magnitude[:1_000_000], share))
        )

    def settle(self) -> None:
        """Choose the fraction from the recorded magnitudes, and switch the grid on."""
        if not self.fixed:
            room = 1.6 if self.high > 2000 else 1.0
            largest = max(self.largest_seen * room, 2.0**-10)
            fraction = math.floor(math.log2(self.high / largest) + 0.05)
            self.fraction.fill_(float(min(fraction, self.finest)))
        self.switch_on()

    def switch_on(self) -> None:
        """Round from now on."""
        self.active.fill_(True)
        self.on = True


class GridConv(nn.Conv2d):
    """A convolution whose weights and bias are rounded to grids, once that is switched on.

    Args:
        arguments: Passed to `torch.nn.Conv2d`.
        reads: Grid of the input; None for a convolution that is never rounded.
        options: Passed to `torch.nn.Conv2d`.
    """

    def __init__(self, *arguments: int, reads: Grid | None = None, **options: object) -> None:
        super().__init__(*arguments, **options)  # type: ignore[arg-type]
        self.register_buffer("weight_fraction", torch.zeros(self.out_channels))
        self.register_buffer("input_fraction", torch.tensor(0.0))
        self.weight_fraction: Tensor
        self.input_fraction: Tensor
        self.on = False
        self.input_largest = float(max(reads.high, -reads.low)) if reads is not None else 0.0
        self._reads = (reads,)  # in a tuple, so that the grid is not registered as a submodule

    @property
    def reads(self) -> Grid | None:
        """The grid that the inputs lie on."""
        return self._reads[0]

    def weight_on_grid(self) -> Tensor:
        """Return the weights, rounded to their grid if that is switched on."""
        if not self.on:
            return self.weight
        step = torch.exp2(-self.weight_fraction).view(-1, 1, 1, 1)
        integer = round_straight(self.weight / step).clamp(-WEIGHT_LARGEST, WEIGHT_LARGEST)
        return integer * step

    def bias_step(self) -> Tensor:
        """Return the step of each output channel's sums, to which the bias is rounded."""
        return torch.exp2(-(self.weight_fraction + self.input_fraction))

    def bias_on_grid(self) -> Tensor | None:
        """Return the bias, rounded to the grid of the sums if that is switched on."""
        if not self.on or self.bias is None:
            return self.bias
        return round_straight(self.bias / self.bias_step()) * self.bias_step()

    def forward(self, value: Tensor) -> Tensor:
        """Return the convolution, with rounded weights if that is switched on."""
        result: Tensor = self._conv_forward(value, self.weight_on_grid(), self.bias_on_grid())
        return result

    @torch.no_grad()
    def settle(self) -> None:
        """Choose each channel's weight fraction, and switch rounding on."""
        reads = self._reads[0]
        if reads is None:
            raise ValueError("a convolution without an input grid cannot be rounded")
        self.input_fraction.copy_(reads.fraction)
        largest = self.weight.abs().amax(dim=(1, 2, 3)).clamp_min(2.0**-20)
        total = self.weight.abs().sum(dim=(1, 2, 3)).clamp_min(2.0**-20)
        # The products take three quarters of the exact range at most. The rest is for the bias, the
        # rounding half and changes of the weights in the steps that follow.
        bound = 0.75 * EXACT / (self.input_largest * total)
        fraction = torch.floor(torch.log2(torch.minimum(WEIGHT_LARGEST / largest, bound)))
        self.weight_fraction.copy_(fraction.clamp(0, 20))
        self.on = True

    def switch_on(self) -> None:
        """Round from now on, with the fractions that were loaded."""
        self.on = True


def switch_on_as_loaded(module: nn.Module) -> None:
    """Switch rounding on where it was on in the state that was loaded."""
    for part in module.modules():
        if isinstance(part, Grid) and bool(part.active):
            part.switch_on()
    for part in module.modules():
        if isinstance(part, GridConv) and part.reads is not None and part.reads.on:
            part.switch_on()


def switch_off(module: nn.Module) -> None:
    """Compute in floating point again, with the fractions kept."""
    for part in module.modules():
        if isinstance(part, Grid):
            part.active.fill_(False)
        if isinstance(part, (Grid, GridConv)):
            part.on = False
