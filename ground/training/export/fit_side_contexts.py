"""The side information's contexts, fitted to what the networks give for training crops.

Each value of ẑ is predicted by least squares, and the thresholds between contexts are those that
keep the bits lowest: cells of the prediction are merged, always the pair whose common table costs
least (agglomerative information bottleneck, Slonim and Tishby, NIPS 1999).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ....link.student.entropy_model import SIDE_LOW
from ....link.student.side_contexts import (
    LARGEST_SUM,
    MEAN_UNIT,
    SIDE_CONTEXTS,
    neighbour_means,
    part_of_phase,
)
from .integer_networks import Arrays, Integers

WEIGHT_FRACTION: Final = 6
"""Weights are in units of 2^-6."""
SIDE_VALUES: Final = 64
_CELLS: Final = 128
"""Cells of equal count that the merging begins with."""
_RIDGE: Final = 30.0
"""Weight of the wish for small weights, in squared values."""


def fit_side_contexts(sides: Sequence[Integers]) -> Arrays:
    """Return the arrays of `SideContexts`.

    Args:
        sides: ẑ (channels, rows, columns) of each of many tiles.
    """
    channels = sides[0].shape[0]
    weights = np.zeros((channels, 4, 2, channels), np.int8)
    bias = np.zeros((channels, 4), np.int32)
    sums: list[list[Integers]] = [[] for _ in range(channels)]
    values: list[list[Integers]] = [[] for _ in range(channels)]
    for phase in range(4):
        means, own = (_flattened(parts) for parts in _phase(sides, phase))
        for channel in range(channels):
            known = np.concatenate((means[: channel + 1] if phase else means[:0], own[:channel]))
            found = _least_squares(known, own[channel])
            bias[channel, phase] = found[-1]
            weights[channel, phase, 1, :channel] = found[-1 - channel : -1]
            if phase:
                weights[channel, phase, 0, : channel + 1] = found[: channel + 1]
            sums[channel].append(found[:-1] @ known + found[-1])
            values[channel].append(own[channel] // MEAN_UNIT)
    thresholds = [
        _thresholds(np.concatenate(a), np.concatenate(b)) for a, b in zip(sums, values, strict=True)
    ]
    return {
        "side.weights": weights,
        "side.bias": bias,
        "side.thresholds": np.array(thresholds, np.int32),
    }


def _phase(sides: Sequence[Integers], phase: int) -> tuple[list[Integers], list[Integers]]:
    """Return the neighbours' means and the values of a phase, tile by tile, in 1/12."""
    means = [neighbour_means(side, phase).astype(np.int64) for side in sides]
    own = [MEAN_UNIT * part_of_phase(side, phase).astype(np.int64) for side in sides]
    return means, own


def _flattened(parts: Sequence[Integers]) -> Integers:
    return np.concatenate([part.reshape(part.shape[0], -1) for part in parts], axis=1)


def _least_squares(known: Integers, wanted: Integers) -> Integers:
    """Return weights in units of 2^-6, and the bias that goes with them in units of a sum."""
    inputs = np.concatenate((known / MEAN_UNIT, np.ones((1, known.shape[1]))))
    normal = inputs @ inputs.T + _RIDGE * np.eye(len(inputs))
    found = np.linalg.solve(normal, inputs @ (wanted / MEAN_UNIT)) * 2**WEIGHT_FRACTION
    found[-1] *= MEAN_UNIT
    whole = np.floor(found + 0.5).astype(np.int64)
    whole[:-1] = whole[:-1].clip(-127, 127)
    return np.asarray(whole)


def _thresholds(sums: Integers, values: Integers) -> list[int]:
    """Return the lowest sums of all contexts but the first."""
    shares = np.arange(1, _CELLS) / _CELLS
    edges = np.unique(np.floor(np.quantile(sums, shares) + 0.5).astype(np.int64))
    cell = np.searchsorted(edges, sums, side="right")
    counts = np.zeros((edges.size + 1, SIDE_VALUES))
    np.add.at(counts, (cell, values - SIDE_LOW), 1)
    tables, kept = list(counts), [int(edge) for edge in edges]
    while len(tables) > SIDE_CONTEXTS:
        more = [_bits(a + b) - _bits(a) - _bits(b) for a, b in pairwise(tables)]
        at = int(np.argmin(more))
        tables[at] = tables[at] + tables.pop(at + 1)
        del kept[at]
    # A channel that says little needs fewer; no sum reaches the others.
    return kept + [LARGEST_SUM] * (SIDE_CONTEXTS - 1 - len(kept))


def _bits(counts: NDArray[np.float64]) -> float:
    """Return the bits of values under the table of their own frequencies."""
    some = counts[counts > 0]
    return float(-(some * np.log2(some / some.sum())).sum())
