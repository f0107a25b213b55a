"""Building blocks of the networks: folding, separable and residual blocks, quality tables."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from .quantise import Grid, GridConv
from .shape import KNOTS
from .straight_through import round_straight


def space_to_depth(value: Tensor, size: int) -> Tensor:
    """Fold size x size pixels into channels: channel = (c · size + row) · size + column."""
    return functional.pixel_unshuffle(value, size)


def depth_to_space(value: Tensor, size: int) -> Tensor:
    """Undo `space_to_depth`."""
    return functional.pixel_shuffle(value, size)


class SeparableBlock(nn.Module):
    """Residual block of the analysis: depthwise 3x3, ReLU, 1x1, added to the input, ReLU.

    The output lies on the input's grid, so the sum of the two is exact in integers.

    Args:
        channels: Channels of input and output.
        reads: Grid of the input.
    """

    def __init__(self, channels: int, reads: Grid) -> None:
        super().__init__()
        self.inner = Grid()
        self.depthwise = GridConv(channels, channels, 3, padding=1, groups=channels, reads=reads)
        self.pointwise = GridConv(channels, channels, 1, reads=self.inner)

    def forward(self, value: Tensor, grid: Grid) -> Tensor:
        """Return the block's output on `grid`: the shape of its input, never negative."""
        result: Tensor = grid(value + self.pointwise(self.inner(self.depthwise(value))))
        return result


class KnotTable(nn.Module):
    """One value per channel as a function of quality, linear between learned knots."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.values = nn.Parameter(torch.zeros(KNOTS, channels))

    def forward(self, quality: Tensor) -> Tensor:
        """Return (b, channels) at qualities (b,) in 0…1."""
        place = quality.clamp(0, 1) * (KNOTS - 1)
        low = place.floor().clamp(max=KNOTS - 2).long()
        share = (place - low).unsqueeze(1)
        return self.values[low] * (1 - share) + self.values[low + 1] * share


class ResidualBlock(nn.Module):
    """Residual block of the restoration: ReLU, 3x3, ReLU, 3x3, added to the input.

    The bias of the first convolution depends on the quality.

    Args:
        channels: Channels of input and output.
        bits: Bits of the activations that the convolutions read.
    """

    def __init__(self, channels: int, bits: int) -> None:
        super().__init__()
        self.entering, self.inner = Grid(bits), Grid(bits)
        self.first = GridConv(channels, channels, 3, padding=1, bias=False, reads=self.entering)
        self.bias = KnotTable(channels)
        self.second = GridConv(channels, channels, 3, padding=1, reads=self.inner)

    def forward(self, value: Tensor, quality: Tensor, grid: Grid) -> Tensor:
        """Return the block's output on `grid`, the shape of its input."""
        bias = self.bias(quality)
        if self.first.on:
            bias = round_straight(bias / self.first.bias_step()) * self.first.bias_step()
        inner = self.first(self.entering(value))
        inner = inner + bias[:, :, None, None].to(inner.dtype)
        result: Tensor = grid(value + self.second(self.inner(inner)))
        return result
