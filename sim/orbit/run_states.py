"""The states of a satellite over a run, computed when they are needed.

States are large: a month has 90,000 grid times, 4 MB. They follow from a few numbers in the time of
one SGP4 run, so what outlives a satellite's search (passes, accesses) refers to `RunStates`, and
only the states of the last few are kept. A constellation costs no more memory than its passes, and
its geometry travels between processes as a few numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Final

from .ephemeris import Ephemeris
from .motion import GroundMotion
from .search import Near
from .trajectory import Orbit, Trajectory, trajectory

_KEPT: Final = 8
"""States of this many satellites are kept."""


@dataclass(frozen=True, slots=True)
class RunStates:
    """The states of one satellite over a run, on an even grid of times.

    Attributes:
        orbit: The satellite's orbit.
        start: Start of the run, with a time zone.
        duration_s: Length of the run in seconds.
        step_s: Largest step of the grid in seconds.
    """

    orbit: Orbit
    start: datetime
    duration_s: float
    step_s: float = 30.0

    @property
    def trajectory(self) -> Trajectory:
        """The satellite's states at any time."""
        return trajectory(self.orbit, self.start)

    def near(self) -> Near:
        """Return the states, ready to be searched.

        Raises:
            InputError: The orbit or the duration is invalid, or there are no states at a time.
        """
        return _near(self)

    def ephemeris(self) -> Ephemeris:
        """Return the states; see `near`."""
        return _near(self).ephemeris

    def motion(self) -> GroundMotion:
        """Return the motion of the sub-satellite point; see `near`."""
        return _motion(self)


@lru_cache(maxsize=_KEPT)
def _near(states: RunStates) -> Near:
    return Near.of(states.trajectory.ephemeris(states.duration_s, states.step_s))


# The table is a list of numbers, eight times as large as the states: only the last one is kept.
@lru_cache(maxsize=1)
def _motion(states: RunStates) -> GroundMotion:
    return GroundMotion.of(_near(states).ephemeris)
