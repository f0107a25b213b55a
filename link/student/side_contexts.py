"""Contexts of the side information: where a value's prediction from coded values falls.

A value of ẑ is predicted linearly from what both ends know already: the mean of its coded
neighbours, in its own channel and in the channels before, and the values of the channels before at
its own position. The prediction's place among a few thresholds is the context, which chooses the
table that codes the value. Such quantised predictions as contexts come from CALIC (Wu and Memon,
IEEE Trans. Commun. 45(4), 1997). docs/codec-integers.md ("Integers of the entropy path") has the
formulas.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from .phases import PHASES

SIDE_CONTEXTS: Final = 12
MEAN_UNIT: Final = 12
"""Means are in units of 1/12, which divides sums of one to four neighbours without a remainder."""
LARGEST_SUM: Final = 1 << 24
"""Bound of biases and thresholds."""

_CORNERS: Final = ((0, 0), (0, 2), (2, 0), (2, 2))
_EDGES: Final = ((0, 1), (1, 0), (1, 2), (2, 1))
_NEIGHBOURS: Final = ((), _CORNERS, _EDGES, _EDGES)
"""Coded neighbours of each phase, as offsets into an array with a border of one."""


@dataclass(frozen=True, eq=False, slots=True)
class SideContexts:
    """What chooses the table of each value of ẑ.

    Attributes:
        weights: Weights int8 (channels, 4, 2, channels): of a channel's values in a phase, of
            neighbours' means and of values at the same position, by their channel.
        bias: Added to each sum, int32 (channels, 4).
        thresholds: int32 (channels, SIDE_CONTEXTS - 1); the context is the number of those that a
            sum reaches.
    """

    weights: NDArray[np.int8]
    bias: NDArray[np.int32]
    thresholds: NDArray[np.int32]

    @classmethod
    def load(cls, arrays: Mapping[str, NDArray[Any]], channels: int) -> SideContexts:
        """Return the contexts of a model's arrays.

        Raises:
            ValueError: The arrays do not fit, or a channel is predicted from one not yet coded.
        """
        weights, bias, thresholds = (
            arrays[f"side.{name}"] for name in ("weights", "bias", "thresholds")
        )
        shapes = (channels, 4, 2, channels), (channels, 4), (channels, SIDE_CONTEXTS - 1)
        if (weights.shape, bias.shape, thresholds.shape) != shapes:
            raise ValueError("contexts do not fit the channels of the side information")
        of_means, of_values = weights.transpose(2, 1, 0, 3)
        if np.triu(of_means, 1).any() or np.triu(of_values).any():
            raise ValueError("side information that is predicted from what is not yet coded")
        for sums in (bias, thresholds):
            if int(np.abs(sums.astype(np.int64)).max()) > LARGEST_SUM:
                raise ValueError(f"sums beyond {LARGEST_SUM} in the side information's contexts")
        return cls(
            np.ascontiguousarray(weights, np.int8),
            np.ascontiguousarray(bias, np.int32),
            np.ascontiguousarray(thresholds, np.int32),
        )

    def of_phase(
        self, phase: int, means: NDArray[Any], values: NDArray[Any], channels: slice = slice(None)
    ) -> NDArray[np.uint16]:
        """Return the contexts of a phase's values.

        Args:
            phase: Number of the phase.
            means: `neighbour_means` of the phase (channels, rows, columns).
            values: The phase's values (channels, rows, columns), of which only the channels before
                a value's own are read.
            channels: Whose contexts are wanted.
        """
        weights = self.weights[channels, phase].astype(np.int32)
        total = np.tensordot(weights[:, 0], means, 1)
        total += np.tensordot(weights[:, 1], values.astype(np.int32) * MEAN_UNIT, 1)
        total += self.bias[channels, phase][:, None, None]
        reached = total[..., None] >= self.thresholds[channels][:, None, None]
        return np.asarray(reached.sum(axis=-1, dtype=np.uint16))

    def of_all(self, side: NDArray[Any]) -> NDArray[np.uint16]:
        """Return the contexts of all values of ẑ (channels, rows, columns), if all are known."""
        contexts = np.empty(side.shape, np.uint16)
        for phase in range(4):
            values = part_of_phase(side, phase)
            means = neighbour_means(side, phase)
            part_of_phase(contexts, phase)[:] = self.of_phase(phase, means, values)
        return contexts


def part_of_phase(side: NDArray[Any], phase: int) -> NDArray[Any]:
    """Return the view of a phase's values in ẑ (channels, rows, columns)."""
    row, column = PHASES[phase]
    return side[:, row::2, column::2]


def neighbour_means(side: NDArray[Any], phase: int) -> NDArray[np.int32]:
    """Return the means of the coded neighbours inside the tile, in 1/12; 0 where there are none.

    In the second phase these are the corners, in the last two the edges.

    Args:
        side: ẑ (channels, rows, columns).
        phase: Number of the phase.

    Returns:
        Means (channels, rows of the phase, columns of the phase).
    """
    row, column = PHASES[phase]
    shape = part_of_phase(side, phase).shape
    padded = np.pad(side.astype(np.int32), ((0, 0), (1, 2), (1, 2)))
    inside = np.pad(np.ones(side.shape[1:], np.int32), ((1, 2), (1, 2)))
    total, count = np.zeros(shape, np.int32), np.zeros(shape[1:], np.int32)
    for i, j in _NEIGHBOURS[phase]:
        total += padded[:, row + i :: 2, column + j :: 2][:, : shape[1], : shape[2]]
        count += inside[row + i :: 2, column + j :: 2][: shape[1], : shape[2]]
    return np.asarray(total * (MEAN_UNIT // np.maximum(count, 1)))
