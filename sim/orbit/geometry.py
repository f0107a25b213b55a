"""Computes all geometry of one satellite's run in one call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from .access import Access, Imaging, accesses
from .access_list import AccessList
from .earth import Site, geodetic
from .eclipse import eclipses
from .motion import GroundMotion
from .passes import GroundStation, Pass, passes
from .polygon import Polygon
from .region import LandArea, Region
from .run_states import RunStates
from .strips import StripSearch, StripView, strip_accesses
from .sun import Sun
from .trajectory import Orbit
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
        strip_views: For an imager that takes strips, what it would see of an area during each
            access to one, by index of the access.
    """

    passes: list[Pass]
    accesses: AccessList
    eclipses: list[Window]
    states: RunStates
    strip_views: Mapping[int, StripView] = field(default_factory=dict, compare=False, repr=False)

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


@dataclass(frozen=True, slots=True)
class StripAreas:
    """The areas that an imager takes in strips.

    Attributes:
        regions: The region of each area, by index of the target.
        frame_m: Length of a frame along the track, in metres.
        gap_m: Unwanted ground, along the track, that does not end an access.
    """

    regions: Mapping[int, Region]
    frame_m: float
    gap_m: float = 0.0


def compute(
    orbit: Orbit,
    start: datetime,
    duration_s: float,
    *,
    stations: Sequence[GroundStation] = (),
    targets: Sequence[Site | Polygon | LandArea] = (),
    imaging: Imaging | None = None,
    strips: StripAreas | None = None,
    satellite: int = 0,
    step_s: float = 30.0,
) -> Geometry:
    """Compute passes, accesses and eclipses of one satellite.

    Args:
        orbit: The satellite's orbit: mean elements, or a table of states.
        start: Start of the run, with a time zone.
        duration_s: Length of the run in seconds.
        stations: Ground stations, for the passes.
        targets: Points, polygons and areas of land, for the accesses.
        imaging: The imager's limits; without them there are no accesses.
        strips: Areas to take in strips; without them, areas of land have no accesses.
        satellite: Index of the satellite, written into passes and accesses.
        step_s: Step of the grid in seconds. At 30 s no pass is missed, however short.

    Raises:
        InputError: An orbit, a place or a time is invalid, SGP4 fails within the run, or a table
            does not cover it.
    """
    states = RunStates(orbit, start, duration_s, step_s)
    ephemeris = states.ephemeris()
    sun = Sun.over(states.trajectory.clock, duration_s)
    found: list[Access] = []
    views: dict[int, StripView] = {}
    if imaging is not None:
        found = accesses(ephemeris, sun, targets, imaging, satellite)
        if strips is not None:
            search = StripSearch.of(
                ephemeris, sun, states.motion(), imaging, frame_m=strips.frame_m, gap_m=strips.gap_m
            )
            land = {n for n, target in enumerate(targets) if isinstance(target, LandArea)}
            bounded = {n: r for n, r in strips.regions.items() if n not in land}
            boundless = {n: r for n, r in strips.regions.items() if n in land}
            found, views = strip_accesses(search, found, bounded, boundless, satellite)
    return Geometry(
        passes(ephemeris, stations, satellite, states),
        AccessList.of(found),
        eclipses(ephemeris, sun),
        states,
        views,
    )
