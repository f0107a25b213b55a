"""Figures that stand for many: the same on every machine, since nothing depends on an order."""

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
