"""Figures that stand for many: the same on every machine, since nothing depends on an order.

Whatever shows a mean takes it from here, so that it means the same in summary.json, in the
terminal, in the report and in a comparison.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence


def percentile(values: Iterable[float], share: float) -> float | None:
    """Return the smallest value that at least `share` of the values do not exceed.

    The nearest-rank definition (Hyndman and Fan 1996, type 1): always one of the values.
    None where there are none.
    """
    ordered = sorted(values)
    if not ordered:
        return None
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def mean(values: Sequence[float]) -> float | None:
    """Return the arithmetic mean, summed without rounding error; None where there are none."""
    return math.fsum(values) / len(values) if values else None


def weighted_mean(values: Iterable[float], weights: Iterable[float]) -> float | None:
    """Return the weighted mean of the values that are numbers; None where there are none.

    Args:
        values: The values; NaN stands for one that does not exist and is left out.
        weights: One weight a value, not negative.
    """
    pairs = [(v, w) for v, w in zip(values, weights, strict=True) if not math.isnan(v)]
    total = math.fsum(weight for _, weight in pairs)
    return math.fsum(v * w for v, w in pairs) / total if total else None


def pooled_psnr(psnr_db: Iterable[float], weights: Iterable[float]) -> float | None:
    """Return the PSNR of the mean square error over many frames, in dB.

    A mean of decibels has no place for a frame that is exact, whose PSNR is infinite: leaving it
    out makes a mission look worse the more frames it delivers exactly. The mean square error has:
    it is 0 there. Each frame's error is taken relative to its own peak (2**bit_depth - 1), which
    is what its PSNR tells: `mse / peak**2 = 10**(-psnr / 10)`.

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
