"""Hyperprior: hyper-analysis h_a and hyper-synthesis h_s, which code the latents' scales.

    y ── |·| / spread ── 1x1 ── s2d 2 ── 1x1 ── 1x1 ── round ── ẑ (1/32)          h_a
    ẑ ── 1x1 ── depthwise 3x3 + identity ── 1x1 ── d2s 2 ── 1x1 ── log₂ scales     h_s

A scale hyperprior (Ballé et al., arXiv 1802.01436). It differs from the paper in one point: h_a
reads the latents before quantisation, so ẑ and the scales are the same at every quality, and both
networks run once a frame at any rate. Means do not come from h_s, unlike in Minnen et al.
(arXiv 1809.02736); see `predicted_means`.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from .layers import depth_to_space, space_to_depth
from .logistic_prior import logistic_bits
from .quantise import Grid, GridConv
from .shape import LOG2_FRACTION, CodecShape


class Hyper(nn.Module):
    """Hyper-analysis h_a and hyper-synthesis h_s: side information on the latents' magnitudes.

    h_a reads magnitudes only, and z is rounded with a fixed step. So z, and the scales that follow
    from it, are the same at every quality.

    Attributes:
        spread: Divisor of each channel's magnitudes before h_a (N,).
        side: Grid of ẑ.
        side_mean: Mean of each channel of ẑ, for training's estimate of its bits.
        side_log2_scale: Logarithm of the scale of each channel of ẑ, for the same.
    """

    def __init__(self, shape: CodecShape) -> None:
        super().__init__()
        self.register_buffer("spread", torch.ones(shape.latents))
        self.spread: Tensor
        self.magnitudes = Grid(8, fraction=4)
        self.grid_in, self.grid_mid = Grid(), Grid()
        self.side = Grid(6, signed=True, fraction=0)
        # ẑ holds whole numbers, so layers that read it are no finer than their weights.
        self.grid_side, self.grid_up = Grid(finest=5), Grid()
        self.scales = Grid(12, signed=True, fraction=LOG2_FRACTION)
        self.analysis_in = GridConv(shape.latents, shape.hyper, 1, reads=self.magnitudes)
        self.analysis_out = GridConv(4 * shape.hyper, shape.hyper, 1, reads=self.grid_in)
        self.analysis_end = GridConv(shape.hyper, shape.side, 1, reads=self.grid_mid)
        self.synthesis_in = GridConv(shape.side, shape.hyper, 1, reads=self.side)
        self.synthesis_mix = GridConv(
            shape.hyper, shape.hyper, 3, padding=1, groups=shape.hyper, reads=self.grid_side
        )
        self.synthesis_up = GridConv(shape.hyper, 4 * shape.hyper, 1, reads=self.grid_side)
        self.synthesis_out = GridConv(shape.hyper, shape.latents, 1, reads=self.grid_up)
        self.side_mean = nn.Parameter(torch.zeros(shape.side))
        self.side_log2_scale = nn.Parameter(torch.zeros(shape.side))

    def analyse(self, latents: Tensor) -> Tensor:
        """Return z = h_a(|y|) at 1/32, not yet rounded; an odd side is padded with zeros."""
        value = (latents.abs() / self.spread.view(1, -1, 1, 1)).clamp_max(16.0)
        value = functional.pad(value, (0, value.shape[3] % 2, 0, value.shape[2] % 2))
        value = self.grid_in(self.analysis_in(self.magnitudes(value)))
        value = self.grid_mid(self.analysis_out(space_to_depth(value, 2)))
        result: Tensor = self.analysis_end(value)
        return result

    def synthesise(self, side: Tensor, rows: int, columns: int) -> Tensor:
        """Return h_s(ẑ): log₂ of each latent's scale, in grey-level units (b, N, rows, columns)."""
        value = self.grid_side(self.synthesis_in(side))
        value = self.grid_side(self.synthesis_mix(value) + value)
        value = self.grid_up(depth_to_space(self.synthesis_up(value), 2))
        result: Tensor = self.scales(self.synthesis_out(value[:, :, :rows, :columns]))
        return result

    def side_bits(self, side: Tensor, *, fixed: bool = False) -> Tensor:
        """Return the bits of each value of z, rounded or with noise.

        Args:
            side: Values (b, side channels, rows, columns).
            fixed: Whether the distribution gets no gradient.
        """
        mean, log2_scale = (
            (value.detach() if fixed else value).view(1, -1, 1, 1)
            for value in (self.side_mean, self.side_log2_scale)
        )
        return logistic_bits(side - mean, log2_scale)
