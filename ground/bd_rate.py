"""The Bjøntegaard delta rate: how many more bytes a codec needs for the same quality.

The method is that of G. Bjøntegaard, Calculation of average PSNR differences between RD-curves
(VCEG-M33, 2001), but with the piecewise cubic (PCHIP) of JVET's common test conditions instead of
one cubic. The log-rate is a function of PSNR and is integrated over the PSNR range of both curves.

PCHIP follows Fritsch and Butland (SIAM J. Sci. Stat. Comput. 5, 1984). It is thirty lines of numpy
here, because scipy would add forty megabytes that nothing else needs. The tests compare it with
scipy.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class BdRate:
    """The rate of one curve relative to another at equal quality.

    Attributes:
        percent: Bytes more (positive) or less (negative) at equal quality, in per cent; NaN if the
            curves have no quality in common.
        coverage: Share of the requested quality range that both curves reach, 0 to 1.
    """

    percent: float
    coverage: float


def bd_rate(
    anchor: Sequence[tuple[float, float]],
    test: Sequence[tuple[float, float]],
    rates: tuple[float, float] | None = None,
) -> BdRate:
    """Return the BD-rate of `test` against `anchor`.

    Args:
        anchor: Points (rate, quality) of the reference codec, in any order, with rates above 0.
        test: Points (rate, quality) of the codec to compare.
        rates: Two rates; the quality range is that of the anchor between them. None: the whole
            range of the anchor.
    """
    reference, judged = _Curve(anchor), _Curve(test)
    if reference.points < 2:
        return BdRate(math.nan, 0.0)
    low, high = reference.reach(rates)
    if high <= low:
        return BdRate(math.nan, 0.0)
    if judged.points < 2:
        return BdRate(math.nan, 0.0)
    start = max(low, float(judged.quality[0]))
    end = min(high, float(judged.quality[-1]))
    if end <= start:
        return BdRate(math.nan, 0.0)
    mean = (judged.integral(start, end) - reference.integral(start, end)) / (end - start)
    return BdRate((math.exp(mean) - 1) * 100, (end - start) / (high - low))


class _Curve:
    """Log-rate as a function of quality, interpolated between points in which both rise."""

    def __init__(self, points: Sequence[tuple[float, float]]) -> None:
        rising: list[tuple[float, float]] = []
        for rate, quality in sorted(points):
            if math.isfinite(quality) and (not rising or quality > rising[-1][1]):
                rising.append((rate, quality))
        self.points = len(rising)
        self.quality: Array = np.array([quality for _, quality in rising], np.float64)
        self.log_rate: Array = np.log([rate for rate, _ in rising])
        if self.points >= 2:
            self.slopes = pchip_slopes(self.quality, self.log_rate)

    def reach(self, rates: tuple[float, float] | None) -> tuple[float, float]:
        """Return the quality at two rates by inverse interpolation, limited to the curve's ends."""
        if rates is None:
            return float(self.quality[0]), float(self.quality[-1])
        return self._quality_at(math.log(rates[0])), self._quality_at(math.log(rates[1]))

    def _quality_at(self, log_rate: float) -> float:
        low, high = float(self.quality[0]), float(self.quality[-1])
        for _ in range(60):  # the curve rises, so bisection converges
            middle = (low + high) / 2
            if float(self(middle)) < log_rate:
                low = middle
            else:
                high = middle
        return high if log_rate >= self.log_rate[-1] else low

    def __call__(self, quality: float) -> float:
        piece, along = self._piece(quality)
        a, b, c, d = self._cubic(piece)
        return float(((d * along + c) * along + b) * along + a)

    def integral(self, start: float, end: float) -> float:
        return self._antiderivative(end) - self._antiderivative(start)

    def _antiderivative(self, quality: float) -> float:
        last, along = self._piece(quality)
        total = 0.0
        for piece in range(last + 1):
            a, b, c, d = self._cubic(piece)
            x = along if piece == last else float(np.diff(self.quality)[piece])
            total += x * (a + x * (b / 2 + x * (c / 3 + x * d / 4)))
        return total

    def _piece(self, quality: float) -> tuple[int, float]:
        piece = int(np.searchsorted(self.quality, quality, "right")) - 1
        piece = min(max(piece, 0), self.points - 2)
        return piece, quality - float(self.quality[piece])

    def _cubic(self, piece: int) -> tuple[float, float, float, float]:
        step = self.quality[piece + 1] - self.quality[piece]
        secant = (self.log_rate[piece + 1] - self.log_rate[piece]) / step
        left, right = self.slopes[piece], self.slopes[piece + 1]
        return (
            float(self.log_rate[piece]),
            float(left),
            float((3 * secant - 2 * left - right) / step),
            float((left + right - 2 * secant) / step**2),
        )


def pchip_slopes(x: Array, y: Array) -> Array:
    """Return the slopes of the shape-preserving cubic at each of the points, whose x rises."""
    step, secant = np.diff(x), np.diff(y) / np.diff(x)
    if len(x) == 2:
        return np.array([secant[0], secant[0]])
    slopes = np.zeros(len(x))
    same = secant[:-1] * secant[1:] > 0
    weight1 = 2 * step[1:] + step[:-1]
    weight2 = step[1:] + 2 * step[:-1]
    with np.errstate(divide="ignore", invalid="ignore"):
        harmonic = (weight1 + weight2) / (weight1 / secant[:-1] + weight2 / secant[1:])
    slopes[1:-1] = np.where(same, harmonic, 0)
    slopes[0] = _end_slope(step[0], step[1], secant[0], secant[1])
    slopes[-1] = _end_slope(step[-1], step[-2], secant[-1], secant[-2])
    return slopes


def _end_slope(step: float, next_step: float, secant: float, next_secant: float) -> float:
    """Return the one-sided three-point slope, limited so that the curve keeps its shape."""
    slope = ((2 * step + next_step) * secant - step * next_secant) / (step + next_step)
    if slope * secant <= 0:
        return 0.0
    if secant * next_secant < 0 and abs(slope) > 3 * abs(secant):
        return 3 * secant
    return slope
