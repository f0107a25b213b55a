"""Synthesis transform g_s: from decoded latents to planes of pixels. It runs on the ground.

    ŷ ─┬─ 1x1 ── d2s 16 ──┬─────────────────────────────────────────────────── + ── x̂
       │                  │ x_lin                                              │
       │             s2d 4, 3x3 ── blocks ─┬──────────────── + ── blocks ── 3x3, d2s 4
       │                                   │ 1/4             │
       │                              s2d 2, 1x1         1x1, d2s 2
       │                                   │                 │
       └─ / spread ── 1x1 ── d2s 2 ─────── + ── blocks ──────┘
                                                 1/8

d2s is depth-to-space, s2d space-to-depth. The blocks are `ResidualBlock`s.
The linear path begins as the transpose of g_a's. The restoration beside it sees the linear picture,
the latents and the quality, and gives a correction. g_s is the notation of Ballé et al.,
arXiv 1802.01436.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from .lapped import Apart, BoundaryFilter
from .layers import ResidualBlock, depth_to_space, space_to_depth
from .quantise import Grid, GridConv
from .shape import BLOCK, PIXEL_FRACTION, PIXEL_GAIN, SYNTHESIS_FRACTION, CodecShape
from .straight_through import round_straight


class Synthesis(nn.Module):
    """Synthesis transform g_s: decoded latents of a whole frame to planes, relative to mid-grey.

    Attributes:
        spread: Divisor of each channel's latents before the restoration reads them (N,).
    """

    def __init__(self, shape: CodecShape) -> None:
        super().__init__()
        fine, coarse = shape.synthesis
        self.linear = nn.Conv2d(shape.latents, 3 * BLOCK**2, 1)
        self.register_buffer("spread", torch.ones(shape.latents))
        self.spread: Tensor
        self.linear_out = Grid(14, signed=True, fraction=PIXEL_FRACTION)
        self.postfilter = BoundaryFilter((-2, -1), (self.linear_out, self.linear_out))
        self.seen = Grid(10, signed=True, fraction=7)
        self.hint = Grid(8, signed=True, fraction=4)
        self.stream_fine = Grid(13, signed=True)
        self.stream_coarse = Grid(13, signed=True)
        self.to_down, self.to_up = Grid(9, signed=True), Grid(9, signed=True)
        self.to_leave = Grid(9)
        self.correction = Grid(14, signed=True, fraction=PIXEL_FRACTION + 6)
        self.latent_in = GridConv(shape.latents, 4 * coarse, 1, reads=self.hint)
        self.enter = GridConv(48, fine, 3, padding=1, reads=self.seen)
        before, below, after = shape.depth
        self.before = nn.ModuleList(ResidualBlock(fine, 9) for _ in range(before))
        self.down = GridConv(4 * fine, coarse, 1, reads=self.to_down)
        self.below = nn.ModuleList(ResidualBlock(coarse, 8) for _ in range(below))
        self.up = GridConv(coarse, 4 * fine, 1, reads=self.to_up)
        self.after = nn.ModuleList(ResidualBlock(fine, 9) for _ in range(after))
        self.leave = GridConv(fine, 48, 3, padding=1, reads=self.to_leave)

    def forward(self, latents: Tensor, quality: Tensor, apart: Apart | None = None) -> Tensor:
        """Return planes x̂ (b, 3, h, w) of decoded latents ŷ, neither rounded nor clipped.

        Args:
            latents: Decoded latents (b, N, h/16, w/16).
            quality: Quality of each sample (b,), 0…1.
            apart: Where tiles meet, if the latents are those of several, see `lapped`.
        """
        with torch.autocast(latents.device.type, enabled=False):
            linear = self.postfilter(depth_to_space(self._linear(latents).float(), BLOCK), apart)
        seen = space_to_depth(linear, 4).clamp(-256, 256) / PIXEL_GAIN
        value = self.stream_fine(self.enter(self.seen(seen)))
        for block in self.before:
            value = block(value, quality, self.stream_fine)
        hint = (latents / self.spread.view(1, -1, 1, 1)).clamp(-8, 8)
        hint = self.stream_coarse(depth_to_space(self.latent_in(self.hint(hint)), 2))
        inner = self.stream_coarse(self.down(self.to_down(space_to_depth(value, 2)))) + hint
        for block in self.below:
            inner = block(inner, quality, self.stream_coarse)
        value = self.stream_fine(value + depth_to_space(self.up(self.to_up(inner)), 2))
        for block in self.after:
            value = block(value, quality, self.stream_fine)
        correction = depth_to_space(self.leave(self.to_leave(value)), 4)
        result: Tensor = linear + PIXEL_GAIN * self.correction(correction.float())
        return result

    def _linear(self, latents: Tensor) -> Tensor:
        if self.training or not self.linear_out.on:
            result: Tensor = self.linear_out(self.linear(latents))
            return result
        if self.linear.bias is None:
            raise ValueError("the linear synthesis needs a bias")
        # These sums exceed what float32 adds exactly. In float64 they cost little.
        weight = round_straight(self.linear.weight.double() * 2**SYNTHESIS_FRACTION)
        bias = round_straight(self.linear.bias.double() * 2**SYNTHESIS_FRACTION)
        step = 2.0**-SYNTHESIS_FRACTION
        wide = functional.conv2d(latents.double(), weight * step, bias * step)
        exact: Tensor = self.linear_out(wide)
        return exact
