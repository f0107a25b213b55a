"""Trajectories: a satellite's states at any second of a run, from elements or from a table."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ...link.errors import InputError
from .clock import Clock
from .earth import geodetic
from .elements import Elements
from .ephemeris import Ephemeris, sampled
from .frames import earth_fixed
from .ndm.times import NANOSECONDS, tt_of, utc_text
from .propagator import Propagator
from .states import StateTable

Array = NDArray[np.float64]

# The last time of a run may exceed the end of a table by the rounding of a sum.
_SLACK_S = 1e-6
_BATCH = 50_000  # times interpolated at once: 100 MB at the highest degree

Orbit = Elements | StateTable
"""What describes an orbit: mean elements for SGP4, or a table of states."""


class Trajectory(Protocol):
    """A satellite's states at any second of a run."""

    @property
    def clock(self) -> Clock:
        """The clock of the run."""

    def ecef(self, time_s: Array) -> tuple[Array, Array]:
        """Return position (m) and velocity (m/s) in Earth-fixed axes, each of shape ``(3, n)``.

        Raises:
            InputError: There are no states at one of these times.
        """

    def subpoint(self, time_s: Array) -> tuple[Array, Array, Array]:
        """Return geodetic latitude and longitude (degrees) and height (m) of the satellite."""

    def ephemeris(self, duration_s: float, step_s: float = 30.0) -> Ephemeris:
        """Compute states from 0 to `duration_s` at even steps of at most `step_s`."""


def trajectory(orbit: Orbit, start: datetime) -> Trajectory:
    """Return the trajectory of an orbit.

    Args:
        orbit: Mean elements or a table of states.
        start: Start of the run, with a time zone.
    """
    return Propagator(orbit, start) if isinstance(orbit, Elements) else Tabulated(orbit, start)


@dataclass(frozen=True, slots=True)
class Tabulated:
    """A trajectory that is interpolated in a table of states."""

    table: StateTable
    start: datetime
    clock: Clock = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "clock", Clock(self.start))

    def ecef(self, time_s: Array) -> tuple[Array, Array]:
        """Return position (m) and velocity (m/s) in Earth-fixed axes, each of shape ``(3, n)``.

        Raises:
            InputError: The table has no states at one of these times.
        """
        time_s = np.atleast_1d(np.asarray(time_s, dtype=np.float64))
        batches = np.array_split(time_s, max(1, -(-len(time_s) // _BATCH)))
        states = [self._ecef(batch) for batch in batches]
        position, velocity = zip(*states, strict=True)
        return np.concatenate(position, axis=1), np.concatenate(velocity, axis=1)

    def subpoint(self, time_s: Array) -> tuple[Array, Array, Array]:
        """Return geodetic latitude and longitude (degrees) and height (m) of the satellite."""
        return geodetic(self.ecef(time_s)[0])

    def ephemeris(self, duration_s: float, step_s: float = 30.0) -> Ephemeris:
        """Compute states from 0 to `duration_s` at even steps of at most `step_s`.

        Raises:
            InputError: As for `ecef`, or the duration is not positive and finite.
        """
        return sampled(self.ecef, duration_s, step_s)

    def _ecef(self, time_s: Array) -> tuple[Array, Array]:
        position, velocity = np.empty((3, len(time_s))), np.empty((3, len(time_s)))
        open_times = np.ones(len(time_s), dtype=np.bool_)
        begin = tt_of(self.clock.start)
        for segment in reversed(self.table.segments):
            low, high = ((edge - begin) / NANOSECONDS for edge in (segment.start, segment.stop))
            if low - _SLACK_S > time_s.max() or high + _SLACK_S < time_s.min():
                continue
            chosen = open_times & (time_s >= low - _SLACK_S) & (time_s <= high + _SLACK_S)
            if not chosen.any():
                continue
            wanted_s = time_s[chosen]
            states = segment.interpolation.at(
                wanted_s, (segment.tt - begin) / NANOSECONDS, segment.position, segment.velocity
            )
            fixed = earth_fixed(segment.axes, *states, self.clock, wanted_s)
            position[:, chosen], velocity[:, chosen] = fixed
            open_times &= ~chosen
        if open_times.any():
            missing = begin + round(float(time_s[open_times][0]) * NANOSECONDS)
            raise InputError(
                f"the ephemeris of {self.table.name} has no states at {utc_text(missing)}; "
                f"allowed: a run within {utc_text(self.table.start)} to {utc_text(self.table.stop)}"
            )
        return position, velocity
