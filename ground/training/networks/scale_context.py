"""Context for entropy coding: a correction of each latent's scale, from coded magnitudes.

A hyperprior of a hundredth of a bit per pixel gives only a rough estimate of the local scale. Once
some latents around a position are coded, their magnitudes show the estimate's error. Let `num` be
the weighted sum of the coded magnitudes around a latent, and `den` the same sum of the magnitudes
that their scales predict. A small table maps (log num, log den) to a correction of the latent's
log-scale. The value of `den` also tells the table how much evidence there is.

Coding order: channel groups (principal components first), and four phases of positions in each
group. The order follows ELIC (He et al., arXiv 2203.10886); a table takes the place of its context
networks. These latents around a latent are already coded:
  S: neighbours in the same channel, of earlier phases, weighted 2 (edge) and 1 (corner);
  F: the `window` channels before the group, at the same position and its eight neighbours,
     weighted 8, 2 (edge) and 1 (corner).
  num = (window · S + F) / (2 · window), of magnitudes |k| clipped to 255;
  den = the same sums over the expected magnitudes.
"""

from __future__ import annotations

import math
from functools import cache
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from ....link.student.entropy_model import Group

PHASES = ((0, 0), (1, 1), (0, 1), (1, 0))
"""Row and column parity of the positions coded first, second, third and last."""
NODES = 12
LOWEST_NODE = -4.5
"""log₂ of num and den at the first node; nodes are an octave apart."""
SMALLEST_SUM = 1.0 / 16.0
"""Added to num and den, so that their logarithms exist."""
LARGEST_MAGNITUDE = 255
SCALES_AN_OCTAVE = 8
SMALLEST_SCALE_OCTAVE = -4
LARGEST_SCALE_OCTAVE = 11
SCALES = (LARGEST_SCALE_OCTAVE - SMALLEST_SCALE_OCTAVE) * SCALES_AN_OCTAVE + 1
"""Entries of the table of scales: 2^-4 … 2^11 steps, an eighth of an octave apart."""


