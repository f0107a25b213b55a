"""Means and percentiles, which are the same on every machine because no order matters.

summary.json, the terminal, the report and comparisons all use these, so that a mean has one
meaning everywhere.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence


def percentile(values: Iterable[float], share: float) -> float | None:
    """Return the smallest value that at least `share` of the values do not exceed.

    The nearest-rank definition (Hyndman and Fan 1996, type 1): always one of the values.
    None if there are no values.
    """
    ordered = sorted(values)
    if not ordered:
        return None
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def mean(values: Sequence[float]) -> float | None:
    """Return the arithmetic mean, summed without rounding error; None if there are no values."""
    return math.fsum(values) / len(values) if values else None


def weighted_mean(values: Iterable[float], weights: Iterable[float]) -> float | None:
    """Return the weighted mean of the values that are numbers; None if there are no values.

    Args:
        values: The values; NaN stands for a missing one and is left out.
        weights: One weight a value, not negative.
    """
    pairs = [(v, w) for v, w in zip(values, weights, strict=True) if not math.isnan(v)]
    total = math.fsum(weight for _, weight in pairs)
    return math.fsum(v * w for v, w in pairs) / total if total else None


def pooled_psnr(psnr_db: Iterable[float], weights: Iterable[float]) -> float | None:
    """Return the PSNR of the mean square error over many frames, in dB.

    A mean of decibels cannot include a frame that is exact, because its PSNR is infinite; and
    leaving it out would make a mission look worse the more frames it delivers exactly. The mean
    square error of such a frame is simply 0. Each frame's error is relative to its own peak
    (2**bit_depth - 1), as in its PSNR: `mse / peak**2 = 10**(-psnr / 10)`.

    Args:
        psnr_db: The frames' PSNR; infinite for an exact frame, NaN for one without a value, which
            is left out.
        weights: One weight a frame: its pixels.

    Returns:
        dB; infinite where every frame is exact; None where no frame has a value.
    """
    error = weighted_mean((10 ** (-value / 10) for value in psnr_db), weights)
    if error is None:
        return None
    return -10 * math.log10(error) if error > 0 else math.inf
