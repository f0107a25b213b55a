"""Finds the windows in which a condition on satellite and place holds, for many places at once.

The search has two steps. First, the cosines, in single precision, of the angles between places and
satellite over a grid of times select the few pairs of place and time that are near enough. Then
the condition's value and rate are computed for these pairs. Every sign change of the
rate between two grid times brackets a maximum or minimum, which is located, so a window shorter
than the grid's step is found as reliably as a long one. Every sign change of the value then
brackets a start or an end.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ...link.root_finding import root
from .ephemeris import Ephemeris
from .windows import Peaks, Windows

Array = NDArray[np.float64]
Index = NDArray[np.intp]

_CELLS = 100_000  # cosines at a time: 0.4 MB, which a core's cache holds
_PAIRS = 200_000  # pairs of place and time evaluated at a time: 40 MB
# Far below the millisecond to which results are rounded, so last bits hardly ever matter.
_TOLERANCE_S = 1e-9


class Condition(Protocol):
    """A condition, as a smooth value that is positive or zero where it holds.

    Between two grid times the value may have at most one maximum or minimum.
    """

    def evaluate(
        self, item: Index, time_s: Array, position: Array, velocity: Array
    ) -> tuple[Array, Array]:
        """Return value and rate per second for items at times.

        Args:
            item: Indices of the places, shape ``(n,)``.
            time_s: Times, shape ``(n,)``.
            position: Earth-fixed satellite positions in metres, shape ``(3, n)``.
            velocity: Earth-fixed satellite velocities in m/s, shape ``(3, n)``.
        """
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Near:
    """Selects the pairs of place and grid time within an angle at the Earth's centre.

    The angle is widened by the satellite's motion in one step, so the selection includes both grid
    times around any time at which the satellite is within the angle.
    """

    ephemeris: Ephemeris
    _direction: NDArray[np.float32]
    _motion: float

    @classmethod
    def of(cls, ephemeris: Ephemeris) -> Near:
        """Prepare the selection for an ephemeris."""
        radius = np.sqrt(np.sum(ephemeris.position**2, axis=0))
        speed = np.sqrt(np.sum(ephemeris.velocity**2, axis=0))
        # The margin of a tenth covers changes of the rate between grid times and single precision.
        motion = 1.1 * float((speed / radius).max()) * ephemeris.step_s + 1e-3
        return cls(ephemeris, (ephemeris.position / radius).astype(np.float32), motion)

    def pairs(self, direction: Array, reach: Array) -> Iterator[tuple[Index, Index]]:
        """Yield indices of places and grid times, sorted by place and time, in batches of places.

        Args:
            direction: Unit vectors of the places, shape ``(3, n)``.
            reach: Angles at the Earth's centre in radians, shape ``(n,)``.
        """
        number, times = direction.shape[1], self._direction.shape[1]
        batch = max(1, _CELLS // max(1, times))
        for low in range(0, number, batch):
            part = slice(low, low + batch)
            x, y, z = direction[:, part, None].astype(np.float32)
            # Not a matrix product: with three terms a sum, a library's threads only cost time.
            cosines = x * self._direction[0]
            cosines += y * self._direction[1]
            cosines += z * self._direction[2]
            flat = np.flatnonzero(cosines >= self._least(reach[part])[:, None])
            place = flat // max(1, times)
            yield place + low, flat - place * times

    def _least(self, reach: Array) -> NDArray[np.float32]:
        angle = reach + self._motion
        return np.where(angle >= np.pi, -2.0, np.cos(np.minimum(angle, np.pi))).astype(np.float32)


def find(
    condition: Condition, ephemeris: Ephemeris, item: Index, grid: Index
) -> tuple[Windows, Peaks]:
    """Find the windows in which a condition holds, and the maxima of its value in them.

    A window that is open at the first or the last grid time is cut there.

    Args:
        condition: The condition.
        ephemeris: The satellite's states.
        item: Indices of the places, sorted, shape ``(n,)``.
        grid: Indices of grid times, sorted for each place, shape ``(n,)``. They must include both
            neighbours of every time at which the condition could hold.
    """
    number = len(item)
    value, rate = np.empty(number), np.empty(number)
    for low in range(0, number, _PAIRS):
        part = slice(low, low + _PAIRS)
        at = grid[part]
        value[part], rate[part] = condition.evaluate(
            item[part],
            ephemeris.time_s[at],
            ephemeris.position[:, at],
            ephemeris.velocity[:, at],
        )

    def value_at(which: Index, time_s: Array) -> Array:
        return condition.evaluate(which, time_s, *ephemeris.at(time_s))[0]

    def rate_at(which: Index, time_s: Array) -> Array:
        return condition.evaluate(which, time_s, *ephemeris.at(time_s))[1]

    tolerance = max(_TOLERANCE_S, 4.0 * float(np.spacing(ephemeris.end_s)))
    joined = (item[1:] == item[:-1]) & (grid[1:] == grid[:-1] + 1)
    time, holds, rises = ephemeris.time_s[grid], value >= 0.0, rate > 0.0
    top = joined & rises[:-1] & ~rises[1:]
    # A minimum matters only where it could split a window.
    bottom = joined & ~rises[:-1] & rises[1:] & holds[:-1] & holds[1:]
    turning = np.flatnonzero(top | bottom)
    turn_item = item[turning]
    turn_time = root(
        rate_at,
        turn_item,
        (time[turning], rate[turning]),
        (time[turning + 1], rate[turning + 1]),
        tolerance,
    )
    turn_value = value_at(turn_item, turn_time)

    # Spans with at most one crossing each: between grid times, split at the extrema.
    plain = np.flatnonzero(joined & ~(top | bottom) & (holds[:-1] != holds[1:]))
    side = [
        (item[plain], time[plain], value[plain], time[plain + 1], value[plain + 1]),
        (turn_item, time[turning], value[turning], turn_time, turn_value),
        (turn_item, turn_time, turn_value, time[turning + 1], value[turning + 1]),
    ]
    which, left, left_value, right, right_value = (
        np.concatenate(column) for column in zip(*side, strict=True)
    )
    crosses = (left_value >= 0.0) != (right_value >= 0.0)
    which, left, left_value, right, right_value = (
        column[crosses] for column in (which, left, left_value, right, right_value)
    )
    crossing = root(value_at, which, (left, left_value), (right, right_value), tolerance)
    rising = right_value >= 0.0

    opened = np.flatnonzero(holds & np.concatenate(([True], ~joined))[:number])
    closed = np.flatnonzero(holds & np.concatenate((~joined, [True]))[:number])
    start_item = np.concatenate((which[rising], item[opened]))
    start = np.concatenate((crossing[rising], time[opened]))
    end_item = np.concatenate((which[~rising], item[closed]))
    end = np.concatenate((crossing[~rising], time[closed]))
    first, last = np.lexsort((start, start_item)), np.lexsort((end, end_item))
    windows = Windows(start_item[first], start[first], end[last])
    high = top[turning] & (turn_value >= 0.0)
    peaks = Peaks(turn_item[high], turn_time[high], turn_value[high])
    return windows.take(windows.end_s > windows.start_s), peaks
