"""Filters across block boundaries, which make the block transform a lapped one.

    planes ── prefilter ── 16 x 16 blocks ── g_a          on board
    g_s ── 16 x 16 blocks ── postfilter ── x_lin          on the ground

A transform of separate blocks spends bits on what neighbouring blocks share, and its errors end at
block boundaries. A prefilter across each boundary turns it into a lapped transform, whose basis
functions reach into the neighbouring blocks; a postfilter undoes it (Tran, Liang and Tu, "Lapped
transform via time-domain pre- and post-filtering", IEEE Trans. Signal Process. 51(6), 2003). Eight
pixels on either side take part, first along rows, then along columns:

    s = a + b,  d = a − b   of the pixels a and b at equal distance from the boundary
    e = V · d               over the eight distances
    a ← (s + e) / 2,  b ← (s − e) / 2

V is the identity for separate blocks. It is the same for all planes, so that the equal planes of a
grey picture stay equal. The sums s stay as they are, so a flat picture does. The postfilter has a
matrix of its own, which begins as the inverse, and goes along columns first.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from .quantise import Grid
from .shape import BLOCK, LAPPED_FRACTION
from .straight_through import round_straight

REACH = BLOCK // 2
"""Pixels on either side of a boundary that its filter changes."""
PLANES = 3
Apart = tuple[Sequence[int], Sequence[int]]
"""Numbers of the rows and of the columns of blocks with which another tile begins."""
MACS_PER_PIXEL = 2 * PLANES * REACH * REACH / BLOCK
"""Multiplications with addition for each pixel, if all blocks have neighbours."""


class BoundaryFilter(nn.Module):
    """The filter of all boundaries inside a picture, along one axis and then along the other.

    Args:
        axes: Axes in the order in which they are filtered: -1 along rows, -2 along columns.
        grids: Grid that the values are rounded to after each axis.

    Attributes:
        weight: V (8, 8).
        on: Whether the weights are rounded, to multiples of 2^-12.
    """

    def __init__(self, axes: tuple[int, int], grids: tuple[Grid, Grid]) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.eye(REACH))
        self._axes, self._grids = axes, grids

    @property
    def on(self) -> bool:
        """Whether weights and values are integers."""
        return self._grids[0].on

    def forward(self, planes: Tensor, apart: Apart | None = None) -> Tensor:
        """Return the filtered planes (b, 3, h, w); the sides are multiples of 16.

        Args:
            planes: The planes.
            apart: Boundaries that are left alone, because they lie between tiles.
        """
        weight, kind = self.weight, planes.dtype
        if self.on:  # the sums exceed what float32 adds exactly
            weight = round_straight(weight.double() * 2**LAPPED_FRACTION) / 2**LAPPED_FRACTION
            planes = planes.double()
        for axis, grid in zip(self._axes, self._grids, strict=True):
            between = () if apart is None else apart[axis + 2]
            planes = grid(_filter(planes, weight, axis, between))
        return planes.to(kind).contiguous(memory_format=torch.channels_last)


def _filter(planes: Tensor, weight: Tensor, axis: int, apart: Sequence[int]) -> Tensor:
    """Filter the boundaries that a line along an axis crosses, but those of `apart`."""
    size = planes.shape[axis]
    if size == BLOCK:
        return planes
    lines = planes.transpose(axis, -1)
    inner = lines[..., REACH : size - REACH]
    pairs = inner.reshape(*inner.shape[:-1], -1, 2, REACH)
    before, after = pairs[..., 0, :].flip(-1), pairs[..., 1, :]
    total, difference = before + after, before - after
    weighted = difference @ weight.T
    if apart:  # V is the identity there
        kept = torch.zeros(weighted.shape[-2], 1, dtype=torch.bool, device=planes.device)
        kept[[place - 1 for place in apart]] = True
        weighted = torch.where(kept, difference, weighted)
    before, after = (total + weighted) / 2, (total - weighted) / 2
    inner = torch.stack((before.flip(-1), after), dim=-2).flatten(-3)
    ends = lines[..., :REACH], lines[..., size - REACH :]
    return torch.cat((ends[0], inner, ends[1]), dim=-1).transpose(axis, -1)
