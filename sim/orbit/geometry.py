"""Computes all geometry of one satellite's run in one call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from .access import Imaging, accesses
from .access_list import AccessList
from .earth import Site, geodetic
from .eclipse import eclipses
from .elements import Elements
from .motion import GroundMotion
from .passes import GroundStation, Pass, passes
from .polygon import Polygon
from .sun import Sun
from .run_states import RunStates
from .windows import Window

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class GroundTrack:
    """The ground track: sub-satellite points over time.

    Attributes:
        time_s: Times in seconds of the run, shape ``(n,)``.
        latitude_deg: Geodetic latitudes, shape ``(n,)``.
        longitude_deg: Longitudes, -180 to 180, shape ``(n,)``.
        altitude_m: Heights of the satellite over WGS 84 in metres, shape ``(n,)``.
    """

    time_s: Array = field(compare=False)
    latitude_deg: Array = field(compare=False)
    longitude_deg: Array = field(compare=False)
    altitude_m: Array = field(compare=False)


@dataclass(frozen=True, slots=True)
class Geometry:
    """Everything about a satellite's run that follows from its orbit.

    Attributes:
        passes: Passes over the stations, in order of AOS.
        accesses: Accesses to the targets, in order of start.
        eclipses: Eclipses, in order of time.
        states: The satellite's states over the run.
    """

    passes: list[Pass]
    accesses: AccessList
    eclipses: list[Window]
    states: RunStates

    @property
    def track(self) -> GroundTrack:
        """The ground track, at least every minute."""
        ephemeris = self.states.ephemeris()
        every = max(1, round(60.0 / ephemeris.step_s))
        return GroundTrack(ephemeris.time_s[::every], *geodetic(ephemeris.position[:, ::every]))

    @property
    def motion(self) -> GroundMotion:
        """Distance along the ground track over time."""
        return self.states.motion()


def compute(
    elements: Elements,
    start: datetime,
    duration_s: float,
    *,
    stations: Sequence[GroundStation] = (),
    targets: Sequence[Site | Polygon] = (),
    imaging: Imaging | None = None,
    satellite: int = 0,
    step_s: float = 30.0,
) -> Geometry:
    """Compute passes, accesses and eclipses of one satellite.

    Args:
        elements: The satellite's orbit.
        start: Start of the run, with a time zone.
        duration_s: Length of the run in seconds.
        stations: Ground stations, for the passes.
        targets: Points and polygons, for the accesses.
        imaging: The imager's limits; without them there are no accesses.
        satellite: Index of the satellite, written into passes and accesses.
        step_s: Step of the grid in seconds. At 30 s no pass is missed, however short.

    Raises:
        InputError: An orbit, a place or a time is invalid, or SGP4 fails within the run.
    """
    states = RunStates(elements, start, duration_s, step_s)
    ephemeris = states.ephemeris()
    sun = Sun.over(states.propagator.clock, duration_s)
    return Geometry(
        passes(ephemeris, stations, satellite, states),
        AccessList.of(
            () if imaging is None else accesses(ephemeris, sun, targets, imaging, satellite)
        ),
        eclipses(ephemeris, sun),
        states,
    )
