"""Computes all geometry of one satellite's run in one call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from .access import Access, Imaging, accesses
from .earth import Site, geodetic
from .eclipse import eclipses
from .motion import GroundMotion
from .passes import GroundStation, Pass, passes
from .polygon import Polygon
from .sun import Sun
from .trajectory import Orbit, trajectory
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
        track: The ground track.
        motion: Distance along the ground track over time.
    """

    passes: list[Pass]
    accesses: list[Access]
    eclipses: list[Window]
    track: GroundTrack
    motion: GroundMotion = field(compare=False, repr=False)


def compute(
    orbit: Orbit,
    start: datetime,
    duration_s: float,
    *,
    stations: Sequence[GroundStation] = (),
    targets: Sequence[Site | Polygon] = (),
    imaging: Imaging | None = None,
    satellite: int = 0,
    step_s: float = 30.0,
) -> Geometry:
    """Compute passes, accesses, eclipses and ground track of one satellite.

    Args:
        orbit: The satellite's orbit: mean elements, or a table of states.
        start: Start of the run, with a time zone.
        duration_s: Length of the run in seconds.
        stations: Ground stations, for the passes.
        targets: Points and polygons, for the accesses.
        imaging: The imager's limits; without them there are no accesses.
        satellite: Index of the satellite, written into passes and accesses.
        step_s: Step of the grid in seconds. At 30 s no pass is missed, however short.

    Raises:
        InputError: An orbit, a place or a time is invalid, SGP4 fails within the run, or a table
            does not cover it.
    """
    satellite_trajectory = trajectory(orbit, start)
    ephemeris = satellite_trajectory.ephemeris(duration_s, step_s)
    sun = Sun.over(satellite_trajectory.clock, duration_s)
    every = max(1, round(60.0 / ephemeris.step_s))
    shown = ephemeris.position[:, ::every]
    return Geometry(
        passes(ephemeris, stations, satellite),
        [] if imaging is None else accesses(ephemeris, sun, targets, imaging, satellite),
        eclipses(ephemeris, sun),
        GroundTrack(ephemeris.time_s[::every], *geodetic(shown)),
        GroundMotion.of(ephemeris),
    )
