"""Predicted means: the first channels' means, from latents that are already decoded.

    ŷ of earlier channel groups, all nine positions   ──┐
    ŷ of the same group, positions of earlier phases  ──┴─ masked 3x3 convolution ── μ

This is the context model of Minnen et al. (arXiv 1809.02736) as one linear layer, in the coding
order of ELIC (He et al., arXiv 2203.10886): uneven channel groups, with a spatial context inside a
group. Four phases of positions take the place of ELIC's two (checkerboard).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from .scale_context import PHASES, groups, phase_masks


def mean_masks(channels: int) -> Tensor:
    """Return masks (4, channels, channels, 3, 3) of what is decoded before a latent of each phase.

    Channel groups are coded one after another, and phases inside a group. A latent's mean may
    depend on all nine positions of earlier groups, and on positions of earlier phases in its own
    group.
    """
    number = torch.zeros(channels, dtype=torch.long)
    for i, group in enumerate(groups(channels)):
        number[group.first : group.last] = i
    earlier = (number[None, :] < number[:, None]).float()[None, :, :, None, None]
    same = (number[None, :] == number[:, None]).float()[None, :, :, None, None]
    result: Tensor = earlier + same * phase_masks()[:, None, None]
    return result


class MeanPredictor(nn.Module):
    """Means of the predicted channels, which are the first ones, from decoded latents.

    Args:
        channels: Number of predicted channels.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels = channels
        self.weight = nn.Parameter(torch.zeros(len(PHASES) * channels, channels, 3, 3))
        masks = mean_masks(channels).reshape(-1, channels, 3, 3)
        self.register_buffer("masks", masks, persistent=False)
        self.masks: Tensor
        # The first channel is the mean grey level. Its prediction begins as the neighbours' mean.
        with torch.no_grad():
            for phase in range(1, len(PHASES)):
                nearest = phase_masks()[phase]
                if phase > 1:
                    nearest[::2, ::2] = 0
                self.weight[phase * channels, 0] = 0.9 * nearest / nearest.sum()

    def forward(self, decoded: Tensor) -> Tensor:
        """Return the means μ (b, channels, h, w), from decoded latents of the same shape."""
        means = torch.zeros_like(decoded)
        weights = (self.weight * self.masks).chunk(len(PHASES))
        padded = functional.pad(decoded, (1, 2, 1, 2))
        height, width = decoded.shape[2:]
        for phase, (row, column) in enumerate(PHASES):
            part = functional.conv2d(padded[:, :, row:, column:], weights[phase], stride=2)
            rows, columns = (height - row + 1) // 2, (width - column + 1) // 2
            means[:, :, row::2, column::2] = part[:, :, :rows, :columns]
        return means
