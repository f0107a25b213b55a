"""All the geometry of one satellite's run, in one call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from .access import Access, Imaging, accesses
from .earth import Site, geodetic
from .eclipse import eclipses
from .elements import Elements
from .motion import GroundMotion
from .passes import GroundStation, Pass, passes
from .polygon import Polygon
from .propagator import Propagator
from .sun import Sun
from .windows import Window

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class GroundTrack:
    """The points below a satellite.

    Attributes:
        time_s: Times, shape ``(n,)``.
        latitude_deg: Geodetic latitudes, shape ``(n,)``.
        longitude_deg: Longitudes, -180 to 180, shape ``(n,)``.
        altitude_m: Heights over WGS 84, shape ``(n,)``.
    """

    time_s: Array = field(compare=False)
    latitude_deg: Array = field(compare=False)
    longitude_deg: Array = field(compare=False)
    altitude_m: Array = field(compare=False)


@dataclass(frozen=True, slots=True)
class Geometry:
    """What the orbit gives a run.

    Attributes:
        passes: Over the stations, in order of AOS.
        accesses: To the targets, in order of start.
        eclipses: In order of time.
        track: The ground track.
        motion: How far it has come along it.
    """

    passes: list[Pass]
    accesses: list[Access]
    eclipses: list[Window]
    track: GroundTrack
    motion: GroundMotion = field(compare=False, repr=False)


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
    """Passes, accesses, eclipses and ground track of one satellite.

    Args:
        elements: Its orbit.
        start: Start of the run, with a time zone.
        duration_s: Length of the run in seconds.
        stations: Ground stations, for the passes.
        targets: Points and polygons, for the accesses.
        imaging: The imager's limits; without it there are no accesses.
        satellite: The index written into passes and accesses.
        step_s: Step of the grid. No pass is missed at 30 s, whatever its length.

    Raises:
        InputError: What is asked for is no orbit, place or time, or SGP4 fails within the run.
    """
    propagator = Propagator(elements, start)
    ephemeris = propagator.ephemeris(duration_s, step_s)
    sun = Sun.over(propagator.clock, duration_s)
    every = max(1, round(60.0 / ephemeris.step_s))
    shown = ephemeris.position[:, ::every]
    return Geometry(
        passes(ephemeris, stations, satellite),
        [] if imaging is None else accesses(ephemeris, sun, targets, imaging, satellite),
        eclipses(ephemeris, sun),
        GroundTrack(ephemeris.time_s[::every], *geodetic(shown)),
        GroundMotion.of(ephemeris),
    )
