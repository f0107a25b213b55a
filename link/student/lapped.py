"""Filters across block boundaries, in integers: the prefilter on board, the postfilter on ground.

They make the transform of 16 x 16 blocks a lapped one (Tran, Liang and Tu, "Lapped transform via
time-domain pre- and post-filtering", IEEE Trans. Signal Process. 51(6), 2003). The page
docs/codec-integers.md defines them ("Block boundaries"). This module computes them with numpy,
plainly: without a C compiler, and as what the C is compared with.

Of each boundary between two blocks of a tile, eight pixels on either side take part. With a and b
at equal distance from the boundary, i or j from 0 to 7, and weights V in units of 2^-12, the same
for all planes:

    s = a + b        d = a - b        e[i] = Σ_j V[i, j] · d[j]
    a = (s · 2^12 + e + half) >> shift        b = (s · 2^12 - e + half) >> shift

with half = 2^(shift - 1).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from .frame_layout import BLOCK

PREFILTER: Final = "analysis.prefilter"
POSTFILTER: Final = "synthesis.postfilter"
"""Names of the filters' weights among a model's integers."""
REACH: Final = BLOCK // 2
"""Pixels on either side of a boundary that its filter changes."""
FRACTION: Final = 12
"""Weights are in units of 2^-12."""
LARGEST_SUM: Final = 1 << 16
"""Largest sum of a row's magnitudes of weights: with it, all sums fit 32 bits."""
LARGEST_WEIGHT: Final = (1 << 15) - 1
"""Largest magnitude of a weight: with it, the opposite of a weight fits 16 bits, too."""
_FINER: Final = 3
"""Between its two axes, the prefilter keeps three more binary digits than planes have."""
_BETWEEN: Final = (-8192, 8191)
_PLANE: Final = (-512, 511)

Integers = NDArray[Any]


def weights_of(arrays: Mapping[str, Integers], name: str) -> NDArray[np.int16] | None:
    """Return a filter's weights V (8, 8); None for a model that has none.

    Args:
        arrays: A model's integers, by name.
        name: `PREFILTER` or `POSTFILTER`.

    Raises:
        ValueError: The array is of another type or shape, or its weights or their sums are too
            large.
    """
    weights = arrays.get(name)
    if weights is None:
        return None
    if weights.dtype != np.int16 or weights.shape != (REACH, REACH):
        raise ValueError(f"{name} is {weights.dtype} {weights.shape}; allowed is int16 (8, 8)")
    sizes = np.abs(weights.astype(np.int64))
    largest, total = int(sizes.max()), int(sizes.sum(axis=1).max())
    if largest > LARGEST_WEIGHT or total > LARGEST_SUM:
        raise ValueError(
            f"{name} has magnitudes of up to {largest} and up to {total} in a row; "
            f"allowed are {LARGEST_WEIGHT} and {LARGEST_SUM}"
        )
    return weights


def prefilter(planes: Integers, weights: Integers) -> NDArray[np.int16]:
    """Return a tile's planes (3, h, w) as its blocks read them, in half grey levels.

    It goes along rows first. The sides are multiples of 16.
    """
    value = _filter(planes, weights, 2, FRACTION + 1 - _FINER, _BETWEEN)
    return _filter(value, weights, 1, FRACTION + 1 + _FINER, _PLANE).astype(np.int16)


def postfilter(
    planes: Integers,
    weights: Integers,
    joined_rows: NDArray[np.bool_],
    joined_columns: NDArray[np.bool_],
) -> NDArray[np.int16]:
    """Return linear planes (3, h, w) of a picture, in 1/16 grey level, with its blocks joined.

    It goes along columns first.

    Args:
        planes: Planes of separate blocks.
        weights: Weights V (8, 8).
        joined_rows: Which boundaries between rows of blocks lie inside a tile, from the top. Those
            between tiles are not filtered.
        joined_columns: The same of columns of blocks, from the left.
    """
    shift = FRACTION + 1
    value = _filter(planes, weights, 1, shift, _BETWEEN, joined_rows)
    return _filter(value, weights, 2, shift, _BETWEEN, joined_columns).astype(np.int16)


def _filter(
    planes: Integers,
    weights: Integers,
    axis: int,
    shift: int,
    limits: tuple[int, int],
    joined: NDArray[np.bool_] | None = None,
) -> Integers:
    """Filter the boundaries that lines along an axis cross; sums are shifted right by `shift`."""
    lines = np.moveaxis(planes, axis, 2).astype(np.int64)
    blocks = lines.shape[2] // BLOCK
    out = lines << (FRACTION + 1)
    for boundary in range(1, blocks):
        if joined is not None and not joined[boundary - 1]:
            continue
        middle = BLOCK * boundary
        before = lines[:, :, middle - REACH : middle][:, :, ::-1]
        after = lines[:, :, middle : middle + REACH]
        weighted = (before - after) @ weights.astype(np.int64).T
        total = (before + after) << FRACTION
        out[:, :, middle - REACH : middle] = (total + weighted)[:, :, ::-1]
        out[:, :, middle : middle + REACH] = total - weighted
    rounded = (out + (1 << (shift - 1))) >> shift
    return np.moveaxis(np.clip(rounded, *limits), 2, axis)
