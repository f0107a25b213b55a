"""Equal-slope allocation: how many bytes each frame gets, within what memory and downlink allow.

    maximise  Σ value_i(r_i)        concave, piecewise linear, r_i from its first to its last point

    frames arrive at the recorder at times τ_1 ≤ … ≤ τ_n, and C(s, t) bytes can be sent between two
    times. A recorder that sends whenever it can holds, after frame t has arrived,
    max over s ≤ t of r_s + … + r_t − C(τ_s, τ_t). So nothing is dropped if, for all s ≤ t,

        r_s + … + r_t  ≤  C(τ_s, τ_t) + capacity

    and everything is on the ground at the end if, for all s,

        r_s + … + r_n  ≤  C(τ_s, end)

Two such sums that overlap have bounds that add up to those of their union and their intersection.
The bounds are therefore submodular, and the vectors r that obey them are a polymatroid, on which
the greedy algorithm is exact (Edmonds 1970; Federgruen and Groenevelt, Operations Research 34
(1986), 909): give bytes to whoever gains most by the next one, until a bound stops it. At the
optimum all frames that no bound stops have the same slope, as in Shoham and Gersho, IEEE
Transactions on Acoustics, Speech, and Signal Processing 36 (1988), 1445.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class ValueCurve:
    """What a frame is worth at each size: concave, piecewise linear between its points.

    Attributes:
        sizes: Sizes in bytes, rising.
        values: Value at each size, in any unit.
    """

    sizes: tuple[int, ...]
    values: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.sizes) != len(self.values) or not self.sizes:
            raise ValueError(f"{len(self.sizes)} sizes and {len(self.values)} values of a curve")
        if any(b <= a for a, b in zip(self.sizes, self.sizes[1:], strict=False)):
            raise ValueError(f"the sizes of a curve rise; found {self.sizes}")

    def weighted(self, weight: float) -> ValueCurve:
        """Return the curve with all values times a weight."""
        return ValueCurve(self.sizes, tuple(weight * value for value in self.values))

    def at(self, size: float) -> float:
        """Return the value at a size, between the points; that of the nearest point outside."""
        return float(np.interp(size, self.sizes, self.values))


def concave(points: Sequence[tuple[int, float]]) -> ValueCurve:
    """Return the smallest concave curve above points (size, value), in which no value falls.

    Args:
        points: Measured points in any order, at least one.
    """
    best: dict[int, float] = {}
    for size, value in points:
        best[size] = max(value, best.get(size, value))
    hull: list[tuple[int, float]] = []
    for size, value in sorted(best.items()):
        if hull and value <= hull[-1][1]:
            continue  # larger and no better
        while len(hull) >= 2 and _slope(hull[-2], (size, value)) >= _slope(hull[-2], hull[-1]):
            hull.pop()
        hull.append((size, value))
    return ValueCurve(tuple(size for size, _ in hull), tuple(value for _, value in hull))


def _slope(low: tuple[int, float], high: tuple[int, float]) -> float:
    return (high[1] - low[1]) / (high[0] - low[0])


def together(curves: Sequence[ValueCurve]) -> ValueCurve:
    """Return what several frames are worth together, with bytes shared among them at best."""
    size, value = sum(c.sizes[0] for c in curves), sum(c.values[0] for c in curves)
    steps = [
        ((v - u) / (b - a), b - a)
        for c in curves
        for a, b, u, v in zip(c.sizes, c.sizes[1:], c.values, c.values[1:], strict=False)
    ]
    sizes, values = [size], [value]
    for slope, length in sorted(steps, reverse=True):
        sizes.append(sizes[-1] + length)
        values.append(values[-1] + slope * length)
    return ValueCurve(tuple(sizes), tuple(values))


def allocate(
    curves: Sequence[ValueCurve],
    sendable: Sequence[int],
    sendable_at_end: int,
    capacity: int,
) -> list[int]:
    """Return the size of each frame that makes the sum of all values greatest.

    Every frame gets its curve's first size even if that exceeds a bound: a frame that exists has
    some size, and what happens to it then is for the recorder's rule to say.

    Args:
        curves: Value of each frame, in the order of arrival. What is in the recorder already is a
            frame whose curve has one point.
        sendable: Bytes that can be sent from the first arrival until each arrival, not falling.
        sendable_at_end: Bytes that can be sent from the first arrival until the end.
        capacity: Bytes of the recorder.
    """
    if len(curves) != len(sendable):
        raise ValueError(f"{len(curves)} curves and {len(sendable)} times of arrival")
    sizes = np.array([curve.sizes[0] for curve in curves], dtype=np.int64)
    if not curves:
        return []
    sent = np.asarray(sendable, dtype=np.int64)
    steps = [
        (-_slope((a, u), (b, v)), index, number, b - a)
        for index, curve in enumerate(curves)
        for number, (a, b, u, v) in enumerate(
            zip(curve.sizes, curve.sizes[1:], curve.values, curve.values[1:], strict=False)
        )
    ]
    bounds = _Bounds(sizes, sent, sendable_at_end, capacity)
    stopped = np.zeros(len(curves), dtype=np.bool_)
    for slope, index, _, length in sorted(steps):
        if slope >= 0 or stopped[index]:
            continue
        room = bounds.room(index)
        given = min(length, max(0, room))
        if given < length:
            stopped[index] = True  # a bound that holds stays: sizes only grow
        if given:
            sizes[index] += given
            bounds.grow(index, given)
    return [int(size) for size in sizes]


class _Bounds:
    """How far a frame may grow before a bound holds, for the sizes so far.

    With P_t = r_1 + … + r_t and c_t the bytes sendable until arrival t, the room of frame i is
    the least over s ≤ i ≤ t of (c_t − P_t + capacity) + (P_{s−1} − c_s), where for the end
    (c_end − P_n) takes the place of the first bracket.
    """

    def __init__(
        self,
        sizes: NDArray[np.int64],
        sent: NDArray[np.int64],
        sent_at_end: int,
        capacity: int,
    ) -> None:
        total = np.cumsum(sizes)
        self._after = np.append(sent - total + capacity, sent_at_end - total[-1])
        self._before = np.concatenate(([0], total[:-1])) - sent

    def room(self, index: int) -> int:
        """Return the bytes by which a frame may grow; negative if a bound is exceeded."""
        return int(self._after[index:].min() + self._before[: index + 1].min())

    def grow(self, index: int, size: int) -> None:
        """Take note that a frame grew."""
        self._after[index:] -= size
        self._before[index + 1 :] += size
