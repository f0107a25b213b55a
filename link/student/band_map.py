"""Map a frame's bands to the three 8-bit channels of the learned codec, and back.

Bands are coded three at a time, in order. If one or two bands are left, the last band fills the
triple, and its decoded copies are averaged. Samples of 8 bits are coded as they are. Others are
brought to 0 … 255 by an offset for each band and one scale for all bands, so that an error counts
alike in every band:

    value  = ⌊(sample − offset) / scale + ½⌋, clipped to 0 … 255
    sample = ⌊offset + scale · (mean of its values) + ½⌋

As in every codec, samples are counted from the lowest value that the header allows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..container.band_scales import BandScale

CHANNELS: Final = 3
LEVELS: Final = 255
_TAILS: Final = (0.0, 1e-6, 1e-5, 1e-4, 1e-3)
_MANTISSA_BITS: Final = 16


def triples(bands: int) -> list[tuple[int, ...]]:
    """Return the bands of each triple; the last band fills the last triple."""
    return [
        tuple(min(first + at, bands - 1) for at in range(CHANNELS))
        for first in range(0, bands, CHANNELS)
    ]


def choose_scales(histograms: Sequence[NDArray[np.int64]]) -> tuple[BandScale, ...]:
    """Return the scales with the least mean squared error from rounding and clipping together.

    Args:
        histograms: Number of samples of each value, one histogram for each band.
    """
    best, least = None, np.inf
    for tail in _TAILS:
        ranges = [_range(histogram, tail) for histogram in histograms]
        span = max(high - low for low, high in ranges)
        unit = _unit(span)
        scale = unit.scale
        offsets = [round((low + high - LEVELS * scale) / 2) for low, high in ranges]
        error = scale * scale / 12
        for histogram, offset in zip(histograms, offsets, strict=True):
            value = np.flatnonzero(histogram)
            beyond = value - np.clip(value, offset, offset + LEVELS * scale)
            total = max(1, int(histogram.sum()))
            error += float((beyond**2 * histogram[value]).sum()) / total / len(histograms)
        if error < least:
            best, least = [BandScale(o, unit.mantissa, unit.exponent) for o in offsets], error
    return tuple(best or ())


def widen(bit_depth: int) -> BandScale:
    """Return the scale that spreads samples of less than 8 bits over all levels."""
    return BandScale(0, 1, bit_depth - 8)


def _range(histogram: NDArray[np.int64], tail: float) -> tuple[int, int]:
    total = np.cumsum(histogram)
    if total[-1] == 0:
        return 0, 0
    cut = tail * total[-1]
    low = int(np.searchsorted(total, cut, side="right"))
    high = int(np.searchsorted(total, total[-1] - cut, side="left"))
    return low, max(low, high)


def _unit(span: int) -> BandScale:
    """Return the scale that brings a span to 255 levels; it is at least 1, and its offset is 0."""
    if span <= LEVELS:
        return BandScale(0)
    exponent = (span // LEVELS).bit_length() - _MANTISSA_BITS
    mantissa = -(-(span << -exponent) // LEVELS)
    while mantissa % 2 == 0:
        mantissa, exponent = mantissa // 2, exponent + 1
    return BandScale(0, mantissa, exponent)


def to_values(samples: NDArray[np.integer], scale: BandScale | None) -> NDArray[np.uint8]:
    """Return a band's samples as the codec's values."""
    if scale is None:
        return samples.astype(np.uint8, copy=False)
    size = 256 if samples.dtype == np.uint8 else 65536
    table = np.arange(size, dtype=np.int64) - scale.offset
    # ⌊x / (m · 2^e) + ½⌋ = ⌊(2x + m · 2^e) / (2m · 2^e)⌋, in integers for either sign of e
    up, down = max(0, -scale.exponent), max(0, scale.exponent)
    step = scale.mantissa << down
    table = ((table << (up + 1)) + step) // (2 * step)
    values: NDArray[np.uint8] = np.clip(table, 0, LEVELS).astype(np.uint8)[samples]
    return values


def to_samples(
    total: NDArray[Any], count: int, scale: BandScale | None, largest: int
) -> NDArray[np.int64]:
    """Return a band's samples from sums of `count` decoded values, clipped to 0 … largest."""
    scale = scale or BandScale(0)
    up, down = max(0, -scale.exponent), max(0, scale.exponent)
    # Mantissa and exponent come from outside: where 64 bits may overflow, use Python's integers.
    kind: Any = np.int64 if scale.mantissa << down < 1 << 44 and up < 32 else object
    table = np.arange(LEVELS * count + 1).astype(kind) * (scale.mantissa << down)
    half = count << up
    table = scale.offset + (2 * table + half) // (2 * half)
    samples: NDArray[np.int64] = np.clip(table, 0, largest).astype(np.int64)[total]
    return samples