def groups(latents: int) -> tuple[Group, ...]:
    """Return the channel groups of a codec with this many latents; windows are powers of two."""
    steps = (4, 8, 16, 32, 64, 128, 192, 256, 384, 512)
    edges = [0, *(e for e in steps if e < latents), latents]
    return tuple(
        Group(a, b, 0 if a == 0 else 2 ** min(7, int(math.log2(max(a // 2, 4)))))
        for a, b in pairwise(edges)
    )


def phase_masks() -> Tensor:
    """Return masks (4, 3, 3) of the neighbours that are coded before a position of each phase."""
    masks = torch.zeros(len(PHASES), 3, 3)
    for phase, (row, column) in enumerate(PHASES):
        for i in range(3):
            for j in range(3):
                parity = ((row + i - 1) % 2, (column + j - 1) % 2)
                masks[phase, i, j] = float(PHASES.index(parity) < phase)
    return masks


@cache
def expected_magnitudes() -> NDArray[np.float64]:
    """Return E|k| at each scale of the table, for a rounded logistic distribution about 0."""
    octaves = np.arange(SCALES) / SCALES_AN_OCTAVE + SMALLEST_SCALE_OCTAVE
    scale = np.exp2(octaves)[:, None]
    # E|k| = 2 · Σ P(k > j), j = 0, 1, …
    beyond = np.arange(40_000)[None, :] + 0.5
    tails = np.exp(-np.logaddexp(0.0, beyond / scale))
    return np.asarray(np.minimum(2.0 * tails.sum(axis=1), LARGEST_MAGNITUDE))


@cache
def rounding_offsets(strength: float = 0.04, largest: float = 0.3) -> NDArray[np.float64]:
    """Return what is added to |v| before it is floored, at each scale: 1/2 less the dead zone.

    Rounding up to 1 costs bits(1) - bits(0) more. Where rate and distortion balance, the threshold
    rises in proportion (Sullivan, "Efficient scalar quantization of exponential and Laplacian
    random variables", 1996). The scale is that before its correction by the context, so that every
    symbol can be computed before any is coded. It is too large where most neighbours are zero,
    which is why the dead zone is wider than it would be for the corrected scale.

    Args:
        strength: Rise of the threshold per bit, in steps.
        largest: Largest rise, in steps.

    Returns:
        Offsets (SCALES,), multiples of 1/256 as in the integer codec.
    """
    scale = np.exp2(np.arange(SCALES) / SCALES_AN_OCTAVE + SMALLEST_SCALE_OCTAVE)
    inner, outer = (1.0 / (1.0 + np.exp(-edge / scale)) for edge in (0.5, 1.5))
    price = np.log2(2.0 * inner - 1.0) - np.log2(np.maximum(outer - inner, 1e-30))
    offset = 0.5 - np.clip(strength * price, 0.0, largest)
    return np.floor(offset * 256.0 + 0.5) / 256.0


class ScaleContext(nn.Module):
    """Correction of log₂ scales from coded magnitudes: (group, phase, num, den) → octaves.

    Args:
        latents: Number of channels.

    Attributes:
        table: The correction at nodes of (log₂ num, log₂ den), bilinear in between.
    """

    def __init__(self, latents: int) -> None:
        super().__init__()
        self.groups = groups(latents)
        self.table = nn.Parameter(torch.zeros(len(self.groups) * len(PHASES), NODES, NODES))
        self.register_buffer("masks", phase_masks(), persistent=False)
        expected = torch.from_numpy(expected_magnitudes()).float()
        self.register_buffer("expected", expected, persistent=False)
        offsets = torch.from_numpy(rounding_offsets()).float()
        self.register_buffer("offsets", offsets, persistent=False)
        self.offsets: Tensor
        number = torch.cat([torch.full((g.last - g.first,), i) for i, g in enumerate(self.groups)])
        self.register_buffer("group_of_channel", number.long(), persistent=False)
        self.masks: Tensor
        self.expected: Tensor
        self.group_of_channel: Tensor

    @torch.no_grad()
    def sums(self, symbols: Tensor, log2_scale: Tensor) -> tuple[Tensor, Tensor]:
        """Return log₂ of num and of den, at each latent (b, N, h, w)."""
        expected = self.expected[table_index(log2_scale)]
        magnitude = symbols.abs().clamp_max(LARGEST_MAGNITUDE)
        return self._log_sum(magnitude), self._log_sum(expected)

    @torch.no_grad()
    def offset(self, log2_scale: Tensor) -> Tensor:
        """Return what is added to |v| before it is floored: 1/2 or less, by scale."""
        return self.offsets[table_index(log2_scale)]

    def _log_sum(self, value: Tensor) -> Tensor:
        total = 0.5 * self._neighbour_sum(value)
        kernel = torch.tensor([[1.0, 2, 1], [2, 8, 2], [1, 2, 1]], device=value.device)
        for group in self.groups[1:]:
            before = value[:, group.first - group.window : group.first].sum(1, keepdim=True)
            around = functional.conv2d(before, kernel[None, None], padding=1)
            total[:, group.first : group.last] += around / (2 * group.window)
        return torch.log2(total + SMALLEST_SUM)

    def _neighbour_sum(self, value: Tensor) -> Tensor:
        height, width = value.shape[2:]
        padded = functional.pad(value, (1, 1, 1, 1))

        def shifted(row: int, column: int, down: int, right: int) -> Tensor:
            return padded[
                :,
                :,
                row + down : height + row + down : 2,
                column + right : width + column + right : 2,
            ]

        out = torch.zeros_like(value)
        for phase, (row, column) in enumerate(PHASES):
            part = out[:, :, row::2, column::2]
            for down in range(3):
                for right in range(3):
                    if self.masks[phase, down, right] > 0:
                        weight = 2.0 if (down == 1) != (right == 1) else 1.0
                        shape = part.shape[2:]
                        near = shifted(row, column, down, right)[:, :, : shape[0], : shape[1]]
                        part += weight * near
        return out

    def forward(self, symbols: Tensor, log2_scale: Tensor) -> Tensor:
        """Return the octaves to add to each latent's log₂ scale.

        Args:
            symbols: Symbols k (b, N, h, w).
            log2_scale: Their log₂ scales in steps, before the correction.
        """
        num, den = self.sums(symbols, log2_scale)
        height, width = symbols.shape[2:]
        phase = torch.zeros(height, width, dtype=torch.long, device=symbols.device)
        for number, (row, column) in enumerate(PHASES):
            phase[row::2, column::2] = number
        table_row = self.group_of_channel[:, None, None] * len(PHASES) + phase
        place_num = (num - LOWEST_NODE).clamp(0, NODES - 1.001)
        place_den = (den - LOWEST_NODE).clamp(0, NODES - 1.001)
        low_num, low_den = place_num.long(), place_den.long()
        share_num, share_den = place_num - low_num, place_den - low_den
        corner = (table_row * NODES + low_num) * NODES + low_den
        flat = self.table.reshape(-1)
        near = flat[corner] * (1 - share_den) + flat[corner + 1] * share_den
        far = flat[corner + NODES] * (1 - share_den) + flat[corner + NODES + 1] * share_den
        return near * (1 - share_num) + far * share_num


def table_index(log2_scale: Tensor) -> Tensor:
    """Return the entry of the table of scales that is nearest to log₂ scales in steps."""
    index = (log2_scale - SMALLEST_SCALE_OCTAVE) * SCALES_AN_OCTAVE
    return torch.floor(index + 0.5).clamp(0, SCALES - 1).long()
