"""Motion of the sub-satellite point along the ground, which sets the duration of a frame."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np

from .areas import ground_distance
from .areasearch import angular_speed
from .ephemeris import Ephemeris


@dataclass(frozen=True, slots=True)
class GroundMotion:
    """Distance travelled by the sub-satellite point over the rotating Earth.

    The sub-satellite point is in the direction of the Earth's centre. Between two times of the
    table the speed changes linearly. In an eccentric orbit it varies by a factor of ten and more
    within one revolution.

    Attributes:
        time_s: Times in seconds, ascending, at least two.
        speed_m_s: Ground speeds at these times, in m/s.
    """

    time_s: Sequence[float]
    speed_m_s: Sequence[float]
    _way_m: Sequence[float] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        time, speed = np.array(self.time_s), np.array(self.speed_m_s)
        steps = np.diff(time) * (speed[1:] + speed[:-1]) / 2.0
        object.__setattr__(self, "_way_m", np.concatenate(([0.0], np.cumsum(steps))).tolist())

    @classmethod
    def of(cls, ephemeris: Ephemeris) -> Self:
        """Compute the ground motion of an ephemeris."""
        distance = np.sqrt(np.sum(ephemeris.position**2, axis=0))
        ground = ground_distance(ephemeris.position / distance)
        speed = ground * angular_speed(ephemeris.position, ephemeris.velocity)
        return cls(ephemeris.time_s.tolist(), speed.tolist())

    def way_m(self, time_s: float) -> float:
        """Return the metres travelled from the first time to this one.

        Before and after the table, the speed of its first and last time applies.
        """
        row = min(max(bisect_right(self.time_s, time_s) - 1, 0), len(self.time_s) - 2)
        since = time_s - self.time_s[row]
        speed = self.speed_m_s[row]
        if 0.0 <= since <= self.time_s[row + 1] - self.time_s[row]:
            way_m = self._way_m[row] + since * (speed + self._gain(row) * since / 2.0)
            # Rounding must not exceed the table: a satellite at rest would never get there.
            return min(way_m, self._way_m[row + 1])
        if since < 0.0:
            return self._way_m[row] + since * speed
        beyond = time_s - self.time_s[-1]
        return self._way_m[-1] + beyond * self.speed_m_s[-1]

    def time_at_s(self, way_m: float) -> float:
        """Return the time at which a distance is reached; infinite if the motion stops before."""
        row = min(max(bisect_right(self._way_m, way_m) - 1, 0), len(self.time_s) - 2)
        rest = way_m - self._way_m[row]
        speed = self.speed_m_s[row]
        if way_m > self._way_m[-1]:
            rest, speed, row = way_m - self._way_m[-1], self.speed_m_s[-1], len(self.time_s) - 1
        if rest == 0.0:
            return self.time_s[row]
        if rest < 0.0 or row == len(self.time_s) - 1:
            return self.time_s[row] + rest / speed if speed > 0.0 else math.copysign(math.inf, rest)
        # Solve rest = speed t + gain t^2 / 2, in the form that also holds for a gain of zero.
        root = math.sqrt(max(speed * speed + 2.0 * self._gain(row) * rest, 0.0))
        if speed + root == 0.0:
            return self.time_s[row + 1]
        # Stay within the row even if the square of a tiny speed has underflowed.
        return min(self.time_s[row] + 2.0 * rest / (speed + root), self.time_s[row + 1])

    def _gain(self, row: int) -> float:
        step = self.time_s[row + 1] - self.time_s[row]
        return (self.speed_m_s[row + 1] - self.speed_m_s[row]) / step
