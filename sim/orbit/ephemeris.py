"""States of a satellite on an even grid of times, with interpolation between them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...link.errors import InputError

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Ephemeris:
    """Earth-fixed states on an even grid, with cubic Hermite interpolation between them.

    Interpolation saves running SGP4 in every step of a root search. At a 30 s step in low orbit
    its error is below 0.3 m, or 40 µs along the track. The cubic alone is good to 3 cm, but SGP4's
    velocity is not exactly the rate of its position.

    Attributes:
        time_s: Grid of times in even steps, shape ``(n,)``.
        position: Earth-fixed positions in metres, shape ``(3, n)``.
        velocity: Earth-fixed velocities in m/s, shape ``(3, n)``.
    """

    time_s: Array
    position: Array
    velocity: Array

    @property
    def step_s(self) -> float:
        """Seconds from one grid time to the next."""
        return float(self.time_s[-1] - self.time_s[0]) / (len(self.time_s) - 1)

    @property
    def end_s(self) -> float:
        """The last grid time."""
        return float(self.time_s[-1])

    def at(self, time_s: Array) -> tuple[Array, Array]:
        """Return position and velocity at times within the grid, each of shape ``(3, n)``."""
        step = self.step_s
        scaled = (time_s - self.time_s[0]) / step
        left = np.clip(scaled.astype(np.intp), 0, len(self.time_s) - 2)
        u = scaled - left
        p0, p1 = self.position[:, left], self.position[:, left + 1]
        v0, v1 = self.velocity[:, left] * step, self.velocity[:, left + 1] * step
        difference = p1 - p0
        # The cubic in Horner's form about the left end.
        c2 = 3.0 * difference - 2.0 * v0 - v1
        c3 = v0 + v1 - 2.0 * difference
        position = p0 + u * (v0 + u * (c2 + u * c3))
        velocity = (v0 + u * (2.0 * c2 + 3.0 * u * c3)) / step
        return position, velocity


def sampled(
    states: Callable[[Array], tuple[Array, Array]], duration_s: float, step_s: float
) -> Ephemeris:
    """Compute states from 0 to `duration_s` at even steps of at most `step_s`.

    Args:
        states: Returns Earth-fixed positions and velocities at times, each of shape ``(3, n)``.
        duration_s: Length of the run in seconds.
        step_s: Largest step in seconds.

    Raises:
        InputError: There are no states at some time, or the duration is not positive and finite.
    """
    if not 0.0 < duration_s < float("inf"):
        raise InputError(f"duration {duration_s:g} s; allowed is more than 0 s")
    count = max(1, int(np.ceil(duration_s / step_s)))
    time_s = np.linspace(0.0, duration_s, count + 1)
    return Ephemeris(time_s, *states(time_s))
