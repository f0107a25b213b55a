"""Fill a picture's holes with smooth values, so that a codec spends few bits on them.

The method is push-pull (Gortler et al., The Lumigraph, 1996). Known samples are averaged into
smaller and smaller pictures until no hole is left. Then, from the smallest picture up, each
picture's holes are filled from the next smaller one. So a hole takes the mean of its surroundings
at the scale of the hole.

The picture is processed in strips, so the only extra memory is that of the smaller pictures: 4/3
bytes a sample, and two bytes a pixel for their holes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

_STRIP: Final = 1 << 18
"""Samples in a strip of the half-size picture."""


def fill_holes(pixels: NDArray[np.integer], holes: NDArray[np.bool_]) -> None:
    """Fill the holes of `pixels` in place.

    Args:
        pixels: Integer samples (rows, columns, bands).
        holes: Mask (rows, columns) or (rows, columns, bands), where a single band is for all
            bands; True in a hole. Only samples in holes are written. If all samples are in holes,
            they become 0.
    """
    if holes.ndim == 3:
        if not (holes[..., 1:] == holes[..., :1]).all():
            for band in range(pixels.shape[2]):
                fill_holes(pixels[..., band : band + 1], holes[..., band])
            return
        holes = holes[..., 0]
    if not holes.any():
        return
    if holes.all():
        pixels[...] = 0
        return
    _fill(pixels, holes)


def _fill(values: NDArray[Any], holes: NDArray[np.bool_]) -> None:
    """Fill holes in place from a picture of half the size."""
    if not holes.any():
        return
    coarse, unknown = _halve(values, holes)
    _fill(coarse, unknown)
    for first, last in _strips(coarse.shape):
        own = holes[2 * first : 2 * last]
        if not own.any():
            continue
        smooth = np.repeat(np.repeat(coarse[first:last], 2, axis=0), 2, axis=1)
        smooth = smooth[: own.shape[0], : own.shape[1]][own]
        if values.dtype != np.float32:
            smooth = np.rint(smooth)
        values[2 * first : 2 * last][own] = smooth.astype(values.dtype)


def _halve(
    values: NDArray[Any], holes: NDArray[np.bool_]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return the mean of the known ones of each 2 x 2 pixels, and a mask where none is known."""
    rows, columns, bands = values.shape
    shape = -(-rows // 2), -(-columns // 2), bands
    coarse, unknown = np.empty(shape, np.float32), np.empty(shape[:2], np.bool_)
    for first, last in _strips(shape):
        known = ~holes[2 * first : 2 * last]
        high = last - first
        total = np.zeros((high, 2, shape[1], 2, bands), np.float32)
        padded = total.reshape(2 * high, 2 * shape[1], bands)[: known.shape[0], :columns]
        np.copyto(padded, values[2 * first : 2 * last], where=known[..., None])
        count = np.zeros((high, 2, shape[1], 2), np.float32)
        count.reshape(2 * high, 2 * shape[1])[: known.shape[0], :columns] = known
        there = count.sum(axis=(1, 3))
        coarse[first:last] = total.sum(axis=(1, 3)) / np.maximum(there, 1)[..., None]
        unknown[first:last] = there == 0
    return coarse, unknown


def _strips(shape: tuple[int, ...]) -> Iterator[tuple[int, int]]:
    """Yield the first row of each strip of a picture, and the row after its last."""
    rows, columns, bands = shape
    high = max(1, _STRIP // (columns * bands))
    for first in range(0, rows, high):
        yield first, min(first + high, rows)
