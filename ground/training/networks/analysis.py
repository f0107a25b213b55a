"""Analysis transform g_a: from planes of pixels to latents. It runs on board.

    x ── prefilter ─┬─ s2d 16 ── 1x1 ────────────────────────────────────── + ── y (1/16)
                    │                                                       │
       ┌────────────┘                                                       │
       └─ s2d 4, 1x1 ── block ── s2d 2, 1x1 ── block ── s2d 2, 1x1 ── block ─ 1x1
                         1/4                    1/8                   1/16

s2d is space-to-depth, and a block is a `SeparableBlock`. The linear path begins as a principal
component analysis (see `initialise`), the nonlinear branch near zero. Nothing is normalised, and
nothing depends on the size of a tile. Only layers that integer kernels have everywhere are used:
space-to-depth, 1x1 convolution, depthwise 3x3, ReLU, add.

g_a is the notation of Ballé et al., arXiv 1802.01436.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..data.colour import PLANE_FRACTION
from .lapped import BoundaryFilter
from .layers import SeparableBlock, space_to_depth
from .quantise import Grid, GridConv
from .shape import (
    BLOCK,
    BRANCH_GAIN,
    LATENT_FRACTION,
    PIXEL_FRACTION,
    PIXEL_GAIN,
    CodecShape,
)


class Analysis(nn.Module):
    """Analysis transform g_a: planes to latents y at 1/16, in grey-level units."""

    def __init__(self, shape: CodecShape) -> None:
        super().__init__()
        fine, middle, coarse = shape.analysis
        self.pixels = Grid(10, signed=True, fraction=PLANE_FRACTION)
        self.between = Grid(14, signed=True, fraction=PIXEL_FRACTION)
        self.prefilter = BoundaryFilter((-1, -2), (self.between, self.pixels))
        self.scaled_pixels = Grid(10, signed=True, fraction=PLANE_FRACTION + 6)
        self.linear_out = Grid(18, signed=True, fraction=LATENT_FRACTION)
        self.branch_out = Grid(18, signed=True, fraction=LATENT_FRACTION + 4)
        self.grid_fine, self.grid_middle, self.grid_coarse = Grid(), Grid(), Grid()
        self.linear = GridConv(3 * BLOCK**2, shape.latents, 1, reads=self.pixels)
        self.enter = GridConv(48, fine, 1, reads=self.scaled_pixels)
        self.block_fine = SeparableBlock(fine, self.grid_fine)
        self.down_middle = GridConv(4 * fine, middle, 1, reads=self.grid_fine)
        self.block_middle = SeparableBlock(middle, self.grid_middle)
        self.down_coarse = GridConv(4 * middle, coarse, 1, reads=self.grid_middle)
        self.block_coarse = SeparableBlock(coarse, self.grid_coarse)
        self.leave = GridConv(coarse, shape.latents, 1, reads=self.grid_coarse)

    @property
    def stages(self) -> tuple[nn.Module, nn.Module, nn.Module]:
        """The stages at 1/4, 1/8 and 1/16, whose outputs distillation compares."""
        return self.block_fine, self.block_middle, self.block_coarse

    @property
    def stage_widths(self) -> tuple[int, int, int]:
        """Channels of the stages."""
        return self.enter.out_channels, self.down_middle.out_channels, self.down_coarse.out_channels

    def features(self, planes: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the stage outputs at 1/4, 1/8 and 1/16, which distillation compares."""
        return self._features(self.filtered(planes))

    def filtered(self, planes: Tensor) -> Tensor:
        """Return planes after the prefilter, as the block transform reads them."""
        with torch.autocast(planes.device.type, enabled=False):
            result: Tensor = self.prefilter(planes)
            return result

    def _features(self, planes: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        value = self.enter(space_to_depth(self.scaled_pixels(planes / PIXEL_GAIN), 4))
        fine = self.block_fine(self.grid_fine(value), self.grid_fine)
        middle = self.grid_middle(self.down_middle(space_to_depth(fine, 2)))
        middle = self.block_middle(middle, self.grid_middle)
        coarse = self.grid_coarse(self.down_coarse(space_to_depth(middle, 2)))
        return fine, middle, self.block_coarse(coarse, self.grid_coarse)

    def forward(self, planes: Tensor) -> Tensor:
        """Return latents (b, N, h/16, w/16) of planes (b, 3, h, w), relative to mid-grey."""
        planes = self.filtered(planes)
        branch = self.leave(self._features(planes)[2])
        with torch.autocast(planes.device.type, enabled=False):
            # The mean grey level spans thousands of steps: bfloat16 would round it away.
            linear = self.linear(space_to_depth(self.pixels(planes), BLOCK))
            result: Tensor = self.linear_out(linear) + BRANCH_GAIN * self.branch_out(branch.float())
            return result
